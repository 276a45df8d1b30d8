"""What must be published for each job, from its history and the contract."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from tests.soak.batch_truth import TOLD_BY_ITEMS, numbers_of
from tests.soak.history import ITEM_STATUSES, JOB_STATUSES
from tests.soak.projects import LIMITED, RETENTION_FAILED_SECONDS, RETENTION_FINISHED_SECONDS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from collections.abc import Set as AbstractSet

    from tests.soak.exposition import Exposition, JobSamples
    from tests.soak.history import JobHistory, State

_PROCESSED = ("completed", "failed", "skipped")
# Times are printed with 17 digits, and parsed from text with microseconds.
_TIME_TOLERANCE_SECONDS = 1e-5
# Longer than a scrape and a publication take.
_BETWEEN_SCRAPES_SECONDS = 5.0
_MOMENTS = (
    "last_progress_timestamp_seconds",
    "last_refreshed_timestamp_seconds",
    "items_last_counted_timestamp_seconds",
)
# Samples that need a request for the job itself, and those that then certainly exist.
_COUNTED = {"items": "items", "item_failures": "items"}
_NEED_REQUEST = {"progress_ratio": "progress_ratio", **_COUNTED}
_TOLD_LATE = {
    "v1beta": {*_NEED_REQUEST},
    "v2": {*_NEED_REQUEST, *TOLD_BY_ITEMS, "completed_timestamp_seconds"},
}
# A batch may leave while a file job's row could not be read; its status stays unknown.
_UNSURE_WHEN_GONE = {("items", status) for status in ("pending", "processing", "unknown")}
# The samples of each row field that may be odd.
_PUBLISHED_OF = {
    **dict.fromkeys(("directory_id", "source_directory_id", "configuration_id"), "info"),
    **{name: name for name in ("processed_items", "failed_items", "skipped_items")},
}


def wrong_samples(
    history: JobHistory,
    shown: JobSamples,
    read_at: float,
    *,
    was_requested: bool = True,
    given_up: bool = False,
    left_late: bool = False,
    odd_fields: AbstractSet[str] = frozenset(),
) -> list[str]:
    """Report how the ``shown`` samples of a job differ from its latest state.

    Without ``was_requested``, samples that its row in a listing does not report may be missing.
    Samples from counts may be missing for a job that was ``given_up``. One that ``left_late``,
    after the longest retention, may have been requested too late to be shown so. Samples of
    ``odd_fields`` prove nothing, because those could not be read when the job was last shown.
    """
    names = {name for name, _ in shown}
    may_be_missing = (_COUNTED if given_up else {}) if was_requested else _NEED_REQUEST
    missing = {name for name, certain in may_be_missing.items() if certain not in names}
    undecided = {_PUBLISHED_OF[field] for field in odd_fields if field in _PUBLISHED_OF}
    undecided |= _TOLD_LATE[history.api_version] if left_late else set()
    if _first_indistinguishable(history).failure_reasons != history.latest.failure_reasons:
        undecided.add("item_failures")
    expected = _exact(history)
    if history.sparse and _progress_is_of_an_earlier_end(history, shown):
        undecided.add("progress_ratio")
    unsure = _UNSURE_WHEN_GONE if history.is_batch and history.latest.status == "gone" else set()
    expected = {key: n for key, n in expected.items() if key[0] not in missing | undecided}
    expected = {key: n for key, n in expected.items() if key not in unsure}
    actual = {key: n for key, n in shown.items() if key[0] not in {*_MOMENTS, *undecided}}
    actual = {key: n for key, n in actual.items() if key not in unsure}
    wrong = [
        f"{key[0]}{{{key[1]}}}: expected {expected.get(key)}, actual {actual.get(key)}"
        for key in sorted(expected.keys() | actual.keys())
        if not _same(expected.get(key), actual.get(key))
    ]
    if left_late:
        return wrong + list(_wrong_moments_of_row(history, shown, read_at))
    may_lack = set() if was_requested else {*_MOMENTS[1:]}
    if missing >= {"items"} or not history.latest.has_results:
        may_lack.add(_MOMENTS[2])
    return wrong + list(_wrong_moments(history, shown, read_at, may_lack))


def impossible_counts(histories: Mapping[str, JobHistory], exposition: Exposition) -> list[str]:
    """Report jobs for which fewer or more items are counted than they ever had."""
    wrong = []
    for job_id, samples in exposition.jobs.items():
        if ("items", "pending") not in samples:
            continue
        counted = sum(samples["items", status] for status in ITEM_STATUSES)
        states = histories[job_id].states
        totals = {state.total for state in states if state.has_results}
        if counted not in totals:
            wrong.append(f"{job_id}: {counted:g} items are counted, though it had {sorted(totals)}")
        failed = samples["items", "failed"]
        most = max(state.by_status.get("failed", 0) for state in states)
        if failed > most:
            life = histories[job_id].describe()
            wrong.append(f"{failed:g} failed items are counted, though it had {most}: {life}")
    return wrong


def must_be_shown(history: JobHistory, now: float) -> bool:
    """Return whether a job's retention cannot be over: it begins when its end is seen, or later."""
    ended_at = history.returned_at or history.ended_at
    is_over = ended_at is not None and now - ended_at >= _retention_seconds(history.latest)
    return may_be_shown(history) and not is_over and not history.may_end_unseen


