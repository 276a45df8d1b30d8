"""The projects to watch, from ``projects`` or the ``LLAMA_CLOUD_*`` variables."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from exporter.config.documentation import PROJECTS
from exporter.config.errors import ConfigError, invalid, shown, unknown
from exporter.config.keys import ApiKey, find_key
from exporter.config.project import ConfiguredProject, Project
from exporter.config.values import DEFAULT_BASE_URL, check_base_url, check_uuid

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from exporter.config.sources import Source

_IDS_VARIABLE = "LLAMA_CLOUD_PROJECT_ID"
_URL_VARIABLE = "LLAMA_CLOUD_BASE_URL"
_KEY_VARIABLES = ("LLAMA_CLOUD_API_KEY", "LLAMA_CLOUD_API_KEY_FILE")
_SHOWN_FIELDS = {
    "name",
    "project_id",
    "organization_id",
    "directory_ids",
    "job_types",
    "api_versions",
}


class _Common(NamedTuple):
    """What the variables say of every project that does not say it itself."""

    api_key: ApiKey | None
    base_url: str


def resolve_projects(
    source: Source | None,
    environ: Mapping[str, str],
    problems: list[str],
    *,
    waits_for_key: bool = False,
) -> tuple[Project, ...]:
    """Return the projects to watch, each with its key and base URL.

    ``source`` is the place that sets ``projects``. All mistakes in it, in the variables and in the
    key files are added to ``problems``; those of key files are none if it ``waits_for_key``.
    """
    common = _common(environ, problems, waits=waits_for_key)
    directory = source.directory if source else Path()
    names: list[str] = []
    projects: list[Project] = []
    key_problems: list[str] = []
    for named, item in _items(source, environ, problems):
        configured = _configured(named, item, problems)
        names.append(configured.called if configured else str(item.get("name") or ""))
        try:
            key = _own_key(named, item, directory, waits=waits_for_key)
            if configured and common:
                projects.append(_resolved(named, configured, key, common))
        except ConfigError as error:
            # An entry with other mistakes is to be mended in one go.
            (key_problems if configured else problems).extend(error.problems)
    # Without the common key nobody knows which others are needed.
    problems += key_problems if common else []
    problems += _repeated(names)
    return tuple(projects)


def _common(environ: Mapping[str, str], problems: list[str], *, waits: bool) -> _Common | None:
    """Return what the variables say, ``None`` where it has mistakes."""
    found: list[str] = []
    url, key = DEFAULT_BASE_URL, None
    try:
        url = check_base_url((environ.get(_URL_VARIABLE) or url).strip())
    except ValueError as error:
        found.append(f"environment variable {_URL_VARIABLE} {error}.")
    try:
        key = find_key(environ, *_KEY_VARIABLES, waits=waits)
    except ConfigError as error:
        found += error.problems
    problems += found
    return None if found else _Common(key, url)


def _items(
    source: Source | None, environ: Mapping[str, str], problems: list[str]
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each project as it was configured, after what messages call its entry of the list.

    That is empty where there is no list.
    """
    ids = environ.get(_IDS_VARIABLE)
    if source is None:
        for item in _identified(ids, problems) if ids else [{}]:
            yield "", item
        return
    origin = source.origin(PROJECTS)
    if ids:
        problems.append(f"{origin} and {_IDS_VARIABLE} are both set; choose one.")
    for index, item in enumerate(_listed(source.value(PROJECTS), origin, problems)):
        named = f"{origin}[{index}]"
        if isinstance(item, dict):
            # Templates write null or nothing for what they have no value for.
            yield named, {str(key): value for key, value in item.items() if value not in (None, "")}
        else:
            problems.append(f"{named} must be a mapping of settings to values.")


def _identified(ids: str, problems: list[str]) -> list[dict[str, Any]]:
    """Return a project for each id of the variable, none where one is wrong."""
    texts = [text.strip() for text in ids.split(",")]
    found = []
    for text in texts:
        try:
            check_uuid(text)
        except ValueError as error:
            found.append(f"environment variable {_IDS_VARIABLE} {error}, not {shown(text)}.")
    problems += found
    return [] if found else [{"project_id": text} for text in texts]


def _listed(value: object, origin: str, problems: list[str]) -> list[Any]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            problems.append(f"{origin} must be a list of projects; in a variable, as JSON.")
            return []
    if isinstance(value, list) and value:
        return value
    problems.append(f"{origin} must be a list of at least one project.")
    return []


def _configured(
    named: str, item: Mapping[str, Any], problems: list[str]
) -> ConfiguredProject | None:
    try:
        return ConfiguredProject.model_validate(item)
    except ValidationError as error:
        for details in error.errors():
            field, *indexes = details["loc"]
            if details["type"] == "extra_forbidden":
                problem = f"{named}.{unknown(str(field), ConfiguredProject.model_fields)}"
            else:
                place = f"{named}.{field}" + "".join(f"[{index}]" for index in indexes)
                problem = invalid(place, details, show_value=field in _SHOWN_FIELDS)
            problems.append(problem)
        return None


def _own_key(named: str, item: Mapping[str, Any], directory: Path, *, waits: bool) -> ApiKey | None:
    texts = {f"{named}.{name}": text for name, text in item.items() if isinstance(text, str)}
    return find_key(texts, f"{named}.api_key", f"{named}.api_key_file", directory, waits=waits)


def _resolved(
    named: str, configured: ConfiguredProject, own_key: ApiKey | None, common: _Common
) -> Project:
    key = own_key or common.api_key
    if key is None:
        raise ConfigError(_missing_key(named))
    return Project(
        name=configured.called,
        project_id=configured.project_id,
        organization_id=configured.organization_id,
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
    variables = " or ".join(_KEY_VARIABLES)
    if named:
        return f"{named} has no key; give it an api_key_file, or set {variables}."
    return f"there is no API key; set {variables}, or try `llamacloud-batch-exporter --demo`."


def _repeated(names: Iterable[str]) -> list[str]:
    return [
        f"{count} projects are named {shown(name)}; give each a name of its own."
        for name, count in Counter(names).items()
        if name and count > 1
    ]
