"""What must survive a restart, beside the counters: marks, baseline, watermarks, progress.

All times are Unix seconds by LlamaCloud's clock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from exporter.core.marks import listed_now, longest_unlisted
from exporter.core.progress import first_progress_at, has_moved, not_in_the_future
from exporter.domain import JobStatus, latest

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from exporter.core.marks import HighWaterMarks
    from exporter.core.rules import Rules
    from exporter.core.tracked_job import TrackedJob
    from exporter.domain import Listing

# Jobs that ended in the hour before the watermark are checked again, so that neither a late row nor
# a wrong clock loses an end. Marks are kept twice as long, so that no job counts twice: if a clock
# is ahead, a job may have ended that much later than it was last listed.
LEAST_OVERLAP_SECONDS = 3600.0
_MARKS_KEPT_IF_UNSURE_SECONDS = 7 * 86400.0
# For so long, the watermark waits for rows that were left out.
_ROWS_AWAITED_SECONDS = 86400.0


class History:
    """Owns the durable state of one project, beside its counters.

    ``marks`` outlive their jobs, so that a job that returns is neither counted nor shown twice.
    ``past`` holds jobs that ended too early to count, each with its API generation and final
    status. ``answered`` are the API generations that ever listed the project, ``set_aside`` those
    that are not in use.
    """

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.marks: dict[str, HighWaterMarks] = {}
        self.last_progress_at: dict[str, float] = {}
        self.baseline_at: float | None = None
        self.watermarks: dict[str, float] = {}
        self.answered: set[str] = set()
        self.set_aside: set[str] = set()
        self.past: dict[str, tuple[str, JobStatus]] = {}

    def news_since(self, api_version: str) -> float | None:
        """Return the Unix time before which a listing has nothing new, if known."""
        watermark_at = self.watermarks.get(api_version)
        return None if watermark_at is None else watermark_at - LEAST_OVERLAP_SECONDS

    def counts_since(self, api_version: str) -> float | None:
        """Return the Unix time after which a job that ended unseen counts, if known.

        It lies before the last full listing, because an old job may have been retried since.
        """
        watermark_at = self.watermarks.get(api_version)
        return None if watermark_at is None else watermark_at - self._overlap_seconds

    def api_version_of(self, job_id: str) -> str | None:
        """Return the API generation that listed a job, if one did."""
        if job_id in self.marks:
            return self.marks[job_id].api_version
        return self.past[job_id][0] if job_id in self.past else None

    @property
    def _overlap_seconds(self) -> float:
        return max(LEAST_OVERLAP_SECONDS, self.rules.full_listing_every)

    def begin_listing(self, listings: Mapping[str, Listing]) -> None:
        """Set the baseline at the first listing."""
        if self.baseline_at is None:
            self.baseline_at = min(listing.began_at for listing in listings.values())

    def end_listing(self, api_version: str, listing: Listing, tracked: AbstractSet[str]) -> None:
        """Move the watermark of an API generation, and forget marks that are no longer needed."""
        self.answered.add(api_version)
        self.set_aside.discard(api_version)
        if listing.rows_left_out and self._awaits_rows(api_version, listing):
            return
        if listing.reached_end:
            self._forget_marks(api_version, listing, tracked)
        if not listing.truncated:
            self.watermarks[api_version] = listing.began_at

    def _awaits_rows(self, api_version: str, listing: Listing) -> bool:
        """Return whether to wait for rows that were left out: their jobs may have ended."""
        before = self.watermarks.get(api_version)
        return before is not None and listing.began_at - before < _ROWS_AWAITED_SECONDS

    def begin_progress(self, tracked: TrackedJob, seen_at: float) -> None:
        """Record when a job that is seen for the first time last made progress."""
        self._note_progress(tracked.job.id, first_progress_at(tracked, seen_at))

    def note_progress(self, before: TrackedJob, after: TrackedJob, seen_at: float) -> None:
        """Record progress that an answer at ``seen_at`` shows."""
        moved_at = seen_at if has_moved(before, after) else None
        if after.counts is not None and after.counts is not before.counts:
            moved_at = latest(moved_at, not_in_the_future(after.counts.newest_at, seen_at))
        self._note_progress(after.job.id, moved_at)

    def job_left(self, job_id: str, tracked: TrackedJob) -> None:
        """Keep what is needed to recognise a job that leaves, if it returns."""
        self.last_progress_at.pop(job_id, None)
        if tracked.final is not None:
            ends_seen = tracked.final.ends_seen
            self.marks[job_id] = replace(self.marks[job_id], ends_seen=ends_seen)

    def _note_progress(self, job_id: str, moment: float | None) -> None:
        if moment is not None:
            self.last_progress_at[job_id] = max(self.last_progress_at.get(job_id, moment), moment)

    def _forget_marks(self, api_version: str, listing: Listing, tracked: AbstractSet[str]) -> None:
        """Forget the marks of jobs that left and have not been listed for long.

        A truncated listing does not show that a job has left the list: then the job must be missing
        for much longer.
        """
        listed_ids = {job.id for job in listing.jobs}
        self.past = {
            job_id: end
            for job_id, end in self.past.items()
            if job_id in listed_ids or end[0] != api_version
        }
        kept = 2 * self._overlap_seconds
        if listing.truncated:
            kept = max(kept, _MARKS_KEPT_IF_UNSURE_SECONDS)
        of_api = [
            (id_, marks) for id_, marks in self.marks.items() if marks.api_version == api_version
        ]
        for job_id, marks in of_api:
            # A job with the status "gone" may come back after days.
            gone = JobStatus.GONE in marks.ended_as
            keep_seconds = _MARKS_KEPT_IF_UNSURE_SECONDS if gone else kept
            if job_id in listed_ids or job_id in tracked:
                self.marks[job_id] = listed_now(marks)
            elif marks.unlisted_since is None:
                self.marks[job_id] = replace(marks, unlisted_since=listing.began_at)
            elif marks.unlisted_since < listing.began_at - keep_seconds:
                del self.marks[job_id]
        for job_id in longest_unlisted(self.marks, len(self.marks) - self.rules.max_tracked):
            del self.marks[job_id]
