"""What makes a configured project the same one as another: its server, and its id there."""

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
    """Name the generations of the API that a project is read by."""
    return project.api_versions or settings.api.versions


def identity_of(project: Project) -> str:
    """Return what is the same for two entries of one project, however they are named."""
    # The default project of a key has no id that is known.
    project_id = project.project_id
    in_server = f"id {plain_id(project_id)}" if project_id else f"name {project.name}"
    return f"{normalized_url(project.base_url)} {in_server}"


def state_keys_of(projects: Sequence[Project]) -> dict[str, str]:
    """Return what each project is called in the state file, by its name.

    Several entries of one project, which differ by their filters, have states of their own.
    """
    entries = Counter(map(identity_of, projects))
    return {
        project.name: identity
        if entries[identity := identity_of(project)] == 1
        else _key_of_one_of_several(project)
        for project in projects
    }


def former_state_keys_of(projects: Sequence[Project]) -> dict[str, str]:
    """Return what else a project may be called in the state file, by what it is called there now.

    An entry that was alone may be one of several now, and the other way round.
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
