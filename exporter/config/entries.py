"""The projects as they were configured, each with the key that it has of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from exporter.config.documentation import PROJECTS
from exporter.config.errors import ConfigError
from exporter.config.keys import ApiKey, find_key
from exporter.config.variables import IDS_VARIABLE, project_ids

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.config.misplaced import KnownKeys
    from exporter.config.sources import Source

# Far more than one process carries; each mistake in each of them costs time and a line.
_MOST_PROJECTS = 1000


@dataclass(frozen=True, slots=True)
class Entry:
    """A project as it was configured; ``named`` is what messages call it.

    ``key`` is its own one, ``None`` if it has none or one with ``key_problems``.
    """

    named: str
    item: Mapping[str, Any]
    key: ApiKey | None = None
    key_problems: tuple[str, ...] = ()


def read_entries(
    source: Source | None,
    environ: Mapping[str, str],
    known_keys: KnownKeys,
    problems: list[str],
    *,
    waits_for_key: bool,
) -> list[Entry]:
    """Return the entries of ``projects``, or one for each id of the variable."""
    directory = source.directory if source else Path()
    return [
        _with_own_key(named, item, directory, waits=waits_for_key)
        for named, item in _items(source, environ, known_keys, problems)
    ]


def _items(
    source: Source | None,
    environ: Mapping[str, str],
    known_keys: KnownKeys,
    problems: list[str],
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each project as it was configured, after what messages call its entry of the list.

    That is empty where there is no list.
    """
    if source is None:
        for project_id in project_ids(environ, known_keys, problems):
            yield "", {"project_id": project_id} if project_id else {}
        return
    origin = source.origin(PROJECTS)
    if environ.get(IDS_VARIABLE, "").strip():
        problems.append(f"{origin} and {IDS_VARIABLE} are both set; choose one.")
    for index, item in enumerate(_listed(source.value(PROJECTS), origin, problems)):
        named = f"{origin}[{index}]"
        if isinstance(item, dict):
            values = {str(field): _stripped(value) for field, value in item.items()}
            # Templates write null or nothing for what they have no value for.
            yield named, {field: text for field, text in values.items() if text not in (None, "")}
        else:
            problems.append(f"{named} must be a mapping of settings to values.")


def _stripped(value: Any) -> Any:  # noqa: ANN401 - any YAML or JSON
    """Return a text, or the texts of a list, without white space around them."""
    if isinstance(value, list):
        return [text.strip() if isinstance(text, str) else text for text in value]
    return value.strip() if isinstance(value, str) else value


def _listed(value: object, origin: str, problems: list[str]) -> list[Any]:
    begin = 'begin each project with a hyphen, as in "- name: invoices"'
    if isinstance(value, str):
        begin = "put the projects into brackets"
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            problems.append(f"{origin} must be a list of projects; in a variable, as JSON.")
            return []
    if isinstance(value, dict):
        problems.append(f"{origin} must be a list of projects; {begin}.")
    elif not isinstance(value, list) or not value:
        problems.append(f"{origin} must be a list of at least one project.")
    elif len(value) > _MOST_PROJECTS:
        problems.append(f"{origin} must be a list of at most {_MOST_PROJECTS} projects.")
    else:
        return value
    return []


def _with_own_key(named: str, item: Mapping[str, Any], directory: Path, *, waits: bool) -> Entry:
    texts = {f"{named}.{name}": text for name, text in item.items() if isinstance(text, str)}
    names = f"{named}.api_key", f"{named}.api_key_file"
    try:
        return Entry(named, item, find_key(texts, *names, directory, waits=waits))
    except ConfigError as error:
        return Entry(named, item, key_problems=error.problems)
