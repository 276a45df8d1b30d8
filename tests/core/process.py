"""A core and its ledger: both receive the same answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.due import due_jobs, wants_count
from exporter.core.events import JobGivenUp
from exporter.core.project import ProjectCore
from exporter.domain import ItemsCounted, JobNotFound, JobRefreshed, Listing, NotCounted
from tests.core.model import Ledger
from tests.support.history import HOUR, answered, job_of, parts, table_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.core.job_table import JobTable
    from exporter.core.observations import Observation
    from exporter.core.rules import Rules
    from tests.core.world import Answer, CloudJob
    from tests.support.history import JobAnswer


class Process:
    """One process that tracks a project, and the model of what it must show."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.core = ProjectCore(rules, 0.0)
        self.view_number = 0
        overlap = max(HOUR, rules.full_listing_every)
        self.ledger = Ledger(overlap, items_enabled=rules.items_enabled)
        self.given_up: list[str] = []
        # The number of the last view that was made before a job was reported.
        self.last_told: dict[str, int] = {}
        self.last_listed_moment: float | None = None

    @property
    def table(self) -> JobTable:
        """The jobs that the core tracks."""
        return table_of(self.core)

    def take(self, answer: Answer, moment: float) -> None:
        """Apply an answer to both; an answer about a job that has left changes nothing."""
        if isinstance(answer, Listing):
            self.last_listed_moment = moment
            self._told(*(job.id for job in answer.jobs))
            self.ledger.listed(answer, moment, self._keeps)
            for part in parts(answer, answer.asked_monotonic):
                self.receive(part, moment)
            return
        if self._told(job_of(answer)):
            self._enter(answer, moment)
        tracked = self.table.get(job_of(answer))
        known = None if tracked is None else tracked.job
        self.receive(answered(answer, answer.asked_monotonic, known), moment)

    def receive(self, observation: Observation, moment: float) -> None:
        """Apply an observation to the core, and record the jobs that it gives up."""
        events = self.core.receive(observation, moment)
        self.given_up += [event.job.id for event in events if isinstance(event, JobGivenUp)]

    def _enter(self, answer: JobAnswer, moment: float) -> None:
        match answer:
            case JobRefreshed():
                self.ledger.refreshed(answer, moment)
            case JobNotFound():
                self.ledger.not_found(answer, moment)
            case ItemsCounted():
                self.ledger.counted(answer, moment)
            case NotCounted():
                self.ledger.not_counted(answer, moment)

    def _told(self, *job_ids: str) -> bool:
        self.last_told.update(dict.fromkeys(job_ids, self.view_number))
        return any(
            job_id in self.ledger.entries and not self.ledger.entries[job_id].left
            for job_id in job_ids
        )

    def due(self, moment: float) -> list[str]:
        """Return the jobs to refresh."""
        due = due_jobs(self.table, self.rules, moment, patience=0.0)
        return [*due.regular, *due.low_priority]

    def wants_count(self, job_id: str, moment: float) -> bool:
        """Return whether to count the items of a job."""
        tracked = self.table.get(job_id)
        return tracked is not None and wants_count(tracked, self.rules, moment)

    def news_since(self) -> float | None:
        """Return the time since which a listing has anything new."""
        return self.table.history.news_since("v1beta")

    def is_listing(self, answers: Iterable[object]) -> bool:
        """Return whether a listing is among the answers."""
        return any(isinstance(answer, Listing) for answer in answers)

    def may_be_retried(self, job_id: str) -> bool:
        """Leave out what no rule settles: the first numbers of history that was counted."""
        entry = self.ledger.entries.get(job_id)
        return entry is None or entry.start != "nothing" or entry.sight.counts is None

    def is_held(self, job_id: str) -> bool:
        """Return whether a job is active or within its retention: its absence is remembered."""
        entry = self.ledger.entries.get(job_id)
        return entry is not None and not entry.left

    def ended_as_reported(self, job: CloudJob) -> bool:
        """Return whether an ended job is unchanged since its end was reported with its date."""
        entry = self.ledger.entries.get(job.row.id)
        told = entry is not None and entry.record == job.row and job.listed_as is None
        return told and not job.row.active and job.row.completed_at is not None

    @property
    def _keeps(self) -> dict[bool, float]:
        return {True: self.rules.retention_failed, False: self.rules.retention_finished}
