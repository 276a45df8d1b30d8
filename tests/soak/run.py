"""One soak: a world with changing faults, an exporter that polls it, and the verdict.

Jobs that ended cleanly leave soon, which shows that memory does not grow. The others stay so long
that none leaves unseen whatever faults its requests get, and ``retention.min_scrapes`` keeps every
job until the soak has seen its end.
"""

from __future__ import annotations

import math
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

from exporter.simulator import Simulator, World, serving_in_thread
from tests.soak.births import seeded
from tests.soak.figures import of_jobs, of_requests, one_line
from tests.soak.growing import GrowingWorld
from tests.soak.history import API_VERSIONS
from tests.soak.ledger import Ledger, left_out_as_counted
from tests.soak.log_truth import (
    Log,
    read_log,
    unexpected_lines,
    wrong_contradictions,
    wrong_left_out_lines,
    wrong_lines,
    wrong_set_aside,
)
from tests.soak.memory import Memory
from tests.soak.poll_truth import not_partial
from tests.soak.processes import Processes
from tests.soak.projects import LIMITED, PROJECTS, add_keys, settings_file
from tests.soak.scraping import Scraper
from tests.soak.watching import Watch
from tests.soak.weather import CountedFaults, Weather
from tests.soak.withdrawals import Withdrawals, wrong_offers

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from tests.soak.history import JobHistory

_TICK_SECONDS = 0.02
_SECONDS_BETWEEN_SCRAPES = 0.4
_SCRAPES_BETWEEN_SUMS = 10
_STARTED_WITHIN_SECONDS = 30.0
# Work under way when the faults stop takes some seconds: retries, and five counts of a job that
# ended with items that never do. A job that could not be counted for minutes has to wait for as
# long again. The rest is for a busy machine.
_TRUE_WITHIN_SECONDS = 180.0
# An answer is under way for at most ``api.timeout``, two seconds.
_ANSWERS_ARRIVE_WITHIN_SECONDS = 2.2
_PARTIAL_WITHIN_SECONDS = 20.0
_NEW_FOR_SECONDS = 3000.0
# Results that take thirty intervals to be given up are put this long before the quiet.
_SLOW_TAKES_SECONDS = 50.0
_WRONG_AT_MOST = 200


@dataclass(slots=True)
class Plan:
    """The course of a soak: ``seconds`` of faults and history, then quiet.

    Jobs live in the ``api_versions``, which vanish and return if there are several. The exporter is
    killed ``kills`` times; then its log and request counters are not compared. It reloads other
    settings ``reloads`` times.
    """

    seconds: float
    jobs_per_second: float
    seed: int
    api_versions: Sequence[str] = API_VERSIONS
    kills: int = 0
    reloads: int = 0


@dataclass(slots=True)
class Outcome:
    """The faults that were found, and the figures."""

    wrong: list[str] = field(default_factory=list)
    figures: dict[str, object] = field(default_factory=dict)


