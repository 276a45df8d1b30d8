"""Checks that the exporter logged everything it must, and nothing else."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.soak.oddities import ROW
from tests.soak.restless import ITEMS_ON_ONE_PAGE
from tests.soak.weather import REASONS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    from tests.soak.history import JobHistory

EXPECTED_EVENTS: Final = {
    "exporter.listening": "info",
    "exporter.first_poll_ended": "info",
    "exporter.stopping": "info",
    "project.listed": "info",
    "project.listing_failed": "error",
    "project.listing_recovered": "info",
    "project.listing_truncated": "warning",
    "project.listing_whole_again": "info",
    "job.appeared": "info",
    "job.status_changed": "info",
    "job.ended": "info or warning",
    "job.given_up": "warning",
    "job.returned": "warning",
    "job.contradicted": "warning",
    "job.refresh_failed": "warning",
    "job.refresh_recovered": "info",
    "item.failed": "warning",
    "items.more_failed": "warning",
    "items.failed_before_start": "warning",
    "request.not_answered": "warning",
    "project.stale": "warning",
    "api.set_aside": "info or warning",
    "api.offered_again": "info",
    "api.page_size_refused": "warning",
    "api.fewer_ids_at_a_time": "info",
    "api.unknown_value": "warning",
    "api.unreadable_field": "warning",
    "api.unreadable_row": "warning",
    "budget.reduced": "warning",
    "budget.recovered": "info",
    "state.loaded": "info",
    "config.reloaded": "info",
}
_LOGGED_ONE_BY_ONE = 20


@dataclass(frozen=True, slots=True)
class Log:
    """The records of a log, and the lines that are no records."""

    records: list[dict[str, Any]]
    others: list[str]

    def events(self) -> Counter[str]:
        """Count the records by event."""
        return Counter(str(record["event"]) for record in self.records)


def read_log(file: Path, *, is_cut_off: bool = False) -> Log:
    """Read the log of a stopped exporter, except for a line that ``is_cut_off``."""
    records, others = [], []
    text = file.read_text()
    for line in (text.rpartition("\n")[0] if is_cut_off else text).splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            others.append(line)
    return Log(records, others)


def wrong_lines(
    log: Log, histories: dict[str, JobHistory], items_seen: Callable[[JobHistory], bool]
) -> list[str]:
    """Report lines that should not have been logged, and lines that are missing."""
    wrong = unexpected_lines(log)
    wrong += _wrong_ends(log, histories)
    wrong += _wrongly_given_up(log, histories)
    wrong += _wrong_returns(log, histories)
    return wrong + list(_wrong_failures(log, histories, items_seen))


def unexpected_lines(log: Log) -> list[str]:
    """Report lines that no exporter logs in a soak."""
    wrong = [f"not a record: {line}" for line in log.others]
    for record in log.records:
        level = EXPECTED_EVENTS.get(record["event"], "")
        if record["level"] not in level.split(" or ") or "exception" in record:
            wrong.append(f"unexpected: {record}")
        # A failed item's reason is LlamaCloud's own code.
        gives = record["event"] != "item.failed" and "reason" in record
        if gives and record["reason"] not in REASONS[record["project"]]:
            wrong.append(f"nothing gave this reason: {record}")
    return wrong


def _wrong_ends(log: Log, histories: Mapping[str, JobHistory]) -> Iterator[str]:
    """Report ends that were logged without having happened, or not logged.

    An answer that was requested later may be older, and show a v1beta job active again: that is
    logged, and then its end again.
    """
    active_again = Counter(
        (record["job_id"], record["before"])
        for record in log.records
        if record["event"] == "job.status_changed" and record["api_version"] == "v1beta"
    )
    logged = Counter(
        (record["job_id"], record["status"])
        for record in log.records
        if record["event"] == "job.ended"
    )
    happened: Counter[tuple[str, str]] = Counter()
    for history in histories.values():
        before = "none"
        for state in history.states[history.counts_from or 0 :] if history.adds else ():
            if state.ended and state.status != before:
                happened[history.job_id, state.status] += 1
            before = state.status
        if history.may_end_unseen:
            key = history.job_id, (history.latest.later or history.latest).status
            happened[key] = logged[key] and 1
    for key in sorted(logged.keys() | happened.keys()):
        if not happened[key] <= logged[key] <= happened[key] + min(active_again[key], 1):
            numbers = f"{happened[key]} happened, {logged[key]} logged"
            lines = [str(record) for record in log.records if record.get("job_id") == key[0]]
            life = "\n    ".join([histories[key[0]].describe(), *lines])
            yield f"job.ended of {key}: {numbers}: {life}"


def _wrongly_given_up(log: Log, histories: dict[str, JobHistory]) -> Iterator[str]:
    """Report jobs that were given up without need, or whose giving up was logged wrongly."""
    given_up = Counter(r["job_id"] for r in log.records if r["event"] == "job.given_up")
    for history in histories.values():
        times = given_up[history.job_id]
        if not _least_times_given_up(history) <= times <= _most_times_given_up(history):
            yield f"job.given_up of {history.job_id}, {times} times: {history.describe()}"


def _least_times_given_up(history: JobHistory) -> int:
    state = history.latest
    is_uncounted = state.items_given_up > 0 or (
        state.status == "completed" and not state.has_results
    )
    has_ended = state.ended and state.completed_at is not None
    return int(history.is_batch and history.adds and has_ended and is_uncounted)


def _most_times_given_up(history: JobHistory) -> int:
    if history.is_batch:
        gone = any(state.status == "gone" and not state.settled for state in history.states)
        may_be = gone or history.latest.later is not None
        return 1 if may_be else _least_times_given_up(history)
    settled = all(state.settled for state in history.states if state.ended)
    # While the order of lists changes, several pages do not add up.
    on_one_page = all(s.total <= ITEMS_ON_ONE_PAGE for s in history.states)
    return int(not (settled and on_one_page))


def _wrong_returns(log: Log, histories: dict[str, JobHistory]) -> Iterator[str]:
    """Report jobs that were logged as returned without cause, or not logged."""
    logged = Counter(r["job_id"] for r in log.records if r["event"] == "job.returned")
    returned = Counter(h.job_id for h in histories.values() if h.returned_at is not None)
    for job_id in sorted(logged.keys() | returned.keys()):
        if logged[job_id] != returned[job_id]:
            yield f"job.returned of {job_id}: {returned[job_id]} happened, {logged[job_id]} logged"


def wrong_contradictions(
    log: Log, histories: dict[str, JobHistory], odd_fields: Callable[[str], AbstractSet[str]]
) -> list[str]:
    """Report logged contradictions between list and status that did not exist, or came twice.

    ``odd_fields`` of a row in one of the two contradict the other as well. Batches of v2 can
    contradict themselves only by these.
    """
    logged = Counter(r["job_id"] for r in log.records if r["event"] == "job.contradicted")
    return [
        f"job.contradicted of {job_id}, {times} times, odd {sorted(odd_fields(job_id))}:"
        f" {histories[job_id].describe()}"
        for job_id, times in logged.items()
        if times > 1 or not (histories[job_id].kind == "contradicted" or odd_fields(job_id))
    ]


def wrong_set_aside(log: Log, refused: Mapping[tuple[str, str], int]) -> list[str]:
    """Report API generations that were set aside without cause, twice at once, or for ever.

    ``refused`` counts the listings that LlamaCloud refused, by project and generation. A generation
    that never answered is set aside whatever its failure, at level info.
    """
    times, aside, answered = Counter[tuple[str, str]](), set[tuple[str, str]](), set[object]()
    wrong = []
    for record in log.records:
        if record["event"] not in {"api.set_aside", "api.offered_again"}:
            continue
        key = record["project"], record["api_version"]
        is_set_aside = record["event"] == "api.set_aside"
        is_first = is_set_aside and record["level"] == "info"
        if is_set_aside == (key in aside) or (is_first and key in answered):
            wrong.append(f"not expected after the line before: {record}")
        times[key] += is_set_aside and not is_first
        answered.add(key)
        (aside.add if is_set_aside else aside.discard)(key)
    wrong += [f"{key} is still set aside" for key in sorted(aside)]
    return wrong + [
        f"{key} was set aside {number} times, and refused {refused.get(key, 0)} times"
        for key, number in sorted(times.items())
        if number > refused.get(key, 0)
    ]


def wrong_left_out_lines(log: Log, counted: Mapping[tuple[str, str, str], float]) -> list[str]:
    """Report rows and fields that were left out and not logged once, or logged without cause.

    ``counted`` is how many were left out, by project, endpoint and field or row.
    """
    logged = Counter(
        (record["project"], record["endpoint"], record.get("field", ROW))
        for record in log.records
        if record["event"] in {"api.unreadable_field", "api.unreadable_row"}
    )
    expected = Counter(counted.keys())
    return [
        f"left out of {key}: logged {logged[key]} times instead of {expected[key]}"
        for key in sorted(logged.keys() | expected.keys())
        if logged[key] != expected[key]
    ]


def _summed_up(log: Log) -> Counter[str]:
    """Count the failed items that were logged as a number because they were history, by job."""
    summed_up: Counter[str] = Counter()
    for record in log.records:
        if record["event"] == "items.failed_before_start":
            summed_up[record["job_id"]] += record["failed_items"]
    return summed_up


def _wrong_failures(
    log: Log, histories: dict[str, JobHistory], items_seen: Callable[[JobHistory], bool]
) -> Iterator[str]:
    logged: dict[str, list[str]] = {}
    more = {record["job_id"] for record in log.records if record["event"] == "items.more_failed"}
    for record in log.records:
        if record["event"] == "item.failed":
            logged.setdefault(record["job_id"], []).append(record["item_id"])
    summed_up = _summed_up(log)
    for job_id, number in summed_up.items():
        ever = set().union(*(state.failed_ids for state in histories[job_id].states))
        if number > len(ever):
            yield f"items.failed_before_start of {job_id}: logged {number}, failed {sorted(ever)}"
    for job_id, item_ids in logged.items():
        ever = set().union(*(state.failed_ids for state in histories[job_id].states))
        if len(set(item_ids)) != len(item_ids) or not set(item_ids) <= ever:
            yield f"item.failed of {job_id}: logged {sorted(item_ids)}, failed {sorted(ever)}"
    for history in histories.values():
        if not items_seen(history):
            continue
        missed = history.latest.failed_ids - set(logged.get(history.job_id, ()))
        full = len(logged.get(history.job_id, ())) == _LOGGED_ONE_BY_ONE and history.job_id in more
        if len(missed) > summed_up[history.job_id] and not full:
            yield f"item.failed of {history.job_id} is missing for {sorted(missed)}"
