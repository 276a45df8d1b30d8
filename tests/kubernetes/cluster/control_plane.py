"""The control plane of a real Kubernetes cluster on the loopback; KWOK simulates its node."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import tempfile
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.kubernetes.helm import NAME
from tests.support.tools import require_tool
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from tests.kubernetes.helm import Object

TOOLS = "CLUSTER_TOOLS"
# Starting takes five seconds on an idle machine.
_DEADLINE_SECONDS = 120.0
_NODE = "fake"
# Pods get loopback addresses, so that a program on this machine can serve for them.
_POD_ADDRESSES = "127.77.0.1/24"
_TOKEN = "made-up-token-of-the-administrator"


@dataclass
class Cluster:
    """A running control plane, with an administrator's rights."""

    folder: Path
    processes: dict[str, subprocess.Popen[bytes]]

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig file of the administrator."""
        return self.folder / "kubeconfig"

    def kubectl(self, *arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run kubectl and wait for it."""
        return self.run(require_tool("kubectl"), *arguments, given=given)

    def helm(self, *arguments: str, given: str = "") -> str:
        """Run Helm, and return its output."""
        result = self.run(require_tool("helm"), *arguments, given=given)
        assert 0 == result.returncode, result.stderr
        return result.stdout

    def run(self, *command: str, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a client of the cluster and wait for it."""
        return subprocess.run(
            command,
            input=given,
            env=os.environ | {"KUBECONFIG": str(self.kubeconfig)},
            capture_output=True,
            text=True,
            check=False,
        )

    def apply(self, objects: Iterable[Object], *flags: str) -> None:
        """Apply objects with strict validation; warnings of the server are failures."""
        given = json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        strict = ("--server-side", "--validate=strict", "--filename=-")
        result = self.kubectl("apply", *strict, *flags, given=given)
        assert (0, "") == (result.returncode, result.stderr), result.stderr

    def get(self, kind: str, namespace: str, *flags: str) -> list[Object]:
        """Return the objects of a kind in a namespace."""
        result = self.kubectl("get", kind, "--namespace", namespace, "--output=json", *flags)
        assert 0 == result.returncode, result.stderr
        items: list[Object] = json.loads(result.stdout)["items"]
        return items

    def wait_for(self, condition: Callable[[], bool], what: str) -> None:
        """Wait until a condition holds; fail with the end of each log if it never does."""
        wait_until(
            condition,
            self.processes["kube-apiserver"],
            within_seconds=_DEADLINE_SECONDS,
            seconds_between_checks=0.2,
            message=lambda: f"{what}\n{self._logs()}",
        )

    def is_ready(self) -> bool:
        """Return whether the API server reports that it is ready."""
        return self.kubectl("get", "--raw=/readyz").stdout == "ok"

    def _logs(self) -> str:
        logs = sorted(self.folder.glob("*.log"))
        return "\n".join(f"{log.stem}: {log.read_text()[-1500:]}" for log in logs)


def tools() -> Path:
    """Return the folder of the cluster's programs.

    Without it the test is skipped, or fails if REQUIRE_CLUSTER=1.
    """
    folder = os.environ.get(TOOLS)
    if folder:
        return Path(folder)
    words = "there is no cluster: use `make cluster-test`; with REQUIRE_CLUSTER=1 this is a failure"
    if os.environ.get("REQUIRE_CLUSTER") == "1":
        pytest.fail(words)
    pytest.skip(words)


@contextmanager
def running_cluster() -> Iterator[Cluster]:
    """Run a cluster with one node until the end of the block."""
    programs = tools()
    with tempfile.TemporaryDirectory(prefix="cluster-") as name, ExitStack() as stack:
        folder = Path(name)
        cluster = Cluster(folder, {})
        server, etcd, peers = _free_ports(3)
        _prepare(folder, server)
        start = _Starter(cluster, programs / "bin", stack)
        start("etcd", *_etcd(folder, etcd, peers))
        start("kube-apiserver", *_api_server(folder, server, etcd))
        cluster.wait_for(cluster.is_ready, "The API server is not ready.")
        start("kube-controller-manager", *_controllers(folder))
        start("kube-scheduler", *_client(folder), "--leader-elect=false", "--secure-port=0")
        start("kwok", *_kwok(folder, programs / "stages"))
        cluster.apply([_node()])
        yield cluster


@dataclass
class _Starter:
    cluster: Cluster
    programs: Path
    stack: ExitStack

    def __call__(self, part: str, *arguments: str) -> None:
        """Run a component of the cluster until the stack is closed."""
        command = [self.programs / "kwok"] if part == "kwok" else [self.programs / "plane", part]
        with (self.cluster.folder / f"{part}.log").open("wb") as log:
            process = subprocess.Popen([*command, *arguments], stdout=log, stderr=log)
        self.cluster.processes[part] = process
        self.stack.callback(process.wait)
        self.stack.callback(process.kill)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _prepare(folder: Path, port: int) -> None:
    """Write the key that signs ServiceAccounts, the administrator's token, and the kubeconfig."""
    key = str(folder / "sa.key")
    subprocess.run(
        [require_tool("openssl"), "genrsa", "-out", key], check=True, capture_output=True
    )
    (folder / "tokens.csv").write_text(f"{_TOKEN},admin,admin,system:masters\n")
    authority = str(folder / "certificates" / "apiserver.crt")
    server = {"server": f"https://127.0.0.1:{port}", "certificate-authority": authority}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "c", "cluster": server}],
        "users": [{"name": "u", "user": {"token": _TOKEN}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
        "current-context": "c",
    }
    (folder / "kubeconfig").write_text(json.dumps(config))


def _etcd(folder: Path, port: int, peers: int) -> list[str]:
    client, peer = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{peers}"
    return [
        f"--data-dir={folder / 'etcd'}",
        f"--listen-client-urls={client}",
        f"--advertise-client-urls={client}",
        f"--listen-peer-urls={peer}",
        f"--initial-advertise-peer-urls={peer}",
        f"--initial-cluster=default={peer}",
        "--unsafe-no-fsync",
    ]


def _api_server(folder: Path, port: int, etcd: int) -> list[str]:
    return [
        f"--etcd-servers=http://127.0.0.1:{etcd}",
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        f"--secure-port={port}",
        f"--cert-dir={folder / 'certificates'}",
        f"--token-auth-file={folder / 'tokens.csv'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://localhost",
        f"--service-account-key-file={folder / 'sa.key'}",
        f"--service-account-signing-key-file={folder / 'sa.key'}",
        "--service-cluster-ip-range=10.96.0.0/24",
        "--endpoint-reconciler-type=none",
    ]


def _client(folder: Path) -> list[str]:
    config = folder / "kubeconfig"
    return [
        f"--kubeconfig={config}",
        f"--authentication-kubeconfig={config}",
        f"--authorization-kubeconfig={config}",
    ]


def _controllers(folder: Path) -> list[str]:
    return [
        *_client(folder),
        f"--service-account-private-key-file={folder / 'sa.key'}",
        "--use-service-account-credentials=true",
        "--leader-elect=false",
        "--secure-port=0",
    ]


def _kwok(folder: Path, stages: Path) -> list[str]:
    node = [stages / "node" / "fast" / "node-initialize.yaml"]
    node += [stages / "node" / "heartbeat-with-lease" / "node-heartbeat-with-lease.yaml"]
    pods = sorted((stages / "pod" / "fast").glob("pod-*.yaml"))
    tests = folder / "tests.json"
    tests.write_text(json.dumps(_tests_complete(stages / "pod" / "fast" / "pod-complete.yaml")))
    return [
        f"--kubeconfig={folder / 'kubeconfig'}",
        f"--manage-single-node={_NODE}",
        "--node-lease-duration-seconds=40",
        f"--cidr={_POD_ADDRESSES}",
        "--server-address=127.0.0.1:0",
        *(f"--config={stage}" for stage in [*node, *pods, tests]),
    ]


def _tests_complete(completing: Path) -> Object:
    """Return the KWOK stage that completes the Pods of `helm test`, which no Job owns."""
    stage: Object = yaml.safe_load(completing.read_text())
    stage["metadata"]["name"] = "test-complete"
    *others, _ = stage["spec"]["selector"]["matchExpressions"]
    name = '.metadata.labels["app.kubernetes.io/name"]'
    of_tests = {"key": name, "operator": "In", "values": [f"{NAME}-test"]}
    stage["spec"]["selector"]["matchExpressions"] = [*others, of_tests]
    return stage


def _node() -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": _NODE, "labels": {"kubernetes.io/os": "linux"}},
    }
