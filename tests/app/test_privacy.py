"""With ``log.documents: false`` nothing names a document or quotes an error text."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from exporter.simulator import (
    DEFAULT_PROJECT_ID,
    Fault,
    SimulatedFile,
    SimulatedFileJob,
    SimulatedItem,
)
from tests.support.exporter_process import running

if TYPE_CHECKING:
    from exporter.simulator.faults import Endpoint
    from tests.support.cloud import Cloud

KEY = "llx-key-of-this-test"
PAGES = (
    *("/", "/metrics", "/api/v1/status", "/api/v1/jobs"),
    *(f"/job?project=default&job_id={job_id}" for job_id in ("job-1", "bat-1")),
)
NAME = "dismissal-of-Muster.pdf"
MESSAGE = "PDF_IS_BROKEN: the letter to Muster"
STATED = "Muster could not be read"


def fill(cloud: Cloud) -> None:
    """Put names of documents into every response that may hold them."""
    cloud.world.add_key(KEY, DEFAULT_PROJECT_ID)
    item = SimulatedItem("item-1", NAME, "failed", error_message=MESSAGE)
    cloud.add_job("job-1", items=[item], error_message=STATED)
    cloud.simulator.v2.results_in = frozenset({"RUNNING"})
    failed = SimulatedFileJob("pjb-1", status="FAILED", name=NAME, error_message=MESSAGE)
    cloud.add_batch(
        "bat-1",
        files=[SimulatedFile("dfl-1", failed), SimulatedFile("dfl-2", error_message=STATED)],
    )
    endpoints: tuple[Endpoint, ...] = ("list_items", "batch")
    for endpoint in endpoints:
        answer = {"detail": STATED}
        cloud.simulator.faults.add(
            Fault("wrong_shape", code=400, times=1, endpoint=endpoint, body=answer)
        )


def test_documents_can_be_left_out_of_the_log(cloud: Cloud) -> None:
    """Ids, codes and counts remain."""
    fill(cloud)
    variables = {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url}
    flags = ("--poll.interval=1s", "--api.requests-per-minute=100000", "--log.level=debug")
    with running("--log.documents=false", *flags, **variables) as exporter:
        exporter.wait_for(lambda: len(exporter.events("item.failed")) >= 3)
        exporter.wait_for(lambda: bool(exporter.events("job.refresh_failed")))
        job = cloud.world.jobs["job-1"]
        job.status, job.completed_at = "failed", (job.started_at or 0) + 40
        exporter.wait_for(lambda: bool(exporter.events("job.ended")))
        (shown,) = json.loads(exporter.get("/api/v1/jobs?search=job-1")[1])["jobs"]
        pages = [exporter.get(path)[1] for path in PAGES]
        log = exporter.log_file.read_text()
        failed, ended = exporter.events("item.failed"), exporter.events("job.ended")[0]
        refused = exporter.events("job.refresh_failed")

    assert {"item_id": "item-1", "reason": "pdf_is_broken"} in shown["last_failed_items"]
    assert "failed" == shown["status_changes"][-1]["status"]
    assert [] == [text for text in (log, *pages) if "Muster" in text]
    assert {("item-1", "pdf_is_broken"), ("dfl-1", "pdf_is_broken"), ("dfl-2", "not_mapped")} == {
        (line["item_id"], line["reason"]) for line in failed
    }
    assert ("job-1", "failed", 1) == (ended["job_id"], ended["status"], ended["failed_items"])
    assert {("other", "HTTP 400")} == {(line["reason"], line["detail"]) for line in refused}
