"""The projects to watch: what is configured, completed by the ``LLAMA_CLOUD_*`` variables."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from exporter.config.errors import ConfigError, Mistakes, shown, unknown
from exporter.config.keys import ApiKey, KeyPlace
from exporter.config.project import (
    DEFAULT_BASE_URL,
    ConfiguredProject,
    Project,
    check_base_url,
    check_uuid,
)
from exporter.config.wording import sentence

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_IDS_VARIABLE = "LLAMA_CLOUD_PROJECT_ID"
_URL_VARIABLE = "LLAMA_CLOUD_BASE_URL"
_KEY_VARIABLES = KeyPlace("LLAMA_CLOUD_API_KEY", "LLAMA_CLOUD_API_KEY_FILE")
_SHOWN_FIELDS = {"name", "project_id", "organization_id", "directory_ids", "job_types"}


@dataclass(frozen=True, slots=True)
class ConfiguredList:
    """What ``projects`` was set to, where, and where relative paths in it start from."""

    value: Any
    origin: str
    directory: Path = Path()


@dataclass(frozen=True, slots=True)
class _Entry:
    named: str
    configured: ConfiguredProject
    directory: Path = Path()

    @property
    def name(self) -> str:
        return self.configured.name or self.configured.project_id or "default"


@dataclass(frozen=True, slots=True)
class _Inherited:
    api_key: ApiKey | None
    base_url: str


def resolve_projects(
    configured: ConfiguredList | None, environ: Mapping[str, str]
) -> tuple[Project, ...]:
    """Return the projects to watch, each with its key and base URL.

    Raises:
        ConfigError: with all mistakes in the list, the variables and the key files.
    """
    mistakes = Mistakes()
    inherited = mistakes.attempt(_inherited, environ)
    if configured is None:
        entries = mistakes.attempt(_entries_of_variable, environ) or []
        names = [entry.name for entry in entries]
    else:
        if environ.get(_IDS_VARIABLE):
            mistakes.add(f"{configured.origin} and {_IDS_VARIABLE} are both set; choose one.")
        items = mistakes.attempt(_items, configured) or []
        found = [mistakes.attempt(_entry, configured, index, item) for index, item in items]
        entries = [entry for entry in found if entry is not None]
        # Also the names of entries with other mistakes: those are to be mended in one go.
        names = [
            entry.name if entry else str(item.get("name"))
            for entry, (_, item) in zip(found, items, strict=True)
            if entry or (isinstance(item, dict) and item.get("name"))
        ]
    resolved = [
        mistakes.attempt(_resolved, entry, inherited) for entry in entries if inherited is not None
    ]
    mistakes.conclude(_check_names, names)
    return tuple(project for project in resolved if project is not None)


def _inherited(environ: Mapping[str, str]) -> _Inherited:
    mistakes = Mistakes()
    url = mistakes.attempt(_base_url, environ.get(_URL_VARIABLE) or DEFAULT_BASE_URL)
    key = mistakes.conclude(
        _KEY_VARIABLES.find,
        environ.get(_KEY_VARIABLES.key_name),
        environ.get(_KEY_VARIABLES.file_name),
    )
    return _Inherited(key, url or DEFAULT_BASE_URL)


def _base_url(text: str) -> str:
    try:
        return check_base_url(text.strip())
    except ValueError as error:
        raise ConfigError([f"environment variable {_URL_VARIABLE} {error}."]) from None


def _entries_of_variable(environ: Mapping[str, str]) -> list[_Entry]:
    ids = environ.get(_IDS_VARIABLE)
    if not ids:
        return [_Entry("", ConfiguredProject())]
    mistakes = Mistakes()
    checked = [mistakes.attempt(_project_id, text.strip()) for text in ids.split(",")]
    return mistakes.conclude(
        lambda: [_Entry("", ConfiguredProject(project_id=project_id)) for project_id in checked]
    )


def _project_id(text: str) -> str:
    try:
        return check_uuid(text)
    except ValueError as error:
        problem = f"environment variable {_IDS_VARIABLE} {error}, not {shown(text)}."
        raise ConfigError([problem]) from None


def _items(configured: ConfiguredList) -> list[tuple[int, Any]]:
    value = configured.value
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise ConfigError(
                [f"{configured.origin} must be a list of projects; in a variable, as JSON."]
            ) from None
    if not isinstance(value, list) or not value:
        raise ConfigError([f"{configured.origin} must be a list of at least one project."])
    return list(enumerate(value))


def _entry(configured: ConfiguredList, index: int, item: Any) -> _Entry:  # noqa: ANN401 - any YAML
    named = f"{configured.origin}[{index}]"
    if isinstance(item, dict):
        # Templates write null or nothing for what they have no value for.
        item = {str(key): value for key, value in item.items() if value not in (None, "")}
    try:
        return _Entry(named, ConfiguredProject.model_validate(item), configured.directory)
    except ValidationError as error:
        mistakes = Mistakes()
        mistakes.add(*_problems(named, error))
        if isinstance(item, dict):
            texts = {key: value for key, value in item.items() if isinstance(value, str)}
            mistakes.attempt(_own_key, named, configured.directory, texts)
        raise mistakes.all() from None


def _own_key(named: str, directory: Path, entry: Mapping[str, str]) -> ApiKey | None:
    place = KeyPlace(f"{named}.api_key", f"{named}.api_key_file", directory)
    return place.find(entry.get("api_key"), entry.get("api_key_file"))


def _problems(named: str, error: ValidationError) -> list[str]:
    problems = []
    for details in error.errors():
        path = "".join(
            f"[{part}]" if isinstance(part, int) else f".{part}" for part in details["loc"]
        )
        if details["type"] == "extra_forbidden":
            key = str(details["loc"][0])
            problems.append(f"{named}.{unknown(key, ConfiguredProject.model_fields)}")
        else:
            show_value = bool(details["loc"]) and details["loc"][0] in _SHOWN_FIELDS
            problems.append(sentence(named + path, details, show_value=show_value))
    return problems


def _resolved(entry: _Entry, inherited: _Inherited) -> Project:
    configured = entry.configured
    secret = configured.api_key.get_secret_value() if configured.api_key else ""
    own = {"api_key": secret, "api_key_file": configured.api_key_file or ""}
    key = _own_key(entry.named, entry.directory, own) or inherited.api_key
    if key is None:
        raise ConfigError([_missing_key(entry)])
    return Project(
        name=entry.name,
        project_id=configured.project_id,
        organization_id=configured.organization_id,
        api_key=key.value,
        base_url=configured.base_url or inherited.base_url,
        directory_ids=configured.directory_ids,
        job_types=configured.job_types,
        api_key_origin=key.origin,
        api_key_file=key.file,
    )


def _missing_key(entry: _Entry) -> str:
    variables = f"{_KEY_VARIABLES.key_name} or {_KEY_VARIABLES.file_name}"
    if entry.named:
        return f"{entry.named} has no key; give it an api_key_file, or set {variables}."
    return f"there is no API key; set {variables}, or try `llamacloud-batch-exporter --demo`."


def _check_names(names: Sequence[str]) -> None:
    problems = [
        f"{count} projects are named {shown(name)}; give each a name of its own."
        for name, count in Counter(names).items()
        if count > 1
    ]
    if problems:
        raise ConfigError(problems)
