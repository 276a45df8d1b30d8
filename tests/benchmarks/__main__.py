"""Runs all benchmarks in turn, each beside its peers: ``make bench``."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from tests.benchmarks import footprint, polls, rendering, scrapes, single_requests
from tests.benchmarks.report import machine, print_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from tests.benchmarks.report import Result

Table = tuple[str, "Callable[[], Iterable[Result]]"]


def _tables() -> dict[str, list[Table]]:
    return {
        "rendering": [("Rendering", rendering.results)],
        "scrapes": [
            ("Scrapes of 1,000 jobs", lambda: scrapes.results(jobs=1_000)),
            ("Scrapes of 10,000 jobs", lambda: scrapes.results(jobs=10_000)),
        ],
        "polls": [
            (polls.TITLE, polls.results),
            (single_requests.TITLE, single_requests.results),
        ],
        "footprint": [("Footprint", lambda: footprint.results(footprint.Size()))],
    }


def main() -> None:
    """Print the tables of the named benchmarks, or of all."""
    tables = _tables()
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help=", ".join(tables))
    names = parser.parse_args().names
    if not tables.keys() >= set(names):
        parser.error(f"there are: {', '.join(tables)}")
    for name in names or tables:
        for title, results in tables[name]:
            print_table(f"{title} ({machine()})", results())


if __name__ == "__main__":
    main()
