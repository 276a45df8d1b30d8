"""Whether the exporter's memory grows with time."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import Final

_MEBIBYTE: Final = 1024 * 1024
# The high-water marks of jobs are kept for an hour, so that nothing counts twice, and a parsed row
# keeps its objects: a job may cost this much from when it is first seen.
_BYTES_A_JOB: Final = 4 * 1024
# A tracked job has counts, samples and their rendered text, twice while they are replaced.
_BYTES_A_TRACKED_JOB: Final = 24 * 1024
# Less growth is noise: arenas that a burst of large answers allocated and only partly freed.
_NOISE_BYTES: Final = 6 * _MEBIBYTE
_ENOUGH_SAMPLES: Final = 100


@dataclass(frozen=True, slots=True)
class _Sample:
    at: float
    resident_bytes: float
    tracked_jobs: float
    jobs_seen: int


@dataclass(slots=True)
class Memory:
    """Samples of the resident memory, and the limit of its growth."""

    samples: list[_Sample] = field(default_factory=list)

    def sample(self, at: float, resident: float, tracked_jobs: float, jobs_seen: int) -> None:
        """Take a sample; ``jobs_seen`` is the number of jobs so far."""
        self.samples.append(_Sample(at, resident, tracked_jobs, jobs_seen))

    def grown(self) -> str | None:
        """Report growth of memory in the second half of a long run that jobs do not explain.

        The second quarter is compared with the last, because the first is the warm-up. Medians
        ignore memory that is held only for a moment.
        """
        if len(self.samples) < _ENOUGH_SAMPLES:
            return None
        quarter = len(self.samples) // 4
        before, after = self.samples[quarter : 2 * quarter], self.samples[-quarter:]
        growth = _typical(after, "resident_bytes") - _typical(before, "resident_bytes")
        allowed = (
            _NOISE_BYTES
            + _BYTES_A_JOB * (_typical(after, "jobs_seen") - _typical(before, "jobs_seen"))
            + _BYTES_A_TRACKED_JOB
            * max(_typical(after, "tracked_jobs") - _typical(before, "tracked_jobs"), 0)
        )
        if growth <= allowed:
            return None
        return (
            f"memory grew by {growth / _MEBIBYTE:.1f} MiB,"
            f" of which {allowed / _MEBIBYTE:.1f} are explained"
        )

    def describe(self) -> str:
        """Describe the memory at the start of each quarter and at the end."""
        if not self.samples:
            return "not sampled"
        quarter = max(len(self.samples) // 4, 1)
        points = [*self.samples[::quarter][:4], self.samples[-1]]
        return ", ".join(
            f"{point.resident_bytes / _MEBIBYTE:.1f} MiB ({point.tracked_jobs:g} tracked)"
            for point in points
        )


def _typical(samples: list[_Sample], name: str) -> float:
    return float(median(getattr(sample, name) for sample in samples))
