"""The Deployment of the chart, and the objects around it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubernetes.helm import (
    CI_VALUES,
    FULL_NAME,
    NAME,
    OPENSHIFT,
    RELEASE,
    deployed_pod,
    exporter_in,
    helm,
    only,
    rendered,
)
from tests.support.deployed import CHART

SELECTOR = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": RELEASE}
KEYS = {"existingSecret": "llamacloud-keys", "defaultKey": "default"}
IDS = {"runAsUser", "runAsGroup", "fsGroup"}
DIGEST = f"sha256:{'0123456789abcdef' * 4}"


def pod_template(values: dict[str, Any], *flags: str) -> dict[str, Any]:
    template: dict[str, Any] = only(rendered(values, *flags), "Deployment")["spec"]["template"]
    return template


def test_one_exporter_ends_before_the_next_starts() -> None:
    """Two at once would use the request budget twice."""
    spec = only(rendered({}), "Deployment")["spec"]
    assert (1, {"type": "Recreate"}) == (spec["replicas"], spec["strategy"])


def test_selectors_never_change() -> None:
    """Labels from the values are not part of them, because upgrades would fail."""
    labels = {"team": "ingest", "app.kubernetes.io/name": "mine"}
    values = {
        "commonLabels": labels,
        "podLabels": labels,
        "networkPolicy": {"enabled": True},
        "podDisruptionBudget": {"enabled": True},
        "serviceMonitor": {"enabled": True},
    }
    objects = rendered(values)
    deployment = only(objects, "Deployment")["spec"]
    assert SELECTOR == deployment["selector"]["matchLabels"]
    assert SELECTOR | {"team": "ingest"} == deployment["template"]["metadata"]["labels"]
    assert SELECTOR == only(objects, "Service")["spec"]["selector"]
    assert SELECTOR == only(objects, "NetworkPolicy")["spec"]["podSelector"]["matchLabels"]
    for kind in ("PodDisruptionBudget", "ServiceMonitor"):
        assert SELECTOR == only(objects, kind)["spec"]["selector"]["matchLabels"]
    assert all(
        "ingest" == found["metadata"]["labels"]["team"]
        for found in objects
        if found["kind"] != "Pod"
    )


def test_a_label_given_twice_is_one_label() -> None:
    """The more specific one wins, because an object must not repeat a key."""
    values = {
        "commonLabels": {"release": "a"},
        "serviceMonitor": {"enabled": True, "labels": {"release": "b"}},
    }
    assert "b" == only(rendered(values), "ServiceMonitor")["metadata"]["labels"]["release"]


def test_new_settings_restart_the_exporter() -> None:
    """The Pod has a checksum of the settings."""

    def checksum(interval: str) -> str:
        annotations = pod_template({"config": {"poll": {"interval": interval}}})["metadata"]
        return str(annotations["annotations"]["checksum/config"])

    assert checksum("1m") == checksum("1m") != checksum("2m")


def test_a_new_version_of_the_chart_alone_restarts_nothing(tmp_path: Any) -> None:
    """The Pod does not contain the version."""
    packaged = helm("package", CHART, "--version", "9.9.9", "--destination", tmp_path)
    assert 0 == packaged.returncode, packaged.stderr
    (package,) = tmp_path.glob("*.tgz")
    (newer,) = (each for each in rendered({}, chart=package) if each["kind"] == "Deployment")
    assert "9.9.9" in newer["metadata"]["labels"]["helm.sh/chart"]
    assert pod_template({}) == newer["spec"]["template"]


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ({}, f"{NAME}:0.1.0"),
        ({"image": {"registry": "a.example.org/b", "tag": "2"}}, f"a.example.org/b/{NAME}:2"),
        ({"image": {"tag": "2", "digest": DIGEST}}, f"{NAME}@{DIGEST}"),
        (
            {"image": {"registry": "a.example.org"}, "global": {"imageRegistry": "b.example.org"}},
            f"b.example.org/{NAME}:0.1.0",
        ),
    ],
    ids=str,
)
def test_the_image_comes_from_where_the_values_say(values: dict[str, Any], image: str) -> None:
    """A digest wins over a tag, and the global registry over the chart's own."""
    objects = rendered(values)
    pods = [only(objects, "Deployment")["spec"]["template"]["spec"], only(objects, "Pod")["spec"]]
    assert [image] * 2 == [container["image"] for pod in pods for container in pod["containers"]]


def test_secrets_of_the_registry_reach_every_pod() -> None:
    """Global pull secrets may be names or references, and the chart's own are added."""
    values = {
        "image": {"pullSecrets": ["own"]},
        "global": {"imagePullSecrets": ["name", {"name": "reference"}]},
    }
    objects = rendered(values)
    expected = [{"name": name} for name in ("name", "reference", "own")]
    assert expected == only(objects, "Deployment")["spec"]["template"]["spec"]["imagePullSecrets"]
    assert expected == only(objects, "Pod")["spec"]["imagePullSecrets"]


