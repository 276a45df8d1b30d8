"""What a process takes of the machine, as Linux tells it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_KIBIBYTES_PER_MEBIBYTE = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process holds, in MiB.

    ``anonymous`` is the part of ``resident`` that is in no file, so that no process shares it.
    ``peak`` is the most that was ever resident.
    """

    resident: float
    anonymous: float
    peak: float


def memory_of(pid: int) -> Memory:
    """Read what a process holds now."""
    status = _mebibytes(Path(f"/proc/{pid}/status"))
    return Memory(status["VmRSS"], status["RssAnon"], status["VmHWM"])


def _mebibytes(file: Path) -> dict[str, float]:
    fields = (line.split() for line in file.read_text().splitlines() if line.endswith(" kB"))
    return {name.rstrip(":"): int(number) / _KIBIBYTES_PER_MEBIBYTE for name, number, _ in fields}
