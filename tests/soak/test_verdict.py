"""The soak sees what is wrong: in what is published, counted and logged, and in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from soak.counter_truth import what_happened, wrong_counters
from soak.exposition import Exposition, Reader
from soak.growing import seeded
from soak.history import ITEM_STATUSES, JOB_STATUSES, JobHistory
from soak.job_truth import wrong_samples
from soak.living import LivingJob
from soak.log_truth import Log, wrong_lines
from soak.memory import Memory
from soak.never_falling import fallen
from soak.projects import PROJECTS

from exporter.simulator import World

if TYPE_CHECKING:
    from collections.abc import Callable

NOW = 1_790_000_000.25
OF_JOB = 'job_id="job-1",project="invoices"'
OF_TYPE = 'job_type="parse",project="invoices"'


def finished_job() -> JobHistory:
    """Let a job of ten items end, three of them failed."""
    history = JobHistory("job-1", "steady", PROJECTS[0], "parse", "", NOW)
    job = LivingJob(World(clock=lambda: NOW), history, seeded(1, "job-1"))
    job.add_items(10, bad_share=0.0)
    job.start()
    job.put("running")
    numbers = job.numbers("pending")
    job.settle(numbers[:3], "failed")
    job.settle(numbers[3:])
    job.end("completed")
    return history


def true_samples() -> dict[str, float]:
    """Say of that job what is true, in the words of the contract."""
    items = {"completed": 7, "failed": 3}
    samples: dict[str, float] = {f'info{{directory_id="",job_type="parse",{OF_JOB}}}': 1}
    samples |= {f'status{{status="{s}",{OF_JOB}}}': s == "completed" for s in JOB_STATUSES}
    samples |= {f'items{{item_status="{s}",{OF_JOB}}}': items.get(s, 0) for s in ITEM_STATUSES}
    reasons = finished_job().latest.failure_reasons
    samples |= {f'item_failures{{{OF_JOB},reason="{r}"}}': n for r, n in reasons.items()}
    numbers = {"total_items": 10, "processed_items": 10, "failed_items": 3, "skipped_items": 0}
    moments = ("created", "started", "completed", "last_progress", "last_refreshed")
    times = {f"{moment}_timestamp_seconds": NOW for moment in moments}
    single = {**numbers, **times, "items_last_counted_timestamp_seconds": NOW, "progress_ratio": 1}
    samples |= {f"{name}{{{OF_JOB}}}": value for name, value in single.items()}
    return {f"llamacloud_batch_job_{name}": float(value) for name, value in samples.items()}


def exposition(samples: dict[str, float]) -> Exposition:
    text = "".join(f"{series} {value!r}\n" for series, value in samples.items())
    return Reader().read(text, read_at=NOW + 1)


def wrong_in(samples: dict[str, float]) -> list[str]:
    shown = exposition(samples).jobs["job-1"]
    return wrong_samples(finished_job(), shown, NOW + 1)


def test_what_is_true_of_a_job_is_not_wrong() -> None:
    """Sample by sample."""
    assert [] == wrong_in(true_samples())


@pytest.mark.parametrize("series", true_samples())
def test_a_sample_that_is_missing_is_seen(series: str) -> None:
    """Whichever it is."""
    without = {name: value for name, value in true_samples().items() if name != series}
    assert 1 == len(wrong_in(without))


@pytest.mark.parametrize("series", true_samples())
def test_a_sample_that_is_wrong_is_seen(series: str) -> None:
    """Whichever it is; a moment must not lie in the future."""
    assert 1 == len(wrong_in(true_samples() | {series: true_samples()[series] + 2}))


def counters(**changed: float) -> Exposition:
    """Show the counters that the finished job makes, but for those that are ``changed``."""
    true, reasons = {"completed": 7.0, "failed": 3.0}, finished_job().latest.failure_reasons
    samples = {
        f'llamacloud_batch_items_finished_total{{{OF_TYPE},item_status="{status}"}}': value
        for status, value in (true | changed).items()
        if status in true
    }
    samples |= {
        f'llamacloud_batch_items_failed_total{{project="invoices",reason="{reason}"}}': float(
            changed.get(reason, value)
        )
        for reason, value in reasons.items()
    }
    finished = f'llamacloud_batch_jobs_finished_total{{{OF_TYPE},status="completed"}}'
    return exposition(samples | {finished: 1.0})


def wrong_in_counters(shown: Exposition, *, counted: bool = True) -> list[str]:
    happened = what_happened([finished_job()], lambda _: counted)
    wrong = wrong_counters(happened, shown, ["invoices"])
    return [line for line in wrong if "_duration_seconds" not in line]


def test_a_failure_that_was_missed_is_seen() -> None:
    """Also if nobody counted the items: the job itself reports it."""
    assert [] == wrong_in_counters(counters())
    for counted in (True, False):
        (wrong,) = wrong_in_counters(counters(failed=2.0), counted=counted)
        assert "expected 3, actual 2" in wrong


def test_an_item_that_was_counted_twice_is_seen() -> None:
    """What only counting tells may fall short where it was not seen, and never be more."""
    assert 1 == len(wrong_in_counters(counters(completed=8.0), counted=False))
    assert [] == wrong_in_counters(counters(completed=0.0), counted=False)
    assert 1 == len(wrong_in_counters(counters(completed=0.0)))


def test_a_reason_that_was_counted_wrongly_is_seen() -> None:
    """Only counting tells reasons, and no number of them is more than what happened."""
    reason = next(iter(finished_job().latest.failure_reasons))
    assert 1 == len(wrong_in_counters(counters(**{reason: 4.0}), counted=False))
    assert [] == wrong_in_counters(counters(**{reason: 0.0}), counted=False)
    assert 1 == len(wrong_in_counters(counters(**{reason: 0.0})))


def test_a_counter_that_falls_is_seen() -> None:
    """Or that goes."""
    assert [] == fallen(counters(), counters(failed=4.0))
    assert 1 == len(fallen(counters(), counters(failed=2.0)))
    assert len(counters().samples) == len(fallen(counters(), exposition({"up_total{}": 1.0})))


def record(event: str, level: str, **facts: object) -> dict[str, object]:
    return {"event": event, "level": level, "project": "invoices", "job_id": "job-1", **facts}


TOLD = [
    record("job.ended", "warning", status="completed"),
    *(record("item.failed", "warning", item_id=f"job-1-{n:05d}") for n in range(3)),
]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda log: log.others.append("Traceback (most recent call last):"),
        lambda log: log.records.append(record("exporter.crashed", "error")),
        lambda log: log.records.append(record("job.appeared", "info", exception="Traceback")),
        lambda log: log.records.append(
            record("project.listing_failed", "error", reason="unauthorized")
        ),
        lambda log: log.records.append(record("job.ended", "warning", status="completed")),
        lambda log: log.records.append(log.records[-1]),
        lambda log: log.records.pop(),
    ],
)
def test_a_line_that_is_not_expected_or_missing_is_seen(spoil: Callable[[Log], object]) -> None:
    """A traceback, an unknown event, a reason that nothing gave, an end or failure told wrongly."""
    log = Log(list(TOLD), [])
    assert [] == wrong_lines(log, {"job-1": finished_job()}, lambda _: True)
    spoil(log)
    assert 1 == len(wrong_lines(log, {"job-1": finished_job()}, lambda _: True))


def test_memory_that_grows_with_time_is_seen() -> None:
    """Beyond what more jobs explain."""
    flat, growing = Memory(), Memory()
    for number in range(400):
        flat.sample(number, 60e6 + number % 7 * 1e5, tracked_jobs=100, jobs_seen=number * 6)
        growing.sample(number, 60e6 + number * 1e5, tracked_jobs=100, jobs_seen=number * 6)
    assert flat.grown() is None
    assert "memory grew by 19.1 MiB" in (growing.grown() or "")
