"""Prints results: one line for each comparison, with the ratios of one run."""

from __future__ import annotations

import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True)
class Result:
    """One measured figure, beside a peer's if there is one.

    ``ours`` and ``theirs`` are in ``unit``. ``reached`` is ``None`` if there is no goal.
    """

    what: str
    unit: str
    ours: float
    peer: str = ""
    theirs: float | None = None
    goal: str = ""
    reached: bool | None = None

    @property
    def ratio(self) -> float | None:
        """The peer's figure divided by ours."""
        return None if self.theirs is None or not self.ours else self.theirs / self.ours


_HEADINGS = ("what", "unit", "ours", "theirs", "theirs / ours", "peer", "goal", "")
_VERDICTS = {None: "", True: "reached", False: "NOT REACHED"}


def print_table(title: str, results: Iterable[Result]) -> None:
    """Print a table for reading."""
    rows = [_HEADINGS, *(_row(result) for result in results)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    sys.stdout.write(f"\n{title}\n")
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        sys.stdout.write("  ".join(cells).rstrip() + "\n")
    sys.stdout.flush()


def machine() -> str:
    """Describe the machine, as far as figures depend on it."""
    cpu_lines = Path("/proc/cpuinfo").read_text().splitlines()
    models = [line.partition(": ")[2] for line in cpu_lines if line.startswith("model name")]
    model = models[0] if models else platform.machine()
    load = os.getloadavg()[0]
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, load {load:.1f}"


def _row(result: Result) -> tuple[str, ...]:
    return (
        result.what,
        result.unit,
        _number(result.ours),
        _number(result.theirs),
        _number(result.ratio),
        result.peer,
        result.goal,
        _VERDICTS[result.reached],
    )


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}" if abs(value) < 1000 else f"{value:,.0f}"
