"""Series of an hour, in the notation of `promtool test rules`."""

from __future__ import annotations

from exporter.domain import JobStatus

# An hour of a sample every 30 seconds; `time()` is 3600 when the queries are evaluated.
NOW = 3600
STEP = 30
STEPS = NOW // STEP


def always(value: float) -> str:
    """Return a series that does not change."""
    return f"{value}x{STEPS}"


def rising(each_minute: float) -> str:
    """Return a series that rises by a number each minute."""
    return f"0+{each_minute * STEP / 60}x{STEPS}"


def from_minute(minute: int, value: float, *, each_minute: float = 0, before: float = 0) -> str:
    """Return a series that changes its value at a minute, and may rise from then on."""
    steps_before = minute * 60 // STEP
    then = f"{value}+{each_minute * STEP / 60}x{STEPS - steps_before}"
    return f"{before}x{steps_before - 1} {then}"


def batch(name: str, **labels: str) -> str:
    """Name a series of project p about batch jobs."""
    return _series(f"llamacloud_batch_{name}", labels)


def own(name: str, **labels: str) -> str:
    """Name a series of project p about the exporter itself."""
    return _series(f"llamacloud_exporter_{name}", labels)


def answer(**labels: str) -> str:
    """Name a sample of an answer about project p."""
    return _series("", labels)


def recorded(name: str, **labels: str) -> str:
    """Name a sample of project p that a rule has recorded."""
    return _series(name, labels)


def _series(name: str, labels: dict[str, str]) -> str:
    written = ",".join(f'{label}="{value}"' for label, value in ({"project": "p"} | labels).items())
    return f"{name}{{{written}}}"


def status(job_id: str, is_now: str) -> dict[str, str]:
    """Return the status series of a job."""
    return {
        batch("job_status", job_id=job_id, status=name): always(int(name == is_now))
        for name in JobStatus
    }


def refreshed(job_id: str, seconds_ago: float, is_now: str) -> dict[str, str]:
    """Return the series of the age of a job's data."""
    name = "job_last_refreshed_timestamp_seconds"
    return {batch(name, job_id=job_id): always(NOW - seconds_ago), **status(job_id, is_now)}


def ended_unknown(job_id: str, seconds_ago: float) -> dict[str, str]:
    """Return a job that has ended in an unknown status, and the age of its data."""
    name = "job_completed_timestamp_seconds"
    ended = {batch(name, job_id=job_id): always(NOW - seconds_ago)}
    return ended | refreshed(job_id, seconds_ago, "unknown")


def progressed(job_id: str, seconds_ago: float, is_now: str) -> dict[str, str]:
    """Return the series that decide whether a job that was just refreshed is stuck."""
    name = "job_last_progress_timestamp_seconds"
    return {
        batch(name, job_id=job_id): always(NOW - seconds_ago),
        **refreshed(job_id, 0, is_now),
    }


def buckets(name: str, over_ten: float) -> dict[str, str]:
    """Return the histogram of one job a minute, a share of them ``over_ten`` seconds."""
    below = {"1": 0.0, "10": 1 - over_ten, "+Inf": 1.0}
    return {
        batch(f"{name}_bucket", job_type="parse", le=le): rising(share)
        for le, share in below.items()
    }
