"""The projects to poll, from ``projects`` or the ``LLAMA_CLOUD_*`` variables."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from pydantic import ValidationError

from exporter.config.errors import invalid, shown, unknown
from exporter.config.project import ConfiguredProject, Project
from exporter.config.project_entries import KEY_VARIABLES, ProjectEntry, common_entry, read_entries
from exporter.config.values import DEFAULT_BASE_URL

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from exporter.config.keys import ApiKey, KnownKeys
    from exporter.config.sources import Source

# A URL may hold a password, and a file may be named by its key.
_NEVER_SHOWN = {"api_key", "api_key_file", "base_url"}


def resolve_projects(
    source: Source | None,
    environ: Mapping[str, str],
    problems: list[str],
    known_keys: KnownKeys,
    *,
    waits_for_key: bool = False,
) -> tuple[Project, ...]:
    """Return the projects to poll, each with its key and base URL.

    ``source`` is the place that sets ``projects``. All mistakes in it, in the variables and, unless
    the exporter ``waits_for_key``, in key files are added to ``problems``. The keys are added to
    ``known_keys``.
    """
    common = common_entry(environ)
    entries = [*read_entries(source, environ, problems)]
    keys = [entry.key for entry in (common, *entries) if entry.key]
    # All keys are known before anything else is checked: it may repeat one of them.
    for key in keys:
        if key.value:
            known_keys.add(key.value.get_secret_value())
    defaults = _configured(common, known_keys, problems) or ConfiguredProject()
    configured = [_configured(entry, known_keys, problems) for entry in entries]
    problems += [key.problem for key in keys if key.problem and not (waits_for_key and key.file)]
    projects = []
    for entry, fields in zip(entries, configured, strict=True):
        project_key = entry.key or common.key
        if fields and project_key:
            projects.append(_resolved(fields, project_key, defaults))
        elif fields:
            problems.append(_missing_key(entry.named))
    problems += _repeated_names(entries, configured)
    return tuple(projects)


def _configured(
    entry: ProjectEntry, known_keys: KnownKeys, problems: list[str]
) -> ConfiguredProject | None:
    """Return the fields of an entry, ``None`` if there are mistakes in them."""
    places = {field: entry.place(field) for field in entry.item}
    misplaced = known_keys.find_in(
        {places[field]: value for field, value in entry.item.items() if field != "api_key"},
        problems,
    )
    try:
        configured = ConfiguredProject.model_validate(entry.item)
    except ValidationError as error:
        for details in error.errors():
            field, *indexes = map(str, details["loc"])
            place = places[field] + "".join(f"[{index}]" for index in indexes)
            if places[field] in misplaced:
                continue
            if details["type"] == "extra_forbidden":
                known = ConfiguredProject.model_fields
                problems.append(f"{entry.named}.{unknown(field, known)}")
            else:
                problems.append(invalid(place, details, show_value=field not in _NEVER_SHOWN))
        return None
    return None if misplaced else configured


def _resolved(configured: ConfiguredProject, key: ApiKey, defaults: ConfiguredProject) -> Project:
    return Project(
        name=configured.called,
        project_id=configured.project_id,
        organization_id=configured.organization_id or defaults.organization_id,
        key=key,
        base_url=configured.base_url or defaults.base_url or DEFAULT_BASE_URL,
        directory_ids=configured.directory_ids,
        job_types=configured.job_types,
        api_versions=configured.api_versions,
    )


def _missing_key(named: str) -> str:
    variables = " or ".join(KEY_VARIABLES)
    if named:
        return f"{named} has no key; give it an api_key_file, or set {variables}."
    return f"there is no API key; set {variables}, or try `llamacloud-batch-exporter --demo`."


def _repeated_names(
    entries: Sequence[ProjectEntry], configured: Sequence[ConfiguredProject | None]
) -> Iterator[str]:
    nameless: list[str] = []
    names: Counter[str] = Counter()
    for entry, fields in zip(entries, configured, strict=True):
        if fields and not (fields.name or fields.project_id):
            nameless.append(entry.named)
        else:
            names[fields.called if fields else str(entry.item.get("name") or "")] += 1
    if len(nameless) > 1:
        yield (
            f"{len(nameless)} projects have no name, such as {nameless[0]} and {nameless[1]};"
            ' give each a name of its own, as in "name: invoices".'
        )
    for name, count in names.items():
        if name and count > 1:
            yield f"{count} projects are named {shown(name)}; give each a name of its own."
