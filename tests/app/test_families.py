"""The value of every family for known jobs, as a process serves it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition import FAMILIES as BATCH_FAMILIES
from exporter.simulator import DEFAULT_PROJECT_ID, SimulatedJob, items_of
from exporter.telemetry import FAMILIES as EXPORTER_FAMILIES
from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import running

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.support.exporter_process import Exporter

# A moment by LlamaCloud's clock, which stands still until a test moves it.
START = 1_790_000_000.0
V1BETA = {"api_version": "v1beta", "configuration_id": ""}

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples_of(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def key(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"llamacloud_batch_{name}", frozenset(({"project": "default"} | labels).items())


def before_the_start(cloud: Cloud) -> None:
    """Let one job run and another have failed when the exporter starts."""
    cloud.world.add_job(
        SimulatedJob(
            id="running",
            job_type="extract",
            status="running",
            directory_id="dir-1",
            created_at=START - 100,
            started_at=START - 90,
            items=items_of(
                "running",
                started_at=START - 80,
                completed_at=START - 70,
                completed=5,
                failed=1,
                skipped=2,
                processing=1,
                pending=1,
            ),
        )
    )
    cloud.world.add_job(
        SimulatedJob(
            id="failed",
            status="failed",
            created_at=START - 900,
            started_at=START - 890,
            completed_at=START - 800,
            items=items_of("failed", cancelled=2),
            # Not as documented: the one field that cannot be read.
            overrides={"error_message": {"code": "E1"}},
        )
    )


def after_the_start(cloud: Cloud) -> None:
    """Let another job begin and end, and the running one continue."""
    cloud.world.clock = lambda: START + 60
    cloud.world.add_job(
        SimulatedJob(
            id="short",
            job_type="classify",
            status="completed",
            created_at=START + 10,
            started_at=START + 13,
            completed_at=START + 53,
            items=items_of(
                "short", started_at=START + 20, completed_at=START + 28, completed=2, failed=1
            ),
        )
    )
    cloud.world.jobs["short"].items[-1].error_message = "Parsing gave up (TIMEOUT) after 1800 s"
    pending = cloud.world.jobs["running"].items[-1]
    pending.status = "failed"


def test_every_family_has_the_value_that_follows_from_known_jobs(
    cloud: Cloud, tmp_path: Path
) -> None:
    """Gauges show the present, and counters what happened since the start."""
    cloud.world.clock = lambda: START
    before_the_start(cloud)
    with running(
        LLAMA_CLOUD_API_KEY=KEY,
        LLAMA_CLOUD_BASE_URL=cloud.base_url,
        LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE="6000",
        LLAMACLOUD_EXPORTER_POLL__INTERVAL="1s",
        LLAMACLOUD_EXPORTER_STATE__FILE=str(tmp_path / "state"),
    ) as exporter:
        first = wait_until_counted(exporter, {"running": 10, "failed": 2})
        after_the_start(cloud)
        second = wait_until_counted(exporter, {"running": 10, "failed": 2, "short": 3}, failed=3)
    assert_subset(AT_FIRST, first)
    assert_subset(THEN, second)
    assert_subset(OF_THE_EXPORTER, second)
    assert_every_family_is_there(second)


def wait_until_counted(exporter: Exporter, items: Mapping[str, int], *, failed: int = 1) -> Samples:
    """Wait until these jobs are published with these numbers of items and failed items."""

    def counted() -> bool:
        samples = samples_of(exporter.get()[1])
        numbers = dict.fromkeys(items, 0.0)
        failures = 0.0
        for (name, labels), value in samples.items():
            if name == "llamacloud_batch_job_items":
                numbers[dict(labels)["job_id"]] += value
                failures += value if ("item_status", "failed") in labels else 0
        return numbers == items and failures == failed

    exporter.wait_for(counted)
    return samples_of(exporter.get()[1])


def assert_subset(expected: Samples, samples: Samples) -> None:
    assert expected == {sample: samples.get(sample) for sample in expected}


def assert_every_family_is_there(samples: Samples) -> None:
    names = {name for name, _ in samples}
    suffixes = {"histogram": ("_bucket", "_count", "_sum")}
    for family in (*BATCH_FAMILIES, *EXPORTER_FAMILIES):
        expected = {family.name + suffix for suffix in suffixes.get(family.type, ("",))}
        assert expected <= names
    assert {"process_resident_memory_bytes", "python_info"} <= names
    assert not {name for name in names if name.endswith("_created")}


def statuses(job_id: str, status: str) -> Samples:
    every = ("pending", "running", "dispatched", "completed", "failed", "cancelled")
    return {
        key("job_status", job_id=job_id, status=each): float(each == status)
        for each in (*every, "unknown", "gone")
    }


def items(job_id: str, **numbers: int) -> Samples:
    every = ("pending", "processing", "completed", "failed", "skipped", "cancelled", "unknown")
    return {
        key("job_items", job_id=job_id, item_status=each): numbers.get(each, 0) for each in every
    }


AT_FIRST: Samples = {
    key("job_info", job_id="running", job_type="extract", directory_id="dir-1", **V1BETA): 1,
    key("job_info", job_id="failed", job_type="parse", directory_id="", **V1BETA): 1,
    **statuses("running", "running"),
    **statuses("failed", "failed"),
    key("job_progress_ratio", job_id="running"): 0.8,
    key("job_total_items", job_id="running"): 10,
    key("job_processed_items", job_id="running"): 8,
    key("job_failed_items", job_id="running"): 1,
    key("job_skipped_items", job_id="running"): 2,
    key("job_item_failures", job_id="running", reason="other"): 1,
    **items("running", completed=5, failed=1, skipped=2, processing=1, pending=1),
    **items("failed", cancelled=2),
    key("job_created_timestamp_seconds", job_id="running"): START - 100,
    key("job_started_timestamp_seconds", job_id="running"): START - 90,
    key("job_completed_timestamp_seconds", job_id="failed"): START - 800,
    key("job_last_progress_timestamp_seconds", job_id="running"): START - 70,
    key("job_last_progress_timestamp_seconds", job_id="failed"): START - 800,
    key("job_last_refreshed_timestamp_seconds", job_id="running"): START,
    key("job_items_last_counted_timestamp_seconds", job_id="running"): START,
    key("project_info", project_id=DEFAULT_PROJECT_ID, organization_id=""): 1,
    key("active_jobs", job_type="extract", status="running"): 1,
    key("active_jobs", job_type="parse", status="running"): 0,
    key("active_jobs", job_type="unknown", status="unknown"): 0,
    key("active_items", item_status="completed"): 5,
    key("active_items", item_status="cancelled"): 0,
    key("failing_jobs", job_type="extract"): 1,
    key("failing_jobs", job_type="parse"): 1,
    key("failing_jobs", job_type="classify"): 0,
    # What had happened before the start is no increase.
    key("jobs_finished_total", job_type="parse", status="failed"): 0,
    key("items_finished_total", job_type="extract", item_status="failed"): 0,
    key("items_finished_total", job_type="extract", item_status="completed"): 0,
    key("items_failed_total", reason="other"): 0,
    key("items_failed_total", reason="not_mapped"): 0,
    key("items_skipped_total", job_type="extract", reason="already_processed"): 0,
    key("queue_duration_seconds_count", job_type="extract"): 0,
}

THEN: Samples = {
    **statuses("short", "completed"),
    key("job_item_failures", job_id="running", reason="other"): 1,
    key("job_item_failures", job_id="running", reason="none"): 1,
    key("job_item_failures", job_id="short", reason="timeout"): 1,
    **items("running", completed=5, failed=2, skipped=2, processing=1),
    **items("short", completed=2, failed=1),
    key("job_last_progress_timestamp_seconds", job_id="running"): START + 60,
    key("job_last_progress_timestamp_seconds", job_id="short"): START + 53,
    key("failing_jobs", job_type="classify"): 1,
    key("jobs_finished_total", job_type="classify", status="completed"): 1,
    key("jobs_finished_total", job_type="parse", status="failed"): 0,
    key("items_finished_total", job_type="extract", item_status="failed"): 1,
    key("items_finished_total", job_type="extract", item_status="completed"): 0,
    key("items_finished_total", job_type="classify", item_status="completed"): 2,
    key("items_finished_total", job_type="classify", item_status="failed"): 1,
    key("items_failed_total", reason="timeout"): 1,
    key("items_failed_total", reason="none"): 1,
    key("items_failed_total", reason="other"): 0,
    key("items_skipped_total", job_type="extract", reason="already_processed"): 0,
    key("queue_duration_seconds_count", job_type="classify"): 1,
    key("queue_duration_seconds_sum", job_type="classify"): 3,
    key("run_duration_seconds_count", job_type="classify", status="completed"): 1,
    key("run_duration_seconds_sum", job_type="classify", status="completed"): 40,
    key("run_duration_seconds_bucket", job_type="classify", status="completed", le="30.0"): 0,
    key("run_duration_seconds_bucket", job_type="classify", status="completed", le="60.0"): 1,
    key("turnaround_duration_seconds_count", job_type="classify"): 1,
    key("turnaround_duration_seconds_sum", job_type="classify"): 43,
    key("item_duration_seconds_count", job_type="classify"): 3,
    key("item_duration_seconds_sum", job_type="classify"): 24,
}


def own(name: str, **labels: str) -> tuple[str, frozenset[tuple[str, str]]]:
    return f"llamacloud_exporter_{name}", frozenset(({"project": "default"} | labels).items())


OF_THE_EXPORTER: Samples = {
    own("project_up"): 1,
    own("project_authenticated"): 1,
    own("last_listing_timestamp_seconds"): START + 60,
    own("api_offered", api_version="v1beta"): 1,
    own("api_offered", api_version="v2"): 1,
    own("api_last_answered_timestamp_seconds", api_version="v2"): START + 60,
    own("listing_truncated"): 0,
    own("tracked_jobs"): 3,
    own("hidden_jobs"): 0,
    own("uncounted_jobs"): 0,
    own("poll_interval_seconds"): 1,
    own("stale_after_seconds"): 300,
    own("api_budget_limit_requests_per_second"): 100,
    own("api_budget_requests_per_second"): 100,
    own("polls_total", result="error"): 0,
    own("poll_errors_total", reason="unauthorized"): 0,
    own("api_requests_total", endpoint="list_jobs", code="429"): 0,
    own("api_requests_total", endpoint="list_parse_jobs", code="200"): 0,
    own("api_retries_total", endpoint="list_items"): 0,
    own("unreadable_rows_total", endpoint="list_jobs"): 0,
}
