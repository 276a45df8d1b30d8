"""The exporter as a sidecar in a chart that depends on this one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.kubernetes.conformance import (
    FIRST_WITH_SIDECARS,
    NEWEST,
    check_restricted,
    check_schemas,
)
from tests.kubernetes.helm import (
    NAME,
    OPENSHIFT,
    exporter_in,
    only,
    pod_of,
    rendered,
    template,
)
from tests.support.deployed import DEPLOY

if TYPE_CHECKING:
    from pathlib import Path


def values(**own: Any) -> dict[str, Any]:
    """Return values of the parent chart for the exporter."""
    return {NAME: own}


def sidecar(chart: Path, *flags: str, **own: Any) -> dict[str, Any]:
    """Return the exporter's container that the parent chart renders."""
    return exporter_in(pod_of(only(rendered(values(**own), *flags, chart=chart), "Deployment")))


def variables(container: dict[str, Any]) -> dict[str, str]:
    return {variable["name"]: variable["value"] for variable in container["env"]}


@pytest.mark.parametrize("version", [FIRST_WITH_SIDECARS, NEWEST])
def test_the_example_is_valid(parent: Path, version: str) -> None:
    """Every Kubernetes version with native sidecars accepts it, and its Pod is restricted."""
    objects = rendered({}, "--kube-version", version, chart=parent)
    check_schemas(objects, version)
    check_restricted(pod_of(only(objects, "Deployment")))
    kinds = sorted(found["kind"] for found in objects)
    assert ["ConfigMap", "Deployment", "PodMonitor", "PrometheusRule"] == kinds


def test_it_is_a_native_sidecar(parent: Path) -> None:
    """It starts before the workload and ends after it, so that a Job with it completes."""
    pod = pod_of(only(rendered({}, chart=parent), "Deployment"))
    assert [NAME] == [container["name"] for container in pod["initContainers"]]
    assert "Always" == pod["initContainers"][0]["restartPolicy"]


def test_it_never_holds_the_workload_back(parent: Path) -> None:
    """Neither a probe nor a missing key delays the workload; only keys are mounted."""
    pod = pod_of(only(rendered({}, chart=parent), "Deployment"))
    container = exporter_in(pod)
    assert ["livenessProbe"] == [field for field in container if field.endswith("Probe")]
    assert "true" == variables(container)["LLAMACLOUD_EXPORTER_API__WAIT_FOR_KEY"]
    (volume,) = pod["volumes"]
    assert volume["secret"]["optional"] is True
    # The chart does not set the Pod's group.
    assert 0o444 == volume["secret"]["defaultMode"]


def test_its_settings_are_variables(parent: Path) -> None:
    """Changed settings restart the Pod, and no ConfigMap can be missing."""
    projects = [{"name": "invoices", "job_types": ["parse", "extract"]}]
    config = {
        "projects": projects,
        "poll": {"interval": "1m"},
        "api": {"versions": ["v1beta", "v2"], "requests_per_minute": 7.5},
        "items": {"enabled": False},
        "jobs": {"max_per_project": 1000000},
    }
    objects = rendered(values(config=config), chart=parent)
    found = variables(exporter_in(pod_of(only(objects, "Deployment"))))
    assert projects == json.loads(found.pop("LLAMACLOUD_EXPORTER_PROJECTS"))
    assert {
        "LLAMACLOUD_EXPORTER_API__WAIT_FOR_KEY": "true",
        "LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE": "7.5",
        "LLAMACLOUD_EXPORTER_API__VERSIONS": "v1beta,v2",
        "LLAMACLOUD_EXPORTER_ITEMS__ENABLED": "false",
        "LLAMACLOUD_EXPORTER_JOBS__MAX_PER_PROJECT": "1000000",
        "LLAMACLOUD_EXPORTER_POLL__INTERVAL": "1m",
        "LLAMA_CLOUD_API_KEY_FILE": "/etc/llamacloud-batch-exporter/keys/default",
    } == found


@pytest.mark.parametrize("setting", [True, False])
def test_it_waits_for_its_key_whatever_the_settings_say(parent: Path, *, setting: bool) -> None:
    """The variable is set once, because the API server refuses duplicates."""
    container = sidecar(parent, config={"api": {"wait_for_key": setting}})
    name = "LLAMACLOUD_EXPORTER_API__WAIT_FOR_KEY"
    assert ["true"] == [each["value"] for each in container["env"] if each["name"] == name]


def test_its_rights_are_its_own(parent: Path) -> None:
    """The Pod's security context is the workload's, and OpenShift assigns the ids here too."""
    context = sidecar(parent)["securityContext"]
    assert (True, 65532) == (context["runAsNonRoot"], context["runAsUser"])
    assert "fsGroup" not in context
    assert "runAsUser" not in sidecar(parent, *OPENSHIFT)["securityContext"]


def test_further_volumes_come_with_their_mounts(parent: Path) -> None:
    """The API server would refuse a mount without its volume."""
    volume = {"name": "certificates", "configMap": {"name": "a", "optional": True}}
    mount = {"name": "certificates", "mountPath": "/etc/ssl/company"}
    own = values(extraVolumes=[volume], extraVolumeMounts=[mount])
    pod = pod_of(only(rendered(own, chart=parent), "Deployment"))
    assert volume in pod["volumes"]
    assert mount in exporter_in(pod)["volumeMounts"]


@pytest.mark.parametrize(
    ("own", "flags", "reason"),
    [
        ({}, ("--kube-version", "1.28.9"), "Kubernetes before 1.29 has no native sidecars"),
        ({"existingConfigMap": "a"}, (), "existingConfigMap would keep your containers"),
        ({"extraEnvFrom": [{"secretRef": {"name": "a"}}]}, (), "with extraEnvFrom, one that"),
        ({"config": {"projects": [{"api_key": "llx-made-up"}]}}, (), "holds an API key"),
        ({"workload": {"enabled": True}}, (), "would spend the request budget twice"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_could_go_wrong_in_the_cluster_is_refused(
    parent: Path, own: dict[str, Any], flags: tuple[str, ...], reason: str
) -> None:
    """Helm refuses it when rendering the chart, before it reaches the cluster."""
    result = template(values(**own), *flags, chart=parent)
    assert 0 != result.returncode
    assert reason in result.stderr


def test_the_example_depends_on_this_chart() -> None:
    """It refers to the chart's folder and accepts every version."""
    chart = yaml.safe_load((DEPLOY / "helm/examples/parent-chart/Chart.yaml").read_text())
    (dependency,) = chart["dependencies"]
    assert (NAME, f"file://../../{NAME}") == (dependency["name"], dependency["repository"])