def may_be_shown(history: JobHistory) -> bool:
    """Return whether a job may still be shown, which depends on when its end was seen."""
    return history.kind != "long_over"


def is_old_and_unread(history: JobHistory, now: float) -> bool:
    """Return whether an unread batch was mapped so long ago that it is no longer read."""
    if not history.is_unread or history.mapped_at is None:
        return False
    return now - history.mapped_at >= RETENTION_FAILED_SECONDS


def is_shown(history: JobHistory, exposition: Exposition) -> bool:
    """Return whether the exposition shows a job's latest state, requested after it was put."""
    shown = exposition.jobs.get(history.job_id)
    if shown is None or wrong_samples(history, shown, exposition.read_at):
        return False
    state = history.latest
    if state.status == "gone":
        return True
    # LlamaCloud's Date has whole seconds: a later one shows nothing older.
    names = _MOMENTS[1:] if state.has_results else _MOMENTS[1:2]
    return all(shown.get((name, ""), 0.0) >= state.put_by for name in names)


def is_known(history: JobHistory, exposition: Exposition) -> bool:
    """Return whether the exposition shows a job as it is."""
    shown = exposition.jobs.get(history.job_id)
    return shown is not None and not wrong_samples(history, shown, exposition.read_at)


def left_late(history: JobHistory, last_read_at: float) -> bool:
    """Return whether a job that has left stayed at least until its retention was over."""
    ended_at = history.ended_at
    stayed_until = last_read_at + _BETWEEN_SCRAPES_SECONDS
    return ended_at is not None and stayed_until - ended_at >= RETENTION_FAILED_SECONDS


def _retention_seconds(state: State) -> float:
    return RETENTION_FAILED_SECONDS if state.failing else RETENTION_FINISHED_SECONDS


def _exact(history: JobHistory) -> JobSamples:
    state = history.latest
    info = (history.api_version, history.configuration_id, history.directory_id, history.job_type)
    expected: JobSamples = {("info", ",".join(info)): 1.0}
    for status in JOB_STATUSES:
        expected["status", status] = float(status == state.status)
    expected |= numbers_of(state) if history.is_batch else _numbers(history, state)
    times = {
        "created_timestamp_seconds": history.created_at,
        "started_timestamp_seconds": state.started_at,
        "completed_timestamp_seconds": state.completed_at,
    }
    expected |= {(name, ""): time for name, time in times.items() if time is not None}
    return expected


def _numbers(history: JobHistory, state: State) -> JobSamples:
    """Return the item samples of a v1beta job."""
    expected: JobSamples = {}
    for item_status in ITEM_STATUSES:
        expected["items", item_status] = float(state.by_status.get(item_status, 0))
    for reason, number in state.failure_reasons.items():
        expected["item_failures", reason] = float(number)
    expected["total_items", ""] = float(state.total)
    expected["progress_ratio", ""] = _progress_ratio(state)
    if not history.sparse:
        processed = sum(state.by_status.get(status, 0) for status in _PROCESSED)
        expected["processed_items", ""] = float(processed)
        expected["failed_items", ""] = float(state.by_status.get("failed", 0))
        expected["skipped_items", ""] = float(state.by_status.get("skipped", 0))
    return expected


