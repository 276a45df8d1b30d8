"""Every setting as documented: name, flag, variable, default, help."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args, get_origin

from pydantic import PlainValidator

from exporter.config.groups import Group
from exporter.config.model import ENV_PREFIX, Settings
from exporter.config.values import format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic import BaseModel
    from pydantic.fields import FieldInfo

PROJECTS = "projects"
_DURATION = "DURATION"
LLAMA_CLOUD_VARIABLES = MappingProxyType(
    {
        "LLAMA_CLOUD_API_KEY": "The API key of every project that has none of its own.",
        "LLAMA_CLOUD_API_KEY_FILE": "A file that holds only that key.",
        "LLAMA_PARSE_API_KEY": "The same key, used if neither of these is set.",
        "LLAMA_CLOUD_BASE_URL": "The API's base URL, https://api.cloud.llamaindex.ai by default;"
        " https://api.cloud.eu.llamaindex.ai in Europe.",
        "LLAMA_CLOUD_PROJECT_ID": "The ids of the projects to watch, separated by commas;"
        " the key's default project if it is not set.",
        "LLAMA_CLOUD_ORGANIZATION_ID": "The organization id of every project that has none of its"
        " own.",
    }
)


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting; ``flag`` is ``None`` for ``projects``, because a process list shows flags."""

    setting: str
    flag: str | None
    env: str
    default: str
    help: str
    metavar: str

    @property
    def example(self) -> str:
        """A value of the setting: its default, or its kind if that is none or a description."""
        return self.metavar if self.default == "none" or " " in self.default else self.default


@cache
def documented_settings() -> tuple[SettingDoc, ...]:
    """Return all settings, in the order of the model."""
    return tuple(_documented(name, field) for name, field in _leaves(Settings))


def flag_name(setting: str) -> str:
    """Return the flag of a setting such as ``poll.interval``."""
    return "--" + setting.replace("_", "-")


def variable_name(setting: str) -> str:
    """Return the environment variable of a setting such as ``poll.interval``."""
    return ENV_PREFIX + setting.upper().replace(".", "__")


def example_in(group: str) -> str:
    """Return how the first setting of a group is written below it, such as ``interval: 30s``."""
    doc = next(doc for doc in documented_settings() if doc.setting.startswith(f"{group}."))
    return f"{doc.setting.removeprefix(f'{group}.')}: {doc.example}"


def written(value: object, metavar: str) -> str:
    """Return a value as it is written in the settings; ``metavar`` names its kind."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return format_duration(value) if metavar == _DURATION else f"{value:g}"
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return "none" if value is None else str(value)


def _leaves(model: type[BaseModel], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
            yield from _leaves(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _documented(name: str, field: FieldInfo) -> SettingDoc:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    metavar = _metavar(field)
    return SettingDoc(
        setting=name,
        flag=None if name == PROJECTS else flag_name(name),
        env=variable_name(name),
        default=str(extra.get("written_default") or written(field.default, metavar)),
        help=field.description or "",
        metavar=metavar,
    )


def _metavar(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return "|".join(get_args(field.annotation))
    # Only durations have a validator that replaces pydantic's own.
    if any(isinstance(mark, PlainValidator) for mark in field.metadata):
        return _DURATION
    if field.annotation is bool:
        return "true|false"
    if field.annotation in (int, float):
        return "NUMBER"
    return field.title or "TEXT"
