"""The projects to watch, from ``projects`` or the ``LLAMA_CLOUD_*`` variables."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pydantic import ValidationError

from exporter.config.entries import Entry, read_entries
from exporter.config.errors import ConfigError, invalid, shown, unknown
from exporter.config.project import ConfiguredProject, Project
from exporter.config.variables import (
    KEY_VARIABLES,
    Common,
    common_key,
    common_settings,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.config.misplaced import KnownKeys
    from exporter.config.sources import Source

_TWO = 2
_SHOWN_FIELDS = {
    "name",
    "project_id",
    "organization_id",
    "directory_ids",
    "job_types",
    "api_versions",
}


def resolve_projects(
    source: Source | None,
    environ: Mapping[str, str],
    problems: list[str],
    known_keys: KnownKeys,
    *,
    waits_for_key: bool = False,
) -> tuple[Project, ...]:
    """Return the projects to watch, each with its key and base URL.

    ``source`` is the place that sets ``projects``. All mistakes in it, in the variables and in the
    key files are added to ``problems``; those of key files are none if it ``waits_for_key``. The
    keys are added to ``known_keys``.
    """
    common_problems: list[str] = []
    key = common_key(environ, common_problems, waits=waits_for_key)
    known_keys.add(key)
    # All keys are known before anything else is checked: it may repeat one of them.
    entries = read_entries(source, environ, known_keys, problems, waits_for_key=waits_for_key)
    for entry in entries:
        known_keys.add(entry.key)
    common = common_settings(environ, key, known_keys, common_problems)
    problems += common_problems
    # Without the common key nobody knows which others are needed.
    return _resolve_all(entries, None if common_problems else common, known_keys, problems)


def _resolve_all(
    entries: Iterable[Entry], common: Common | None, known_keys: KnownKeys, problems: list[str]
) -> tuple[Project, ...]:
    names: list[str] = []
    nameless: list[str] = []
    projects: list[Project] = []
    key_problems: list[str] = []
    for entry in entries:
        configured = _configured(entry, known_keys, problems)
        if configured and not (configured.name or configured.project_id):
            nameless.append(entry.named)
        else:
            names.append(configured.called if configured else str(entry.item.get("name") or ""))
        if entry.key_problems:
            # An entry with other mistakes is to be mended in one go.
            (key_problems if configured else problems).extend(entry.key_problems)
        elif configured and common:
            try:
                projects.append(_resolved(entry, configured, common))
            except ConfigError as error:
                key_problems += error.problems
    problems += key_problems if common else []
    problems += _without_name(nameless)
    problems += _repeated(name for name in names if not known_keys.are_in(name))
    return tuple(projects)


def _configured(
    entry: Entry, known_keys: KnownKeys, problems: list[str]
) -> ConfiguredProject | None:
    named, item = entry.named, entry.item
    misplaced = [f for f, value in item.items() if f != "api_key" and known_keys.are_in(value)]
    problems += [known_keys.mistake(f"{named}.{field}") for field in misplaced]
    known = ConfiguredProject.model_fields
    # pydantic does not say which key is unknown if it is a text that UTF-8 cannot encode.
    strange = [field for field in item if field not in known]
    configured = None
    try:
        configured = ConfiguredProject.model_validate({f: item[f] for f in item if f in known})
    except ValidationError as error:
        for details in error.errors():
            field, *indexes = details["loc"]
            if field not in misplaced:
                place = f"{named}.{field}" + "".join(f"[{index}]" for index in indexes)
                problems.append(invalid(place, details, show_value=field in _SHOWN_FIELDS))
    problems += [f"{named}.{unknown(f, known)}" for f in strange if f not in misplaced]
    return None if misplaced or strange else configured


def _resolved(entry: Entry, configured: ConfiguredProject, common: Common) -> Project:
    key = entry.key or common.api_key
    if key is None:
        raise ConfigError(_missing_key(entry.named))
    return Project(
        name=configured.called,
        project_id=configured.project_id,
        organization_id=configured.organization_id or common.organization_id,
        api_key=key.value,
        base_url=configured.base_url or common.base_url,
        directory_ids=configured.directory_ids,
        job_types=configured.job_types,
        api_versions=configured.api_versions,
        api_key_origin=key.origin,
        api_key_file=key.file,
        api_key_problem=key.problem,
    )


def _missing_key(named: str) -> str:
    variables = " or ".join(KEY_VARIABLES)
    if named:
        return f"{named} has no key; give it an api_key_file, or set {variables}."
    return f"there is no API key; set {variables}, or try `llamacloud-batch-exporter --demo`."


def _repeated(names: Iterable[str]) -> list[str]:
    return [
        f"{count} projects are named {shown(name)}; give each a name of its own."
        for name, count in Counter(names).items()
        if name and count > 1
    ]


def _without_name(entries: Sequence[str]) -> list[str]:
    """Say that several entries of the list leave out both name and id."""
    if len(entries) < _TWO:
        return []
    first, second, *_ = entries
    return [
        (
            f"{len(entries)} projects have no name, such as {first} and {second};"
            ' give each a name of its own, as in "name: invoices".'
        )
    ]
