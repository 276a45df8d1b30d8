"""A tracker beside its ledger: both are told the same, and then compared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from tracker.counter_checks import (
    counters_are_the_ledgers,
    items_are_observed_once,
    no_counter_falls,
)
from tracker.model import Entry, Ledger

from exporter import tracker
from exporter.domain import (
    ItemsCounted,
    ItemStatus,
    JobNotFound,
    JobRefreshed,
    JobView,
    Listing,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tracker.world import CloudJob

    from exporter.domain import ProjectView


class Checks:
    """One process that tracks a project, and what must be true of it."""

    def __init__(self, rules: tracker.TrackerRules, **changed: Any) -> None:
        self.rules = replace(rules, **changed)
        self.state = tracker.initial_state(self.rules)
        self.ledger = Ledger()
        self.views: list[ProjectView] = []
        self.scraped: list[ProjectView] = []
        self.last_told: dict[str, int] = {}
        self.last_listed_moment: float | None = None
        self.crowded = False

    def take(self, answer: object, moment: float) -> None:
        """Tell both; an answer about a job that has left is no news."""
        match answer:
            case Listing():
                self.last_listed_moment = moment
                self._told(*(job.id for job in answer.jobs))
                self.ledger.listed(answer, moment, self._keeps)
                self.state, _ = tracker.listed(self.state, answer, self.rules, moment)
            case JobRefreshed(job=job):
                if self._told(job.id):
                    self.ledger.refreshed(answer, moment)
                self.state, _ = tracker.refreshed(self.state, answer, moment)
            case JobNotFound(job_id=job_id):
                if self._told(job_id):
                    self.ledger.not_found(job_id, moment)
                self.state, _ = tracker.not_found(self.state, answer, moment)
            case ItemsCounted(job_id=job_id):
                if self._told(job_id):
                    self.ledger.counted(answer)
                self.state, _ = tracker.counted(self.state, answer, moment)

    def _told(self, *job_ids: str) -> bool:
        self.last_told.update(dict.fromkeys(job_ids, self.state.generation))
        return any(
            job_id in self.ledger.entries and not self.ledger.entries[job_id].left
            for job_id in job_ids
        )

    def scrape(self, moment: float, *, earlier: int) -> None:
        """Scrape the newest view or an earlier one."""
        self.all(moment)
        view = self.views[-1 - min(earlier, len(self.views) - 1)]
        self.scraped.append(view)
        self.state = tracker.scraped(self.state, view.generation, self.rules)

    def due(self, moment: float) -> list[str]:
        """List the jobs to ask for."""
        due = tracker.due_for_refresh(self.state, self.rules, moment)
        return [*due.regular, *due.last_in_line]

    def news_since(self) -> float | None:
        """Tell from when on a listing has news."""
        return tracker.news_since(self.state)

    def is_listing(self, answers: Iterable[object]) -> bool:
        """Tell whether a listing is among the answers."""
        return any(isinstance(answer, Listing) for answer in answers)

    def may_be_retried(self, job_id: str) -> bool:
        """Leave out what no rule settles: the first numbers of history that was counted."""
        entry = self.ledger.entries.get(job_id)
        return entry is None or entry.start != "nothing" or entry.counts is None

    def all(self, moment: float) -> None:
        """Publish, and compare."""
        view = self._publish(moment)
        no_counter_falls(self.views[-2] if len(self.views) > 1 else view, view)
        counters_are_the_ledgers(self.ledger, view)
        items_are_observed_once(self.ledger, view)
        self._jobs_are_there_until_their_time(view, moment)
        self._stale_withdraws(view, moment)

    def failures_against(self, jobs: list[CloudJob]) -> None:
        """Compare with LlamaCloud itself: what it says of jobs created after the baseline."""
        baseline = self.ledger.baseline or 0.0
        new = [job for job in jobs if job.row.created_at and job.row.created_at >= baseline]
        items = self.views[-1].counters.items_finished
        counted = sum(items[key] for key in items if key[1] is ItemStatus.FAILED)
        assert sum(job.row.failed_items or 0 for job in new) <= counted

    @property
    def _keeps(self) -> dict[bool, float]:
        return {True: self.rules.retention_failed, False: self.rules.retention_finished}

    def _publish(self, moment: float) -> ProjectView:
        self.crowded = len(self._here) > self.rules.max_jobs
        self.state, view = tracker.publish(self.state, self.rules, moment)
        self.views.append(view)
        return view

    def _jobs_are_there_until_their_time(self, view: ProjectView, moment: float) -> None:
        shown = {job.job_id for job in view.jobs}
        for job_id, entry in self.ledger.entries.items():
            if entry.left:
                assert job_id not in shown
            elif self._time_is_over(entry, moment):
                assert job_id not in shown or not self._must_have_left(job_id, entry, moment)
                assert job_id in shown or self._may_have_left(job_id, entry, moment)
                entry.left = job_id not in shown
            elif job_id not in shown and not (view.gauges is None and entry.record.active):
                assert view.hidden_jobs
                ranks = [_rank(self.ledger.entries[other]) for other in shown]
                assert max(ranks, default=0) <= _rank(entry)
        assert len(shown) <= self.rules.max_jobs
        assert len(self._here) == view.tracked_jobs

    def _stale_withdraws(self, view: ProjectView, moment: float) -> None:
        listed = self.last_listed_moment
        active = [entry for entry in self._here if entry.record.active]
        if listed is None or moment - listed > self.rules.stale_after:
            assert view.gauges is None
            assert not any(self.ledger.entries[j.job_id].record.active for j in view.jobs)
            return
        assert view.gauges is not None
        assert len(active) == sum(view.gauges.active_jobs.values())
        failing = sum(entry.failing for entry in self._here)
        assert failing == sum(view.gauges.failing_jobs.values())
        assert len(self._here) == len(view.jobs) + view.hidden_jobs

    @property
    def _here(self) -> list[Entry]:
        return [entry for entry in self.ledger.entries.values() if not entry.left]

    def _time_is_over(self, entry: Entry, moment: float) -> bool:
        ended = entry.ended_moment
        return ended is not None and moment - ended >= self._keeps[entry.failing]

    def _may_have_left(self, job_id: str, entry: Entry, moment: float) -> bool:
        """Tell whether an ended job was hidden, or its final state was scraped often enough."""
        if self.crowded or moment - (entry.ended_moment or 0.0) >= self.rules.retention_failed:
            return True
        final = _states(self.views[-2])[job_id]
        showed = [view for view in self.scraped if _states(view).get(job_id) == final]
        return len(showed) >= self.rules.min_scrapes

    def _must_have_left(self, job_id: str, entry: Entry, moment: float) -> bool:
        if moment - (entry.ended_moment or 0.0) >= self.rules.retention_failed:
            return True
        news = self.last_told[job_id]
        showed = [v for v in self.scraped if v.generation > news and job_id in _states(v)]
        return len(showed) >= self.rules.min_scrapes


def _rank(entry: Entry) -> int:
    """Rank active before ended jobs, and among each the failing ones first."""
    return (0 if entry.record.active else 2) + (not entry.failing)


def _states(view: ProjectView) -> dict[str, JobView]:
    """Return what a view says of each job, but for when we looked."""
    return {
        job.job_id: replace(
            job, last_refreshed_at=None, items_last_counted_at=None, last_progress_at=None
        )
        for job in view.jobs
    }