def _progress_ratio(state: State) -> float:
    if not state.total:
        return float((state.status_before_gone or state.status) == "completed")
    processed = sum(state.by_status.get(status, 0) for status in _PROCESSED)
    return round(100 * processed / state.total, 2) / 100


def _progress_is_of_an_earlier_end(history: JobHistory, shown: JobSamples) -> bool:
    actual = shown.get(("progress_ratio", ""))
    return any(actual == _progress_ratio(state) for state in _since_its_end(history))


def _since_its_end(history: JobHistory) -> list[State]:
    """Return the states since the job's end.

    Its status is fetched once in them, because a row without counts shows no later change.
    """
    since = [history.latest]
    for state in reversed(history.states[:-1]):
        if not state.ended or state.status != history.latest.status:
            break
        since.insert(0, state)
    return since


def _first_with_this_row(history: JobHistory) -> State:
    """Return the state since which the job's rows are unchanged: late items may change none.

    No status is fetched after that.
    """
    since = _since_its_end(history)
    if history.is_batch:
        # Its status is fetched with each count; a failed job may be counted once.
        return since[0] if history.latest.status in {"failed", "cancelled"} else since[-1]
    return next(state for state in since if _row(history, state) == _row(history, since[-1]))


def _first_indistinguishable(history: JobHistory) -> State:
    """Return the first state whose items cannot be distinguished from the latest.

    Where the budget is too small, what was between them may never have been seen, and a job in
    which nothing moves is counted after minutes.
    """
    latest = history.latest
    if history.project is not LIMITED:
        return latest
    sought = latest.status, latest.by_status
    return next(state for state in history.states if (state.status, state.by_status) == sought)


def _row(history: JobHistory, state: State) -> tuple[object, ...]:
    counts = () if history.sparse else tuple(state.by_status.get(s, 0) for s in _PROCESSED)
    return state.status, state.total, state.started_at, state.completed_at, counts


def _same(expected: float | None, actual: float | None) -> bool:
    if expected is None or actual is None:
        return expected is actual
    return math.isclose(expected, actual, rel_tol=1e-12, abs_tol=_TIME_TOLERANCE_SECONDS)


def _wrong_moments_of_row(history: JobHistory, shown: JobSamples, read_at: float) -> Iterator[str]:
    """Check the times of a job that was not requested since its end, so only its row showed it."""
    for name in _MOMENTS:
        actual = shown.get((name, ""))
        if actual is not None and actual > read_at:
            yield f"{name}: expected to {read_at}, actual {actual}"
    progress_at = shown.get((_MOMENTS[0], ""))
    moment = math.floor(history.latest.newest_time_of_job)
    if progress_at is None or progress_at < moment:
        yield f"{_MOMENTS[0]}: expected from {moment}, actual {progress_at}"


def _wrong_moments(
    history: JobHistory, shown: JobSamples, read_at: float, may_lack: AbstractSet[str]
) -> Iterator[str]:
    """Check times that depend on polls: not before the state, and not in the future."""
    state = history.latest
    fetched_since = _first_with_this_row(history)
    counted_since = _first_indistinguishable(history)
    is_counted = ("items", "pending") in shown
    newest = counted_since.newest_time if is_counted else state.newest_time_of_job
    earliest = {
        _MOMENTS[0]: math.floor(newest),
        _MOMENTS[1]: math.floor(fetched_since.put_at),
        _MOMENTS[2]: math.floor(counted_since.put_at),
    }
    for name, moment in earliest.items():
        actual = shown.get((name, ""))
        if actual is None:
            if name not in may_lack:
                yield f"{name} is missing"
        # A job that is gone was last requested before that.
        elif actual > read_at or (actual < moment and state.status != "gone"):
            yield f"{name}: expected from {moment} to {read_at}, actual {actual}"
