"""The soak detects faults: in what is published, counted and logged, and in memory."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.simulator import World
from tests.soak import lives
from tests.soak.births import seeded
from tests.soak.counter_truth import what_happened, wrong_counters
from tests.soak.exposition import Exposition, Reader
from tests.soak.history import ITEM_STATUSES, JOB_STATUSES, JobHistory
from tests.soak.job_truth import impossible_counts, must_be_shown, wrong_samples
from tests.soak.living import LivingJob
from tests.soak.log_truth import Log, wrong_contradictions, wrong_lines
from tests.soak.memory import Memory
from tests.soak.never_falling import fallen
from tests.soak.projects import LIMITED, PROJECTS, RETENTION_FAILED_SECONDS
from tests.soak.restless import ITEMS_ON_ONE_PAGE
from tests.soak.watching import Watch

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.soak.projects import SoakProject

NOW = 1_790_000_000.25
OF_JOB = 'job_id="job-1",project="invoices"'
OF_TYPE = 'job_type="parse",project="invoices"'


def finished_job(items: int = 10) -> JobHistory:
    """Return a job of ten items that has ended, three of them failed."""
    history = JobHistory("job-1", "steady", PROJECTS[0], "parse", "", NOW)
    job = LivingJob(World(clock=lambda: NOW), history, seeded(1, "job-1"))
    job.add_items(items, bad_share=0.0)
    job.start()
    job.put("running")
    numbers = job.numbers("pending")
    job.settle(numbers[:3], "failed")
    job.settle(numbers[3:])
    job.end("completed")
    return history


def true_samples() -> dict[str, float]:
    """Return the true samples of that job."""
    items = {"completed": 7, "failed": 3}
    info = 'api_version="v1beta",configuration_id="",directory_id="",job_type="parse"'
    samples: dict[str, float] = {f"info{{{info},{OF_JOB}}}": 1}
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
    """Each sample is checked."""
    assert [] == wrong_in(true_samples())


@pytest.mark.parametrize("series", true_samples())
def test_a_sample_that_is_missing_is_seen(series: str) -> None:
    """This holds for every sample."""
    without = {name: value for name, value in true_samples().items() if name != series}
    assert 1 == len(wrong_in(without))


@pytest.mark.parametrize("series", true_samples())
def test_a_sample_that_is_wrong_is_seen(series: str) -> None:
    """This holds for every sample; times must not lie in the future."""
    assert 1 == len(wrong_in(true_samples() | {series: true_samples()[series] + 2}))


def without(*families: str) -> dict[str, float]:
    return {
        name: value
        for name, value in true_samples().items()
        if not name.startswith(tuple(f"llamacloud_batch_job_{family}{{" for family in families))
    }


UNCOUNTED = ("items", "item_failures", "items_last_counted_timestamp_seconds")


def watch(samples: dict[str, float], *, odd: str = "") -> Watch:
    """Return a watch that was shown the finished job, whose row may have had an odd field."""
    seen = Watch({"job-1": finished_job()}, lambda _: {odd})
    seen.latest = exposition(samples)
    seen.take(seen.latest)
    return seen


def differences_of_job(seen: Watch) -> list[str]:
    return [line for line in seen.differences() if line.startswith("job-1 ")]


def test_a_job_that_is_not_counted_is_seen_unless_it_was_given_up() -> None:
    """The log then names it; its other samples must be true all the same."""
    seen = watch(without(*UNCOUNTED))
    assert 1 == len(differences_of_job(seen))
    seen.given_up = {"job-1"}
    assert [] == differences_of_job(seen)
    assert ["job-1"] == seen.inexact()
    short = {**true_samples(), f'llamacloud_batch_job_items{{item_status="failed",{OF_JOB}}}': 2.0}
    seen = watch(short)
    seen.given_up = {"job-1"}
    assert 1 == len(differences_of_job(seen))


def test_a_job_that_left_uncounted_is_seen() -> None:
    """However it was first seen, it stays until it is counted or given up."""
    seen = watch(without(*UNCOUNTED))
    seen.take(Exposition(read_at=NOW + 1000))
    assert 1 == len(differences_of_job(seen))
    seen.given_up = {"job-1"}
    assert [] == differences_of_job(seen)


@pytest.mark.parametrize(
    "missing", [UNCOUNTED, (*UNCOUNTED, "progress_ratio", "last_refreshed_timestamp_seconds")]
)
def test_a_job_that_left_uncounted_may_have_been_requested_too_late(
    missing: tuple[str, ...],
) -> None:
    """After the longest retention it is not shown again, and its items do not count as seen."""
    seen = watch(without(*missing))
    seen.latest = exposition(without(*missing))
    seen.latest.read_at = NOW + RETENTION_FAILED_SECONDS
    seen.take(seen.latest)
    seen.take(Exposition(read_at=NOW + 1000))
    assert [] == differences_of_job(seen)
    assert ["job-1"] == seen.inexact()


def test_a_field_that_is_missing_is_seen_unless_it_was_odd_when_the_job_left() -> None:
    """While the job is shown, its next row is correct."""
    seen = watch(without("processed_items"), odd="processed_items")
    assert 1 == len(differences_of_job(seen))
    seen.take(Exposition(read_at=NOW + 1000))
    assert [] == differences_of_job(seen)
    seen = watch(without("processed_items"), odd="error_message")
    seen.take(Exposition(read_at=NOW + 1000))
    assert 1 == len(differences_of_job(seen))


def test_a_status_that_was_fetched_before_the_end_is_seen() -> None:
    """The status is fetched once after the end, if the row does not show that items settle."""
    history = JobHistory("job-1", "unseen", PROJECTS[0], "parse", "", NOW, sparse=True)
    moments = [NOW + 10, NOW + 20, NOW + 30]
    job = LivingJob(World(clock=lambda: moments[0]), history, seeded(1, "job-1"))
    job.add_items(4, bad_share=0.0)
    job.put("pending")
    for settled in (1, 3):
        del moments[0]
        job.settle(job.numbers("pending")[:settled])
        job.end("completed")

    def wrong(ratio: float, refreshed_at: float) -> list[str]:
        shown = {
            ("progress_ratio", ""): ratio,
            ("last_refreshed_timestamp_seconds", ""): refreshed_at,
        }
        lines = wrong_samples(history, shown, NOW + 100)
        return [line for line in lines if line.startswith(("progress", "last_refreshed"))]

    assert [] == wrong(0.25, NOW + 20) == wrong(1.0, NOW + 30)
    assert 1 == len(wrong(0.0, NOW + 20))
    assert 1 == len(wrong(0.25, NOW + 10))
    history.sparse = False
    assert 2 == len(wrong(0.25, NOW + 20))


def test_items_that_settle_without_a_change_of_the_row_need_no_further_status() -> None:
    """No number of a row contains cancelled items, so the row is unchanged."""

    def wrong(fate: str) -> list[str]:
        history = JobHistory("job-1", "unseen", PROJECTS[0], "parse", "", NOW)
        moments = [NOW + 10, NOW + 20]
        job = LivingJob(World(clock=lambda: moments[0]), history, seeded(1, "job-1"))
        job.add_items(1, bad_share=0.0)
        job.process([0])
        job.end("completed")
        del moments[0]
        job.settle([0], fate)
        job.end("completed")
        shown = {("last_refreshed_timestamp_seconds", ""): NOW + 10}
        lines = wrong_samples(history, shown, NOW + 100)
        return [line for line in lines if line.startswith("last_refreshed")]

    assert [] == wrong("cancelled")
    assert 1 == len(wrong("completed"))


def test_a_count_that_cannot_be_is_seen_at_once() -> None:
    """No scrape may show it; a job that is not counted is not short of items."""
    histories = {"job-1": finished_job()}
    assert [] == impossible_counts(histories, exposition(true_samples()))
    completed = f'llamacloud_batch_job_items{{item_status="completed",{OF_JOB}}}'
    short = exposition(true_samples() | {completed: 6.0})
    (wrong,) = impossible_counts(histories, short)
    assert "9 items are counted, though it had [10]" in wrong
    none = exposition({name: n * ("_job_items{" not in name) for name, n in true_samples().items()})
    assert 1 == len(impossible_counts(histories, none))
    failed = completed.replace("completed", "failed")
    (wrong,) = impossible_counts(
        histories, exposition(true_samples() | {completed: 6.0, failed: 4.0})
    )
    assert "4 failed items are counted, though it had 3" in wrong
    assert [] == impossible_counts(histories, exposition(without(*UNCOUNTED)))


def counters(**changed: float) -> Exposition:
    """Return the counters that the finished job makes, except for those that are ``changed``."""
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
    """This holds even without counted items, because the job itself reports it."""
    assert [] == wrong_in_counters(counters())
    for counted in (True, False):
        (wrong,) = wrong_in_counters(counters(failed=2.0), counted=counted)
        assert "expected 3, actual 2" in wrong


def test_an_item_that_was_counted_twice_is_seen() -> None:
    """Counts may be too small where they were not seen, and never too large."""
    assert 1 == len(wrong_in_counters(counters(completed=8.0), counted=False))
    assert [] == wrong_in_counters(counters(completed=0.0), counted=False)
    assert 1 == len(wrong_in_counters(counters(completed=0.0)))


def test_a_reason_that_was_counted_wrongly_is_seen() -> None:
    """Only counting shows reasons, and never more of them than happened."""
    reason = next(iter(finished_job().latest.failure_reasons))
    assert 1 == len(wrong_in_counters(counters(**{reason: 4.0}), counted=False))
    assert [] == wrong_in_counters(counters(**{reason: 0.0}), counted=False)
    assert 1 == len(wrong_in_counters(counters(**{reason: 0.0})))


def test_a_counter_that_falls_is_seen() -> None:
    """So is a counter that disappears."""
    assert [] == fallen(counters(), counters(failed=4.0))
    assert 1 == len(fallen(counters(), counters(failed=2.0)))
    assert len(counters().samples) == len(fallen(counters(), exposition({"up_total{}": 1.0})))


def record(event: str, level: str, **facts: object) -> dict[str, object]:
    return {"event": event, "level": level, "project": "invoices", "job_id": "job-1", **facts}


LOGGED = [
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
        lambda log: log.records.append(
            record("items.failed_before_start", "warning", failed_items=4)
        ),
        lambda log: log.records.pop(),
    ],
)
def test_a_line_that_is_not_expected_or_missing_is_seen(spoil: Callable[[Log], object]) -> None:
    """This covers tracebacks, unknown events, causeless reasons, and wrong ends or failures."""
    log = Log(list(LOGGED), [])
    assert [] == wrong_lines(log, {"job-1": finished_job()}, lambda _: True)
    spoil(log)
    assert 1 == len(wrong_lines(log, {"job-1": finished_job()}, lambda _: True))


def test_failed_items_of_history_may_be_summed_up() -> None:
    """The logged number must be right."""
    summary = record("items.failed_before_start", "warning", failed_items=3)
    log = Log([LOGGED[0], summary], [])
    assert [] == wrong_lines(log, {"job-1": finished_job()}, lambda _: True)
    summary["failed_items"] = 2
    assert 1 == len(wrong_lines(log, {"job-1": finished_job()}, lambda _: True))


def given_up(history: JobHistory) -> list[str]:
    log = Log([record("job.given_up", "warning")], [])
    wrong = wrong_lines(log, {"job-1": history}, lambda _: False)
    return [line for line in wrong if line.startswith("job.given_up")]


def test_a_job_that_was_given_up_for_nothing_is_seen() -> None:
    """All its items had ended, and one page showed it; several pages may never add up."""
    assert 1 == len(given_up(finished_job()))
    assert [] == given_up(finished_job(items=ITEMS_ON_ONE_PAGE + 1))


def relapsed_job() -> JobHistory:
    """Return a job that ended without a failure, and shows failed items later."""
    history = JobHistory("job-1", "relapsing", PROJECTS[0], "parse", "", NOW)
    job = LivingJob(World(clock=lambda: NOW), history, seeded(1, "job-1"))
    list(lives.relapsing(job))
    return history


def test_a_job_that_does_not_return_is_seen() -> None:
    """It must be shown and logged again, once."""
    history = relapsed_job()
    assert must_be_shown(history, NOW + RETENTION_FAILED_SECONDS - 1)
    returned = record("job.returned", "warning")
    for times, expected in ((0, 1), (1, 0), (2, 1)):
        log = Log([returned] * times, [])
        wrong = wrong_lines(log, {"job-1": history}, lambda _: False)
        assert expected == len([line for line in wrong if line.startswith("job.returned")])
    wrong = wrong_lines(Log([returned], []), {"job-1": finished_job()}, lambda _: False)
    assert 1 == len([line for line in wrong if line.startswith("job.returned")])


def test_a_contradiction_that_is_none_or_logged_twice_is_seen() -> None:
    """Only some jobs are contradicted, and those with odd rows."""
    line, histories = record("job.contradicted", "warning"), {"job-1": finished_job()}
    assert [] == wrong_contradictions(Log([line], []), histories, lambda _: {"failed_items"})
    assert 1 == len(wrong_contradictions(Log([line], []), histories, lambda _: set()))
    histories["job-1"].kind = "contradicted"
    assert [] == wrong_contradictions(Log([line], []), histories, lambda _: set())
    assert 1 == len(wrong_contradictions(Log([line, line], []), histories, lambda _: set()))


def test_memory_that_grows_with_time_is_seen() -> None:
    """Growth that more jobs explain is allowed."""
    flat, growing = Memory(), Memory()
    for number in range(400):
        flat.sample(number, 60e6 + number % 7 * 1e5, tracked_jobs=100, jobs_seen=number * 6)
        growing.sample(number, 60e6 + number * 1e5, tracked_jobs=100, jobs_seen=number * 6)
    assert flat.grown() is None
    assert "memory grew by 19.1 MiB" in (growing.grown() or "")


@pytest.mark.parametrize(("project", "wrong"), [(LIMITED, 0), (PROJECTS[0], 1)])
def test_where_the_budget_is_too_small_items_that_are_the_same_are_counted_late(
    project: SoakProject, wrong: int
) -> None:
    """A retry with the same numbers is no progress."""
    moments = [NOW, NOW + 60]
    history = JobHistory("job-1", "steady", project, "parse", "", NOW)
    job = LivingJob(World(clock=lambda: moments[0]), history, seeded(1, "job-1"))
    job.add_items(3, bad_share=0.0)
    job.start()
    job.put("running")
    del moments[0]
    job.put("running")
    shown = {("items", "pending"): 3.0, ("items_last_counted_timestamp_seconds", ""): NOW + 1}
    lines = wrong_samples(history, shown, NOW + 100)
    assert wrong == len([line for line in lines if line.startswith("items_last_counted")])


@pytest.mark.parametrize(("project", "wrong"), [(LIMITED, 0), (PROJECTS[0], 1)])
def test_where_the_budget_is_too_small_a_retry_that_ends_alike_may_go_unseen(
    project: SoakProject, wrong: int
) -> None:
    """Failure reasons and the last progress are then those of before the retry."""
    moments = [NOW]
    history = JobHistory("job-1", "retried", project, "parse", "", NOW)
    job = LivingJob(World(clock=lambda: moments[0]), history, seeded(1, "job-1"))
    job.add_items(1, bad_share=0.0)
    job.settle([0], "failed")
    job.put("running")
    before = history.latest
    moments[0] = NOW + 30
    job.retry([0])
    job.put("running")
    moments[0] = NOW + 60
    job.settle([0], "failed")
    job.put("running")
    reason = "timeout" if "none" in before.failure_reasons else "none"
    shown = {("item_failures", reason): 1.0, ("last_progress_timestamp_seconds", ""): NOW + 1}
    shown["items", "pending"] = 0.0
    lines = wrong_samples(history, shown, NOW + 100)
    assert wrong == any(line.startswith("item_failures") for line in lines)
    assert wrong == len([line for line in lines if line.startswith("last_progress")])
