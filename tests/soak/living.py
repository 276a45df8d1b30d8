"""One job during its life: its items move, and each of its states replaces the one before."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from exporter.simulator import OMIT, SimulatedItem, SimulatedJob
from tests.soak.history import (
    JOB_STATUSES,
    REASON_OF_MESSAGE,
    JobHistory,
    State,
    failures_by_reason,
    items_by_status,
    skips_by_reason,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from random import Random

    from exporter.simulator import World

_FATES = ("completed", "failed", "skipped", "cancelled")
_REASONS = ("already_processed", "size_limit_exceeded", "duplicate of another", None)
_MESSAGES = (*REASON_OF_MESSAGE,)
# v1beta has no such status, so it stands for one that is newer than the exporter.
_OF_V2_ALONE = ("throttled",)
_SPARSE = ("processed_items", "failed_items", "skipped_items", "updated_at", "directory_id")
# Durations of an ended job's items in seconds, from below the least bucket to above the greatest.
_SHORTEST, _LONGEST = 0.2, 8000.0


class LivingJob:
    """A job and its items; states are replaced and never edited."""

    def __init__(self, world: World, history: JobHistory, random: Random) -> None:
        self.history = history
        self.random = random
        self._world = world
        self._items: list[SimulatedItem] = []
        self._seconds: list[float] = []
        self._fates: list[str] = []
        self._started_at: float | None = None
        self._completed_at: float | None = None
        self._status_overrides: dict[str, object] = {}

    @property
    def job_id(self) -> str:
        """The job's id."""
        return self.history.job_id

    @property
    def now(self) -> float:
        """LlamaCloud's time, with the precision of its JSON."""
        return round(self._world.clock(), 6)

    def add_items(self, number: int, *, bad_share: float) -> None:
        """Add items to the job, of which about ``bad_share`` will not complete."""
        for _ in range(number):
            name = f"{self.job_id}-{len(self._items):05d}"
            self._items.append(SimulatedItem(item_id=name, item_name=f"{name}.pdf"))
            self._seconds.append(_SHORTEST * (_LONGEST / _SHORTEST) ** self.random.random())
            bad = self.random.random() < bad_share
            self._fates.append(self.random.choice(_FATES[1:]) if bad else _FATES[0])

    def numbers(self, *statuses: str) -> list[int]:
        """Return the numbers of the items in one of the statuses."""
        return [n for n, item in enumerate(self._items) if item.status in statuses]

    def queue(self, numbers: Iterable[int]) -> None:
        """Put items into a status that the exporter does not know."""
        for number in numbers:
            self._items[number] = replace(self._items[number], status="queued")

    def process(self, numbers: Iterable[int]) -> None:
        """Begin to process items."""
        now = self.now
        for number in numbers:
            self._items[number] = replace(
                self._items[number], status="processing", started_at=now, completed_at=None
            )

    def settle(self, numbers: Iterable[int], fate: str | None = None) -> None:
        """End items, or change how they ended."""
        now = self.now
        for number in numbers:
            status = fate or self._fates[number]
            skipped, failed = status == "skipped", status == "failed"
            self._items[number] = replace(
                self._items[number],
                status=status,
                # Each try takes the same time, because it is unknown which one counts.
                started_at=None if skipped else round(now - self._seconds[number], 6),
                completed_at=now,
                skip_reason=self.random.choice(_REASONS) if skipped else None,
                error_message=self.random.choice(_MESSAGES) if failed else None,
            )

    def retry(self, numbers: Iterable[int]) -> None:
        """Start items again that had ended."""
        for number in numbers:
            self._items[number] = replace(
                self._items[number],
                status="pending",
                started_at=None,
                completed_at=None,
                error_message=None,
            )

    def start(self, ago_seconds: float = 0.0) -> None:
        """Set the job's start time."""
        self._started_at = round(self.now - ago_seconds, 6)

    def contradict(self, **said: object) -> None:
        """Make status answers differ from the list, from the next state on.

        Their ``updated_at`` is older than the list's, so that the list is right.
        """
        created_at = datetime.fromtimestamp(self.history.created_at, UTC).isoformat()
        self._status_overrides = {"updated_at": created_at, **said} if said else {}

    def put(self, status: str, *, ended_ago_seconds: float | None = None) -> None:
        """Put the job's present state into the world; with ``ended_ago_seconds`` it has ended."""
        if ended_ago_seconds is not None:
            self._completed_at = self._completed_at or round(self.now - ended_ago_seconds, 6)
        else:
            self._completed_at = None
        history = self.history
        job = SimulatedJob(
            id=history.job_id,
            job_type="translate" if history.job_type == "unknown" else history.job_type,
            status=status,
            project_id=history.project.project_id,
            items=list(self._items),
            directory_id=history.directory_id or None,
            created_at=history.created_at,
            started_at=self._started_at,
            completed_at=self._completed_at,
            overrides=dict.fromkeys(_SPARSE, OMIT) if history.sparse else {},
            status_overrides=self._status_overrides,
        )
        known = status in JOB_STATUSES and status not in _OF_V2_ALONE
        self._record(status if known else "unknown", lambda: self._add(job))

    def end(self, status: str) -> None:
        """Put the job as ended now, or in a state some time after its end."""
        self.put(status, ended_ago_seconds=0.0)

    def vanish(self) -> None:
        """Remove an active job."""
        self._record("gone", lambda: self._world.remove_job(self.job_id))

    def _add(self, job: SimulatedJob) -> None:
        self._world.add_job(job)

    def _record(self, status: str, put: Callable[[], object]) -> None:
        before = self.history.states[-1] if self.history.states else None
        of_items = [time for item in self._items for time in (item.started_at, item.completed_at)]
        of_job = [self.history.created_at, self._started_at, self._completed_at]
        put_at = self.now
        put()
        self.history.states.append(
            State(
                put_at=put_at,
                put_by=self._world.clock(),
                status=status,
                started_at=self._started_at,
                completed_at=self._completed_at,
                by_status=items_by_status(self._items),
                skip_reasons=skips_by_reason(self._items),
                failure_reasons=failures_by_reason(self._items),
                newest_time=max(time for time in of_items + of_job if time is not None),
                newest_time_of_job=max(time for time in of_job if time is not None),
                item_seconds=self._ended_items_seconds() if status not in _ACTIVE else (),
                failed_ids=frozenset(i.item_id for i in self._items if i.status == "failed"),
                status_before_gone=before.status if before and status == "gone" else "",
            )
        )

    def _ended_items_seconds(self) -> tuple[float, ...]:
        return tuple(
            item.completed_at - item.started_at
            for item in self._items
            if item.started_at is not None and item.completed_at is not None
        )


_ACTIVE = ("pending", "running", "dispatched", "unknown")
