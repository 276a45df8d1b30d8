"""Names and messages that would do harm where they are shown: escaped wherever that is."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict

from exporter.simulator import Fault, SimulatedItem
from tests.support.exporter_process import run, running
from tests.support.log_reading import lines_of
from tests.support.projects import Scrape, project, project_id_of, settings_file
from tests.support.tools import check_metrics

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cloud import Cloud

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
NAME = """<script>alert("1")</script>\\ 'ä'"""
# Ends a line and a label, writes a line of its own, and clears a terminal.
TEXT = 'a"} 1\nllamacloud_exporter_project_up{project="x"} 7\r\x1b[2J\x00 \\ <b>\u2028 🦙'
# Ids hold no control characters, or they are none.
ID_TEXT = re.sub(r"[\x00-\x1f]", "", TEXT)
JOB_ID = "job-" + ID_TEXT
MARK = "Error-that-is-no-label"
MESSAGE = MARK + TEXT
RECORD = re.compile(r"\d\d:\d\d:\d\d (info|warning|error) |    ")
NO_PROJECT = "no-project"


@pytest.fixture
def flag(cloud: Cloud, tmp_path: Path) -> str:
    """Write the settings of a project whose texts are all hostile, and of one that fails so."""
    entries = [project(cloud, NAME), project(cloud, NO_PROJECT)]
    items = [
        SimulatedItem("item-" + ID_TEXT, TEXT, "failed", error_message=MESSAGE),
        SimulatedItem("item-2", "b.pdf", "skipped", skip_reason=MESSAGE),
        SimulatedItem("item-3", "c.pdf", MESSAGE),
    ]
    cloud.add_job(
        JOB_ID,
        project_id=project_id_of(NAME),
        directory_id=TEXT,
        job_type=MESSAGE,
        items=items,
        error_message=MESSAGE,
    )
    body = {"detail": MESSAGE}
    fault = Fault("wrong_shape", code=403, project_id=project_id_of(NO_PROJECT), body=body)
    cloud.simulator.faults.add(fault)
    # One poll shows everything; it may take its time.
    return settings_file(tmp_path, entries, poll={"interval": "1m"})


def test_metrics_pages_and_the_log_escape_them(flag: str) -> None:
    """No error message becomes a label."""
    with running(flag) as exporter:
        exporter.wait_for(lambda: bool(exporter.events("exporter.first_poll_ended")))
        exporter.wait_for(lambda: JOB_ID in shown_jobs(exporter.get()[1]))
        text, openmetrics, page = (
            exporter.get(path, headers=headers)[1]
            for path, headers in (("/metrics", {}), ("/metrics", OPENMETRICS), ("/", {}))
        )
        log = lines_of(exporter.log_file)
        (item,) = [line for line in exporter.events("item.failed") if line["job_id"] == JOB_ID]
        (failed,) = exporter.events("project.listing_failed")

    check_metrics(text.encode())
    assert len(list(strict(openmetrics))) > 0  # type: ignore[no-untyped-call]
    assert {NAME} == {
        labels["project"]
        for labels in Scrape(text).series("llamacloud_batch_job_info")
        if (labels["job_id"], labels["directory_id"]) == (JOB_ID, TEXT)
    }
    assert {NAME, NO_PROJECT} == Scrape(text).labels("llamacloud_exporter_project_up", "project")
    assert [False, False, True] == [MARK in shown for shown in (text, openmetrics, page)]

    assert "&lt;script&gt;alert" in page
    assert ['<script src="./status.js" defer>'] == re.findall("<script[^>]*>", page)
    assert [] == re.findall("<b>", page)

    assert (TEXT, MESSAGE) == (item["item_name"], item["error_message"])
    assert MESSAGE in failed["detail"]
    assert all(json.loads(line)["event"] for line in log)
    assert [""] * len(log) == list(map(controls_in, log))


def test_a_terminal_shows_them_and_obeys_none(flag: str) -> None:
    """Each record stays on its line, and what is below it is indented."""
    ended = run(flag, "--once", "--log.format=console")

    lines = ended.stderr.splitlines()
    assert 1 == ended.returncode
    assert "item.failed" in ended.stderr
    assert MARK in ended.stderr
    assert [] == [line for line in lines if not RECORD.match(line)]
    assert "" == controls_in(ended.stderr)


def shown_jobs(text: str) -> set[str]:
    return Scrape(text).labels("llamacloud_batch_job_items", "job_id")


def controls_in(text: str) -> str:
    """Return the characters that control a terminal."""
    return "".join(sorted({char for char in text if not char.isprintable()} - {"\n"}))
