"""The chart as a whole: it renders valid objects, and its generated files are up to date."""

from __future__ import annotations

import shutil
import subprocess
import tarfile
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.kubernetes.conformance import VERSIONS, check_restricted, check_schemas
from tests.kubernetes.helm import CI_VALUES, helm, pod_of, rendered, template
from tests.support.deployed import CHART, DASHBOARD, DEPLOY, RULE_FILES
from tests.support.tools import require_tool

if TYPE_CHECKING:
    from pathlib import Path

with_each_ci_values = pytest.mark.parametrize("values", CI_VALUES, ids=lambda file: file.stem)


@with_each_ci_values
def test_lint_finds_nothing(values: Path) -> None:
    """`helm lint --strict` accepts the chart; only the missing icon is mentioned."""
    checked = helm("lint", "--strict", CHART, "--values", values)
    assert 0 == checked.returncode, checked.stdout
    assert "[INFO] Chart.yaml: icon is recommended" in checked.stdout
    assert "[WARNING]" not in checked.stdout


@with_each_ci_values
@pytest.mark.parametrize("version", VERSIONS)
def test_what_is_rendered_is_valid(values: Path, version: str) -> None:
    """Kubernetes and the Prometheus operator know every field, in each supported version."""
    check_schemas(rendered(values, "--kube-version", version), version)


@with_each_ci_values
def test_every_pod_is_restricted(values: Path) -> None:
    """Each Pod, that of `helm test` included, meets the Pod security standard `restricted`."""
    for found in rendered(values):
        if found["kind"] in {"Deployment", "Pod"}:
            pod = pod_of(found)
            check_restricted(pod)
            assert pod["automountServiceAccountToken"] is False
            assert pod["enableServiceLinks"] is False


def test_together_the_ci_values_set_nearly_everything() -> None:
    """A template that no ci values reach would not be checked."""
    kinds = {found["kind"] for values in CI_VALUES for found in rendered(values)}
    assert {
        "ConfigMap",
        "Deployment",
        "NetworkPolicy",
        "PersistentVolumeClaim",
        "Pod",
        "PodDisruptionBudget",
        "PodMonitor",
        "PrometheusRule",
        "Service",
        "ServiceAccount",
        "ServiceMonitor",
    } == kinds


def test_every_name_of_a_cloud_provider_is_a_version() -> None:
    """Versions such as v1.31.4-gke.100 are supported; versions before 1.25 are refused."""
    assert 0 == template({}, "--kube-version", "v1.25.0-gke.100").returncode
    refused = template({}, "--kube-version", "v1.24.9")
    assert "requires kubeVersion" in refused.stderr


def test_the_readme_is_generated(tmp_path: Path) -> None:
    """It is what `make chart` writes from the values and their comments."""
    copy = tmp_path / CHART.name
    shutil.copytree(CHART, copy)
    tool = require_tool("helm-docs")
    subprocess.run([tool, "--log-level", "error", "--chart-search-root", copy], check=True)
    written = (copy / "README.md").read_text()
    assert written == (CHART / "README.md").read_text(), "Run `make chart`."


def test_the_package_holds_what_an_installation_needs(tmp_path: Path) -> None:
    """Rules and dashboard are included as files; Flux would drop symbolic links."""
    packaged = helm("package", CHART, "--destination", tmp_path)
    assert 0 == packaged.returncode, packaged.stderr
    (package,) = tmp_path.glob("*.tgz")
    with tarfile.open(package) as archive:
        members = archive.getmembers()
    assert all(member.isreg() for member in members)
    names = {member.name.removeprefix(f"{CHART.name}/") for member in members}
    files = {str(file.relative_to(CHART)) for file in [*RULE_FILES, DASHBOARD]}
    assert {*files, "README.md", "values.schema.json", "files/scrape.py"} < names
    assert [] == [name for name in names if name.startswith("ci/") or "kustomization" in name]


def test_nothing_that_is_deployed_is_a_symbolic_link() -> None:
    """Flux drops symbolic links from its artifacts, and Rancher refuses charts with them."""
    assert [] == [path for path in DEPLOY.rglob("*") if path.is_symlink()]


def test_the_changes_on_artifact_hub_are_a_list() -> None:
    """The annotation is text that holds YAML."""
    annotations = yaml.safe_load((CHART / "Chart.yaml").read_text())["annotations"]
    changes = yaml.safe_load(annotations["artifacthub.io/changes"])
    assert changes
    assert all({"kind", "description"} == set(change) for change in changes)
