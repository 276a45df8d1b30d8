"""What is to be published of one job, from all answers since it came into sight."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.domain import ItemCounts, ItemsCounted, Job, JobRefreshed

# A job with too many items is looked at again.
TRIED_AGAIN_AFTER = 900.0
# A Date has no fractions of a second: a time of the same second may appear to be later.
SAME_SECOND = 1.0
MOST_FINAL_COUNTS = 5
_LAST_WORDS = {"settled", "too many", "nothing to ask"}
_COUNTS = {"settled", "unsettled", "too many", "no sum"}


@dataclass
class Sight:
    """A job from when it is first seen, or seen again after it left, until it leaves.

    ``progress`` are all moments at which the job is known to have made progress, and ``known`` the
    newest value of each thing that shows progress when it changes. ``final`` holds answers about
    the items since the job ended, and when: ``settled``, ``unsettled``, ``too many``, ``no sum`` or
    ``nothing to ask``; and ``changed`` where the record differed from the one before.
    """

    seen_at: float
    progress: list[float] = field(default_factory=list)
    known: dict[str, object] = field(default_factory=dict)
    counts: ItemCounts | None = None
    counted_at: float | None = None
    too_many_of: int | None = None
    too_many_asked: float = 0.0
    no_sums_in_a_row: int = 0
    ratio: float | None = None
    status_asked: float | None = None
    status_answered_at: float | None = None
    final_status: bool = False
    final: list[tuple[str, float]] = field(default_factory=list)

    @property
    def last_progress_at(self) -> float | None:
        """When something last changed, as far as is known."""
        return max(self.progress, default=None)

    def record(self, job: Job, at: float) -> None:
        """Apply a record; the times in the first one are its progress."""
        if not self.known:
            for time in (job.created_at, job.started_at, job.completed_at):
                self._moved_by_itself(time, self.seen_at)
        self._tell("status", job.status, at)
        self._tell("total", job.total_items, at)
        self._tell("processed", job.processed_items, at)
        self._tell("failed", job.failed_items, at)
        self._tell("skipped", job.skipped_items, at)

    def ended(self) -> None:
        """Request everything again: answers about an ended job are final, and limits are larger."""
        self.final_status, self.final, self.too_many_of = False, [], None

    def changed_after_the_end(self, moment: float) -> None:
        """Request everything again: values that are not in a row may have changed too."""
        self.final_status = False
        self.final.append(("changed", moment))

    def status(self, answer: JobRefreshed, final_since: float | None) -> None:
        """Apply a status answer, which is final if it was requested since the end."""
        if self.status_asked is not None and answer.asked_monotonic < self.status_asked:
            return
        self._tell("ratio", answer.progress_ratio, answer.answered_at)
        self.ratio, self.status_asked = answer.progress_ratio, answer.asked_monotonic
        self.status_answered_at = answer.answered_at
        self.final_status |= final_since is not None and answer.asked_monotonic >= final_since

    def count(
        self, answer: ItemsCounted, total: int, moment: float, final_since: float | None
    ) -> None:
        """Apply a count."""
        counts = answer.counts
        self._tell("counts", dict(counts.by_status), answer.answered_at)
        self._moved_by_itself(counts.newest_at, answer.answered_at)
        self.counts, self.counted_at, self.too_many_of = counts, answer.answered_at, None
        self.no_sums_in_a_row = 0
        if final_since is not None and answer.asked_monotonic >= final_since:
            all_ended = counts.settled and (counts.total >= total or not counts.whole)
            self.final.append(("settled" if all_ended else "unsettled", moment))

    def not_counted(
        self, total: int, asked: float, moment: float, *, ended: bool, too_many: bool
    ) -> None:
        """Apply that the items cannot be counted: earlier counts are withdrawn."""
        self.known.pop("counts", None)
        self.counts, self.counted_at, self.too_many_of = None, None, total
        self.too_many_asked = asked
        self.no_sums_in_a_row = 0 if too_many else self.no_sums_in_a_row + 1
        if ended:
            self.final.append(("too many" if too_many else "no sum", moment))

    def is_fully_counted(self, total: int) -> bool:
        """Return whether all items were counted, and all of them had ended."""
        counts = self.counts
        return counts is not None and counts.whole and counts.settled and counts.total >= total

    @property
    def was_counted_at_the_end(self) -> bool:
        """Whether a count since the end returned the items, or there is nothing to count."""
        return self.final_items or any(word in _COUNTS for word, _ in self.final)

    @property
    def final_items(self) -> bool:
        """Whether nothing more is to be requested of the items of an ended job."""
        words = [word for word, _ in self.final]
        if len([word for word in words if word in _COUNTS]) >= MOST_FINAL_COUNTS:
            return True
        return bool(_LAST_WORDS & set(_since_change(words)))

    def wants_count(self, total: int, moment: float, interval: float, *, ended: bool) -> bool:
        """Return whether to count the items."""
        if not ended:
            times = self.no_sums_in_a_row
            wait = (2 ** (times - 1) - 0.5) * interval if times else TRIED_AGAIN_AFTER
            wait = min(wait, TRIED_AGAIN_AFTER)
            return self.too_many_of != total or moment - self.too_many_asked >= wait
        if self.final_items:
            return False
        times = len([word for word, _ in self.final if word in _COUNTS])
        if not times or self.final[-1][0] == "changed":
            return True
        intervals = (0.5, 1.5, 3.5, 7.5)[times - 1]
        return moment >= self.final[-1][1] + intervals * interval

    def _tell(self, what: str, value: object, at: float) -> None:
        """Apply a value: if another one was known before, the job made progress."""
        if value is not None:
            if self.known.get(what, value) != value:
                self.progress.append(at)
            self.known[what] = value

    def _moved_by_itself(self, time: float | None, seen_at: float) -> None:
        """Apply a time of the job itself; a future one counts as now."""
        if time is not None and time <= seen_at + SAME_SECOND:
            self.progress.append(min(time, seen_at))


def _since_change(words: list[str]) -> list[str]:
    """Leave out answers from before the last change of the record."""
    last = len(words) - words[::-1].index("changed") if "changed" in words else 0
    return words[last:]
