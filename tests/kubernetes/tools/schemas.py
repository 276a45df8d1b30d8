"""Writes JSON schemas for kubeconform, of Kubernetes and of the operator's resources.

``python schemas.py WHEEL CRDS DESTINATION`` reads the wheel of kubernetes-validate, and a folder of
custom resource definitions. A schema refuses fields that it does not know, as the API server does
under strict validation.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path, PurePath
from typing import Any
from zipfile import ZipFile

import yaml

FOLDERS = {f"v{version}-local-strict": f"v{version}" for version in ("1.25.0", "1.29.0", "1.37.0")}


def local(text: str) -> str:
    """Return a schema of the package with references to files in the same folder."""
    schema: dict[str, Any] = json.loads(
        text.replace('"/api/_definitions.json', '"_definitions.json')
    )
    schema.pop("$id", None)
    return json.dumps(schema)


def closed(schema: Any) -> Any:
    """Return the schema of a custom resource, refusing unknown fields at every level."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    parts = {name: closed(part) for name, part in schema.items()}
    is_object = isinstance(schema.get("properties"), dict) and schema.get("type") == "object"
    if is_object and not schema.get("x-kubernetes-preserve-unknown-fields"):
        parts.setdefault("additionalProperties", False)
    if schema.get("x-kubernetes-int-or-string"):
        parts.pop("type", None)
        parts["anyOf"] = [{"type": "integer"}, {"type": "string"}]
    return parts


def custom_resources(crd: dict[str, Any]) -> dict[str, str]:
    """Return the schema of each version of a custom resource, by kubeconform's file name."""
    spec = crd["spec"]
    kind, group = spec["names"]["kind"].lower(), spec["group"].partition(".")[0]
    schemas = {}
    for version in spec["versions"]:
        schema = closed(version["schema"]["openAPIV3Schema"])
        # Kubernetes defines the fields of metadata.
        schema["properties"]["metadata"] = {"type": "object"}
        schemas[f"{kind}-{group}-{version['name']}.json"] = json.dumps(schema)
    return schemas


def main(wheel: str, crds: str, destination: str) -> None:
    """Write the schemas of each version of Kubernetes, and those of the CRDs."""
    with ZipFile(wheel) as package:
        for name in package.namelist():
            path = PurePath(name)
            if path.suffix == ".json" and path.parent.name in FOLDERS:
                file = Path(destination, FOLDERS[path.parent.name], path.name)
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(local(package.read(name).decode()))
    folder = Path(destination, "crds")
    folder.mkdir()
    for crd in Path(crds).glob("*.yaml"):
        for name, text in custom_resources(yaml.safe_load(crd.read_text())).items():
            (folder / name).write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
