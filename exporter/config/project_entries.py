"""The projects as they were configured, each with the key that it has of its own."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from exporter.config.documentation import PROJECTS
from exporter.config.keys import ApiKey, find_key
from exporter.texts import well_formed

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from exporter.config.sources import Source

KEY_VARIABLES = ("LLAMA_CLOUD_API_KEY", "LLAMA_CLOUD_API_KEY_FILE")
_IDS_VARIABLE = "LLAMA_CLOUD_PROJECT_ID"
# The vendor's SDK reads it if LLAMA_CLOUD_API_KEY is not set.
_SDK_KEY_VARIABLE = "LLAMA_PARSE_API_KEY"
# Far more than one process can poll; each mistake in each of them costs time and a line.
_MOST_PROJECTS = 1000


class ProjectEntry(NamedTuple):
    """The configured fields of a project; ``named`` is how messages call an entry of the list.

    It is empty for fields from the ``LLAMA_CLOUD_*`` variables. ``key`` is the project's own key.
    """

    item: Mapping[str, Any]
    key: ApiKey | None = None
    named: str = ""

    def place(self, field: str) -> str:
        """Return how messages call a field."""
        if self.named:
            return f"{self.named}.{field}"
        return f"environment variable LLAMA_CLOUD_{field.upper()}"


def common_entry(environ: Mapping[str, str]) -> ProjectEntry:
    """Return what the variables set for every project that does not set it itself."""
    key = find_key(environ, *KEY_VARIABLES) or find_key(environ, _SDK_KEY_VARIABLE)
    values = {
        field: environ.get(f"LLAMA_CLOUD_{field.upper()}", "").strip()
        for field in ("base_url", "organization_id")
    }
    return ProjectEntry({field: text for field, text in values.items() if text}, key)


def read_entries(
    source: Source | None, environ: Mapping[str, str], problems: list[str]
) -> Iterator[ProjectEntry]:
    """Yield the entries of the list that ``source`` sets, else one for each id of the variable."""
    ids = environ.get(_IDS_VARIABLE, "").strip()
    if source is None:
        for project_id in ids.split(",") if ids else ():
            yield ProjectEntry({"project_id": project_id.strip()})
        if not ids:
            yield ProjectEntry({})
        return
    origin = source.origin(PROJECTS)
    if ids:
        problems.append(f"{origin} and {_IDS_VARIABLE} are both set; choose one.")
    for index, item in enumerate(_listed(source.values[PROJECTS], origin, problems)):
        named = f"{origin}[{index}]"
        if isinstance(item, dict):
            yield _entry(named, item, source.directory)
        else:
            problems.append(f"{named} must be a mapping of settings to values.")


def _entry(named: str, item: Mapping[object, Any], directory: Path) -> ProjectEntry:
    values = {well_formed(str(field)): _stripped(value) for field, value in item.items()}
    # Templates write null or nothing for what they have no value for.
    values = {field: value for field, value in values.items() if value not in (None, "")}
    texts = {f"{named}.{name}": text for name, text in values.items() if isinstance(text, str)}
    key = find_key(texts, f"{named}.api_key", f"{named}.api_key_file", directory)
    return ProjectEntry(values, key, named)


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
