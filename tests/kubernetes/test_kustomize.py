"""The base and the components of Kustomize, through the examples that use them."""

from __future__ import annotations

from typing import Any

import pytest
import yaml

from tests.kubernetes.conformance import (
    FIRST_WITH_SIDECARS,
    NEWEST,
    OLDEST,
    VERSIONS,
    check_restricted,
    check_schemas,
)
from tests.kubernetes.helm import NAME, deployed_pod, exporter_in, only, pod_of, rendered
from tests.kubernetes.kustomize import EXAMPLES, NAMES, built, named
from tests.support.deployed import DASHBOARD, RULE_FILES

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "Job", "CronJob")
IMAGE = "registry.example.org/llamacloud-batch-exporter:0.1.0"
NATIVE = [
    ("beside-workloads", "Deployment", "ingest"),
    ("beside-workloads", "StatefulSet", "index"),
    ("beside-workloads", "DaemonSet", "collect"),
    ("beside-jobs", "Job", "once"),
    ("beside-jobs", "CronJob", "hourly"),
]
CLASSIC = [("classic", *workload) for _, *workload in NATIVE[:3]]


@pytest.mark.parametrize("example", NAMES)
@pytest.mark.parametrize("version", VERSIONS)
def test_every_example_is_valid(example: str, version: str) -> None:
    """Each is valid in every Kubernetes version that has the features it uses."""
    if example.startswith("beside-") and version == OLDEST:
        pytest.skip("Kubernetes 1.25 has no native sidecars.")
    check_schemas(built(example), version)


def test_before_sidecars_there_is_the_classic_one() -> None:
    """Old versions lack the field of native sidecars, and the Pod would never start."""
    assert "classic" in NAMES
    with pytest.raises(AssertionError, match="restartPolicy"):
        check_schemas(built("beside-workloads"), OLDEST)
    check_schemas(built("beside-workloads"), FIRST_WITH_SIDECARS)
    check_schemas(built("classic"), OLDEST)


@pytest.mark.parametrize("example", NAMES)
def test_every_pod_is_restricted(example: str) -> None:
    """The exporter never needs more rights than the workload beside it."""
    pods = [pod_of(found) for found in built(example) if found["kind"] in WORKLOADS]
    assert pods
    for pod in pods:
        check_restricted(pod)


@pytest.mark.parametrize(("example", "kind", "name"), NATIVE)
def test_a_labelled_workload_gets_a_native_sidecar(example: str, kind: str, name: str) -> None:
    """This works for every kind.

    A Job with a sidecar completes: Kubernetes ends the sidecar after the other containers.
    """
    pod = pod_of(named(example, kind, name))
    container = exporter_in(pod)
    assert container in pod["initContainers"]
    assert ("Always", IMAGE) == (container["restartPolicy"], container["image"])
    assert ["worker" if example == "beside-workloads" else "submit"] == [
        other["name"] for other in pod["containers"]
    ]


@pytest.mark.parametrize(("example", "kind", "name"), CLASSIC)
def test_a_labelled_workload_gets_a_classic_sidecar(example: str, kind: str, name: str) -> None:
    """It is an ordinary container, for versions without native sidecars."""
    pod = pod_of(named(example, kind, name))
    assert exporter_in(pod) in pod["containers"]
    assert "restartPolicy" not in exporter_in(pod)


@pytest.mark.parametrize(("kind", "name"), [("Job", "once"), ("CronJob", "hourly")])
def test_no_job_gets_a_classic_sidecar(kind: str, name: str) -> None:
    """The Job would never complete."""
    pod = pod_of(named("classic", kind, name))
    assert ["submit"] == [container["name"] for container in pod["containers"]]


@pytest.mark.parametrize("example", ["beside-workloads", "classic"])
def test_a_workload_without_the_label_stays_as_it_is(example: str) -> None:
    """Kustomize does not report a selector that matches too much."""
    source = (EXAMPLES / "beside-workloads" / "workloads" / "workloads.yaml").read_text()
    (expected,) = (
        found for found in yaml.safe_load_all(source) if found["metadata"]["name"] == "other"
    )
    found = named(example, "Deployment", "other")
    assert "llamacloud" == found["metadata"].pop("namespace")
    assert expected == found


@pytest.mark.parametrize(("example", "kind", "name"), [*NATIVE, *CLASSIC])
def test_no_sidecar_holds_its_workload_back(example: str, kind: str, name: str) -> None:
    """Neither a probe nor a missing Secret delays it, and the PodMonitor selects its Pod."""
    found = named(example, kind, name)
    pod = pod_of(found)
    container = exporter_in(pod)
    assert ["livenessProbe"] == [field for field in container if field.endswith("Probe")]
    (volume,) = pod["volumes"]
    assert {"secretName": "llamacloud-keys", "defaultMode": 0o444, "optional": True} == volume[
        "secret"
    ]
    (selected,) = named(example, "PodMonitor", NAME)["spec"]["selector"]["matchLabels"].items()
    spec = found["spec"].get("jobTemplate", found)["spec"]
    assert selected in spec["template"]["metadata"]["labels"].items()


