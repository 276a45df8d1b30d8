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
    """Tell whether nothing but scrapes keeps an ended job at the monotonic moment ``now``."""
    final = tracked.final
    if final is None:
        return False
    is_asked_for = final.is_recent(now) and not final.is_complete(items_enabled=rules.items_enabled)
    keep_seconds = rules.retention(is_failing=is_failing(tracked))
    return now - final.ended_monotonic >= keep_seconds and not is_asked_for


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
    keep_seconds = rules.retention(is_failing=is_failing(tracked))
    longest_seconds = max(keep_seconds, rules.retention_failed)
    if not is_shown or rules.min_scrapes == 0 or age_seconds >= longest_seconds:
        return True
    if shown_since is None or len(scraped_generations) < rules.min_scrapes:
        return False
    return min(scraped_generations) >= shown_since


def next_change_after(tracked: TrackedJob, rules: Rules, now: float) -> float:
    """Return the next moment at which time alone may change what becomes of an ended job."""
    final = tracked.final
    if final is None:
        return float("inf")
    keep_seconds = rules.retention(is_failing=is_failing(tracked))
    moments = (
        final.ended_monotonic + keep_seconds,
        final.ended_monotonic + max(keep_seconds, rules.retention_failed),
    )
    since = now - _ROUNDING_SECONDS
    later = [moment for moment in moments if moment > since]
    return min((*later, final.next_change_after(since)))


def rank(tracked: TrackedJob) -> tuple[int, float, str]:
    """Rank by importance: a job that is shown is not displaced by a newer one of its kind.

    Active and failing first, then active (oldest first), then ended with failures, then the rest
    (newest first).
    """
    job = tracked.job
    if tracked.final is None:
        return (0 if is_failing(tracked) else 1), job.created_at or 0.0, job.id
    return (2 if is_failing(tracked) else 3), -tracked.final.ended_monotonic, job.id
