"""How jobs end: seen or unseen, settled or not, and again after they were retried."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from exporter.domain import (
    ENDED_ITEM_STATUSES,
    ItemStatus,
    JobStatus,
    JobType,
)
from tests.core.happenings import PICK, REASONS, Polled, one_of
from tests.core.world import OTHER_REASONS, Reasons
from tests.support.history import HOUR

ENDS = [JobStatus.COMPLETED, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED]


class Ending(Polled):
    """Ends of jobs and of their items."""

    @precondition(lambda self: len(self.world.jobs) < 6)
    @rule(dates=st.sampled_from(["all", "created", "none"]), failed=st.integers(0, 4))
    def end_unseen(self, dates: str, failed: int) -> None:
        """Create and end a job while hours of listings do not reach it."""
        self.world.create(JobType.PARSE, dates, reports=True)
        self.world.work(self.world.jobs[-1], ItemStatus.FAILED, failed)
        self.world.end(self.world.jobs[-1], JobStatus.COMPLETED)
        if not self.checks.is_listing(self.under_way):
            self.world.moment += 4 * HOUR
            self.list_some(shown=0)

    @precondition(lambda self: self.world.ended)
    @rule(pick=PICK, number=st.integers(1, 4), reasons=REASONS, polled=st.booleans())
    def fail_late(self, pick: int, number: int, reasons: Reasons, *, polled: bool) -> None:
        """Fail completed items of an ended job, perhaps after it has left."""
        job = one_of(self.world.ended, pick)
        # A job that is away for so long that it is forgotten would count as new.
        if not (job.away or job.was_away_for_long):
            self.world.fail_late(job, number, reasons)
        self.poll_if(polled=polled)

    @precondition(lambda self: self.world.jobs)
    @rule(pick=PICK)
    def freeze_or_thaw(self, pick: int) -> None:
        """Make the list repeat an old record of a job, or show the true one again."""
        job = one_of(self.world.jobs, pick)
        frozen = None if job.away or job.was_away_for_long else job.row
        job.listed_as = None if job.listed_as else frozen

    @precondition(lambda self: self.world.ended)
    @rule(pick=PICK)
    def retry(self, pick: int) -> None:
        """Retry an ended job: it is active again."""
        job = one_of(self.world.ended, pick)
        # A job that was away for so long that it was forgotten would count as new.
        if self.checks.may_be_retried(job.row.id) and not job.was_away_for_long:
            self.world.retry(job)

    @precondition(lambda self: self.world.ended)
    @rule(pick=PICK, status=st.sampled_from(ENDS), polled=st.booleans())
    def retry_and_end_unseen(self, pick: int, status: JobStatus, *, polled: bool) -> None:
        """Retry an ended job, which ends again before the next poll."""
        job = one_of(self.world.ended, pick)
        self.world.moment += 2.0
        self.retry(pick)
        if job.row.active:
            self.world.end(job, status)
        self.poll_if(polled=polled)

    @precondition(lambda self: self.world.active)
    @rule(pick=PICK, status=st.sampled_from(ENDS), polled=st.booleans(), settled=st.booleans())
    def end(self, pick: int, status: JobStatus, *, polled: bool, settled: bool = True) -> None:
        """End a job, and perhaps not all of its items."""
        self.world.end(one_of(self.world.active, pick), status, settled=settled)
        self.poll_if(polled=polled)

    @precondition(lambda self: self.world.unsettled)
    @rule(
        pick=PICK,
        status=st.sampled_from(ENDED_ITEM_STATUSES),
        reasons=REASONS,
        polled=st.booleans(),
    )
    def settle(self, pick: int, status: ItemStatus, reasons: Reasons, *, polled: bool) -> None:
        """End the items that a job left behind."""
        job = one_of(self.world.unsettled, pick)
        # A job that is away for so long that it is forgotten would count as new.
        if not job.away:
            self.world.settle(job, status, reasons)
        self.poll_if(polled=polled)

    @precondition(lambda self: self.world.active and not self.checks.is_listing(self.under_way))
    @rule(pick=PICK, polls=st.integers(1, 6), settled=st.booleans())
    def settle_slowly(self, pick: int, polls: int, *, settled: bool) -> None:
        """End a job before its items, which settle some polls later or never."""
        job = one_of(self.world.active, pick)
        self.world.end(job, JobStatus.COMPLETED, settled=False)
        for _ in range(polls):
            self.poll()
            self.checks.all(self.world.moment)
            self.world.moment += 30.0
        if settled and not job.away:
            self.world.settle(job, ItemStatus.FAILED, OTHER_REASONS)
        self.poll()

    @precondition(lambda self: self.world.active and not self.checks.is_listing(self.under_way))
    @rule(pick=PICK, hours=st.sampled_from([0.3, 2.0, 25.0]))
    def end_without_a_request(self, pick: int, hours: float) -> None:
        """End a job that the budget does not reach."""
        self.world.end(one_of(self.world.active, pick), JobStatus.COMPLETED)
        for _ in range(2):
            self.poll_with_a_small_budget(0, early=False)
            self.world.moment += hours * HOUR

    @precondition(lambda self: self.world.ended and not self.checks.is_listing(self.under_way))
    @rule(pick=PICK, status=st.sampled_from(ENDS), hours=st.sampled_from([0.6, 1.5, 3.5]))
    def be_found_late(self, pick: int, status: JobStatus, hours: float) -> None:
        """Retry a job that ends unseen, while listings stop before they come to it."""
        job = one_of(self.world.ended, pick)
        self.retry(pick)
        if not job.row.active:
            return
        self.world.work(job, ItemStatus.FAILED, 1)
        self.world.end(job, status)
        for _ in range(2):
            self.poll_with_a_small_budget(0, early=True)
            self.world.moment += hours / 2 * HOUR
        self.poll()
