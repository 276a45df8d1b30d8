"""The values that counters and histograms must have, from the histories and the contract."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tests.soak.exposition import series
from tests.soak.history import ENDED_ITEM_STATUSES, ENDED_STATUSES, JOB_TYPES
from tests.soak.history import FAILURE_REASONS as FAILURES
from tests.soak.history import SKIP_REASONS as SKIPS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from tests.soak.exposition import Exposition, Series
    from tests.soak.history import JobHistory, State

_PREFIX: Final = "llamacloud_batch_"
_HISTOGRAMS: Final = (
    *("queue_duration_seconds", "run_duration_seconds"),
    *("turnaround_duration_seconds", "item_duration_seconds"),
)
_COUNTERS: Final = (
    *("jobs_finished_total", "items_finished_total"),
    *("items_failed_total", "items_skipped_total"),
)
_RUN_STATUSES = ("completed", "failed", "cancelled")
_SUM_TOLERANCE_SECONDS = 0.01


@dataclass(slots=True)
class Happened:
    """What certainly happened and was seen, and what else may count; seconds are sorted."""

    certain: Counter[Series] = field(default_factory=Counter)
    possible: Counter[Series] = field(default_factory=Counter)
    certain_seconds: dict[Series, list[float]] = field(default_factory=lambda: defaultdict(list))
    possible_seconds: dict[Series, list[float]] = field(default_factory=lambda: defaultdict(list))


def what_happened(
    histories: Iterable[JobHistory], items_seen: Callable[[JobHistory], bool]
) -> Happened:
    """Sum the increments of all jobs.

    ``items_seen`` returns whether a job's items were certainly counted after its last change;
    otherwise increments that only counting shows are merely possible.
    """
    happened = Happened()
    for history in histories:
        if history.adds and history.states:
            _add(happened, history, counted=items_seen(history))
    for seconds in (*happened.certain_seconds.values(), *happened.possible_seconds.values()):
        seconds.sort()
    return happened


def wrong_counters(
    happened: Happened,
    exposition: Exposition,
    projects: Iterable[str],
    *,
    forgot_file_jobs: bool = False,
) -> list[str]:
    """Report counters and histograms that do not match what happened.

    A killed exporter forgets when v2 file jobs ended. If it can no longer read their rows, it uses
    the time of the batch, and only the number of turnarounds is certain.
    """
    wrong = []
    for project in projects:
        for key in _expected_counters(project):
            least, more = happened.certain[key], happened.possible[key]
            wrong += _compare(key, exposition.samples.get(key, 0.0), least, least + more)
    for key, value in exposition.samples.items():
        if not (forgot_file_jobs and _depends_on_file_jobs(key)):
            wrong += _compare_with_durations(happened, key, value)
    return wrong + [
        f"{key[0]}{dict(key[1])} is missing"
        for key, seconds in happened.certain_seconds.items()
        if seconds and (f"{key[0]}_count", key[1]) not in exposition.samples
    ]


def too_much_counted(happened: Happened, exposition: Exposition) -> list[str]:
    """Report counters above what has happened so far."""
    return [
        f"{key}: {value}, though only {happened.certain[key] + happened.possible[key]} happened"
        for key, value in exposition.samples.items()
        if key[0].removeprefix(_PREFIX) in _COUNTERS
        and value > happened.certain[key] + happened.possible[key]
    ]


def _add(happened: Happened, history: JobHistory, *, counted: bool) -> None:
    project, job_type = history.project.name, history.job_type
    labels = {"project": project, "job_type": job_type}
    ended_as = {state.status for state in _counting(history) if state.ended}
    ends = happened.possible if history.may_be_past else happened.certain
    for status in ended_as:
        ends[_name("jobs_finished_total", **labels, status=status)] += 1
    for status in ENDED_ITEM_STATUSES:
        key = _name("items_finished_total", **labels, item_status=status)
        reported = status in {"failed", "skipped"} and history.reports_failures
        certain = happened.certain if counted or reported else happened.possible
        certain[key] += _greatest(history, status, lambda s: (s.by_status, s.of_before))
    later = history.latest.later
    if later is not None and history.may_end_unseen:
        _add_perhaps(happened, history, later)
    elif later is not None and history.latest.ended:
        # One that waited long may leave as soon as it is given up, between two scrapes.
        _add_turnaround_perhaps(happened, history, later)
    target = happened.certain if counted else happened.possible
    for reason in FAILURES:
        key = _name("items_failed_total", project=project, reason=reason)
        target[key] += _greatest(history, reason, _failure_reasons)
    for reason in SKIPS:
        key = _name("items_skipped_total", **labels, reason=reason)
        target[key] += _greatest(history, reason, lambda s: (s.skip_reasons, {}))
    _add_durations(happened, history, counted=counted)


def _add_durations(happened: Happened, history: JobHistory, *, counted: bool) -> None:
    labels = {"project": history.project.name, "job_type": history.job_type}
    starts = [s.started_at for s in history.states if s.started_at is not None]
    first = history.states[history.counts_from or 0]
    began_before = history.counts_from is not None and first.started_at is not None
    if starts and not began_before:
        key = _name("queue_duration_seconds", **labels)
        happened.certain_seconds[key].append(max(starts[0] - history.created_at, 0.0))
    for state in _counting(history):
        if state.status in _RUN_STATUSES and state.started_at is not None:
            assert state.completed_at is not None
            key = _name("run_duration_seconds", **labels, status=state.status)
            seconds = max(state.completed_at - state.started_at, 0.0)
            happened.certain_seconds[key].append(seconds)
            break
    for state in _counting(history):
        if state.status in _RUN_STATUSES and state.completed_at is not None:
            seconds = max(state.completed_at - history.created_at, 0.0)
            target = happened.possible_seconds if history.may_be_past else happened.certain_seconds
            target[_name("turnaround_duration_seconds", **labels)].append(seconds)
            break
    key = _name("item_duration_seconds", **labels)
    at_once, later = _item_seconds(history)
    (happened.certain_seconds if counted else happened.possible_seconds)[key].extend(at_once)
    happened.possible_seconds[key].extend(later)


def _add_perhaps(happened: Happened, history: JobHistory, end: State) -> None:
    """Add an end that was not seen, if it came."""
    labels = {"project": history.project.name, "job_type": history.job_type}
    happened.possible[_name("jobs_finished_total", **labels, status=end.status)] += 1
    _add_turnaround_perhaps(happened, history, end)


def _add_turnaround_perhaps(happened: Happened, history: JobHistory, end: State) -> None:
    labels = {"project": history.project.name, "job_type": history.job_type}
    seconds = (end.completed_at or history.created_at) - history.created_at
    happened.possible_seconds[_name("turnaround_duration_seconds", **labels)].append(seconds)


def _counting(history: JobHistory) -> list[State]:
    """Return the states that may add to counters."""
    return history.states[history.counts_from or 0 :]


def _item_seconds(history: JobHistory) -> tuple[list[float], list[float]]:
    """Return the durations of items that ended with the job, and of those that ended soon after.

    They count once a job, so that the later ones may come too late.
    """
    ended: list[State] = []
    for state in _counting(history):
        if state.ended:
            ended.append(state)
        elif ended:
            break
    if not ended:
        return [], []
    at_once = list(ended[0].item_seconds)
    return at_once, list((Counter(ended[-1].item_seconds) - Counter(at_once)).elements())


def _greatest(
    history: JobHistory,
    what: str,
    numbers_of: Callable[[State], tuple[Mapping[str, int], Mapping[str, int]]],
) -> int:
    """Return the greatest number that counts, where ``numbers_of`` also gives those of before."""
    both = map(numbers_of, _counting(history))
    numbers = [every.get(what, 0) - of_before.get(what, 0) for every, of_before in both]
    return max(numbers) - (0 if history.counts_from is None else numbers[0])


def _failure_reasons(state: State) -> tuple[Mapping[str, int], Mapping[str, int]]:
    return state.failure_reasons, state.reasons_of_before


def _expected_counters(project: str) -> Iterator[Series]:
    for reason in FAILURES:
        yield _name("items_failed_total", project=project, reason=reason)
    for job_type in JOB_TYPES:
        labels = {"project": project, "job_type": job_type}
        for status in ENDED_STATUSES:
            yield _name("jobs_finished_total", **labels, status=status)
        for status in ENDED_ITEM_STATUSES:
            yield _name("items_finished_total", **labels, item_status=status)
        for reason in SKIPS:
            yield _name("items_skipped_total", **labels, reason=reason)


def _depends_on_file_jobs(key: Series) -> bool:
    name, labels = key[0].removeprefix(_PREFIX), dict(key[1])
    if name == "turnaround_duration_seconds_sum":
        return True
    return name == "turnaround_duration_seconds_bucket" and labels["le"] != "+Inf"


def _compare_with_durations(happened: Happened, key: Series, value: float) -> list[str]:
    name, _, part = key[0].rpartition("_")
    if name.removeprefix(_PREFIX) not in _HISTOGRAMS:
        return []
    labels = dict(key[1])
    bound = float(labels.pop("le", "inf"))
    of = series(name, **labels)
    certain = happened.certain_seconds.get(of, [])
    possible = happened.possible_seconds.get(of, [])
    if part == "sum":
        least, most = sum(certain), sum(certain) + sum(possible)
        return _compare(key, value, least, most, tolerance=_SUM_TOLERANCE_SECONDS)
    least = bisect_right(certain, bound)
    return _compare(key, value, least, least + bisect_right(possible, bound))


def _compare(
    key: Series, actual: float, least: float, most: float, *, tolerance: float = 0.0
) -> list[str]:
    if least - tolerance <= actual <= most + tolerance and math.isfinite(actual):
        return []
    expected = f"{least:g}" if least == most else f"{least:g} to {most:g}"
    labels = ",".join(f'{name}="{value}"' for name, value in sorted(key[1]))
    return [f"{key[0]}{{{labels}}}: expected {expected}, actual {actual:g}"]


def _name(name: str, **labels: str) -> Series:
    return series(_PREFIX + name, **labels)
