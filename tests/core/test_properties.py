"""Whatever happens in LlamaCloud and on the way to us, the core publishes what the rules say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from exporter.domain import ItemStatus, JobStatus
from tests.core.absences import MINUTE, Absent
from tests.core.checks import Checks
from tests.core.ends import ENDS
from tests.core.happenings import PICK, one_of
from tests.support.history import HOUR
from tests.support.properties import EFFORT, UNHURRIED

if TYPE_CHECKING:
    from tests.core.world import Answer

CLOCK_OFF_AT_MOST = 20 * MINUTE


class Histories(Absent):
    """One project through any history; ``Checks`` compares it with the ledger at every step."""

    @rule(
        seconds=st.sampled_from([1.0, 30.0, 20 * MINUTE, 35 * MINUTE, 4 * HOUR, 25 * HOUR]),
        clock_ahead=st.sampled_from([0.0, 0.0, 30.0, CLOCK_OFF_AT_MOST]),
    )
    def pass_time(self, seconds: float, clock_ahead: float) -> None:
        """Advance time, and make LlamaCloud's clock jump."""
        if seconds < MINUTE or not self.checks.is_listing(self.under_way):
            self.world.moment += seconds
            self.world.clock_ahead = clock_ahead

    @precondition(lambda self: self.world.active)
    @rule(pick=PICK)
    def progress_while_the_clock_is_set_back(self, pick: int) -> None:
        """See items end, and others end later by an earlier date."""
        for clock_ahead in (CLOCK_OFF_AT_MOST, 0.0):
            self.world.clock_ahead = clock_ahead
            self.world.moment += 1.0
            self.world.work(one_of(self.world.active, pick), ItemStatus.COMPLETED, 1)
            self.poll_if(polled=True)

    @precondition(lambda self: not self.checks.is_listing(self.under_way))
    @rule(skipped=PICK, early=st.booleans())
    def ask_for_listing(self, skipped: int, *, early: bool) -> None:
        """Request a listing, which is answered later."""
        self.under_way.append(self.listing(skipped, early=early))

    @precondition(lambda self: self.world.jobs and len(self.under_way) < 3)
    @rule(pick=PICK, counting=st.booleans())
    def ask_for_job(self, pick: int, *, counting: bool) -> None:
        """Request a status or a count, which is answered later."""
        job = one_of(self.world.jobs, pick)
        counting = counting and self.checks.rules.items_enabled
        self.under_way.append(self.world.count(job) if counting else self.world.status(job))

    @precondition(lambda self: self.world.active)
    @rule(pick=PICK, status=st.sampled_from(ENDS))
    def answer_after_the_end(self, pick: int, status: JobStatus) -> None:
        """Answer a request from before the end of a job late."""
        job = one_of(self.world.active, pick)
        answers: list[Answer] = [self.world.status(job)]
        if self.checks.rules.items_enabled:
            answers.append(self.world.count(job))
        self.world.moment += 1.0
        self.end(pick, status, polled=True)
        for answer in answers:
            self.checks.take(answer, self.world.moment)

    @precondition(lambda self: self.under_way)
    @rule(pick=PICK, again=st.booleans())
    def answer(self, pick: int, *, again: bool) -> None:
        """Answer a request, and perhaps once more later."""
        answer = self.under_way[pick % len(self.under_way)]
        if not again or self.checks.is_listing([answer]):
            self.under_way.remove(answer)
        self.checks.take(answer, self.world.moment)

    @precondition(lambda self: not self.checks.is_listing(self.under_way))
    @rule(hours=st.sampled_from([2.0, 25.0]))
    def be_quiet(self, hours: float) -> None:
        """Advance time by hours in which nothing fails: ended jobs leave."""
        self.poll()
        self.scrape(times=3, earlier=0)
        self.world.moment += hours * HOUR
        self.poll()

    @precondition(lambda self: not self.checks.is_listing(self.under_way))
    @rule()
    def poll_while_publishing(self) -> None:
        """Poll before what was to be published is shown."""
        view = self.checks.see(self.world.moment)
        self.poll()
        self.checks.published(view, self.world.moment)

    @rule(times=st.integers(1, 3), earlier=st.sampled_from([0, 0, 1, 2]))
    def scrape(self, times: int, earlier: int) -> None:
        """Scrape what is published or was shortly before."""
        for _ in range(times):
            self.checks.scrape(self.world.moment, earlier=earlier)

    @rule(
        lost=st.integers(0, 3),
        seconds=st.sampled_from([1.0, 40.0, 20 * MINUTE, 4 * HOUR, 25 * HOUR]),
    )
    def crash(self, lost: int, seconds: float) -> None:
        """Kill the exporter, and start another one with what was saved: what came later is lost."""
        saved = self.checks.save(self.world.moment)
        for answer in self.under_way[:lost]:
            self.checks.take(answer, self.world.moment)
        self.under_way.clear()
        self.listed_before.clear()
        self.world.moment += seconds
        self.checks.go_on(saved, self.world.moment)

    @rule(really=st.integers(0, 9))
    def restart(self, really: int) -> None:
        """Restart the exporter."""
        if really == 9:
            self.checks = Checks(self.checks.rules)
            self.under_way.clear()
            self.listed_before.clear()

    @invariant()
    def the_core_reports_what_the_rules_say(self) -> None:
        """Compare with the ledger."""
        self.checks.all(self.world.moment)

    def teardown(self) -> None:
        """When all is quiet, no failed item that LlamaCloud reports is missed."""
        self.under_way.clear()
        for job in self.world.jobs:
            job.listed_as = None
        for job in self.world.active:
            self.world.end(job, JobStatus.COMPLETED)
        self.poll()
        self.checks.all(self.world.moment)
        self.checks.failures_against([j for j in self.world.jobs if not j.away])


TestHistories = Histories.TestCase
TestHistories.settings = settings(UNHURRIED, max_examples=190 * EFFORT, stateful_step_count=40)
