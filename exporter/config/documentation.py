"""Every setting as its user knows it: name, flag, variable, default, help."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, get_args, get_origin

from exporter.config.model import Group, Settings
from exporter.config.values import DurationBetween, format_duration

if TYPE_CHECKING:
    from collections.abc import Iterator

    from pydantic.fields import FieldInfo

ENV_PREFIX = "LLAMACLOUD_EXPORTER_"
PROJECTS = "projects"
LLAMA_CLOUD_VARIABLES = MappingProxyType(
    {
        "LLAMA_CLOUD_API_KEY": "The key of every project that has none of its own.",
        "LLAMA_CLOUD_API_KEY_FILE": "A file that holds that key, and nothing else.",
        "LLAMA_CLOUD_BASE_URL": "The API's base URL, https://api.cloud.llamaindex.ai by default;"
        " https://api.cloud.eu.llamaindex.ai in Europe.",
        "LLAMA_CLOUD_PROJECT_ID": "The ids of the projects to watch, separated by commas;"
        " the key's default project if it is not set.",
    }
)


@dataclass(frozen=True, slots=True)
class SettingDoc:
    """One setting; ``projects`` has no flag, since a process list shows flags."""

    setting: str
    flag: str | None
    env: str
    default: str
    help: str
    metavar: str


def documented_settings() -> tuple[SettingDoc, ...]:
    """Return all settings, in the order of the model."""
    return tuple(_documented(name, field) for name, field in leaf_fields())


def setting_names() -> tuple[str, ...]:
    """Return the names of all settings, such as ``poll.interval``."""
    return tuple(name for name, _ in leaf_fields())


def leaf_fields() -> Iterator[tuple[str, FieldInfo]]:
    """Yield each setting's name and field."""
    for name, field in Settings.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group):
            for leaf_name, leaf in field.annotation.model_fields.items():
                yield f"{name}.{leaf_name}", leaf
        else:
            yield name, field


def written(field: FieldInfo, value: object) -> str:
    """Return a setting's value as it is written in the settings."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return format_duration(value) if _is_duration(field) else f"{value:g}"
    if isinstance(value, tuple):
        return ",".join(str(part) for part in value)
    return "none" if value is None else str(value)


def _documented(name: str, field: FieldInfo) -> SettingDoc:
    extra = field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    return SettingDoc(
        setting=name,
        flag=None if name == PROJECTS else "--" + name.replace("_", "-"),
        env=ENV_PREFIX + name.upper().replace(".", "__"),
        default=str(extra.get("written_default") or written(field, field.default)),
        help=field.description or "",
        metavar=_metavar(field),
    )


def _metavar(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return "|".join(get_args(field.annotation))
    if _is_duration(field):
        return "DURATION"
    if field.annotation is bool:
        return "true|false"
    if field.annotation in (int, float):
        return "NUMBER"
    return field.title or "TEXT"


def _is_duration(field: FieldInfo) -> bool:
    return any(isinstance(mark, DurationBetween) for mark in field.metadata)
