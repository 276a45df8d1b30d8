"""Runs Helm, and reads the objects that it renders."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.deployed import CHART
from tests.support.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Mapping

NAME = "llamacloud-batch-exporter"
RELEASE = "llamacloud"
FULL_NAME = f"{RELEASE}-{NAME}"
OPENSHIFT = ("--api-versions", "security.openshift.io/v1")
CI_VALUES = sorted((CHART / "ci").glob("*-values.yaml"))

Object = dict[str, Any]


def helm(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run Helm and wait for it."""
    return subprocess.run(
        [require_tool("helm"), *arguments], input=given, capture_output=True, text=True, check=False
    )


def template(
    values: Mapping[str, Any] | Path, *flags: str, chart: Path = CHART
) -> subprocess.CompletedProcess[str]:
    """Render a chart with values, or with those of a file."""
    given = values.read_text() if isinstance(values, Path) else json.dumps(values)
    options = ("--namespace", "observed", "--values", "-", *flags)
    return helm("template", RELEASE, chart, *options, given=given)


def rendered(values: Mapping[str, Any] | Path, *flags: str, chart: Path = CHART) -> list[Object]:
    """Return the objects that a chart renders."""
    result = template(values, *flags, chart=chart)
    assert 0 == result.returncode, result.stderr
    return objects_in(result.stdout)


def refusal(values: Mapping[str, Any], *flags: str) -> str:
    """Return Helm's error for values that the chart refuses."""
    result = template(values, *flags)
    assert 0 != result.returncode, "The values were accepted."
    return result.stderr


def objects_in(text: str) -> list[Object]:
    """Return the objects of a stream of YAML documents."""
    # The C parser: a dashboard is 120 kB.
    return [found for found in yaml.load_all(text, yaml.CSafeLoader) if found is not None]


def only(objects: list[Object], kind: str) -> Object:
    """Return the only object of a kind; the Pod of `helm test` is of kind Pod."""
    (found,) = (each for each in objects if each["kind"] == kind)
    return found


def pod_of(found: Object) -> Object:
    """Return the specification of the Pods that a workload creates."""
    spec: Object = found["spec"]
    while "template" in spec or "jobTemplate" in spec:
        spec = (spec.get("template") or spec["jobTemplate"])["spec"]
    return spec


def deployed_pod(values: Mapping[str, Any], *flags: str) -> Object:
    """Return the specification of the Pods of the chart's Deployment."""
    return pod_of(only(rendered(values, *flags), "Deployment"))


def exporter_in(pod: Object) -> Object:
    """Return the container of the exporter, which may be a sidecar."""
    containers = [*pod.get("initContainers", ()), *pod["containers"]]
    found: Object
    (found,) = (container for container in containers if container["name"] == NAME)
    return found
