"""Jobs that are away from the list, and an exporter that is not there or hears nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from exporter.domain import JobStatus
from tests.core.ends import Ending
from tests.core.happenings import PICK, one_of
from tests.support.history import HOUR

if TYPE_CHECKING:
    from tests.core.world import CloudJob

MINUTE = 60.0
# A job forgotten after an hour counts as new if it returns changed: such jobs return sooner.
# LlamaCloud's clock may make an hour of it.
MISSED_AT_MOST = 30 * MINUTE


class Absent(Ending):
    """Absences, short and long, of jobs, of answers, and of the exporter."""

    @precondition(lambda self: self.world.jobs)
    @rule(pick=PICK)
    def vanish_or_return(self, pick: int) -> None:
        """Remove a job from the list, or put it back."""
        job = one_of(self.world.jobs, pick)
        if not job.away:
            self.vanish(job)
        elif self.may_return(job):
            job.away, job.missed_since = False, None

    @precondition(lambda self: self.world.jobs)
    @rule(pick=PICK, polls=st.integers(1, 3))
    def be_away_for_some_polls(self, pick: int, polls: int) -> None:
        """Remove a job from the list for some polls."""
        job = one_of(self.world.jobs, pick)
        if not job.away and self.vanish(job):
            for _ in range(polls):
                self.poll()
            job.away, job.missed_since = False, None

    @precondition(lambda self: self.world.jobs)
    @rule(pick=PICK, hours=st.sampled_from([0.6, 1.1, 1.1, 25.0]), polls=st.integers(1, 3))
    def be_away_for_hours(self, pick: int, hours: float, polls: int) -> None:
        """Remove a job from the list for hours, and poll now and then."""
        job = one_of(self.world.jobs, pick)
        if job.away or not self.vanish(job):
            return
        for _ in range(polls):
            self.poll()
            self.world.moment += hours * HOUR
        if self.may_return(job):
            job.away, job.missed_since = False, None
        self.poll()

    @precondition(lambda self: self.world.jobs)
    @rule(pick=PICK, ended=st.booleans())
    def be_back_before_it_is_not_found(self, pick: int, *, ended: bool) -> None:
        """Answer 404 late, to a request from before the newest record of the job."""
        job = one_of(self.world.jobs, pick)
        if job.away or not self.vanish(job):
            return
        not_found = self.world.status(job)
        job.away, job.missed_since = False, None
        self.world.moment += 1.0
        if ended and job.row.active:
            self.world.end(job, JobStatus.COMPLETED)
        self.checks.take(self.listing(None), self.world.moment)
        if self.vanish(job):
            self.checks.take(self.listing(None), self.world.moment)
            self.checks.take(not_found, self.world.moment)

    @rule(hours=st.sampled_from([0.6, 4.0, 25.0]))
    def be_suspended(self, hours: float) -> None:
        """Suspend the machine: its monotonic clock stops, and answers wait."""
        self.world.slept += hours * HOUR

    @precondition(lambda self: not self.checks.is_listing(self.under_way))
    @rule(
        minutes=st.sampled_from([4.0, 17.0, 61.0, 600.0]),
        times=st.integers(1, 3),
        scraped=st.booleans(),
    )
    def list_in_vain(self, minutes: float, times: int, *, scraped: bool) -> None:
        """Fail to list for long, while single jobs are still answered for."""
        for _ in range(times):
            self.world.moment += minutes * MINUTE
            self.ask_for_due()
            self.checks.all(self.world.moment)
            if scraped:
                self.checks.scrape(self.world.moment, earlier=0)

    def vanish(self, job: CloudJob) -> bool:
        """Remove a job that the last complete listing showed, unless one is under way."""
        if job.row.id in self.listed_before and not self.checks.is_listing(self.under_way):
            job.away = True
        return job.away

    def may_return(self, job: CloudJob) -> bool:
        """Return whether a job is still tracked, or has nothing left that could count."""
        missed = 0.0 if job.missed_since is None else self.world.passed - job.missed_since
        if missed <= MISSED_AT_MOST or self.checks.is_held(job.row.id):
            return True
        job.was_away_for_long = not job.left and self.checks.ended_as_reported(job)
        return job.was_away_for_long
