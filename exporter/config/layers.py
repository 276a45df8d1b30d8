"""Where settings come from: flags, environment and file, each a layer of named values."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic_settings import EnvSettingsSource

from exporter.config.documentation import (
    ENV_PREFIX,
    PROJECTS,
    documented_settings,
    setting_names,
)
from exporter.config.errors import unknown
from exporter.config.model import Settings
from exporter.logs import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

# Kubernetes sets these in every pod for a Service whose name begins like our prefix.
_SERVICE_LINK = re.compile(
    rf"{ENV_PREFIX}(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)"
)
_SERVICE_LINK_PORT = re.compile(r"(tcp|udp|sctp)://.*")


@dataclass(frozen=True, slots=True)
class Layer:
    """Values by setting, such as ``poll.interval``, and where each was set, in words."""

    values: Mapping[str, Any] = field(default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict)

    def over(self, lower: Layer) -> Layer:
        """Return both layers as one, in which this one's values hide the lower one's."""
        return Layer({**lower.values, **self.values}, {**lower.origins, **self.origins})


def flag_layer(values: Mapping[str, Any]) -> Layer:
    """Return what flags set."""
    flags = {doc.setting: f"flag {doc.flag}" for doc in documented_settings()}
    return Layer(values, {name: flags[name] for name in values})


def environment_layer(environ: Mapping[str, str]) -> Layer:
    """Return what variables set; an empty one sets nothing."""
    variables = {doc.setting: doc.env for doc in documented_settings()}
    source = EnvSettingsSource(Settings)
    # Variables of whole groups, which pydantic-settings knows too, are no part of our contract.
    source.env_vars = {env.lower(): environ[env] for env in variables.values() if environ.get(env)}
    values = _flattened(source())
    return Layer(values, {name: f"environment variable {variables[name]}" for name in values})


def unknown_variables(environ: Mapping[str, str]) -> list[str]:
    """Name the mistakes among variables that carry our prefix."""
    known = [doc.env for doc in documented_settings()]
    return [
        f"environment variable {unknown(name, known)}"
        for name, value in environ.items()
        if name.upper().startswith(ENV_PREFIX)
        if name not in known and not _is_service_link(name, value)
    ]


def file_layer(path: Path, tree: Mapping[str, Any]) -> Layer:
    """Return what the file sets; null sets nothing, and ``config`` has no place in it."""
    values = {name: value for name, value in _flattened(tree).items() if value is not None}
    values.pop("config.file", None)
    return Layer(values, {name: f"{escaped(str(path))}: {name}" for name in values})


def unknown_keys(path: Path, tree: Mapping[str, Any]) -> list[str]:
    """Name the mistakes among the keys of a file, and groups that are no mappings."""
    problems = [problem for group, members in tree.items() for problem in _in_group(group, members)]
    return [f"{escaped(str(path))}: {problem}" for problem in problems]


def _in_group(group: str, members: Any) -> list[str]:  # noqa: ANN401 - any YAML
    known = [name for name in setting_names() if name != "config.file"]
    groups = list(dict.fromkeys(name.partition(".")[0] for name in known))
    if group == "config":
        return ["config has no place in the file; name the file by flag or variable."]
    if group not in groups:
        return [unknown(group, groups)]
    if group == PROJECTS or members is None:
        return []
    if not isinstance(members, dict):
        example = next(name for name in known if name.startswith(f"{group}."))
        return [f"{group} must be a mapping of settings such as {example}."]
    names = [f"{group}.{member}" for member in members]
    return [unknown(name, known) for name in names if name not in known]


def nested(values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return settings as the groups that the model has; ``projects`` is left out."""
    groups: dict[str, dict[str, Any]] = {}
    for name, value in values.items():
        group, _, member = name.partition(".")
        if member:
            groups.setdefault(group, {})[member] = value
    return groups


def _flattened(tree: Mapping[str, Any]) -> dict[str, Any]:
    values = {PROJECTS: tree[PROJECTS]} if PROJECTS in tree else {}
    for name in setting_names():
        group, _, member = name.partition(".")
        members = tree.get(group)
        if member and isinstance(members, dict) and member in members:
            values[name] = members[member]
    return values


def _is_service_link(name: str, value: str) -> bool:
    if name == f"{ENV_PREFIX}PORT":
        return bool(_SERVICE_LINK_PORT.fullmatch(value))
    return bool(_SERVICE_LINK.fullmatch(name))
