"""Which changes a reload makes, decided from the settings before and after it."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from exporter.app.identity import api_versions_of, identity_of, state_keys_of
from exporter.config import PROJECTS, documented_settings

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from exporter.config import Project, Settings

# They need a restart: sockets and routes are made once, the state file is locked and read once.
FIXED: Final = (
    "state.file",
    "web.listen_address",
    "web.telemetry_path",
    "web.enable_lifecycle",
    "web.config.file",
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A project whose polling begins; ``former`` names the entry of the same project that ends."""

    project: Project
    former: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes from some settings to others.

    Pollers of ``kept`` projects continue, perhaps by other rules. All others are stopped, and then
    those of ``begun`` projects start. ``added``, ``removed`` and ``changed`` are names of projects;
    those in ``changed`` get another poller. ``changed_settings`` are names without ``projects``;
    ``fixed_settings`` need a restart.
    """

    kept: tuple[Project, ...]
    begun: tuple[Begun, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    changed_settings: tuple[str, ...]
    fixed_settings: tuple[str, ...]


def changes_between(before: Settings, after: Settings) -> Changes:
    """Return the changes that a reload must make."""
    former = _former_entries(before.projects, after.projects)
    known = {project.name: project for project in before.projects}
    keys_before, keys = state_keys_of(before.projects), state_keys_of(after.projects)
    kept, begun = [], []
    for project in after.projects:
        name = former.get(project.name)
        # A poller saves the project under the key that it began with.
        if (
            name is not None
            and keys_before[name] == keys[project.name]
            and _built_from(known[name], before) == _built_from(project, after)
        ):
            kept.append(project)
        else:
            begun.append(Begun(project, name))
    settings = [
        doc.setting
        for doc in documented_settings()
        if doc.setting != PROJECTS
        and attrgetter(doc.setting)(before) != attrgetter(doc.setting)(after)
    ]
    return Changes(
        kept=tuple(kept),
        begun=tuple(begun),
        added=tuple(each.project.name for each in begun if each.former is None),
        removed=tuple(name for name in known if name not in former.values()),
        changed=tuple(each.project.name for each in begun if each.former is not None),
        changed_settings=tuple(name for name in settings if name not in FIXED),
        fixed_settings=tuple(name for name in settings if name in FIXED),
    )


def with_fixed_of(settings: Settings, running: Settings) -> Settings:
    """Return the settings, but with the running values of those that need a restart."""
    return settings.model_copy(update={"state": running.state, "web": running.web})


def _former_entries(before: Sequence[Project], after: Sequence[Project]) -> dict[str, str]:
    """Map each project that was configured before to the name of its former entry.

    No entry is the former one of two projects. An entry of the same name is preferred.
    """
    left = {project.name: identity_of(project) for project in before}
    former: dict[str, str] = {}
    for project in after:
        if left.get(project.name) == identity_of(project):
            former[project.name] = project.name
            del left[project.name]
    for project in after:
        renamed = (name for name, identity in left.items() if identity == identity_of(project))
        if project.name not in former and (name := next(renamed, None)) is not None:
            former[project.name] = name
            del left[name]
    return former


def _built_from(project: Project, settings: Settings) -> tuple[Hashable, ...]:
    """Return what a project's poller is built from, and cannot change while it polls.

    The poller itself reads a key file again. The origin of a key is left out: it holds the position
    in the list of projects, which changes when another project is added or removed.
    """
    file = project.key.file
    key = file.path if file else project.key.value
    return (
        *(project.name, project.base_url, project.project_id, project.organization_id),
        *(file is None, key),
        *(project.directory_ids, project.job_types, api_versions_of(project, settings)),
        settings.api.concurrency,
    )
