"""The JSON schema of the Helm chart's values: ``python tests/values_schema.py`` writes it.

It refuses names that the chart does not know, because Helm itself ignores them. What Kubernetes
defines, such as tolerations, is left to Kubernetes. The settings in ``config`` are the exporter's.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeGuard

import yaml
from deployed import CHART

from exporter.config.documentation import PROJECTS, documented_settings
from exporter.config.project import ConfiguredProject

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

VALUES = CHART / "values.yaml"
SCHEMA = CHART / "values.schema.json"

Schema = dict[str, Any]

_COMMENT = re.compile(r"\s*# -- (?P<text>.*)")
_KEY = re.compile(r"(?P<indentation> *)(?P<name>[\w-]+):")
# Their fields are Kubernetes's, and more than those that have a default here.
_OPEN = {
    "global",
    "podSecurityContext",
    "securityContext",
    "resources",
    "strategy",
    "livenessProbe",
    "readinessProbe",
}
_DURATION = r"^([0-9]+(ms|s|m|h|d|w|y))*$"
_BOUNDS: Mapping[str, Schema] = {
    "image.pullPolicy": {"enum": ["Always", "IfNotPresent", "Never"]},
    "image.digest": {"pattern": "^(sha256:[0-9a-f]{64})?$"},
    "web.port": {"minimum": 1024, "maximum": 65535},
    "web.telemetryPath": {"pattern": "^/"},
    "service.type": {"enum": ["ClusterIP", "NodePort", "LoadBalancer"]},
    "serviceMonitor.interval": {"pattern": _DURATION},
    "serviceMonitor.scrapeTimeout": {"pattern": _DURATION},
    "podMonitor.interval": {"pattern": _DURATION},
    "podMonitor.scrapeTimeout": {"pattern": _DURATION},
    "podDisruptionBudget.maxUnavailable": {"type": ["integer", "string"]},
    "prometheusRule.disabled": {"items": {"type": "string"}},
    "prometheusRule.overrides": {"additionalProperties": {"type": "object"}},
}
# The chart sets these itself.
_NOT_IN_CONFIG = {"config.file", "web.listen_address", "web.telemetry_path"}
_TYPES_OF_METAVARS: Mapping[str, Schema] = {
    "NUMBER": {"type": "number"},
    "true|false": {"type": "boolean"},
    "DURATION": {"type": "string", "pattern": "^(0|([0-9]+(ms|s|m|h|d|w))+)$"},
}


def values_schema() -> Schema:
    """Return the schema of the values, as ``values.yaml`` and the exporter's settings say."""
    text = VALUES.read_text()
    comments = dict(_comments(text))
    properties = {
        name: _schema(name, value, comments) for name, value in yaml.safe_load(text).items()
    }
    properties["config"] |= _closed(_config())
    # Helm reads it as a dependency's condition, and the chart does not.
    properties["enabled"] = {"description": "Condition of a dependency.", "type": "boolean"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Values of llamacloud-batch-exporter",
        **_closed(properties),
    }


def as_json() -> str:
    """Return the text of ``values.schema.json``."""
    return json.dumps(values_schema(), indent=2) + "\n"


def documented_values() -> Iterator[tuple[str, str]]:
    """Yield the path of every value, with its comment."""
    text = VALUES.read_text()
    comments = dict(_comments(text))
    for path in _leaves("", yaml.safe_load(text)):
        yield path, comments.get(path, "")


def _schema(path: str, value: object, comments: Mapping[str, str]) -> Schema:
    schema: Schema = {"description": comments[path]} if path in comments else {}
    if _is_group(value, path):
        children = {n: _schema(f"{path}.{n}", child, comments) for n, child in value.items()}
        return schema | _closed(children)
    schema["type"] = _type_of(value)
    if path.lower().endswith(("labels", "annotations")):
        schema["additionalProperties"] = {"type": "string"}
    return schema | _BOUNDS.get(path, {})


def _is_group(value: object, path: str) -> TypeGuard[dict[str, Any]]:
    is_open = path in _OPEN or path.lower().endswith(("labels", "annotations"))
    return isinstance(value, dict) and bool(value) and not is_open


def _leaves(path: str, value: dict[str, Any]) -> Iterator[str]:
    for name, child in value.items():
        inner = f"{path}.{name}".lstrip(".")
        if _is_group(child, inner):
            yield from _leaves(inner, child)
        else:
            yield inner


def _type_of(value: object) -> str:
    # A boolean is an integer in Python, and therefore stands first.
    types = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
    return next(name for kind, name in types.items() if isinstance(value, kind))


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _config() -> Mapping[str, Schema]:
    """Return the schema of each group of settings, and of ``projects``."""
    groups: dict[str, dict[str, Schema]] = {}
    for setting in documented_settings():
        group, _, name = setting.setting.partition(".")
        if setting.setting in _NOT_IN_CONFIG or not name:
            continue
        schema = _TYPES_OF_METAVARS.get(setting.metavar) or _alternatives(setting.metavar)
        groups.setdefault(group, {})[name] = {"description": setting.help, **schema}
    return {name: _closed(members) for name, members in groups.items()} | {PROJECTS: _projects()}


def _alternatives(metavar: str) -> Schema:
    """Return the schema of a setting of few values, or of free text and lists."""
    if "|" in metavar:
        return {"enum": metavar.split("|")}
    return {"type": ["string", "array"]}


def _projects() -> Schema:
    """Return the schema of the projects; the chart itself refuses ``api_key``, and says why."""
    lists = {"directory_ids", "job_types", "api_versions"}
    fields = {
        name: {"type": "array", "items": {"type": "string"}}
        if name in lists
        else {"type": "string"}
        for name in ConfiguredProject.model_fields
    }
    return {"type": "array", "items": _closed(fields)}


def _comments(text: str) -> Iterator[tuple[str, str]]:
    """Yield the path of every value that follows a ``# --`` comment, with the comment."""
    path: list[str] = []
    comment = ""
    for line in text.splitlines():
        if found := _COMMENT.fullmatch(line):
            comment = found["text"]
        elif found := _KEY.match(line):
            path = [*path[: len(found["indentation"]) // 2], found["name"]]
            if comment:
                yield ".".join(path), comment
            comment = ""


if __name__ == "__main__":
    SCHEMA.write_text(as_json())
