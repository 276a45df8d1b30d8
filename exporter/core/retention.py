"""When ended jobs leave, and which jobs have series of their own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.jobs import is_failing

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.core.jobs import TrackedJob
    from exporter.core.rules import Rules

# A sum of floats may fall short of a moment by less than this.
_ROUNDING_SECONDS = 0.001


def is_time_over(tracked: TrackedJob, rules: Rules, now: float) -> bool:
    """Tell whether nothing but scrapes keeps an ended job at the monotonic moment ``now``.

    A job whose items are not known for good stays until they are, for ``retention.failed`` at most.
    """
    final = tracked.final
    if final is None:
        return False
    keep_seconds, counting_seconds = _times(tracked, rules)
    if final.is_complete(items_enabled=rules.items_enabled):
        counting_seconds = keep_seconds
    return now - final.ended_monotonic >= counting_seconds


def leaves(
    tracked: TrackedJob,
    rules: Rules,
    now: float,
    *,
    is_shown: bool,
    shown_since: int | None,
    scraped_generations: Sequence[int],
) -> bool:
    """Tell whether an ended job leaves at the monotonic moment ``now``.

    ``shown_since`` is the first generation that showed it as it is now, ``scraped_generations`` are
    those of the last scrapes.
    """
    if tracked.final is None or not is_time_over(tracked, rules, now):
        return False
    age_seconds = now - tracked.final.ended_monotonic
    if not is_shown or rules.min_scrapes == 0 or age_seconds >= _longest(tracked, rules):
        return True
    if shown_since is None or len(scraped_generations) < rules.min_scrapes:
        return False
    return min(scraped_generations) >= shown_since


def next_change_after(tracked: TrackedJob, rules: Rules, now: float) -> float:
    """Return the next moment at which time alone may change what becomes of an ended job."""
    final = tracked.final
    if final is None:
        return float("inf")
    ages = (*_times(tracked, rules), _longest(tracked, rules))
    moments = [final.ended_monotonic + age_seconds for age_seconds in ages]
    return min((m for m in moments if m > now - _ROUNDING_SECONDS), default=float("inf"))


def _times(tracked: TrackedJob, rules: Rules) -> tuple[float, float]:
    """Return for how long an ended job stays, and for how long at most to have it counted."""
    failing = is_failing(tracked)
    return rules.retention(is_failing=failing), rules.longest_to_count(is_failing=failing)


def _longest(tracked: TrackedJob, rules: Rules) -> float:
    """Return for how long scrapes may keep an ended job."""
    return max(rules.retention(is_failing=is_failing(tracked)), rules.retention_failed)


def rank(tracked: TrackedJob) -> tuple[int, float, str]:
    """Rank by importance: a job that is shown is not displaced by a newer one of its kind.

    Active and failing first, then active (oldest first), then ended with failures, then the rest
    (newest first).
    """
    job = tracked.job
    if tracked.final is None:
        return (0 if is_failing(tracked) else 1), job.created_at or 0.0, job.id
    return (2 if is_failing(tracked) else 3), -tracked.final.ended_monotonic, job.id
