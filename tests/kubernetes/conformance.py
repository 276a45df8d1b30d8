"""Checks of an object against Kubernetes' schemas and the restricted Pod security standard."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.kubernetes.helm import Object

OLDEST, FIRST_WITH_SIDECARS, NEWEST = VERSIONS = ("1.25.0", "1.29.0", "1.37.0")
# The standard's requirements for every container. In test_cluster.py the API server enforces them.
_OF_THE_CONTAINER = {
    "allowPrivilegeEscalation": False,
    "capabilities": {"drop": ["ALL"]},
}
_OF_EITHER = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}


def schemas() -> Path:
    """Return the folder of the schemas.

    Without it the test is skipped, or fails if REQUIRE_TOOLS=1.
    """
    folder = os.environ.get("KUBERNETES_SCHEMAS")
    if folder:
        return Path(folder)
    words = (
        "there are no schemas: use `make kubernetes-test`; with REQUIRE_TOOLS=1 this is a failure"
    )
    if os.environ.get("REQUIRE_TOOLS") == "1":
        pytest.fail(words)
    pytest.skip(words)


def check_schemas(objects: Iterable[Object], version: str) -> None:
    """Check objects against the schemas of a Kubernetes version; unknown fields are failures."""
    folder = schemas()
    name = "{{.ResourceKind}}{{.KindSuffix}}.json"
    places = (f"{folder}/{{{{.NormalizedKubernetesVersion}}}}/{name}", f"{folder}/crds/{name}")
    command = [require_tool("kubeconform"), "-strict", "-kubernetes-version", version]
    for place in places:
        command += ["-schema-location", place]
    given = "\n---\n".join(map(json.dumps, objects))
    checked = subprocess.run(command, input=given, capture_output=True, text=True, check=False)
    words = checked.stdout + checked.stderr
    assert (0, "") == (checked.returncode, words), words


def check_restricted(pod: Object) -> None:
    """Check that the Pod security standard `restricted` would admit a Pod."""
    for container in [*pod.get("initContainers", ()), *pod["containers"]]:
        own = container["securityContext"]
        seen = pod.get("securityContext", {}) | own
        assert _OF_THE_CONTAINER == {field: own.get(field) for field in _OF_THE_CONTAINER}
        assert _OF_EITHER == {field: seen.get(field) for field in _OF_EITHER}
        assert 0 != seen.get("runAsUser")
    assert set() == {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    kinds = {kind for volume in pod.get("volumes", ()) for kind in set(volume) - {"name"}}
    assert set() == kinds - {
        "configMap",
        "secret",
        "emptyDir",
        "projected",
        "persistentVolumeClaim",
    }
