"""A real API server accepts, runs and removes what the chart and Kustomize generate.

Nodes and containers are not real: KWOK reports every Pod's state as a kubelet would.
"""

from __future__ import annotations

import json
import re
import shutil
import socket
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.kubernetes.cluster.control_plane import Cluster, running_cluster
from tests.kubernetes.cluster.discovery import prometheus_config
from tests.kubernetes.helm import CI_VALUES, NAME, RELEASE, helm, only, rendered
from tests.kubernetes.kustomize import NAMES, built
from tests.support.deployed import CHART, DEPLOY
from tests.support.documents import PAGES, blocks
from tests.support.exporter_process import running
from tests.support.prometheus import running_prometheus

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.timeout(600)

CRDS = CHART.parents[2] / "tests" / "kubernetes" / "crds"
# The namespaces that values and examples use.
NAMESPACES = ("observed", "monitoring", "llamacloud", "releases", "ingest")
RESTRICTED = {
    f"pod-security.kubernetes.io/{mode}": "restricted" for mode in ("enforce", "warn", "audit")
}
RECORDED = "project:llamacloud_batch_active_jobs:sum"
KEY = "llx-made-up\n"
KEYS = {"existingSecret": "llamacloud-keys", "defaultKey": "default"}


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    """Run a cluster whose namespaces enforce the Pod security standard `restricted`."""
    with running_cluster() as cluster:
        cluster.apply([yaml.safe_load(file.read_text()) for file in sorted(CRDS.glob("*.yaml"))])
        cluster.apply([namespace(name) for name in NAMESPACES])
        cluster.wait_for(lambda: knows_monitors(cluster), "The CRDs are not served.")
        cluster.wait_for(lambda: admits_pods(cluster), "A namespace has no ServiceAccount.")
        yield cluster


def namespace(name: str) -> dict[str, Any]:
    metadata = {"name": name, "labels": RESTRICTED}
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def knows_monitors(cluster: Cluster) -> bool:
    found = cluster.kubectl("api-resources", "--api-group=monitoring.coreos.com", "--output=name")
    return len(found.stdout.split()) == len(list(CRDS.glob("*.yaml")))


def admits_pods(cluster: Cluster) -> bool:
    accounts = cluster.kubectl("get", "serviceaccounts", "--all-namespaces", "--output=json")
    found = {each["metadata"]["namespace"] for each in json.loads(accounts.stdout)["items"]}
    return set(NAMESPACES) <= found


@pytest.mark.parametrize("values", CI_VALUES, ids=lambda file: file.stem)
def test_the_server_accepts_what_the_chart_renders(cluster: Cluster, values: Path) -> None:
    """Validation is strict, and warnings, for instance about the security of Pods, are failures."""
    cluster.apply(rendered(values), "--dry-run=server")


@pytest.mark.parametrize("example", NAMES)
def test_the_server_accepts_what_kustomize_builds(cluster: Cluster, example: str) -> None:
    """Validation is as strict as for the chart."""
    cluster.apply(built(example), "--dry-run=server")


def test_the_server_accepts_a_chart_with_a_sidecar(cluster: Cluster, parent: Path) -> None:
    """Validation is as strict as for the chart alone."""
    cluster.apply(rendered({}, chart=parent), "--dry-run=server", "--namespace=observed")


def test_the_server_refuses_what_is_not_restricted(cluster: Cluster) -> None:
    """This shows that the server enforces the standard in the other tests."""
    values = {"securityContext": {"allowPrivilegeEscalation": True}}
    with pytest.raises(AssertionError, match="would violate PodSecurity"):
        cluster.apply(rendered(values), "--dry-run=server")


def test_helm_reports_what_is_missing(cluster: Cluster) -> None:
    """The notes warn of an exporter without a key and of one without a monitor."""
    dry = ("install", RELEASE, str(CHART), "--namespace=releases", "--dry-run=server")
    notes = cluster.helm(*dry)
    assert "WARNING: it has no API key" in notes
    assert "This release does not make Prometheus scrape the exporter" in notes
    assert "begin at zero after each restart" in notes
    complete = ("existingSecret=llamacloud-keys", "defaultKey=default")
    flags = [f"--set=apiKeys.{each}" for each in complete]
    flags.append("--set=state.enabled=true")
    notes = cluster.helm(*dry, *flags, "--set=serviceMonitor.enabled=true")
    assert "WARNING" not in notes
    assert "does not make Prometheus" not in notes
    assert "begin at zero" not in notes
    notes = cluster.helm(*dry, *flags, "--set=state.persistence.enabled=false")
    assert "begin at zero in a new Pod" in notes
    assert f"helm --namespace releases test {RELEASE}" in notes


