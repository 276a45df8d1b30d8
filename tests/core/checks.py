"""What a process publishes is compared with its ledger."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from exporter.core.observations import Scraped, Shown, TimePassed
from exporter.core.project import ProjectCore
from exporter.core.saved import restore, saved_project
from exporter.domain import ItemStatus, JobView
from tests.core.counter_checks import (
    counters_are_the_ledgers,
    items_are_observed_once,
    no_counter_falls,
)
from tests.core.entry import COUNTED_FOR_AT_LEAST
from tests.core.process import Process
from tests.core.request_checks import what_is_requested_has_news
from tests.core.view_checks import (
    counted_series_need_item_counting,
    gauges_add_up,
    items_are_of_the_counted,
    jobs_show_latest_answers,
)
from tests.support.history import advance
from tests.support.saved_state import reread

if TYPE_CHECKING:
    from exporter.core.rules import Rules
    from exporter.core.saved import SavedProject
    from exporter.domain import ProjectView
    from tests.core.entry import Entry
    from tests.core.model import Ledger
    from tests.core.world import Answer, CloudJob


@dataclass(frozen=True)
class Saved:
    """What a process saved, and what its ledger was then."""

    project: SavedProject
    ledger: Ledger
    given_up: list[str]


class Checks(Process):
    """One process that tracks a project, and what must be true of it."""

    def __init__(self, rules: Rules, **changed: Any) -> None:
        super().__init__(replace(rules, **changed))
        self.views: list[ProjectView] = []
        self.scraped: list[tuple[int, dict[str, JobView]]] = []
        self.crowded = False
        self.last_moment = 0.0

    def take(self, answer: Answer, moment: float) -> None:
        """Apply an observation to both, after jobs whose time is over have left."""
        self._jobs_are_there_until_their_time(self._look(moment), moment)
        super().take(answer, moment)

    def scrape(self, moment: float, *, earlier: int) -> None:
        """Scrape the newest view or an earlier one."""
        self.all(moment)
        view = self.views[-1 - min(earlier, len(self.views) - 1)]
        self.scraped.append((view.number, _states(view)))
        self.core.receive(Scraped(view.number), moment)

    def all(self, moment: float) -> None:
        """Publish, and compare."""
        self.last_moment = moment
        view = self.see(moment)
        no_counter_falls(self.views[-1] if self.views else view, view)
        counters_are_the_ledgers(self.ledger, view)
        items_are_observed_once(self.ledger, view)
        self._jobs_are_there_until_their_time(view, moment)
        self._stale_withdraws(view, moment)
        jobs_show_latest_answers(self.ledger, view)
        enabled = self.rules.items_enabled
        items_are_of_the_counted(self._here, view, items_enabled=enabled)
        counted_series_need_item_counting(view, items_enabled=enabled)
        what_is_requested_has_news(self.ledger, self.table, moment)
        self._what_is_given_up_is_reported_once()
        self.published(view, moment)

    def see(self, moment: float) -> ProjectView:
        """Return what to publish; later observations do not change it."""
        view = self._look(moment)
        self.view_number = view.number
        return view

    def published(self, view: ProjectView, moment: float) -> None:
        """Make scrapes show a view from now on."""
        self.core.receive(Shown(view), moment)
        self.views.append(view)

    def save(self, moment: float) -> Saved:
        """Return what a restart keeps once all is published, and what must be true after it."""
        self.all(moment)
        project = saved_project(self.table, moment, moment)
        return Saved(project, deepcopy(self.ledger), [*self.given_up])

    def go_on(self, saved: Saved, moment: float) -> None:
        """Be another process, that goes on where a former one was saved."""
        self.core = ProjectCore(self.rules, moment)
        restore(self.table, reread(saved.project), moment, moment)
        self.ledger, self.given_up = saved.ledger, saved.given_up
        for entry in self.ledger.entries.values():
            # Who said what last is not kept, nor what was not found.
            entry.heard, entry.not_found_in = [], None
            entry.listed_in = self.ledger.listings
        self.last_listed_moment, self.view_number = None, 0
        self.scraped.clear()
        self.last_told.clear()
        self.last_told = dict.fromkeys(self.ledger.entries, 0)

    def failures_against(self, jobs: list[CloudJob]) -> None:
        """Compare with LlamaCloud itself: what it says of jobs created after the baseline."""
        baseline = self.ledger.baseline or 0.0
        new = [job for job in jobs if job.row.created_at and job.row.created_at >= baseline]
        items = self.views[-1].counters.items_finished
        counted = sum(items[key] for key in items if key[1] is ItemStatus.FAILED)
        assert sum(job.row.failed_items or 0 for job in new) <= counted

    def _look(self, moment: float) -> ProjectView:
        self.crowded = len(self._here) > self.rules.max_jobs
        return advance(self.core, moment)

    def _jobs_are_there_until_their_time(self, view: ProjectView, moment: float) -> None:
        shown = {job.job_id for job in view.jobs}
        for job_id, entry in self.ledger.entries.items():
            if entry.left:
                assert job_id not in shown
            elif self._time_is_over(entry, moment):
                assert job_id not in shown or not self._must_have_left(job_id, entry, moment)
                assert job_id in shown or self._may_have_left(job_id, entry, moment)
                entry.left = job_id not in shown
                if entry.left and self.rules.items_enabled:
                    entry.give_up()
            elif job_id not in shown and not (view.gauges is None and entry.record.active):
                assert view.hidden_jobs
                ranks = [_rank(self.ledger.entries[other]) for other in shown]
                assert max(ranks, default=0) <= _rank(entry)
        assert len(view.jobs) == len(shown) <= self.rules.max_jobs
        assert len(self._here) == view.tracked_jobs

    def _what_is_given_up_is_reported_once(self) -> None:
        # The departure of a job by time alone is reported with the next observation.
        self.receive(TimePassed(), self.last_moment)
        expected = sorted(id_ for id_, entry in self.ledger.entries.items() if entry.given_up)
        assert sorted(self.given_up) == expected

    def _stale_withdraws(self, view: ProjectView, moment: float) -> None:
        listed = self.last_listed_moment
        if listed is None or moment - listed > self.rules.stale_after:
            assert view.gauges is None
            assert not any(self.ledger.entries[j.job_id].record.active for j in view.jobs)
            return
        assert view.gauges is not None
        gauges_add_up(self._here, view.gauges)
        assert len(self._here) == len(view.jobs) + view.hidden_jobs

    @property
    def _here(self) -> list[Entry]:
        return [entry for entry in self.ledger.entries.values() if not entry.left]

    def _time_is_over(self, entry: Entry, moment: float) -> bool:
        """Return whether an ended job is final, or was waited for long enough."""
        ended, keeps = entry.ended_moment, self._keeps
        if ended is None:
            return False
        known = entry.sight.final_items or not self.rules.items_enabled
        known = known and entry.sight.final_status
        longest = max(keeps[entry.failing], keeps[True], COUNTED_FOR_AT_LEAST)
        return moment - ended >= (keeps[entry.failing] if known else longest)

    def _may_have_left(self, job_id: str, entry: Entry, moment: float) -> bool:
        """Return whether an ended job was hidden, or its final state was scraped often enough."""
        if self.crowded or moment - (entry.ended_moment or 0.0) >= self.rules.retention_failed:
            return True
        final = _states(self.views[-1]).get(job_id)
        showed = [jobs for _, jobs in self.scraped if final and jobs.get(job_id) == final]
        return len(showed) >= self.rules.min_scrapes

    def _must_have_left(self, job_id: str, entry: Entry, moment: float) -> bool:
        if moment - (entry.ended_moment or 0.0) >= self.rules.retention_failed:
            return True
        news = self.last_told[job_id]
        showed = [jobs for seen, jobs in self.scraped if seen > news and job_id in jobs]
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
