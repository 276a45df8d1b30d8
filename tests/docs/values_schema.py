"""The JSON schema of the Helm chart's values: ``python -m tests.docs.values_schema`` writes it.

It refuses names that the chart does not know, because Helm itself ignores them. Fields that
Kubernetes defines, such as tolerations, are left to Kubernetes. The settings in ``config`` are the
exporter's.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, TypeGuard

import yaml

from exporter.config.documentation import PROJECTS
from exporter.config.groups import Group
from exporter.config.model import Settings
from exporter.config.project import ConfiguredProject
from tests.support.deployed import CHART

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pydantic import BaseModel

VALUES = CHART / "values.yaml"
SCHEMA = CHART / "values.schema.json"

Schema = dict[str, Any]

_COMMENT = re.compile(r"\s*# -- (?P<text>.*)")
_KEY = re.compile(r"(?P<indentation> *)(?P<name>[\w-]+):")
# Their fields are defined by Kubernetes, and the defaults here set only some of them.
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
    "state.path": {"pattern": "^/."},
    "state.persistence.size": {"pattern": "^[0-9]+([.][0-9]+)?([kMGT]i?)?$"},
    "state.persistence.accessModes": {
        "minItems": 1,
        "items": {"enum": ["ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany"]},
    },
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
_NOT_IN_CONFIG = {
    "config": {"file"},
    "state": {"file"},
    "web": {"config", "listen_address", "telemetry_path"},
}
_DURATION_OF_A_SETTING: Schema = {"type": "string", "pattern": "^(0|([0-9]+(ms|s|m|h|d|w))+)$"}
_LEFT_OUT = {"title", "default", "written_default", "format", "writeOnly"}


def values_schema() -> Schema:
    """Return the schema of the values, from ``values.yaml`` and the exporter's settings."""
    text = VALUES.read_text()
    comments = dict(_comments(text))
    properties = {
        name: _schema(name, value, comments) for name, value in yaml.safe_load(text).items()
    }
    properties["config"] |= _closed(_config())
    # Only Helm reads it, as a dependency's condition.
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
    # A boolean is an integer in Python, so it is checked first.
    types = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
    return next(name for kind, name in types.items() if isinstance(value, kind))


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "additionalProperties": False, "properties": properties}


def _config() -> Mapping[str, Schema]:
    """Return the schema of each group of settings, and of ``projects``."""
    groups = {
        name: _settings(field.annotation, _NOT_IN_CONFIG.get(name, set()))
        for name, field in Settings.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, Group)
    }
    projects = {"type": "array", "items": _settings(ConfiguredProject, set())}
    return {name: group for name, group in groups.items() if group["properties"]} | {
        PROJECTS: projects
    }


def _settings(model: type[BaseModel], left_out: set[str]) -> Schema:
    """Return the schema of settings that pydantic generates from their model.

    It contains ``api_key``: the chart itself refuses keys, and says where they belong.
    """
    generated = model.model_json_schema()
    definitions = generated.get("$defs", {})
    return _closed(
        {
            name: _setting(schema, definitions)
            for name, schema in generated["properties"].items()
            if name not in left_out
        }
    )


def _setting(schema: Schema, definitions: Mapping[str, Schema]) -> Schema:
    kept = {key: value for key, value in schema.items() if key not in _LEFT_OUT}
    if not {"type", "enum", "anyOf"} & set(kept):
        # Durations have a validator that pydantic cannot describe.
        return kept | _DURATION_OF_A_SETTING
    if "$ref" in kept.get("items", ()):
        # Generations of the API may also be separated by commas.
        (definition,) = definitions.values()
        return kept | {"type": ["array", "string"], "items": {"enum": definition["enum"]}}
    if "anyOf" in kept:
        kept["anyOf"] = [_setting(each, definitions) for each in kept["anyOf"]]
    return kept


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
