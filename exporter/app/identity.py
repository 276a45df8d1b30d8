"""Which configured projects are the same one: those with one server, and one id there."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from exporter.app.access import normalized_url
from exporter.domain.ids import plain_id

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.config import Project, Settings
    from exporter.domain import ApiVersion


def api_versions_of(project: Project, settings: Settings) -> tuple[ApiVersion, ...]:
    """Return the generations of the API by which a project is read."""
    return project.api_versions or settings.api.versions


def identity_of(project: Project) -> str:
    """Return a text that all entries of one project share, whatever their names."""
    # The id of a key's default project is not known.
    project_id = project.project_id
    in_server = f"id {plain_id(project_id)}" if project_id else f"name {project.name}"
    return f"{normalized_url(project.base_url)} {in_server}"


def state_keys_of(projects: Sequence[Project]) -> dict[str, str]:
    """Return the key of each project in the state file, by the project's name.

    Several entries of one project, which differ by their filters, have a state each.
    """
    entries = Counter(map(identity_of, projects))
    return {
        project.name: identity
        if entries[identity := identity_of(project)] == 1
        else _key_of_one_of_several(project)
        for project in projects
    }


def former_state_keys_of(projects: Sequence[Project]) -> dict[str, str]:
    """Return the other key that a project may have had in the state file, by its key now.

    The only entry of a project may be one of several now, or the other way round.
    """
    return {
        key: _key_of_one_of_several(project)
        if key == identity_of(project)
        else identity_of(project)
        for project, key in zip(projects, state_keys_of(projects).values(), strict=True)
        if project.project_id
    }


def _key_of_one_of_several(project: Project) -> str:
    return f"{identity_of(project)} name {project.name}"
