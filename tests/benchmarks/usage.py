"""The memory that a process uses, according to Linux."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

_KIBIBYTES_PER_MEBIBYTE = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """The memory of a process, in MiB.

    ``anonymous`` is the part of ``resident`` that is in no file, so that no process shares it.
    ``peak`` is the maximum of ``resident``.
    """

    resident: float
    anonymous: float
    peak: float


def memory_of(pid: int) -> Memory:
    """Read the memory that a process uses now."""
    status = _mebibytes(Path(f"/proc/{pid}/status"))
    return Memory(status["VmRSS"], status["RssAnon"], status["VmHWM"])


def _mebibytes(file: Path) -> dict[str, float]:
    fields = (line.split() for line in file.read_text().splitlines() if line.endswith(" kB"))
    return {name.rstrip(":"): int(number) / _KIBIBYTES_PER_MEBIBYTE for name, number, _ in fields}
