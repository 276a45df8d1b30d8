"""Odd settings of a process: exit statuses, and what is logged once."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import pytest

from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import run, running

if TYPE_CHECKING:
    from pathlib import Path

WARNING = (
    "environment variable LLAMA_CLOUD_PROJET_ID is unknown;"
    " the nearest known one is LLAMA_CLOUD_PROJECT_ID."
)


def of(cloud: Cloud, **more: str) -> dict[str, str]:
    return {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url} | more


def test_an_unknown_variable_of_llamacloud_is_logged_once(cloud: Cloud) -> None:
    """It is only a warning: other programs have such variables."""
    with running(**of(cloud, LLAMA_CLOUD_PROJET_ID="sesame-7")) as exporter:
        exporter.wait_for(lambda: bool(exporter.events("exporter.first_poll_ended")))
        lines = exporter.events("exporter.unknown_variable")
        log = exporter.log_file.read_text()

    assert [("warning", WARNING)] == [(line["level"], line["detail"]) for line in lines]
    assert "it is ignored" in lines[0]["advice"]
    assert "sesame-7" not in log


def test_modes_with_a_result_report_it_too(cloud: Cloud) -> None:
    """A poll logs the warning, and the report prints it."""
    variables = of(cloud, LLAMA_CLOUD_PROJET_ID="sesame-7")
    once = run("--once", "--log.format=json", **variables)
    check = run("--config.check", **variables)

    assert [0, 0] == [once.returncode, check.returncode]
    details = [json.loads(line).get("detail") for line in once.stderr.splitlines()]
    assert 1 == details.count(WARNING)
    assert f"warnings:\n  {WARNING}\n" in check.stdout


def test_doubts_about_valid_settings_are_reported_and_stop_nothing(cloud: Cloud) -> None:
    """Both the log and the report name them."""
    variables = of(
        cloud,
        LLAMACLOUD_EXPORTER_PROJECTS='[{"name": "a"}, {"name": "b"}]',
        LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE="6000",
    )
    once = run("--once", "--log.format=json", **variables)
    check = run("--config.check", **variables)

    assert [0, 0] == [once.returncode, check.returncode]
    records = [json.loads(line) for line in once.stderr.splitlines()]
    (doubt,) = (record for record in records if record["event"] == "config.doubtful")
    assert doubt["detail"].startswith('projects "a" and "b" are one project')
    assert f"warnings:\n  {doubt['detail']}\n" in check.stdout


@pytest.mark.parametrize("mode", ["--once", "--config.check", "--web.listen-address=127.0.0.1:0"])
def test_a_configuration_file_that_is_a_pipe_is_a_mistake(
    cloud: Cloud, tmp_path: Path, mode: str
) -> None:
    """No mode that reads the file waits for a writer."""
    file = tmp_path / "settings.yml"
    os.mkfifo(file)
    ended = run(mode, f"--config.file={file}", **of(cloud))
    assert (2, "") == (ended.returncode, ended.stdout)
    assert "is no regular file; it must be one." in ended.stderr
