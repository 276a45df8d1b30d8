"""The exporter's state file in Kubernetes: in a PersistentVolumeClaim, or in the Pod."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.config import load
from tests.kubernetes.helm import (
    NAME,
    deployed_pod,
    exporter_in,
    only,
    pod_of,
    refusal,
    rendered,
    template,
)
from tests.kubernetes.kustomize import named

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FOLDER = "/var/lib/llamacloud-batch-exporter"
FILE = f"{FOLDER}/exporter.state"
CLAIM = f"llamacloud-{NAME}-state"
WORKLOADS = [
    ("Deployment", "ingest"),
    ("StatefulSet", "index"),
    ("DaemonSet", "collect"),
    ("Job", "once"),
    ("CronJob", "hourly"),
]


def state(**own: Any) -> dict[str, Any]:
    """Return values of the chart that keep the state in this way."""
    return {"state": {"enabled": True, **own}}


def volume_of(pod: Mapping[str, Any]) -> dict[str, Any]:
    """Return the volume of the state, which the exporter's container mounts writable."""
    (mount,) = (
        mount
        for mount in exporter_in(dict(pod))["volumeMounts"]
        if mount["name"] == "llamacloud-state"
    )
    assert {"name", "mountPath"} == set(mount)
    (volume,) = (volume for volume in pod["volumes"] if volume["name"] == mount["name"])
    return {"mounted": mount["mountPath"], **volume}


def file_of(container: Mapping[str, Any]) -> str:
    """Return the path of the state file that the container passes to the exporter."""
    variables = {each["name"]: each["value"] for each in container.get("env", ())}
    variables["LLAMA_CLOUD_API_KEY"] = "llx-made-up-key"
    variables.pop("LLAMA_CLOUD_API_KEY_FILE", None)
    arguments = [each for each in container.get("args", ()) if "config.file" not in each]
    return str(load(arguments, variables).settings.state.file)


def test_without_it_nothing_is_kept() -> None:
    """There is no claim, no volume, and no setting."""
    objects = rendered({})
    assert "PersistentVolumeClaim" not in {found["kind"] for found in objects}
    pod = pod_of(only(objects, "Deployment"))
    assert "volumes" not in pod
    assert "None" == file_of(exporter_in(pod))


def test_the_chart_creates_a_claim() -> None:
    """It is for one writer, and the exporter's Pod mounts it in the folder of its state file."""
    objects = rendered(state())
    claim = only(objects, "PersistentVolumeClaim")
    assert CLAIM == claim["metadata"]["name"]
    assert {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "100Mi"}},
    } == claim["spec"]
    pod = pod_of(only(objects, "Deployment"))
    assert {
        "mounted": FOLDER,
        "name": "llamacloud-state",
        "persistentVolumeClaim": {"claimName": CLAIM},
    } == volume_of(pod)
    assert FILE == file_of(exporter_in(pod))


def test_the_claim_is_as_the_values_say() -> None:
    """The values set its size, class, access modes and annotations."""
    keep = {"helm.sh/resource-policy": "keep"}
    own = {"size": "2Gi", "storageClass": "fast", "accessModes": ["ReadWriteOncePod"]}
    claim = only(rendered(state(persistence={**own, "annotations": keep})), "PersistentVolumeClaim")
    assert keep == claim["metadata"]["annotations"]
    assert {
        "accessModes": ["ReadWriteOncePod"],
        "storageClassName": "fast",
        "resources": {"requests": {"storage": "2Gi"}},
    } == claim["spec"]


def test_an_existing_claim_is_used() -> None:
    """The chart then creates none."""
    objects = rendered(state(persistence={"existingClaim": "mine"}))
    assert "PersistentVolumeClaim" not in {found["kind"] for found in objects}
    volume = volume_of(pod_of(only(objects, "Deployment")))
    assert {"claimName": "mine"} == volume["persistentVolumeClaim"]


def test_without_a_claim_the_state_is_in_the_pod() -> None:
    """The volume is an emptyDir."""
    objects = rendered(state(persistence={"enabled": False}))
    assert "PersistentVolumeClaim" not in {found["kind"] for found in objects}
    assert {} == volume_of(pod_of(only(objects, "Deployment")))["emptyDir"]


@pytest.mark.parametrize("path", ["/state", "/state/"])
def test_another_folder_may_hold_it(path: str) -> None:
    """The volume is mounted in the folder of the configured file."""
    pod = deployed_pod(state(path=path))
    assert path == volume_of(pod)["mounted"]
    assert "/state/exporter.state" == file_of(exporter_in(pod))


