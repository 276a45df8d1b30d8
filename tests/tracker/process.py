"""A tracker and its ledger: both are told the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from history import take_in
from tracker.model import Ledger
from tracker.world import CloudJob, Uncountable

from exporter import tracker
from exporter.domain import ItemsCounted, JobNotFound, JobRefreshed, Listing

if TYPE_CHECKING:
    from collections.abc import Iterable


class Process:
    """One process that tracks a project, and what the rules make of what it is told."""

    def __init__(self, rules: tracker.TrackerRules) -> None:
        self.rules = rules
        self.state = tracker.initial_state(rules)
        self.ledger = Ledger()
        self.last_told: dict[str, int] = {}
        self.last_listed_moment: float | None = None

    def take(self, answer: object, moment: float) -> None:
        """Tell both; an answer about a job that has left is no news."""
        match answer:
            case Listing():
                self.last_listed_moment = moment
                self._told(*(job.id for job in answer.jobs))
                self.ledger.listed(answer, moment, self._keeps)
                self.state, _ = take_in(answer, self.state, self.rules, moment)
            case JobRefreshed(job=job):
                if self._told(job.id):
                    self.ledger.refreshed(answer, moment)
                self.state, _ = tracker.refreshed(self.state, answer, moment)
            case JobNotFound(job_id=job_id):
                if self._told(job_id):
                    self.ledger.not_found(answer, moment)
                self.state, _ = tracker.not_found(self.state, answer, moment)
            case ItemsCounted(job_id=job_id):
                if self._told(job_id):
                    self.ledger.counted(answer)
                self.state, _ = tracker.counted(self.state, answer, moment)
            case Uncountable(job_id=job_id, asked_monotonic=asked):
                if self._told(job_id):
                    self.ledger.uncountable(job_id, asked)
                self.state = tracker.uncountable(self.state, job_id, asked)

    def _told(self, *job_ids: str) -> bool:
        self.last_told.update(dict.fromkeys(job_ids, self.state.generation))
        return any(
            job_id in self.ledger.entries and not self.ledger.entries[job_id].left
            for job_id in job_ids
        )

    def due(self, moment: float) -> list[str]:
        """List the jobs to ask for."""
        due = tracker.due_for_refresh(self.state, self.rules, moment)
        return [*due.regular, *due.last_in_line]

    def wants_count(self, job_id: str, moment: float) -> bool:
        """Tell whether to count the items of a job."""
        return tracker.wants_count(self.state, job_id, self.rules, moment)

    def news_since(self) -> float | None:
        """Tell from when on a listing has news."""
        return tracker.news_since(self.state)

    def is_listing(self, answers: Iterable[object]) -> bool:
        """Tell whether a listing is among the answers."""
        return any(isinstance(answer, Listing) for answer in answers)

    def may_be_retried(self, job_id: str) -> bool:
        """Leave out what no rule settles: the first numbers of history that was counted."""
        entry = self.ledger.entries.get(job_id)
        return entry is None or entry.start != "nothing" or entry.sight.counts is None

    def is_held(self, job_id: str) -> bool:
        """Tell whether a job is active or within retention: its absence is not forgotten."""
        entry = self.ledger.entries.get(job_id)
        return entry is not None and not entry.left

    def ended_as_was_told(self, job: CloudJob) -> bool:
        """Tell whether nothing happened to an ended job since its end was told with its date."""
        entry = self.ledger.entries.get(job.row.id)
        told = entry is not None and entry.record == job.row
        return told and not job.row.active and job.row.completed_at is not None

    @property
    def _keeps(self) -> dict[bool, float]:
        return {True: self.rules.retention_failed, False: self.rules.retention_finished}
