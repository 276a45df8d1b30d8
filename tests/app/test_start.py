"""Which modules the exporter loads until its first metrics are served."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import running
from tests.support.log_reading import lines_of
from tests.support.projects import QUICK, project, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.exporter_process import Exporter

LOG_IMPORTS = {"PYTHONPROFILEIMPORTTIME": "1"}
JOB = "llamacloud_batch_job_items{"


def imported(exporter: Exporter) -> set[str]:
    """Return the modules that Python's import log names."""
    lines = lines_of(exporter.log_file)
    return {line.rpartition("|")[2].strip() for line in lines if line.startswith("import time:")}


def is_simulator(module: str) -> bool:
    return module.startswith("exporter.simulator")


def test_only_the_demo_loads_the_simulator(cloud: Cloud) -> None:
    """Without a settings file, YAML is not loaded either."""
    cloud.add_job()
    variables = {
        "LLAMA_CLOUD_API_KEY": KEY,
        "LLAMA_CLOUD_BASE_URL": cloud.base_url,
        "LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE": "6000",
    }
    with running(**LOG_IMPORTS, **variables) as exporter:
        exporter.wait_for_metric(JOB)
        usual = imported(exporter)
    with running("--demo", **LOG_IMPORTS) as exporter:
        exporter.wait_for_metric(JOB)
        demo = imported(exporter)

    assert "exporter.app.running" in usual & demo
    assert [] == [module for module in usual if is_simulator(module)]
    assert [] == [module for module in usual if module.partition(".")[0] in {"yaml", "_yaml"}]
    assert any(map(is_simulator, demo))


def test_a_file_loads_yaml(cloud: Cloud, tmp_path: Path) -> None:
    """Shows that the test above would notice a YAML import."""
    flag = settings_file(tmp_path, [project(cloud, "invoices")], **QUICK)
    with running(flag, **LOG_IMPORTS) as exporter:
        exporter.wait_for_metric(JOB)
        assert "yaml" in imported(exporter)
