"""What is to be done where other settings replace those in force: decided, not done."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Final

from exporter.app.identity import api_versions_of, identity_of, state_keys_of
from exporter.config import documented_settings

if TYPE_CHECKING:
    from collections.abc import Hashable, Sequence

    from exporter.config import Project, Settings

# Sockets and routes are made once, and the state file is locked and read once.
FIXED: Final = (
    "state.file",
    "web.listen_address",
    "web.telemetry_path",
    "web.enable_lifecycle",
    "web.config.file",
)


@dataclass(frozen=True, slots=True)
class Begun:
    """A project that is begun, perhaps where another entry of the same project stops.

    ``former`` is the name of that entry.
    """

    project: Project
    former: str | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """The way from some settings to others.

    Pollers of the ``kept`` projects go on, perhaps by other rules. All others are stopped, and the
    ``begun`` ones begin after that. The names of ``changed_settings`` do not include ``projects``;
    those of ``fixed_settings`` need a restart.
    """

    kept: tuple[Project, ...]
    begun: tuple[Begun, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    changed_settings: tuple[str, ...]
    fixed_settings: tuple[str, ...]


def changes_between(before: Settings, after: Settings) -> Changes:
    """Decide what replacing some settings by others takes."""
    former = _former_entries(before.projects, after.projects)
    known = {project.name: project for project in before.projects}
    keys_before, keys = state_keys_of(before.projects), state_keys_of(after.projects)
    kept, begun, added, changed = [], [], [], []
    for project in after.projects:
        name = former.get(project.name)
        if name is None:
            begun.append(Begun(project))
            added.append(project.name)
        elif keys_before[name] == keys[project.name] and (
            _poller_of(known[name], before) == _poller_of(project, after)
        ):
            kept.append(project)
        else:
            begun.append(Begun(project, name))
            changed.append(project.name)
    settings = [*_different(before, after)]
    return Changes(
        kept=tuple(kept),
        begun=tuple(begun),
        added=tuple(added),
        removed=tuple(name for name in known if name not in former.values()),
        changed=tuple(changed),
        changed_settings=tuple(name for name in settings if name not in FIXED),
        fixed_settings=tuple(name for name in settings if name in FIXED),
    )


def with_fixed_of(settings: Settings, running: Settings) -> Settings:
    """Return settings, but for what cannot change while the exporter runs."""
    return settings.model_copy(update={"state": running.state, "web": running.web})


def _former_entries(before: Sequence[Project], after: Sequence[Project]) -> dict[str, str]:
    """Name for each project that was there before its former entry, each for one at most.

    Of several entries of one project, that of the same name is the former one.
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


def _poller_of(project: Project, settings: Settings) -> tuple[Hashable, ...]:
    """Return what a project's poller is made of, and cannot change while it polls.

    A key's file is read again by the poller itself. What the log calls a key is not among it: that
    of a list tells its place there, which changes where another project is added or removed.
    """
    file = project.api_key_file
    key = file.path if file else project.api_key
    return (
        *(project.name, project.base_url, project.project_id, project.organization_id),
        *(file is None, key),
        *(project.directory_ids, project.job_types, api_versions_of(project, settings)),
        settings.api.concurrency,
    )


def _different(before: Settings, after: Settings) -> list[str]:
    names = (doc.setting for doc in documented_settings() if doc.setting != "projects")
    return [name for name in names if attrgetter(name)(before) != attrgetter(name)(after)]
