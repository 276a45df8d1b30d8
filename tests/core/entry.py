"""The state of one job by the rules of design.md, from all answers that one process received."""

from __future__ import annotations

from dataclasses import astuple, dataclass, field, replace
from typing import TYPE_CHECKING

from exporter.domain import (
    ENDED_ITEM_STATUSES,
    FAILURE_REASONS,
    KNOWN_SKIP_REASONS,
    OTHER_SKIP_REASON,
    ItemStatus,
    JobStatus,
)
from tests.core.sight import Sight

if TYPE_CHECKING:
    from exporter.domain import ItemCounts, Job, Listing

# However short retentions are.
COUNTED_FOR_AT_LEAST = 900.0


@dataclass
class Entry:
    """What is known of one job, and from where it counts.

    ``start`` is ``zero``, ``first`` (the first number that is known of each status), ``nothing`` or
    ``reported`` (what had ended before counts what it reports beyond its first numbers). ``heard``
    are the answers of the list (true) and of the status endpoint.
    """

    start: str
    record: Job
    asked: float
    sight: Sight
    ended_unseen: bool = False
    ended_moment: float | None = None
    ended_asked: float = 0.0
    listed_in: int = 0
    not_found_in: int | None = None
    first: dict[object, int] = field(default_factory=dict)
    greatest: dict[object, int] = field(default_factory=dict)
    ended_as: set[JobStatus] = field(default_factory=set)
    run_as: JobStatus | None = None
    turned_around: bool = False
    queued: bool = False
    queue_was_over: bool = False
    items_final: bool = False
    left: bool = False
    ends: set[tuple[JobStatus, float | None]] = field(default_factory=set)
    heard: list[tuple[bool, Job]] = field(default_factory=list)
    given_up: bool = False
    silent: set[JobStatus] = field(default_factory=set)

    @property
    def total_items(self) -> int:
        """How many items the job has: every row of these tests contains it."""
        assert self.record.total_items is not None
        return self.record.total_items

    def see(self, what: object, number: int | None) -> None:
        """Apply a number of items."""
        if number is not None and self.start != "nothing":
            self.first.setdefault(what, 0 if self.start == "zero" else number)
            self.greatest[what] = max(number, self.greatest.get(what, 0))

    def start_at(self, start: str) -> None:
        """Count from there on what had added nothing."""
        self.start = start
        if start != "nothing":
            self.first, self.greatest = {}, {}

    def note_reported(self) -> None:
        """Keep the reported failures of a job that adds nothing: more failures would count."""
        row = self.record
        reported = {ItemStatus.FAILED: row.failed_items, ItemStatus.SKIPPED: row.skipped_items}
        self.first.update({what: n for what, n in reported.items() if n is not None})
        self.greatest.update(self.first)

    def note_counted(self, counts: ItemCounts) -> None:
        """Keep the counted failures of a job that adds nothing: more failures would count."""
        failed = counts.by_status.get(ItemStatus.FAILED)
        if failed is not None:
            known = max(failed, self.greatest.get(ItemStatus.FAILED, 0))
            self.first[ItemStatus.FAILED] = self.greatest[ItemStatus.FAILED] = known

    def reports_more_failures_with(self, job: Job) -> bool:
        """Return whether a job reports more failed items than it ever had."""
        known = self.greatest.get(ItemStatus.FAILED, 0 if self.start == "zero" else None)
        return known is not None and not job.active and (job.failed_items or 0) > known

    def count_from_what_was_reported(self, job: Job) -> None:
        """Count what is reported beyond the first numbers of what had ended before."""
        self.start, self.silent, self.queue_was_over = "reported", {job.status}, True
        if self.sight.counts is not None:
            self.see_counts(self.sight.counts)

    def added(self, what: object) -> int:
        """Return what the job adds to a counter."""
        return self.greatest.get(what, 0) - self.first.get(what, 0)

    def see_counts(self, counts: ItemCounts) -> None:
        """Apply all numbers of a count."""
        for status in ENDED_ITEM_STATUSES:
            self.see(status, counts.by_status.get(status))
        if ItemStatus.SKIPPED in counts.by_status:
            for reason in (*KNOWN_SKIP_REASONS, OTHER_SKIP_REASON):
                self.see(reason, counts.skip_reasons.get(reason, 0))
        if ItemStatus.FAILED in counts.by_status:
            for reason in FAILURE_REASONS:
                self.see(("failed", reason), counts.failure_reasons.get(reason, 0))

    def count_from_zero(self) -> None:
        """Count whole what had ended before, for it has ended once more."""
        self.start_at("zero")
        if self.sight.counts is not None:
            self.see_counts(self.sight.counts)

    def ends_anew_with(self, job: Job) -> bool:
        """Return whether an ended job shows a new end. At most five ends are believed."""
        if job.active or not 0 < len(self.ends) < 5:
            return False
        return all(
            status is not job.status
            or bool(at and job.completed_at and abs(at - job.completed_at) > 1)
            for status, at in self.ends
        )

    def hear(self, job: Job, *, listed: bool) -> Job | None:
        """Take in an answer, and return what is believed of the job from then on, if it is news.

        Where the list and the status endpoint contradict each other, and repeated themselves three
        times meanwhile, the newer ``updated_at`` is, or else what moved last, or the list. Failed
        items of the other one are not missed.
        """
        self.heard.append((listed, job))
        contradictions, list_moved = 0, None
        contrary: Job | None = None
        for place, (source, told) in enumerate(self.heard):
            before = self.heard[:place]
            own = next((each for other, each in before[::-1] if other == source), None)
            contrary = next((each for other, each in before[::-1] if other != source), None)
            if contrary is None or not _contradict(contrary, told):
                contradictions, list_moved = 0, None
            elif own is not None and told_of(own) != told_of(told):
                list_moved = source
            elif own is not None and before[-1][0] != source:
                contradictions += 1
        if contradictions < 3 or contrary is None:
            return job
        job = _with_failures_of(contrary, job)
        if told_of(job) == told_of(self.record):
            return job
        newer, older = job.updated_at, self.record.updated_at
        if newer and older and newer != older:
            is_believed = newer > older
        else:
            is_believed = listed == (True if list_moved is None else list_moved)
        if is_believed:
            return job
        with_failures = _with_failures_of(job, self.record)
        return None if with_failures is self.record else with_failures

    def give_up(self) -> None:
        """Record that not all items were counted to their end, if they were to be counted."""
        if self.start != "nothing":
            self.given_up |= not self.sight.is_fully_counted(self.total_items)

    def return_to_sight(self, job: Job, listing: Listing, moment: float) -> None:
        """Show a job again that had left."""
        self.record, self.sight, self.left = job, Sight(listing.ended_at), False
        self.ended_moment, self.ended_asked = moment, listing.asked_monotonic
        self.ended_unseen = True

    def end_unseen(
        self,
        job: Job,
        listing: Listing,
        moment: float,
        keeps: dict[bool, float],
        *,
        is_history: bool,
        is_counted: bool,
    ) -> None:
        """Take in an end that was not seen to come: its date decides how long it is shown.

        What counts is shown until it ``is_counted``.
        """
        self.record, self.sight = job, Sight(listing.ended_at)
        self.ends.add((job.status, job.completed_at))
        ended_at = listing.ended_at if job.ended_at is None else job.ended_at
        age = max(listing.ended_at - ended_at, 0.0)
        keep = keeps[self.failing]
        if is_counted:
            keep = max(keep, keeps[True], COUNTED_FOR_AT_LEAST)
        self.left = age >= keep or (job.ended_at is None and is_history)
        self.given_up |= self.left and is_counted
        self.ended_moment, self.ended_asked = moment - age, listing.asked_monotonic
        self.ended_unseen = True

    @property
    def failing(self) -> bool:
        """Whether the job failed or has failed items."""
        counts = self.sight.counts
        counted = counts.by_status.get(ItemStatus.FAILED, 0) if counts else 0
        return self.record.status is JobStatus.FAILED or bool(self.record.failed_items or counted)

    @property
    def is_counted(self) -> bool:
        """Whether all items were counted; those of an ended job since its end."""
        counts = self.sight.counts
        counted = counts is not None and counts.whole
        return counted and (self.record.active or self.sight.was_counted_at_the_end)

    @property
    def final_since(self) -> float | None:
        """The time since which answers are final: that of the request that showed the end."""
        return None if self.record.active else self.ended_asked


def _contradict(one: Job, other: Job) -> bool:
    """Return whether both have a value, and the values differ."""
    facts = zip(astuple(told_of(one)), astuple(told_of(other)), strict=True)
    return any(mine is not None and its is not None and mine != its for mine, its in facts)


def _with_failures_of(other: Job, job: Job) -> Job:
    """Use the greater number of failed items, unless the other has another status or end."""
    if other.status is not job.status or (other.failed_items or 0) <= (job.failed_items or 0):
        return job
    if other.completed_at and job.completed_at and job.completed_at - other.completed_at > 1:
        return job
    return replace(job, failed_items=other.failed_items)


def told_of(job: Job) -> Job:
    """Leave out of a record what is not published."""
    return replace(job, updated_at=None, error_message=None)