def generations(cluster: Cluster) -> int:
    return len(cluster.get("replicasets", "releases"))


def test_a_release_lives_and_goes(cluster: Cluster, tmp_path: Path) -> None:
    """It is installed, tested, upgraded and removed.

    Changed settings restart the Pod; a new version of the chart does not.
    """
    (everything,) = (file for file in CI_VALUES if "everything" in file.name)

    def do(verb: str, chart: str, *flags: str) -> None:
        where = ("--namespace=releases", f"--values={everything}", "--wait", "--timeout=60s")
        cluster.helm(verb, RELEASE, chart, *where, *flags)

    do("install", str(CHART))
    (pod,) = cluster.get("pods", "releases")
    assert "Running" == pod["status"]["phase"]
    assert "Phase:          Succeeded" in cluster.helm("test", RELEASE, "--namespace=releases")
    assert 1 == generations(cluster)

    packaged = helm("package", CHART, "--version=0.1.1", f"--destination={tmp_path}")
    assert 0 == packaged.returncode, packaged.stderr
    do("upgrade", str(tmp_path / f"{NAME}-0.1.1.tgz"))
    assert [pod["metadata"]["uid"]] == [
        each["metadata"]["uid"] for each in cluster.get("pods", "releases")
    ]
    do("upgrade", str(CHART), "--set=config.poll.interval=2m")
    assert 2 == generations(cluster)

    cluster.helm("uninstall", RELEASE, "--namespace=releases", "--wait")
    kinds = "deployments,services,configmaps,serviceaccounts,networkpolicies,servicemonitors"
    kinds += ",prometheusrules,poddisruptionbudgets"
    left = cluster.get(kinds, "releases", f"--selector=app.kubernetes.io/instance={RELEASE}")
    assert [] == left


# Without containers and an operator, there are no images, logs, signals or forwarded ports.
BEYOND = re.compile(r"make|kubectl get prometheus|kubectl .*\b(port-forward|logs|exec)\b")


def typed_on(page: str) -> list[str]:
    """Return the commands of a page that this cluster can run."""
    shown = "".join(blocks((PAGES / f"{page}.md").read_text(), "sh"))
    lines = shown.replace("\\\n", " ").splitlines()
    return [line for line in lines if not BEYOND.match(line)]


def follow(cluster: Cluster, page: str, clone: Path) -> None:
    """Run the commands of a page in a folder that holds deploy/, with the key as keyboard input."""
    key = clone / "key"
    key.write_text(KEY)
    commands = typed_on(page)
    assert len(commands) > 3
    for command in commands:
        typed = f"cd {clone} && {command.replace('KEY_FILE', str(key))}"
        ended = cluster.run("bash", "-o", "pipefail", "-c", typed, given=KEY)
        assert 0 == ended.returncode, f"{command}\n{ended.stderr}"


