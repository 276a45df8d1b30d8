"""The rules of design.md applied to all answers of one process: nothing is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from exporter.domain import (
    ItemsCounted,
    ItemStatus,
    Job,
    JobNotFound,
    JobRefreshed,
    JobStatus,
    Listing,
    NotCounted,
    UncountedReason,
)
from tests.core.entry import Entry, told_of
from tests.core.sight import Sight
from tests.support.history import HOUR


@dataclass
class Ledger:
    """The rules of counting, applied to all answers that one process ever received.

    ``overlap`` is how long before the watermark an unseen end still counts.
    """

    overlap: float = HOUR
    items_enabled: bool = True
    baseline: float | None = None
    watermark: float | None = None
    listings: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)

    def listed(self, listing: Listing, moment: float, keeps: dict[bool, float]) -> None:
        """Apply a listing; ``keeps`` is how long ended jobs stay, failing or not."""
        self.listings += 1
        self.baseline = listing.began_at if self.baseline is None else self.baseline
        for job in listing.jobs:
            known = self.entries.get(job.id)
            entry = known or Entry(
                self._start(job), job, listing.asked_monotonic, Sight(listing.ended_at)
            )
            # It was retried and ended unseen: it is there again, with its last end.
            is_back = entry.left and entry.ends_anew_with(job)
            entry.heard = [] if entry.left else entry.heard
            if entry.left and not is_back and entry.reports_more_failures_with(job):
                entry.return_to_sight(job, listing, moment)
            if not job.active and (known is None or is_back):
                if is_back and entry.start == "nothing":
                    entry.start_at(self._start(job))
                is_counted = self.items_enabled and entry.start != "nothing"
                is_history = self.listings == 1
                entry.end_unseen(
                    job, listing, moment, keeps, is_history=is_history, is_counted=is_counted
                )
                forgotten = known is None and entry.start == "nothing" and job.ended_at is not None
                if entry.left and forgotten:
                    continue
            if known is None and entry.start == "nothing":
                entry.note_reported()
            if known is None:
                entry.queue_was_over = entry.start == "first" and job.started_at is not None
            self.entries[job.id] = entry
            entry.listed_in, entry.not_found_in = self.listings, None
            asked, at = listing.asked_monotonic, listing.ended_at
            self.recorded(job, asked, moment, at, listed=True)
        self.watermark = self.watermark if listing.truncated else listing.began_at

    def recorded(
        self, job: Job, asked: float, moment: float, at: float, *, listed: bool | None
    ) -> None:
        """Apply a record unless a newer one is known; an unrequested one is always newer."""
        entry = self.entries[job.id]
        if asked < entry.asked:
            return
        entry.asked = asked
        believed = job if listed is None else entry.hear(job, listed=listed)
        if believed is None:
            return
        job = believed
        self._apply(entry, job, moment, at)
        entry.sight.record(job, at)
        entry.see(ItemStatus.FAILED, job.failed_items)
        entry.see(ItemStatus.SKIPPED, job.skipped_items)
        entry.queued |= entry.start != "nothing" and job.queue_seconds is not None
        if not job.active and entry.start != "nothing":
            entry.ended_as.add(job.status)
            runs = job.run_seconds is not None and job.status is not JobStatus.GONE
            if runs and not entry.silent:
                entry.run_as = entry.run_as or job.status
            known = job.turnaround_seconds is not None and job.status is not JobStatus.GONE
            entry.turned_around |= known and not entry.silent
        self._give_up_what_is_final(entry)

    def _apply(self, entry: Entry, job: Job, moment: float, at: float) -> None:
        # It was retried and ended unseen, or it was only thought to be gone.
        another_end = entry.ends_anew_with(job)
        other_record = told_of(entry.record) != told_of(job)
        entry.record = job
        if job.active:
            # Answers about a job before it left are not published when it returns.
            entry.sight = Sight(at) if entry.left else entry.sight
            entry.ended_moment, entry.left, entry.ended_unseen = None, False, False
            entry.ends.clear()
            if entry.start == "nothing":
                entry.start_at("first")
                entry.queue_was_over = job.started_at is not None
            return
        if entry.ended_moment is None or another_end:
            entry.ended_moment, entry.ended_asked = moment, entry.asked
            entry.ended_unseen = False
            entry.sight.ended()
            if another_end and entry.start == "nothing" and self._is_news(job):
                entry.count_from_zero()
        elif other_record:
            entry.sight.changed_after_the_end(moment)
        entry.ends.add((job.status, job.completed_at))
        if entry.start == "nothing" and entry.reports_more_failures_with(job):
            entry.count_from_what_was_reported(job)

    def refreshed(self, answer: JobRefreshed, moment: float) -> None:
        """Apply a status answer."""
        entry = self.entries[answer.job.id]
        entry.not_found_in = None
        asked, at = answer.asked_monotonic, answer.answered_at
        self.recorded(answer.job, asked, moment, at, listed=False)
        entry.sight.status(answer, entry.final_since)

    def not_found(self, answer: JobNotFound, moment: float) -> None:
        """Take in that LlamaCloud does not know a job; said twice of one that has ended, it is all.

        An older question never overwrites a newer answer.
        """
        entry = self.entries[answer.job_id]
        if entry.listed_in == self.listings or answer.asked_monotonic < entry.asked:
            return
        was_said_before = entry.not_found_in not in (None, self.listings)
        if entry.record.active and was_said_before:
            gone = replace(entry.record, status=JobStatus.GONE)
            asked, at = answer.asked_monotonic, answer.answered_at
            self.recorded(gone, asked, moment, at, listed=None)
        if not entry.record.active and was_said_before:
            entry.sight.final_status = True
            entry.sight.final.append(("nothing to ask", moment))
            self._give_up_what_is_final(entry)
        entry.not_found_in = entry.not_found_in or self.listings

    def counted(self, answer: ItemsCounted, moment: float) -> None:
        """Apply a count."""
        entry, counts = self.entries[answer.job_id], answer.counts
        entry.sight.count(answer, entry.total_items, moment, entry.final_since)
        entry.see_counts(counts)
        if entry.start == "nothing":
            entry.note_counted(counts)
        words = [word for word, _ in entry.sight.final]
        # An end is over once the job is active again.
        settled = words[-1:] == ["settled"] and not entry.record.active
        settled = settled and entry.start not in ("nothing", "reported")
        entry.items_final |= settled and counts.whole and "nothing to ask" not in words
        self._give_up_what_is_final(entry)

    def not_counted(self, answer: NotCounted, moment: float) -> None:
        """Apply that a job's items cannot be counted, unless that is from before its end."""
        entry, asked = self.entries[answer.job_id], answer.asked_monotonic
        if entry.record.active or asked >= entry.ended_asked:
            ended = not entry.record.active
            too_many = answer.reason is UncountedReason.TOO_MANY_ITEMS
            entry.sight.not_counted(
                entry.total_items, asked, moment, ended=ended, too_many=too_many
            )
            self._give_up_what_is_final(entry)

    def _give_up_what_is_final(self, entry: Entry) -> None:
        final = not entry.record.active and not entry.left and entry.sight.final_items
        if final and self.items_enabled:
            entry.give_up()

    def _is_news(self, job: Job) -> bool:
        return job.ended_at is None or job.ended_at >= (self.baseline or 0.0)

    def _start(self, job: Job) -> str:
        baseline, moment = self.baseline or 0.0, job.ended_at
        reported = job.processed_items or job.failed_items or job.skipped_items
        if job.status is JobStatus.PENDING and job.started_at is None and not reported:
            return "zero"
        if job.created_at is not None and job.active:
            return "zero" if job.created_at >= baseline else "first"
        if job.active or moment is None:
            new = self.listings > 1 or (job.created_at or 0.0) >= baseline
            return "zero" if new else "first" if job.active else "nothing"
        old_news = self.watermark is not None and moment < self.watermark - self.overlap
        after = moment >= baseline or (job.created_at or 0.0) >= baseline
        return "zero" if after and not old_news else "nothing"
