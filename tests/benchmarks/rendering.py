"""Rendering job series, beside ``prometheus_client.generate_latest`` over the same families.

The peer's families are created beforehand, so that only rendering is measured; a custom collector
would need time to create them as well.
"""

from __future__ import annotations

import gc
import statistics
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry

from exporter.exposition import Form, render_project
from tests.benchmarks.report import Result, machine, print_table
from tests.benchmarks.views import view_of_many_jobs
from tests.support.exposition_oracle import Ready, collector_of, render
from tests.support.views import join

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from exporter.domain import ProjectView

_GOAL_TIMES_FASTER = 10
_MICROSECONDS = 1e6


def results(jobs: int = 10_000, repetitions: int = 5) -> Iterator[Result]:
    """Measure microseconds for each sample, and check that the bytes are equal."""
    view = view_of_many_jobs(jobs)
    registry = CollectorRegistry()
    registry.register(Ready(collector_of([view]).collect()))
    # The peer's families would make the garbage collector slow down both.
    gc.freeze()
    for form in Form:
        expected = render(registry, form)
        assert _exposition(view, form) == expected
        samples = sum(not line.startswith(b"#") for line in expected.splitlines())
        ours, theirs = _medians(
            repetitions, partial(_exposition, view, form), partial(render, registry, form)
        )
        yield Result(
            what=f"rendering {jobs:,} jobs ({samples:,} samples), {form.name}",
            unit="us/sample",
            ours=ours / samples * _MICROSECONDS,
            peer="generate_latest, families made beforehand",
            theirs=theirs / samples * _MICROSECONDS,
            goal=f">= {_GOAL_TIMES_FASTER} times faster",
            reached=theirs / ours >= _GOAL_TIMES_FASTER,
        )
    yield _rendering_after_a_change(view, repetitions)


def _rendering_after_a_change(view: ProjectView, repetitions: int) -> Result:
    before = render_project(view)
    middle = len(view.jobs) // 2
    changed = replace(view.jobs[middle], failed_items=77)
    jobs = (*view.jobs[:middle], changed, *view.jobs[middle + 1 :])
    after = replace(view, jobs=jobs)
    ours, whole = _medians(
        repetitions,
        lambda: render_project(after, before),
        lambda: render_project(after),
    )
    return Result(
        what=f"rendering {len(jobs):,} jobs of which one changed",
        unit="ms",
        ours=ours * 1e3,
        peer="rendering all of them",
        theirs=whole * 1e3,
    )


def _exposition(view: ProjectView, form: Form) -> bytes:
    return join([render_project(view)], form)


def _medians(repetitions: int, *works: Callable[[], object]) -> list[float]:
    """Measure functions in turn, so that disturbances affect all of them alike."""
    seconds: list[list[float]] = [[] for _ in works]
    for _ in range(repetitions):
        for work, times in zip(works, seconds, strict=True):
            began = time.process_time()
            work()
            times.append(time.process_time() - began)
    return [statistics.median(times) for times in seconds]


if __name__ == "__main__":
    print_table(f"Rendering ({machine()})", results())
