"""The part of a project that a restart keeps.

A state file holds these values, marks and tracked jobs by the names of their fields. A change of a
name or a meaning there requires a new version of the file.
"""

from __future__ import annotations

from collections.abc import Mapping  # noqa: TC003 - the state file is read by these types
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, TypeVar

from exporter.core.contradictions import NO_ANSWERS
from exporter.core.durations import BUCKETS
from exporter.core.final_state import LONGEST_WAIT_SECONDS, FinalState
from exporter.core.marks import HighWaterMarks  # noqa: TC001 - see above
from exporter.core.tracked_job import TrackedJob
from exporter.domain import Histogram, ItemStatus, JobStatus, JobType

if TYPE_CHECKING:
    from exporter.core.counter_values import CounterValues
    from exporter.core.job_table import JobTable
    from exporter.core.rules import Rules

# These moments may lie in the future, for as long as anything waits.
_WAITS = dict.fromkeys(("next_count_monotonic", "retry_monotonic"), LONGEST_WAIT_SECONDS)
_Known = TypeVar("_Known", TrackedJob, FinalState)


@dataclass(frozen=True, slots=True)
class SavedCounters:
    """The counters of a project by their labels."""

    jobs_finished: Mapping[JobType, Mapping[JobStatus, int]]
    items_finished: Mapping[JobType, Mapping[ItemStatus, int]]
    items_failed: Mapping[str, int]
    items_skipped: Mapping[JobType, Mapping[str, int]]
    queue_duration: Mapping[JobType, Histogram]
    run_duration: Mapping[JobType, Mapping[JobStatus, Histogram]]
    turnaround_duration: Mapping[JobType, Histogram]
    item_duration: Mapping[JobType, Histogram]


@dataclass(frozen=True, slots=True)
class SavedProject:
    """A project at a moment.

    The moment is ``saved_at``, a Unix time of this machine's clock, and ``saved_monotonic`` of its
    monotonic clock, which is that of the tracked ``jobs``. All else is in Unix seconds by
    LlamaCloud's clock, as in ``History``.
    """

    saved_at: float
    saved_monotonic: float
    counters: SavedCounters
    marks: Mapping[str, HighWaterMarks]
    jobs: Mapping[str, TrackedJob]
    past: Mapping[str, tuple[str, JobStatus]]
    last_progress_at: Mapping[str, float]
    watermarks: Mapping[str, float]
    answered: frozenset[str] = frozenset()
    set_aside: frozenset[str] = frozenset()
    baseline_at: float | None = None


def saved_project(table: JobTable, now: float, unix_now: float) -> SavedProject:
    """Return what a restart keeps of a project, at the monotonic moment ``now``."""
    history = table.history
    return SavedProject(
        saved_at=unix_now,
        saved_monotonic=now,
        counters=_saved_counters(table.counters.values),
        marks=dict(history.marks),
        jobs={tracked.job.id: tracked for tracked in table},
        past=dict(history.past),
        last_progress_at=dict(history.last_progress_at),
        watermarks=dict(history.watermarks),
        answered=frozenset(history.answered),
        set_aside=frozenset(history.set_aside),
        baseline_at=history.baseline_at,
    )


def restore(table: JobTable, saved: SavedProject, now: float, unix_now: float) -> None:
    """Fill an empty table with a saved project.

    Ages grow by the time since it was saved, by this machine's clock.
    """
    history = table.history
    _restore_counters(table.counters.values, saved.counters)
    history.marks = dict(saved.marks)
    history.past = dict(saved.past)
    history.watermarks = dict(saved.watermarks)
    history.answered, history.set_aside = set(saved.answered), set(saved.set_aside)
    history.baseline_at = saved.baseline_at
    down_seconds = max(unix_now - saved.saved_at, 0.0)
    later_by = now - down_seconds - saved.saved_monotonic
    for job_id, tracked in saved.jobs.items():
        if job_id in history.marks and _is_included(tracked, table.rules):
            if job_id in saved.last_progress_at:
                history.last_progress_at[job_id] = saved.last_progress_at[job_id]
            table.restore(_restored(tracked, later_by, now), now)


def _is_included(tracked: TrackedJob, rules: Rules) -> bool:
    """Return whether the settings, which may have changed, include such a job."""
    job = tracked.job
    return (
        job.api_version in rules.api_versions
        and (not rules.job_types or job.job_type in rules.job_types)
        and (not rules.directory_ids or job.directory_id in rules.directory_ids)
    )


def _restored(tracked: TrackedJob, later_by: float, now: float) -> TrackedJob:
    """Return a job as it is known in a new process, before the first request."""
    final = tracked.final and _moved(tracked.final, later_by, now)
    return replace(
        _moved(tracked, later_by, now),
        last_listed=0,
        answers=NO_ANSWERS,
        not_found_in=None,
        failed_monotonic=None,
        final=final,
        memory=None,
    )


def _moved(value: _Known, later_by: float, now: float) -> _Known:
    """Return a dataclass with its monotonic moments moved to the clock of this process."""
    moments = {
        field.name: min(moment + later_by, now + _WAITS.get(field.name, 0.0))
        for field in fields(value)
        if field.name.endswith("_monotonic") and (moment := getattr(value, field.name)) is not None
    }
    return replace(value, **moments)


def _saved_counters(values: CounterValues) -> SavedCounters:
    return SavedCounters(
        **{field.name: _nested(getattr(values, field.name)) for field in fields(SavedCounters)}
    )


def _restore_counters(values: CounterValues, saved: SavedCounters) -> None:
    """Continue from the saved counters; a histogram whose buckets have changed begins again."""
    for field in fields(SavedCounters):
        # Labels may be new: a type or status may be newer than this exporter.
        getattr(values, field.name).update(
            (labels, value)
            for labels, value in _flat(getattr(saved, field.name)).items()
            if not isinstance(value, Histogram) or value.bounds == BUCKETS[field.name]
        )


def _nested(family: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - one or two labels
    nested: dict[Any, Any] = {}
    for labels, value in family.items():
        if isinstance(labels, tuple):
            nested.setdefault(labels[0], {})[labels[1]] = value
        else:
            nested[labels] = value
    return nested


def _flat(family: Mapping[Any, Any]) -> Any:  # noqa: ANN401 - one or two labels
    flat: dict[Any, Any] = {}
    for label, value in family.items():
        if isinstance(value, dict):
            flat |= {(label, other): number for other, number in value.items()}
        else:
            flat[label] = value
    return flat
