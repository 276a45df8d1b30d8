"""Which times of LlamaCloud are plausible, whichever generation of its API sent them.

Other times are treated as absent: they are neither published nor used to decide what counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

# LlamaCloud did not exist earlier. Programs write 1970 or the year 1 for "never".
EARLIEST_TIME = datetime(2015, 1, 1, tzinfo=UTC).timestamp()
# More than the offset of any time zone that was left out.
LATEST_TIME_AHEAD_SECONDS = 86_400.0
# Several servers write the times of one job, and their clocks differ by a little.
CLOCKS_DIFFER_BY_SECONDS = 60.0


def plausible_time(moment: datetime | None, answered_at: float) -> float | None:
    """Return a time as Unix seconds if it lies between 2015 and a day after the answer's own time.

    A time without a zone is UTC, the only zone that LlamaCloud writes.
    """
    if moment is None:
        return None
    # Written for speed: it runs twice for each of a thousand items of a page.
    seconds = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds if EARLIEST_TIME <= seconds <= answered_at + LATEST_TIME_AHEAD_SECONDS else None


@dataclass(frozen=True, slots=True)
class JobTimes:
    """The plausible times of one job in Unix seconds, ``None`` for each that is absent."""

    created_at: float | None
    started_at: float | None
    completed_at: float | None
    updated_at: float | None


def plausible_times(
    answered_at: float,
    *,
    created: datetime | None,
    started: datetime | None = None,
    completed: datetime | None = None,
    updated: datetime | None = None,
) -> JobTimes:
    """Return the plausible times of a job, given the Unix time of the answer that held them.

    An end or update before the creation is absent, unless differing clocks can explain it.
    """
    created_at = plausible_time(created, answered_at)

    def since_creation(moment: datetime | None) -> float | None:
        seconds = plausible_time(moment, answered_at)
        if seconds is None or created_at is None:
            return seconds
        return seconds if seconds >= created_at - CLOCKS_DIFFER_BY_SECONDS else None

    return JobTimes(
        created_at=created_at,
        started_at=plausible_time(started, answered_at),
        completed_at=since_creation(completed),
        updated_at=since_creation(updated),
    )