def keys_in(cluster: Cluster, namespace: str) -> set[str]:
    """Return the different keys in the Secret that a page creates."""
    named = "--field-selector=metadata.name=llamacloud-keys"
    (secret,) = cluster.get("secrets", namespace, named)
    return {b64decode(value).decode() for value in secret["data"].values()}


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a folder with a copy of deploy/, where commands may write files."""
    shutil.copytree(DEPLOY, tmp_path / "deploy")
    return tmp_path


@pytest.mark.parametrize("page", ["helm", "kustomize"])
def test_a_page_can_be_followed(cluster: Cluster, page: str, clone: Path) -> None:
    """All of its commands work in a cluster without such a namespace."""
    cluster.kubectl("delete", "namespace", "llamacloud")
    follow(cluster, page, clone)
    assert {KEY} == keys_in(cluster, "llamacloud")
    left = cluster.get("deployments,services,configmaps", "llamacloud")
    assert ["kube-root-ca.crt"] == [each["metadata"]["name"] for each in left]
    cluster.apply([namespace("llamacloud")])


def test_the_page_about_sidecars_can_be_followed(cluster: Cluster, clone: Path) -> None:
    """All of its commands work beside a workload in its own namespace."""
    shown = blocks((PAGES / "sidecar.md").read_text(), "yaml")
    (values,) = (block for block in shown if "workload: {enabled: false}" in block)
    (clone / "sidecars.yaml").write_text(values)
    follow(cluster, "sidecar", clone)
    assert {KEY} == keys_in(cluster, "ingest")
    (monitor,) = cluster.get("podmonitors", "monitoring")
    assert {"any": True} == monitor["spec"]["namespaceSelector"]
    cluster.helm("uninstall", "llamacloud-sidecars", "--namespace=monitoring")


def sidecar_pods(cluster: Cluster) -> list[dict[str, Any]]:
    """Return the Pods with a sidecar, once their workloads have created them."""
    pods = cluster.get("pods", "llamacloud", "--selector=llamacloud-batch-exporter=sidecar")
    return [pod for pod in pods if pod["status"].get("podIP")]


def in_phase(pods: list[dict[str, Any]], phase: str) -> list[str]:
    return sorted(
        pod["metadata"]["ownerReferences"][0]["kind"]
        for pod in pods
        if pod["status"]["phase"] == phase
    )


def test_prometheus_finds_every_exporter(cluster: Cluster, tmp_path: Path) -> None:
    """Exporters alone and as sidecars are admitted, with one target each, all of one job.

    All Pods have addresses of this machine, on which one exporter answers for all of them.
    """
    with socket.socket() as free:
        free.bind(("0.0.0.0", 0))
        port = free.getsockname()[1]
    values = {"web": {"port": port}, "podMonitor": {"enabled": True}, "apiKeys": KEYS}
    objects = rendered({**values, "prometheusRule": {"enabled": True}})
    cluster.apply(objects)
    sidecars = [with_port(each, port) for each in built("beside-workloads") + built("beside-jobs")]
    monitors = [each for each in sidecars if each["kind"] == "PodMonitor"]
    cluster.apply([each for each in sidecars if each not in monitors[1:]])
    cluster.wait_for(
        lambda: (
            ["DaemonSet", "ReplicaSet", "StatefulSet"] == in_phase(sidecar_pods(cluster), "Running")
            and ["Job"] == in_phase(sidecar_pods(cluster), "Succeeded")
        ),
        "Not every workload with a sidecar runs, and the Job has not completed.",
    )
    for pod in sidecar_pods(cluster):
        assert "Always" == pod["spec"]["initContainers"][0]["restartPolicy"]

    rules = tmp_path / "rules.yml"
    rules.write_text(yaml.safe_dump(only(objects, "PrometheusRule")["spec"]))
    config = prometheus_config(
        [only(objects, "PodMonitor"), monitors[0]], rules, cluster.kubeconfig
    )
    with (
        running("--demo", f"--web.listen-address=0.0.0.0:{port}"),
        running_prometheus(config) as prometheus,
    ):
        query = "count by (namespace, job, container) (llamacloud_exporter_build_info)"
        expected = {("llamacloud", NAME, NAME): "3", ("observed", NAME, NAME): "1"}

        def found() -> dict[tuple[str, ...], str]:
            return {
                tuple(each["metric"][label] for label in ("namespace", "job", "container")): each[
                    "value"
                ][1]
                for each in prometheus.query(query)
            }

        prometheus.wait_for(lambda: found() == expected, missing=found)
        prometheus.wait_for(lambda: bool(prometheus.query(RECORDED)))
        targets = prometheus.request("/api/v1/targets", state="active")["activeTargets"]
        assert ["up"] * 4 == [target["health"] for target in targets]


def with_port(found: dict[str, Any], port: int) -> dict[str, Any]:
    """Return an object whose sidecar has another port, because the demo needs a free one."""
    text = yaml.safe_dump(found).replace("containerPort: 9910", f"containerPort: {port}")
    changed: dict[str, Any] = yaml.safe_load(text)
    return changed