def sidecar_of_helm() -> dict[str, Any]:
    """Return the part of the container of the chart's Deployment that a sidecar shares."""
    values = {
        "apiKeys": {"existingSecret": "llamacloud-keys", "defaultKey": "default"},
        "image": {"registry": "registry.example.org"},
    }
    pod = deployed_pod(values)
    container = exporter_in(pod)
    ids = ("runAsNonRoot", "runAsUser", "runAsGroup", "seccompProfile")
    context = {name: pod["securityContext"][name] for name in ids} | container["securityContext"]
    waiting = {"name": "LLAMACLOUD_EXPORTER_API__WAIT_FOR_KEY", "value": "true"}
    # The chart sets defaults of the exporter and Kubernetes explicitly, and Kustomize omits them.
    ours = {"readinessProbe", "args", "imagePullPolicy"}
    return {field: container[field] for field in container if field not in ours} | {
        "env": [*container["env"], waiting],
        "securityContext": context,
    }


@pytest.mark.parametrize(("example", "kind", "name"), [*NATIVE, *CLASSIC])
def test_a_sidecar_is_the_container_of_the_chart(example: str, kind: str, name: str) -> None:
    """Four files describe this container, and they must agree."""
    container = dict(exporter_in(pod_of(named(example, kind, name))))
    container.pop("restartPolicy", None)
    assert sidecar_of_helm() == container


def test_the_deployment_is_that_of_the_chart() -> None:
    """It also has a ServiceAccount, a Service and a settings file."""
    values = {
        "fullnameOverride": NAME,
        "image": {"registry": "registry.example.org"},
        "apiKeys": {"existingSecret": "llamacloud-keys"},
        "existingConfigMap": "settings",
    }
    expected, found = deployed_pod(values), pod_of(named("alone", "Deployment", NAME))
    settings = found["volumes"][0]["configMap"]["name"]
    assert expected["volumes"][0] == {
        "name": "llamacloud-settings",
        "configMap": {"name": "settings"},
    }
    expected["volumes"][0]["configMap"]["name"] = settings
    (container,) = expected["containers"]
    del container["imagePullPolicy"]
    # All others are the exporter's defaults.
    del container["args"][1:]
    assert expected == found
    service = named("alone", "Service", NAME)
    assert only(rendered({}), "Service")["spec"]["ports"] == service["spec"]["ports"]
    assert pod_labels("alone") == service["spec"]["selector"]


def pod_labels(example: str) -> dict[str, str]:
    template = named(example, "Deployment", NAME)["spec"]["template"]
    labels: dict[str, str] = template["metadata"]["labels"]
    return labels


def test_new_settings_restart_the_exporter() -> None:
    """The name of the ConfigMap ends in a hash, and the Deployment refers to it."""
    settings = named("alone", "ConfigMap", "llamacloud-settings-")
    assert (EXAMPLES / "alone" / "exporter.yml").read_text() == settings["data"]["exporter.yml"]
    volume = pod_of(named("alone", "Deployment", NAME))["volumes"][0]
    assert settings["metadata"]["name"] == volume["configMap"]["name"]


def test_the_service_monitor_finds_the_service() -> None:
    """It selects labels and the name of the port, in its own namespace."""
    spec = named("alone", "ServiceMonitor", NAME)["spec"]
    service = named("alone", "Service", NAME)
    labels = service["metadata"]["labels"]
    assert spec["selector"]["matchLabels"].items() <= labels.items()
    assert NAME == labels[spec["jobLabel"]]
    assert [{"port": service["spec"]["ports"][0]["name"]}] == spec["endpoints"]


def test_rules_and_dashboard_are_the_files_of_the_chart() -> None:
    """Kustomize reads them from the chart."""
    rules = named("alone", "ConfigMap", "llamacloud-batch-rules")
    assert {file.name: file.read_text() for file in RULE_FILES} == rules["data"]
    dashboard = named("alone", "ConfigMap", "llamacloud-batch-dashboard")
    assert {DASHBOARD.name: DASHBOARD.read_text()} == dashboard["data"]
    assert "1" == dashboard["metadata"]["labels"]["grafana_dashboard"]


def test_the_newest_version_is_tested() -> None:
    """Versions are sorted by number, not by text."""
    assert sorted(VERSIONS, key=lambda text: tuple(map(int, text.split(".")))) == list(VERSIONS)
    assert NEWEST == VERSIONS[-1]