def test_the_exporter_may_write_to_its_volume() -> None:
    """The Pod's group gives access, while the rest of the file system is read-only."""
    pod = deployed_pod(state())
    assert 65532 == pod["securityContext"]["fsGroup"]
    context = exporter_in(pod)["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert "runAsUser" not in context


def test_two_exporters_never_use_one_claim() -> None:
    """A rolling update would start the new exporter while the old one holds the file."""
    rolling = {"strategy": {"type": "RollingUpdate"}}
    assert "needs strategy.type Recreate" in refusal({**rolling, **state()})
    in_each_pod = state(persistence={"enabled": False})
    assert 0 == template({**rolling, **in_each_pod}).returncode


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"config": {"state": {"file": FILE}}}, "state"),
        (state(path="state"), "/state/path"),
        (state(persistence={"size": "much"}), "/state/persistence/size"),
        (state(persistence={"accessModes": ["ReadOnlyMany"]}), "/state/persistence/accessModes"),
    ],
    ids=str,
)
def test_what_keeps_no_state_is_refused(values: dict[str, Any], named: str) -> None:
    """A file outside of the volume is refused too, because nothing else is writable."""
    assert named in refusal(values)


def test_names_of_claims_fit() -> None:
    """The name of a claim is also a label, of at most 63 characters."""
    values = {"fullnameOverride": "b" * 80, **state()}
    name = only(rendered(values), "PersistentVolumeClaim")["metadata"]["name"]
    assert f"{'b' * 57}-state" == name


@pytest.mark.parametrize("restarts", [True, False])
def test_new_settings_restart_the_exporter_or_wait_for_a_reload(*, restarts: bool) -> None:
    """The Pod has a checksum of them, unless the values turn it off."""

    def pod_template(interval: str) -> dict[str, Any]:
        values = {"config": {"poll": {"interval": interval}}, "configChecksum": restarts}
        found: dict[str, Any] = only(rendered(values), "Deployment")["spec"]["template"]
        return found

    assert restarts == (pod_template("1m") != pod_template("2m"))


def test_a_sidecar_keeps_its_state_in_its_pod(parent: Path) -> None:
    """All replicas of the workload would share a claim."""
    values = {NAME: state()}
    objects = rendered(values, chart=parent)
    assert "PersistentVolumeClaim" not in {found["kind"] for found in objects}
    pod = pod_of(only(objects, "Deployment"))
    assert {"mounted": FOLDER, "name": "llamacloud-state", "emptyDir": {}} == volume_of(pod)
    assert FILE == file_of(exporter_in(pod))
    claimed = {NAME: state(persistence={"existingClaim": "mine"})}
    refused = template(claimed, chart=parent)
    assert "A sidecar keeps its state in an emptyDir" in refused.stderr


def test_kustomize_adds_a_claim_to_the_base() -> None:
    """It does the same as the chart."""
    claim = named("alone-with-state", "PersistentVolumeClaim", "llamacloud-state")
    assert only(rendered(state()), "PersistentVolumeClaim")["spec"] == claim["spec"]
    deployment = named("alone-with-state", "Deployment", NAME)
    assert {"type": "Recreate"} == deployment["spec"]["strategy"]
    pod = pod_of(deployment)
    claimed = {"claimName": claim["metadata"]["name"]}
    assert claimed == volume_of(pod)["persistentVolumeClaim"]
    assert FILE == file_of(exporter_in(pod))
    assert 65532 == pod["securityContext"]["fsGroup"]


@pytest.mark.parametrize(("kind", "name"), WORKLOADS)
def test_kustomize_adds_the_state_to_every_sidecar(kind: str, name: str) -> None:
    """It adds an emptyDir, and changes nothing else of the sidecar."""
    pod = pod_of(named("beside-all-with-state", kind, name))
    container = exporter_in(pod)
    assert {"mounted": FOLDER, "name": "llamacloud-state", "emptyDir": {}} == volume_of(pod)
    assert FILE == file_of(container)
    without = "beside-jobs" if kind.endswith("Job") else "beside-workloads"
    plain = exporter_in(pod_of(named(without, kind, name)))
    for field in ("env", "volumeMounts"):
        assert plain.pop(field) == container.pop(field)[1:]
    assert plain == container
