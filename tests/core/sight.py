"""What is to be published of one job, from all that was told of it since it came into sight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.domain import ItemCounts, ItemsCounted, Job, JobRefreshed

# A Date has no fractions of a second: a time of the same second may look like a later one.
# A job with too many items is looked at again.
TRIED_AGAIN_AFTER = 900.0
SAME_SECOND = 1.0


@dataclass
class Sight:
    """A job from when it is first seen, or seen again after it left, until it leaves.

    ``progress`` are all moments at which the job is known to have made progress, and ``known`` the
    newest value of each thing that shows progress when it changes. ``final`` is what was told of
    the items since the job ended: ``settled``, ``unsettled``, ``too many`` or ``nothing to ask``.
    """

    seen_at: float
    progress: list[float] = field(default_factory=list)
    known: dict[str, object] = field(default_factory=dict)
    counts: ItemCounts | None = None
    counted_at: float | None = None
    too_many_of: int | None = None
    too_many_asked: float = 0.0
    ratio: float | None = None
    status_asked: float | None = None
    status_answered_at: float | None = None
    final_status: bool = False
    final: list[str] = field(default_factory=list)
    changed_since: bool = False

    @property
    def last_progress_at(self) -> float | None:
        """When something last changed, as far as is known."""
        return max(self.progress, default=None)

    def record(self, job: Job, at: float) -> None:
        """Take in a record; the first one tells by its own times when the job made progress."""
        if not self.known:
            for time in (job.created_at, job.started_at, job.completed_at):
                self._moved_by_itself(time, self.seen_at)
        self._tell("status", job.status, at)
        self._tell("total", job.total_items, at)
        self._tell("processed", job.processed_items, at)
        self._tell("failed", job.failed_items, at)
        self._tell("skipped", job.skipped_items, at)

    def ended(self) -> None:
        """Ask anew: of a job that has ended the answers are final, and more is counted."""
        self.final_status, self.final, self.too_many_of = False, [], None
        self.changed_since = False

    def changed_after_the_end(self) -> None:
        """Ask anew for the status of a job without dates: it may have been retried unseen."""
        self.final_status, self.changed_since = False, True

    def status(self, answer: JobRefreshed, final_since: float | None) -> None:
        """Take in a status answer, for the final one if it was asked for since then."""
        if self.status_asked is not None and answer.asked_monotonic < self.status_asked:
            return
        self._tell("ratio", answer.progress_ratio, answer.answered_at)
        self.ratio, self.status_asked = answer.progress_ratio, answer.asked_monotonic
        self.status_answered_at = answer.answered_at
        self.final_status |= final_since is not None and answer.asked_monotonic >= final_since

    def count(self, answer: ItemsCounted, total: int, final_since: float | None) -> None:
        """Take in a count."""
        counts = answer.counts
        self._tell("counts", dict(counts.by_status), answer.answered_at)
        self._moved_by_itself(counts.newest_at, answer.answered_at)
        self.counts, self.counted_at, self.too_many_of = counts, answer.answered_at, None
        if final_since is not None and answer.asked_monotonic >= final_since:
            all_ended = counts.settled and (counts.total >= total or not counts.whole)
            self.final.append("settled" if all_ended else "unsettled")

    def too_many(self, total: int, asked: float, *, ended: bool) -> None:
        """Take in that the items are too many to count: what was counted of them falls short."""
        self.known.pop("counts", None)
        self.counts, self.counted_at, self.too_many_of = None, None, total
        self.too_many_asked = asked
        if ended:
            self.final.append("too many")

    def wants_count(
        self, total: int, moment: float, *, ended: bool, ended_unseen: bool
    ) -> bool | None:
        """Tell whether the items are to be counted; ``None`` where that is a matter of time."""
        if not ended:
            return self.too_many_of != total or moment - self.too_many_asked >= TRIED_AGAIN_AFTER
        if not self.final:
            return True
        only_unsettled = set(self.final) == {"unsettled"} and not ended_unseen
        return None if only_unsettled or self.changed_since else False

    def _tell(self, what: str, value: object, at: float) -> None:
        """Take in a value: where another one was known before, the job made progress."""
        if value is not None:
            if self.known.get(what, value) != value:
                self.progress.append(at)
            self.known[what] = value

    def _moved_by_itself(self, time: float | None, seen_at: float) -> None:
        """Take in a time of the job's own; one from the future would be told as now."""
        if time is not None and time <= seen_at + SAME_SECOND:
            self.progress.append(min(time, seen_at))