def test_the_test_runs_on_the_nodes_of_the_exporter() -> None:
    """Other nodes may lack the image's architecture, or refuse the Pod."""
    placement = {
        "nodeSelector": {"kubernetes.io/arch": "arm64"},
        "tolerations": [{"key": "dedicated", "operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
    }
    objects = rendered(placement)
    for pod in (only(objects, "Deployment")["spec"]["template"], only(objects, "Pod")):
        assert placement == {field: pod["spec"][field] for field in placement}


def test_keys_are_mounted_as_a_directory() -> None:
    """A mount with subPath would never show a new key."""
    pod = deployed_pod({"apiKeys": KEYS})
    container = exporter_in(pod)
    folder = "/etc/llamacloud-batch-exporter/keys"
    (mount,) = container["volumeMounts"]
    assert {"name": "llamacloud-keys", "mountPath": folder, "readOnly": True} == mount
    assert [{"name": "LLAMA_CLOUD_API_KEY_FILE", "value": f"{folder}/default"}] == container["env"]
    (volume,) = pod["volumes"]
    assert "llamacloud-keys" == volume["secret"]["secretName"]


def test_the_exporter_may_read_its_keys() -> None:
    """The Pod's group may read them, or any user if the Pod has no group."""

    def mode(values: dict[str, Any], *flags: str) -> str:
        (volume,) = deployed_pod({"apiKeys": KEYS, **values}, *flags)["volumes"]
        return oct(volume["secret"]["defaultMode"])

    assert "0o440" == mode({})
    assert "0o440" == mode({}, *OPENSHIFT)
    assert "0o444" == mode({"podSecurityContext": {"fsGroup": None}})


def test_openshift_assigns_the_ids() -> None:
    """The chart's own ids are left out there, and configured ones are kept."""
    assert IDS <= set(deployed_pod({})["securityContext"])
    objects = rendered({}, *OPENSHIFT)
    for pod in (only(objects, "Deployment")["spec"]["template"], only(objects, "Pod")):
        assert set() == IDS & set(pod["spec"]["securityContext"])
        assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    chosen = deployed_pod({"podSecurityContext": {"runAsUser": 1000}}, *OPENSHIFT)
    assert 1000 == chosen["securityContext"]["runAsUser"]


def test_without_a_cluster_values_leave_the_ids_out() -> None:
    """`helm template` cannot detect OpenShift, so the values for it do this."""
    (values,) = (file for file in CI_VALUES if "openshift" in file.name)
    pod = only(rendered(values), "Deployment")["spec"]["template"]["spec"]
    assert set() == IDS & set(pod["securityContext"])


def test_probes_request_health_and_readiness() -> None:
    """Neither probe depends on LlamaCloud or reads the metrics."""
    container = exporter_in(deployed_pod({}))
    paths = {
        probe: container[probe]["httpGet"]["path"] for probe in container if probe.endswith("Probe")
    }
    assert {"livenessProbe": "/-/healthy", "readinessProbe": "/-/ready"} == paths


def test_the_network_policy_admits_scrapers_and_the_test() -> None:
    """If sources are configured, all others are refused; outgoing are only DNS and HTTPS."""
    monitoring = {"namespaceSelector": {"matchLabels": {"a": "b"}}}
    values = {"networkPolicy": {"enabled": True, "ingressFrom": [monitoring]}}
    objects = rendered(values)
    spec = only(objects, "NetworkPolicy")["spec"]
    (rule,) = spec["ingress"]
    test_pod = only(objects, "Pod")["metadata"]["labels"]
    assert [monitoring, {"podSelector": {"matchLabels": test_pod}}] == rule["from"]
    assert [{"port": "llamacloud", "protocol": "TCP"}] == rule["ports"]
    assert ["Ingress", "Egress"] == spec["policyTypes"]
    assert [53, 53, 443] == [port["port"] for port in spec["egress"][0]["ports"]]
    open_policy = only(rendered({"networkPolicy": {"enabled": True}}), "NetworkPolicy")["spec"]
    assert "from" not in open_policy["ingress"][0]
    policy = only(rendered(values, *OPENSHIFT), "NetworkPolicy")["spec"]
    assert [53, 53, 5353, 5353, 443] == [port["port"] for port in policy["egress"][0]["ports"]]


def test_a_drain_is_never_blocked() -> None:
    """With one replica, `minAvailable: 1` would block it."""
    budget = only(rendered({"podDisruptionBudget": {"enabled": True}}), "PodDisruptionBudget")
    assert 1 == budget["spec"]["maxUnavailable"]
    assert "minAvailable" not in budget["spec"]


def test_names_fit_whatever_the_release_is_called() -> None:
    """A release may be named by a number, and long names are cut to the length that DNS allows."""
    for release in ("123", "a" * 53):
        result = helm("template", release, CHART, "--set", f"fullnameOverride={'b' * 80}")
        assert 0 == result.returncode, result.stderr
    assert f"{FULL_NAME}-test" == only(rendered({}), "Pod")["metadata"]["name"]
    (instance,) = {
        found["metadata"]["labels"]["app.kubernetes.io/instance"] for found in rendered({})
    }
    assert RELEASE == instance
