"""Series for each documented query, and the expected answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.rule_series import (
    NOW,
    always,
    answer,
    batch,
    buckets,
    ended_unknown,
    from_minute,
    own,
    progressed,
    recorded,
    refreshed,
    rising,
    status,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

FAILED = "project_job_id:llamacloud_batch_job_failed_items:max"
TIME_LEFT = "project_job_id:llamacloud_batch_job_time_to_completion_seconds:deriv15m"
WITHOUT_PROGRESS = "project_job_id:llamacloud_batch_job_without_progress_seconds:max"
ITEMS_RATE = "project_item_status:llamacloud_batch_items_finished:rate15m"
INTERVAL: dict[str, str] = {own("poll_interval_seconds"): always(30)}


@dataclass(frozen=True)
class Case:
    """Series, and the expected answer of a query."""

    series: Mapping[str, str]
    answers: Mapping[str, float]


CASES: dict[str, list[Case]] = {
    "Which jobs have failed items?": [
        Case(
            {
                batch("job_failed_items", job_id="bad"): always(3),
                batch("job_failed_items", job_id="good"): always(0),
            },
            {recorded(FAILED, job_id="bad"): 3},
        ),
        # LlamaCloud may report no number.
        Case(
            {
                batch("job_items", job_id="counted", item_status="failed"): always(2),
                batch("job_items", job_id="counted", item_status="completed"): always(9),
            },
            {recorded(FAILED, job_id="counted"): 2},
        ),
        Case(
            {
                batch("job_failed_items", job_id="good"): always(0),
                batch("job_items", job_id="good", item_status="failed"): always(0),
            },
            {},
        ),
    ],
    "Which jobs failed?": [
        Case(
            status("bad", "failed") | status("good", "completed"),
            {batch("job_status", job_id="bad", status="failed"): 1},
        ),
        Case(status("good", "completed") | status("active", "running"), {}),
    ],
    "How far is each job?": [
        Case(
            {batch("job_progress_ratio", job_id="a"): always(0.25)},
            {batch("job_progress_ratio", job_id="a"): 0.25},
        ),
        Case({batch("job_total_items", job_id="not-refreshed"): always(5)}, {}),
    ],
    "In how many seconds will each job be done?": [
        Case(
            {
                batch("job_total_items", job_id="a"): always(7200),
                batch("job_processed_items", job_id="a"): rising(60),
            }
            | status("a", "running"),
            {recorded(TIME_LEFT, job_id="a"): 3600},
        ),
        # Waiting does not make a job slow: it ran for five minutes of the fifteen.
        Case(
            {
                batch("job_total_items", job_id="waited"): always(900),
                batch("job_processed_items", job_id="waited"): from_minute(55, 0, each_minute=60),
                batch("job_status", job_id="waited", status="pending"): from_minute(
                    55, 0, before=1
                ),
                batch("job_status", job_id="waited", status="running"): from_minute(55, 1),
            },
            {recorded(TIME_LEFT, job_id="waited"): 600},
        ),
        Case(
            {
                batch("job_total_items", job_id="stuck"): always(7200),
                batch("job_processed_items", job_id="stuck"): always(60),
            }
            | status("stuck", "running"),
            {},
        ),
        # Ended jobs have no time left, even if not all of their items were processed.
        Case(
            {
                batch(f"job_{name}_items", job_id=job_id): values
                for job_id in ("completed", "failed", "cancelled", "gone")
                for name, values in {"total": always(120), "processed": rising(1)}.items()
            }
            | status("completed", "completed")
            | status("failed", "failed")
            | status("cancelled", "cancelled")
            | status("gone", "gone"),
            {},
        ),
    ],
    "Which running job made no progress for half an hour?": [
        Case(
            progressed("stuck", 1801, "running")
            | progressed("sent", 1801, "dispatched")
            | progressed("moves", 1799, "running")
            | {batch("job_total_items", job_id=job_id): always(9) for job_id in ("stuck", "moves")},
            {recorded(WITHOUT_PROGRESS, job_id=name): 1801 for name in ("stuck", "sent")},
        ),
        # Counted items are enough if no total is reported.
        Case(
            progressed("counted", 1801, "running")
            | {batch("job_items", job_id="counted", item_status="processing"): always(9)},
            {recorded(WITHOUT_PROGRESS, job_id="counted"): 1801},
        ),
        # The items of a running batch of v2 are not known.
        Case(progressed("without-items", 7200, "running"), {}),
        # A batch whose items all wait or have ended is queued.
        Case(
            progressed("queued", 1801, "dispatched")
            | progressed("at-work", 1801, "dispatched")
            | {
                batch("job_items", job_id="queued", item_status="pending"): always(9),
                batch("job_items", job_id="queued", item_status="processing"): always(0),
                batch("job_items", job_id="at-work", item_status="pending"): always(9),
                batch("job_items", job_id="at-work", item_status="processing"): always(1),
            },
            {recorded(WITHOUT_PROGRESS, job_id="at-work"): 1801},
        ),
        Case(progressed("ended", 1801, "completed") | progressed("waits", 1801, "pending"), {}),
    ],
    "How many items are pending?": [
        Case({batch("active_items", item_status="pending"): always(5)}, {answer(): 5}),
        Case({batch("active_items", item_status="processing"): always(5)}, {}),
    ],
    "How many items end per second?": [
        Case(
            {
                batch("items_finished_total", job_type=job_type, item_status="failed"): rising(60)
                for job_type in ("parse", "extract")
            },
            {recorded(ITEMS_RATE, item_status="failed"): 2},
        ),
        Case(
            {batch("items_finished_total", job_type="parse", item_status="failed"): always(7)},
            {recorded(ITEMS_RATE, item_status="failed"): 0},
        ),
    ],
    "Which job types have failures?": [
        Case(
            {
                batch("items_finished_total", job_type="parse", item_status="failed"): rising(1),
                batch("items_finished_total", job_type="parse", item_status="skipped"): rising(1),
            },
            {answer(job_type="parse"): 60},
        ),
        Case(
            {batch("items_finished_total", job_type="parse", item_status="skipped"): rising(1)}, {}
        ),
    ],
    "Why do items fail?": [
        Case(
            {
                batch("items_failed_total", reason="timeout"): rising(1),
                batch("items_failed_total", reason="none"): rising(2),
                batch("items_failed_total", reason="other"): always(7),
            },
            {answer(reason="timeout"): 60, answer(reason="none"): 120},
        ),
        Case({batch("items_failed_total", reason="timeout"): always(0)}, {}),
    ],
    "What is the 95th-percentile queue time?": [
        # For values above the highest bound, a histogram returns that bound.
        Case(buckets("queue_duration_seconds", 0.1), {answer(job_type="parse"): 10}),
        Case(buckets("run_duration_seconds", 0.1), {}),
    ],
    "What is the 95th-percentile time from creation to completion?": [
        Case(buckets("turnaround_duration_seconds", 0.1), {answer(job_type="parse"): 10}),
        Case(buckets("run_duration_seconds", 0.1), {}),
    ],
    "Can the projects be listed?": [
        Case({own("project_up"): always(1)}, {own("project_up"): 1}),
        Case({own("project_up"): always(0)}, {own("project_up"): 0}),
    ],
    "Which generation of the API is set aside?": [
        Case(
            {
                own("api_offered", api_version="v1beta"): always(0),
                own("api_offered", api_version="v2"): always(1),
            },
            {own("api_offered", api_version="v1beta"): 0},
        ),
        Case({own("api_offered", api_version="v1beta"): always(1)}, {}),
    ],
    "How many intervals ago was each project last listed?": [
        Case(
            {own("last_listing_timestamp_seconds"): always(NOW - 300), **INTERVAL},
            {answer(): 10},
        ),
        Case(INTERVAL, {}),
    ],
    "How old is the oldest data of an active job, in seconds?": [
        Case(
            refreshed("a", 600, "running")
            | refreshed("b", 60, "pending")
            | refreshed("c", 3000, "completed")
            | ended_unknown("d", 3000),
            {answer(): 600},
        ),
        # Without a completion time it may still change.
        Case(refreshed("new-status", 900, "unknown"), {answer(): 900}),
        Case(refreshed("c", 3000, "completed") | status("never-refreshed", "running"), {}),
    ],
    "Is anything missing from the metrics?": [
        Case(
            {
                own("listing_truncated"): always(1),
                own("hidden_jobs"): always(7),
                own("uncounted_jobs"): always(2),
            },
            {own("listing_truncated"): 1, own("hidden_jobs"): 7, own("uncounted_jobs"): 2},
        ),
        Case(
            {
                own("listing_truncated"): always(0),
                own("hidden_jobs"): always(0),
                own("tracked_jobs"): always(9),
            },
            {},
        ),
    ],
    "How many requests a minute does the exporter send?": [
        Case(
            {
                own("api_requests_total", endpoint="list_jobs", code="200"): rising(60),
                own("api_requests_total", endpoint="list_items", code="429"): rising(60),
            },
            {answer(): 120},
        ),
        Case(
            {own("api_requests_total", endpoint="list_jobs", code="200"): always(4)}, {answer(): 0}
        ),
    ],
    "Does LlamaCloud refuse requests because of its rate limit?": [
        Case(
            {own("api_requests_total", endpoint="list_items", code="429"): rising(3)},
            {answer(): 45},
        ),
        Case(
            {
                own("api_requests_total", endpoint="list_items", code="429"): always(3),
                own("api_requests_total", endpoint="list_items", code="200"): rising(5),
            },
            {},
        ),
    ],
    "Is the request budget too small?": [
        Case(
            INTERVAL
            | refreshed("a", 1201, "dispatched")
            | refreshed("b", 30, "running")
            | {own("api_budget_wait_seconds_total"): rising(66)},
            {answer(): 1},
        ),
        Case(
            INTERVAL
            | refreshed("a", 1199, "running")
            | refreshed("ended", 3000, "completed")
            | ended_unknown("ended-somehow", 3000)
            # Requests are spread over the interval, so waiting requests show nothing.
            | {own("api_budget_wait_seconds_total"): rising(300)},
            {},
        ),
        # While LlamaCloud is down, requesting more often would be wrong.
        Case(
            INTERVAL
            | refreshed("a", 1800, "running")
            | {own("api_budget_wait_seconds_total"): rising(6)},
            {},
        ),
    ],
}
