"""The exporter accepts the settings and requests that come from the chart and Kustomize."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from tests.kubernetes.helm import NAME, deployed_pod, exporter_in, only, pod_of, rendered
from tests.kubernetes.kustomize import named
from tests.support.deployed import CHART
from tests.support.exporter_process import run, running

if TYPE_CHECKING:
    from pathlib import Path

FOLDER = "/etc/llamacloud-batch-exporter"
SCRAPE = CHART / "files" / "scrape.py"
KEYS = {"existingSecret": "llamacloud-keys", "defaultKey": "default"}
PROJECTS = [
    {"name": "invoices", "api_key_file": f"{FOLDER}/keys/invoices", "job_types": ["parse"]},
    {"name": "contracts", "directory_ids": ["dir-contracts"], "api_versions": ["v2"]},
]
# One setting of each type, as written in the values.
CONFIG = {
    "projects": PROJECTS,
    "poll": {"interval": "1m"},
    "api": {"versions": ["v1beta", "v2"], "requests_per_minute": 7.5},
    "items": {"enabled": False},
    "jobs": {"max_per_project": 1000000},
    "log": {"level": "debug"},
}


def check(container: dict[str, Any], place: Path) -> str:
    """Have the exporter check the arguments and variables of a container, and return its report.

    The files of the container are in the folder ``place``.
    """
    keys = place / "keys"
    keys.mkdir()
    for name in ("default", "invoices", "contracts"):
        (keys / name).write_text(f"llx-made-up-{name}\n")
    found: dict[str, Any] = json.loads(json.dumps(container).replace(FOLDER, str(place)))
    variables = {variable["name"]: variable["value"] for variable in found.get("env", ())}
    checked = run("--config.check", *found.get("args", ()), **variables)
    assert 0 == checked.returncode, checked.stderr
    return checked.stdout + checked.stderr


def write_settings(text: str, place: Path) -> None:
    (place / "config").mkdir()
    (place / "config" / "exporter.yml").write_text(text.replace(FOLDER, str(place)))


def test_the_exporter_accepts_what_the_chart_passes(tmp_path: Path) -> None:
    """The chart passes settings as a file, whatever types they have in the values."""
    values = {"config": CONFIG, "apiKeys": KEYS, "web": {"telemetryPath": "/federate"}}
    objects = rendered(values)
    write_settings(only(objects, "ConfigMap")["data"]["exporter.yml"], tmp_path)
    container = exporter_in(pod_of(only(objects, "Deployment")))
    assert "contracts" in check(container, tmp_path)


def test_the_exporter_accepts_one_key_alone(tmp_path: Path) -> None:
    """The chart then passes no settings."""
    check(exporter_in(deployed_pod({"apiKeys": KEYS})), tmp_path)


def test_the_exporter_accepts_what_kustomize_passes(tmp_path: Path) -> None:
    """The settings are those of the example."""
    settings = named("alone", "ConfigMap", "llamacloud-settings-")
    write_settings(settings["data"]["exporter.yml"], tmp_path)
    check(exporter_in(pod_of(named("alone", "Deployment", "llamacloud"))), tmp_path)


def test_the_exporter_accepts_what_a_sidecar_of_kustomize_passes(tmp_path: Path) -> None:
    """A sidecar has no settings file."""
    pod = pod_of(named("beside-workloads", "Deployment", "ingest"))
    check(exporter_in(pod), tmp_path)


def test_the_exporter_accepts_what_a_sidecar_of_the_chart_passes(
    parent: Path, tmp_path: Path
) -> None:
    """Settings are passed as variables, whatever types they have in the values."""
    pod = pod_of(only(rendered({NAME: {"config": CONFIG}}, chart=parent), "Deployment"))
    assert "contracts" in check(exporter_in(pod), tmp_path)


def test_helm_test_scrapes_the_exporter() -> None:
    """The chart's script succeeds for an exporter, and fails for any other server."""
    (pod,) = (found for found in rendered({}) if found["kind"] == "Pod")
    script, url = pod["spec"]["containers"][0]["args"]
    assert SCRAPE.read_text().strip() == script.strip()
    assert re.fullmatch(r"http://[a-z-]+:9910/metrics", url)
    with running("--demo") as exporter:
        page = exporter.events("exporter.listening")[0]["open_in_browser"]
        assert (0, "") == scrape(f"{page}metrics")
        status, output = scrape(page)
    assert 1 == status
    assert f"{page} does not serve the exporter's metrics." in output


def scrape(url: str) -> tuple[int, str]:
    command = (sys.executable, str(SCRAPE), url)
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    return ended.returncode, ended.stdout + ended.stderr
