"""How long ended jobs stay, and which jobs are the most important."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.tracked_job import is_failing

if TYPE_CHECKING:
    from exporter.core.rules import Rules
    from exporter.core.tracked_job import TrackedJob

# Sums of floats are off by less than this.
_ROUNDING_SECONDS = 0.001


def is_time_over(tracked: TrackedJob, rules: Rules, now: float) -> bool:
    """Return whether an ended job may leave at the monotonic moment ``now``, scrapes aside.

    A job whose items are still to be counted stays for ``retention.failed`` at most.
    """
    final = tracked.final
    if final is None:
        return False
    keep_seconds, counting_seconds = _times(tracked, rules)
    if final.is_complete(items_enabled=rules.items_enabled):
        counting_seconds = keep_seconds
    return now - final.ended_monotonic >= counting_seconds


def is_longest_over(tracked: TrackedJob, rules: Rules, now: float) -> bool:
    """Return whether an ended job has stayed for as long as scrapes may keep it."""
    final = tracked.final
    return final is not None and now - final.ended_monotonic >= _longest(tracked, rules)


def next_change_after(tracked: TrackedJob, rules: Rules, now: float) -> float:
    """Return the next moment at which an ended job may leave, infinite if there is none."""
    final = tracked.final
    if final is None:
        return float("inf")
    ages = (*_times(tracked, rules), _longest(tracked, rules))
    moments = [final.ended_monotonic + age_seconds for age_seconds in ages]
    return min((m for m in moments if m > now - _ROUNDING_SECONDS), default=float("inf"))


def _times(tracked: TrackedJob, rules: Rules) -> tuple[float, float]:
    """Return how long an ended job stays, and how long at most until it is counted."""
    failing = is_failing(tracked)
    return rules.retention(is_failing=failing), rules.longest_to_count(is_failing=failing)


def _longest(tracked: TrackedJob, rules: Rules) -> float:
    """Return how long an ended job waits for scrapes at most."""
    return max(rules.retention(is_failing=is_failing(tracked)), rules.retention_failed)


def rank(tracked: TrackedJob) -> tuple[int, float, str]:
    """Rank a job by importance, the most important lowest.

    Active jobs with failures come first, then other active jobs (both oldest first), then ended
    jobs with failures, then other ended jobs (both newest first).
    """
    job = tracked.job
    if tracked.final is None:
        return (0 if is_failing(tracked) else 1), job.created_at or 0.0, job.id
    return (2 if is_failing(tracked) else 3), -tracked.final.ended_monotonic, job.id
