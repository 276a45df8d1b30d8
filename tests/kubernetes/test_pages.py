"""Values and commands on the pages about Kubernetes; tests/docs/test_documents.py has the rest."""

from __future__ import annotations

import os
import shlex
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.docs.documentation_tables import README
from tests.kubernetes.helm import helm, objects_in, only, pod_of, template
from tests.kubernetes.kustomize import EXAMPLES, build
from tests.support.deployed import CHART, DEPLOY, RULE_FILES
from tests.support.documents import PAGES, blocks

if TYPE_CHECKING:
    from pathlib import Path

KUSTOMIZE = DEPLOY / "kustomize"
TEXTS = {name: (PAGES / f"{name}.md").read_text() for name in ("helm", "kustomize", "sidecar")}
CHART_README = (CHART / "README.md").read_text()
VALUES = set(yaml.safe_load((CHART / "values.yaml").read_text()))


def commands(text: str) -> list[list[str]]:
    """Return the commands of a page, each as its words."""
    lines = "".join(blocks(text, "sh")).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines]


def values_on(text: str) -> list[dict[str, Any]]:
    """Return the YAML blocks of a page that are values of the chart."""
    found = [yaml.safe_load(block) for block in blocks(text, "yaml")]
    return [each for each in found if set(each) <= VALUES]


@pytest.mark.parametrize(
    "values",
    [*values_on(TEXTS["helm"]), *values_on(TEXTS["sidecar"]), *values_on(CHART_README)],
    ids="-".join,
)
def test_the_chart_accepts_the_values_of_the_pages(values: dict[str, Any]) -> None:
    """They are accepted without a change."""
    result = template(values)
    assert 0 == result.returncode, result.stderr


def test_there_are_values_on_the_pages() -> None:
    """Otherwise the other tests of values would check nothing."""
    texts = (TEXTS["helm"], TEXTS["sidecar"], CHART_README)
    assert [4, 1, 3] == [len(values_on(text)) for text in texts]


@pytest.mark.parametrize(
    "text",
    [TEXTS["helm"], CHART_README, README.read_text()],
    ids=["page", "readme of the chart", "readme"],
)
def test_the_installation_brings_everything(text: str) -> None:
    """It has the exporter with its key, a selected monitor, selected rules and the dashboard."""
    (install,) = (words for words in commands(text) if words[0] == "helm" and "install" in words)
    flags = install[install.index("--set") :]
    result = helm("template", "llamacloud", CHART, *flags)
    assert 0 == result.returncode, result.stderr
    objects = objects_in(result.stdout)
    kinds = {found["kind"]: found for found in objects}
    assert {"Deployment", "Service", "ServiceMonitor", "PrometheusRule", "ConfigMap"} <= set(kinds)
    for kind in ("ServiceMonitor", "PrometheusRule"):
        assert "kube-prometheus-stack" == kinds[kind]["metadata"]["labels"]["release"]
    assert "LLAMA_CLOUD_API_KEY_FILE" in str(kinds["Deployment"])


def test_the_installation_is_three_commands() -> None:
    """They start from a clone, a registry and a key, and end with series in Prometheus."""
    first = blocks(TEXTS["helm"], "sh")[0]
    words = [shlex.split(line)[0] for line in first.replace("\\\n", " ").splitlines()]
    assert ["make", "helm", "kubectl"] == words


def test_the_names_of_the_objects_are_those_of_the_release() -> None:
    """The page's `kubectl` commands use those names."""
    named = {
        word.removeprefix("deployment/")
        for words in commands(TEXTS["helm"])
        for word in words
        if word.startswith("deployment/")
    }
    objects = objects_in(helm("template", "llamacloud", CHART).stdout)
    assert named == {only(objects, "Deployment")["metadata"]["name"]}


def test_a_prometheus_rule_needs_no_helm_release() -> None:
    """The page has a command that renders it alone."""
    (rule,) = (words for words in commands(TEXTS["kustomize"]) if words[0] == "helm")
    rendered = helm(*rule[1 : rule.index("|")])
    assert 0 == rendered.returncode, rendered.stderr
    (found,) = objects_in(rendered.stdout)
    assert "PrometheusRule" == found["kind"]
    files = [yaml.safe_load(file.read_text())["groups"] for file in sorted(RULE_FILES)]
    assert [group for groups in files for group in groups] == found["spec"]["groups"]


def test_the_patch_for_openshift_leaves_the_ids_out(tmp_path: Path) -> None:
    """The page's patch is applied to the base, and keeps the rest of the security context."""
    (patch,) = (block for block in blocks(TEXTS["kustomize"], "yaml") if "runAsUser" in block)
    base = os.path.relpath(KUSTOMIZE / "base", tmp_path.resolve())
    (tmp_path / "kustomization.yaml").write_text(f"resources: [{base}]\n{patch}")
    context = pod_of(only(build(tmp_path), "Deployment"))["securityContext"]
    assert {"runAsNonRoot", "fsGroupChangePolicy", "seccompProfile"} == set(context)


def test_the_patch_for_the_claim_sets_its_class_and_its_size(tmp_path: Path) -> None:
    """The page's patch is applied to the base with the component."""
    (added,) = (block for block in blocks(TEXTS["kustomize"], "yaml") if "storageClass" in block)
    folder = os.path.relpath(KUSTOMIZE, tmp_path.resolve())
    text = f"resources: [{folder}/base]\n{added.replace('../..', folder)}"
    (tmp_path / "kustomization.yaml").write_text(text)
    claim = only(build(tmp_path), "PersistentVolumeClaim")
    assert {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "standard",
    } == claim["spec"]


def test_every_component_and_example_is_on_a_page() -> None:
    """This includes the examples in the chart's folder."""
    components = [*(KUSTOMIZE / "components").iterdir(), CHART / "rules", CHART / "dashboards"]
    linked = "".join(TEXTS.values())
    for folder in (*components, *EXAMPLES.iterdir()):
        assert f"(../{folder.relative_to(DEPLOY)})" in linked, folder
