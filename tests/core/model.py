"""The rules of design.md applied to all that one process was ever told: nothing is forgotten."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from core.entry import Entry
from core.sight import Sight
from history import HOUR

from exporter.domain import (
    ItemsCounted,
    ItemStatus,
    Job,
    JobNotFound,
    JobRefreshed,
    JobStatus,
    Listing,
)


@dataclass
class Ledger:
    """The rules of counting, applied to all that one process was ever told."""

    baseline: float | None = None
    watermark: float | None = None
    listings: int = 0
    entries: dict[str, Entry] = field(default_factory=dict)

    def listed(self, listing: Listing, moment: float, keeps: dict[bool, float]) -> None:
        """Take in a listing; ``keeps`` is how long ended jobs stay, failing or not."""
        self.listings += 1
        self.baseline = listing.began_at if self.baseline is None else self.baseline
        for job in listing.jobs:
            known = self.entries.get(job.id)
            entry = known or Entry(
                self._start(job), job, listing.asked_monotonic, Sight(listing.ended_at)
            )
            # It was retried and ended unseen: it is there again, with its last end.
            is_back = entry.left and entry.ends_anew_with(job)
            if not job.active and (known is None or is_back):
                entry.end_unseen(job, listing, moment, keeps, is_history=self.listings == 1)
                if is_back and entry.start == "nothing":
                    entry.start = self._start(job)
                forgotten = known is None and entry.start == "nothing" and job.ended_at is not None
                if entry.left and forgotten:
                    continue
            if known is None:
                entry.queue_was_over = entry.start == "first" and job.started_at is not None
            self.entries[job.id] = entry
            entry.listed_in, entry.not_found_in = self.listings, None
            self.recorded(job, listing.asked_monotonic, moment, listing.ended_at)
        self.watermark = self.watermark if listing.truncated else listing.began_at

    def recorded(self, job: Job, asked: float, moment: float, at: float) -> None:
        """Take in a record unless a newer one is known."""
        entry = self.entries[job.id]
        if asked < entry.asked:
            return
        # It was retried and ended unseen, or it was only thought to be gone.
        another_end = entry.ends_anew_with(job)
        other_record = _told(entry.record) != _told(job)
        entry.record, entry.asked = job, asked
        if job.active:
            # What was told of a job before it left is not published of it when it returns.
            entry.sight = Sight(at) if entry.left else entry.sight
            entry.ended_moment, entry.left, entry.ended_unseen = None, False, False
            entry.ends.clear()
            if entry.start == "nothing":
                entry.start, entry.queue_was_over = "first", job.started_at is not None
        elif entry.ended_moment is None or another_end:
            entry.ended_moment, entry.ended_asked = moment, asked
            entry.ended_unseen = False
            entry.sight.ended()
            if another_end and entry.start == "nothing" and self._is_news(job):
                entry.count_from_zero()
        elif other_record:
            entry.sight.changed_after_the_end()
        if not job.active:
            entry.ends.add((job.status, job.completed_at))
        entry.sight.record(job, at)
        entry.see(ItemStatus.FAILED, job.failed_items)
        entry.see(ItemStatus.SKIPPED, job.skipped_items)
        entry.queued |= entry.start != "nothing" and job.queue_seconds is not None
        if not job.active and entry.start != "nothing":
            entry.ended_as.add(job.status)
            if job.run_seconds is not None and job.status is not JobStatus.GONE:
                entry.run_as = entry.run_as or job.status

    def refreshed(self, answer: JobRefreshed, moment: float) -> None:
        """Take in the answer about a job's status."""
        entry = self.entries[answer.job.id]
        entry.not_found_in = None
        self.recorded(answer.job, answer.asked_monotonic, moment, answer.answered_at)
        entry.sight.status(answer, entry.final_since)

    def not_found(self, answer: JobNotFound, moment: float) -> None:
        """Take in that LlamaCloud does not know a job; of one that has ended it says no more.

        An older question never overwrites a newer answer.
        """
        entry = self.entries[answer.job_id]
        if entry.listed_in == self.listings or answer.asked_monotonic < entry.asked:
            return
        if entry.record.active and entry.not_found_in not in (None, self.listings):
            gone = replace(entry.record, status=JobStatus.GONE)
            self.recorded(gone, answer.asked_monotonic, moment, answer.answered_at)
        if not entry.record.active:
            entry.sight.final_status = True
            entry.sight.final.append("nothing to ask")
        entry.not_found_in = entry.not_found_in or self.listings

    def counted(self, answer: ItemsCounted) -> None:
        """Take in a count."""
        entry, counts = self.entries[answer.job_id], answer.counts
        entry.sight.count(answer, entry.total_items, entry.final_since)
        entry.see_counts(counts)
        settled = entry.sight.final[-1:] == ["settled"] and entry.start != "nothing"
        entry.items_final |= settled and counts.whole and "nothing to ask" not in entry.sight.final

    def uncountable(self, job_id: str, asked: float) -> None:
        """Take in that a job is too large to count, unless that was said before it ended."""
        entry = self.entries[job_id]
        if entry.record.active or asked >= entry.ended_asked:
            ended = not entry.record.active
            entry.sight.too_many(entry.total_items, asked, ended=ended)

    def _is_news(self, job: Job) -> bool:
        return job.ended_at is None or job.ended_at >= (self.baseline or 0.0)

    def _start(self, job: Job) -> str:
        baseline, moment = self.baseline or 0.0, job.ended_at
        if job.created_at is not None and job.active:
            return "zero" if job.created_at >= baseline else "first"
        if job.active or moment is None:
            new = self.listings > 1 or (job.created_at or 0.0) >= baseline
            return "zero" if new else "first" if job.active else "nothing"
        old_news = self.watermark is not None and moment < self.watermark - HOUR
        after = moment >= baseline or (job.created_at or 0.0) >= baseline
        return "zero" if after and not old_news else "nothing"


def _told(job: Job) -> Job:
    return replace(job, updated_at=None, error_message=None)