class Soak:
    """Everything that runs during a soak."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._world = World()
        add_keys(self._world)
        self._faults = CountedFaults(plan.seed)
        self._simulator = Simulator(self._world, faults=self._faults)
        self._weather = Weather(self._simulator, self._faults, plan.seed)
        self._withdrawals = Withdrawals(self._simulator, plan.seed)
        self._quiet_at = math.inf
        self._ledger = Ledger(self._simulator)
        self._memory = Memory()
        self._histories: dict[str, JobHistory] = {}
        self._watch = Watch(self._histories, self._ledger.odd_fields)
        self._growing = GrowingWorld(
            self._world,
            self._histories,
            plan.seed,
            jobs_per_second=plan.jobs_per_second,
            is_shown=self._watch.is_shown,
            is_known=self._watch.is_known,
            has_left=self._watch.has_left,
            times_counted=self._ledger.times_items_listed,
            api_versions=plan.api_versions,
        )
        self._random = seeded(plan.seed, "kills")
        self._next_kill = 0.0
        self._next_reload = 0.0
        self._scrapes = 0
        self._outcome = Outcome()

    def run(self) -> Outcome:
        """Run it to its end."""
        began = time.monotonic()
        self._growing.open()
        with ExitStack() as stack:
            base_url = stack.enter_context(serving_in_thread(self._simulator.app))
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            file = Path(folder) / "exporter.yml"
            file.write_text(settings_file(base_url, Path(folder) / "exporter.state"))
            processes = stack.enter_context(Processes(file))
            scraper = stack.enter_context(Scraper(processes.metrics_url, self._world.clock))
            self._live(scraper, processes)
            self._compare(scraper, processes)
            self._make_polls_partial(scraper)
            self._compare_requests(scraper, processes)
            strictly = scraper.conclude()
            log = self._end(processes)
            self._report(began, scraper.scrapes, strictly, log)
        return self._outcome

    def _live(self, scraper: Scraper, processes: Processes) -> None:
        """Run the world with faults; jobs are added once the exporter knows all projects."""
        began = time.monotonic()
        end = began + _STARTED_WITHIN_SECONDS
        # A short soak begins without faults, so that it has time for more than its beginning.
        is_short = self._plan.seconds < _SLOW_TAKES_SECONDS
        for _ in self._scrapes_until(end, scraper, stormy=not is_short):
            if self._all_listed():
                break
        else:
            self._wrong(["not every project was listed in time"])
        listed_within = time.monotonic() - began
        self._outcome.figures["seconds until all was listed"] = round(listed_within, 1)
        self._quiet_at = time.monotonic() + self._plan.seconds
        self._weather.is_open = True
        for _ in self._scrapes_until(self._quiet_at, scraper, growing=True):
            self._kill_perhaps(scraper, processes)
            self._reload_perhaps(processes)
            self._growing.release()
            for history in self._watch.just_left():
                if self._watch.items_seen(history):
                    self._growing.forget_perhaps(history)
        self._weather.clear()
        self._withdrawals.clear()

    def _kill_perhaps(self, scraper: Scraper, processes: Processes) -> None:
        """Kill the exporter if that is due, and continue with another one."""
        if not self._plan.kills or time.monotonic() < self._next_kill:
            return
        seconds = self._plan.seconds / self._plan.kills
        self._next_kill = time.monotonic() + self._random.uniform(0.5, 1.5) * seconds
        self._wrong(processes.kill())
        self._watch.restarted()
        scraper.connect(processes.metrics_url)
        self._scrape(scraper)

    def _reload_perhaps(self, processes: Processes) -> None:
        """Make the exporter reload other settings if that is due."""
        if not self._plan.reloads or time.monotonic() < self._next_reload:
            return
        self._next_reload = time.monotonic() + self._plan.seconds / self._plan.reloads
        processes.reload()

    def _compare(self, scraper: Scraper, processes: Processes) -> None:
        """Wait until the exposition is true and stays true."""
        began = time.monotonic()
        true_since = None
        differences: list[str] = []
        for _ in self._scrapes_until(began + _TRUE_WITHIN_SECONDS, scraper, stormy=False):
            self._watch.given_up = processes.note_given_up()
            differences = self._watch.differences()
            if differences:
                true_since = None
            elif true_since is None:
                true_since = time.monotonic()
            elif time.monotonic() - true_since >= _ANSWERS_ARRIVE_WITHIN_SECONDS:
                break
        self._wrong(differences or ([] if true_since else ["nothing was compared"]))
        self._outcome.figures["seconds until all was true"] = round(
            (true_since or time.monotonic()) - began, 1
        )

    def _make_polls_partial(self, scraper: Scraper) -> None:
        """Leave a row out of each page that is listed while there are no other faults.

        Some projects have jobs of one API generation alone. Only full listings contain old batches.
        """
        before, wrong = self._watch.latest, [""]
        new = self._world.clock() - _NEW_FOR_SECONDS
        listed = {job.project_id for job in self._world.jobs.values()} | {
            batch.project_id
            for batch in self._world.batches.values()
            if (batch.created_at or 0.0) > new
        }
        projects = [project for project in PROJECTS if project.project_id in listed]
        self._weather.make_rows_odd()
        end = time.monotonic() + _PARTIAL_WITHIN_SECONDS
        for _ in self._scrapes_until(end, scraper, stormy=False):
            wrong = not_partial(before, self._watch.latest, projects)
            if not wrong:
                break
        self._weather.clear()
        self._wrong(wrong)

    def _compare_requests(self, scraper: Scraper, processes: Processes) -> None:
        """Compare the exporter's counters of requests and answers with those of the simulator."""
        if processes.have_been_replaced:
            return
        answered = self._ledger.answered_by_now()
        left_out = self._ledger.left_out_by_now()
        time.sleep(_ANSWERS_ARRIVE_WITHIN_SECONDS)
        self._scrape(scraper)
        self._ledger.drain()
        self._wrong(self._ledger.wrong_counters(answered, self._watch.latest))
        self._wrong(self._ledger.wrong_left_out(left_out, self._watch.latest))

    def _scrapes_until(
        self, end: float, scraper: Scraper, *, growing: bool = False, stormy: bool = True
    ) -> Iterator[None]:
        """Keep the world running until ``end``, and yield after each scrape."""
        next_scrape = time.monotonic()
        while (now := time.monotonic()) < end:
            may_be_slow = now < self._quiet_at - _SLOW_TAKES_SECONDS
            if stormy:
                self._weather.advance(now, may_be_slow=may_be_slow and self._weather.is_open)
            if growing:
                if len(self._plan.api_versions) > 1:
                    self._withdrawals.advance(now)
                self._growing.advance(may_be_slow=may_be_slow)
            if now >= next_scrape:
                next_scrape = max(next_scrape + _SECONDS_BETWEEN_SCRAPES, now)
                self._scrape(scraper)
                yield
            time.sleep(_TICK_SECONDS)

    def _scrape(self, scraper: Scraper) -> None:
        exposition = scraper.scrape()
        self._ledger.drain()
        self._wrong(self._watch.take(exposition))
        self._wrong(wrong_offers(exposition, self._withdrawals.since))
        self._scrapes += 1
        if self._scrapes % _SCRAPES_BETWEEN_SUMS == 0:
            self._wrong(self._watch.counted_too_much())
        resident = exposition.value("process_resident_memory_bytes")
        assert resident is not None
        jobs = len(self._histories)
        self._memory.sample(time.monotonic(), resident, len(exposition.jobs), jobs)

    def _all_listed(self) -> bool:
        name = "llamacloud_exporter_api_last_answered_timestamp_seconds"
        return all(
            self._watch.latest.value(name, project=project.name, api_version=api_version)
            for project, api_version in product(PROJECTS, API_VERSIONS)
        )

    def _end(self, processes: Processes) -> Log:
        exporter = processes.exporter
        status, seconds = exporter.stop()
        if status != 0 or seconds > 2:
            self._wrong([f"the exporter left with status {status} after {seconds:.1f} s"])
        log = read_log(exporter.log_file)
        if self._plan.kills:
            self._wrong(unexpected_lines(log))
            return log
        # Several signals at once count as one.
        if bool(log.events()["config.reloaded"]) != bool(processes.reloads):
            self._wrong([f"none of {processes.reloads} reloads was logged: {log.events()}"])
        self._wrong(wrong_lines(log, self._histories, self._watch.items_seen))
        self._wrong(wrong_contradictions(log, self._histories, self._ledger.odd_fields))
        self._wrong(wrong_set_aside(log, self._ledger.listings_refused()))
        if not processes.have_been_replaced:
            self._wrong(wrong_left_out_lines(log, left_out_as_counted(self._watch.latest)))
        return log

    def _wrong(self, lines: list[str]) -> None:
        room = _WRONG_AT_MOST - len(self._outcome.wrong)
        self._outcome.wrong += lines[: max(room, 0)]

    def _report(self, began: float, scrapes: Counter[str], strictly: int, log: Log) -> None:
        grown = None if self._plan.kills else self._memory.grown()
        self._wrong([grown] if grown else [])
        self._outcome.figures |= {
            "seconds in all": round(time.monotonic() - began, 1),
            **of_jobs([*self._histories.values()], self._watch),
            "times that a generation of the API vanished": self._withdrawals.number,
            **of_requests(self._ledger, self._faults),
            "requests a second left to the limited project": round(self._rate_left(), 1),
            "log records dropped": self._log_records_dropped(),
            "scrapes": one_line(scrapes),
            "scrapes read strictly": strictly,
            "memory": self._memory.describe(),
            "log lines": one_line(log.events()),
        }

    def _rate_left(self) -> float:
        name = "llamacloud_exporter_api_budget_requests_per_second"
        return self._watch.latest.value(name, project=LIMITED.name) or 0.0

    def _log_records_dropped(self) -> float:
        """Return how many lines a busy machine kept the exporter from logging."""
        return self._watch.latest.value("llamacloud_exporter_log_records_dropped_total") or 0.0
