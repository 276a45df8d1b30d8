"""What may happen to the jobs of a project that is polled."""

from __future__ import annotations

from core.checks import Checks
from core.world import Answer, CloudJob, Reasons, World
from history import HOUR, RULES
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from exporter.domain import (
    ENDED_ITEM_STATUSES,
    KNOWN_JOB_TYPES,
    KNOWN_SKIP_REASONS,
    NO_FAILURE_REASON,
    OTHER_FAILURE_REASON,
    OTHER_SKIP_REASON,
    ItemStatus,
    JobRefreshed,
    JobStatus,
    JobType,
    Listing,
)

PICK = st.integers(0, 3)
# Longer than what has just ended is asked for, shorter than what ended is looked at again.
SHORT_RETENTION = 16 * 60.0
FAILURE_REASONS = st.sampled_from(["timeout", NO_FAILURE_REASON, OTHER_FAILURE_REASON])
REASONS = st.builds(
    Reasons, st.sampled_from([*KNOWN_SKIP_REASONS, OTHER_SKIP_REASON]), FAILURE_REASONS
)
# Where all items are too many to count: none, those that matter, or not even the skipped.
_FEW = (ItemStatus.FAILED, ItemStatus.CANCELLED, ItemStatus.PROCESSING)
FEW = st.sampled_from([(), (*_FEW, ItemStatus.SKIPPED), _FEW])
ENDS = [JobStatus.COMPLETED, JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED]


class Polled(RuleBasedStateMachine):
    """One project, what was done in it, and how it is listed and polled."""

    def __init__(self) -> None:
        super().__init__()
        self.world = World()
        self.checks = Checks(RULES)
        self.under_way: list[Answer] = []
        self.listed_before: set[str] = set()

    @initialize(
        cap=st.sampled_from([2, 500]),
        min_scrapes=st.sampled_from([0, 2]),
        retention=st.sampled_from([HOUR, HOUR, SHORT_RETENTION]),
        items_enabled=st.sampled_from([True, True, False]),
    )
    def begin(self, cap: int, min_scrapes: int, retention: float, *, items_enabled: bool) -> None:
        """Start the exporter."""
        self.checks = Checks(
            RULES,
            max_jobs=cap,
            min_scrapes=min_scrapes,
            retention_finished=retention,
            retention_failed=retention * 24,
            items_enabled=items_enabled,
        )

    @precondition(lambda self: len(self.world.jobs) < 6)
    @rule(
        job_type=st.sampled_from(KNOWN_JOB_TYPES[:2]),
        dates=st.sampled_from(["all", "all", "created", "none"]),
        reports=st.booleans(),
        few=FEW,
        polled=st.booleans(),
    )
    def create(
        self,
        job_type: JobType,
        dates: str,
        *,
        reports: bool,
        few: tuple[ItemStatus, ...],
        polled: bool,
    ) -> None:
        """Create a job."""
        self.world.create(job_type, dates, reports=reports, few=few)
        self.poll_if(polled=polled)

    @precondition(lambda self: self.world.active)
    @rule(
        pick=PICK,
        status=st.sampled_from(ENDED_ITEM_STATUSES),
        number=st.integers(0, 4),
        reasons=REASONS,
    )
    def work(self, pick: int, status: ItemStatus, number: int, reasons: Reasons) -> None:
        """Bring items to their end."""
        self.world.work(one_of(self.world.active, pick), status, number, reasons)

    @precondition(lambda self: self.world.active)
    @rule(pick=PICK, polled=st.booleans())
    def grow(self, pick: int, *, polled: bool) -> None:
        """Give a job more items, perhaps too many to count."""
        self.world.grow(one_of(self.world.active, pick))
        self.poll_if(polled=polled)

    @precondition(lambda self: self.world.active)
    @rule(pick=PICK, failed=st.integers(1, 4), reason=FAILURE_REASONS, retried=st.booleans())
    def fail(self, pick: int, failed: int, reason: str, *, retried: bool) -> None:
        """Let items fail, and perhaps be retried after that was seen."""
        job = one_of(self.world.active, pick)
        self.world.work(job, ItemStatus.FAILED, failed, Reasons(failure=reason))
        self.poll_if(polled=True)
        if retried:
            self.world.retry(job)

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
    @rule(pick=PICK)
    def retry(self, pick: int) -> None:
        """Retry an ended job: it is active again."""
        job = one_of(self.world.ended, pick)
        # A job that was away for so long that it was forgotten would count anew.
        if self.checks.may_be_retried(job.row.id) and not job.was_away_for_long:
            self.world.retry(job)

    @precondition(lambda self: self.world.ended)
    @rule(pick=PICK, status=st.sampled_from(ENDS), polled=st.booleans())
    def retry_and_end_unseen(self, pick: int, status: JobStatus, *, polled: bool) -> None:
        """Retry an ended job, which ends again before anyone looks."""
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
        # One that is away for so long that it is forgotten would count anew.
        if not job.away:
            self.world.settle(job, status, reasons)
        self.poll_if(polled=polled)

    @precondition(lambda self: not self.checks.is_listing(self.under_way))
    @rule(shown=st.integers(0, 3))
    def list_some(self, shown: int) -> None:
        """List less than there is."""
        rows = self.world.list_rows()[:shown]
        self.listed_before &= {row.id for row in rows}
        self.checks.take(self.world.listing(rows, truncated=True), self.world.moment)

    @precondition(lambda self: not self.checks.is_listing(self.under_way))
    @rule()
    def poll(self) -> None:
        """Do as the poller does: list, then ask for each job that is due."""
        self.checks.take(self.listing(None), self.world.moment)
        self.ask_for_due()

    def ask_for_due(self) -> None:
        """Ask for each job that is due, and count its items where that is wanted."""
        by_id = {job.row.id: job for job in self.world.jobs}
        for job_id in self.checks.due(self.world.moment):
            status = self.world.status(by_id[job_id])
            self.checks.take(status, self.world.moment)
            if isinstance(status, JobRefreshed) and self.checks.wants_count(
                job_id, self.world.moment
            ):
                self.checks.take(self.world.count(by_id[job_id]), self.world.moment)

    def poll_if(self, *, polled: bool) -> None:
        """Poll if asked to and no listing is under way."""
        if polled and not self.checks.is_listing(self.under_way):
            self.poll()

    def listing(self, skipped: int | None, *, early: bool = False) -> Listing:
        """List as a list does that moves: of two whole listings one skips a row at most."""
        rows = self.world.list_rows()
        skipped_id = f"job-{skipped}"
        if skipped_id in self.listed_before:
            rows = [row for row in rows if row.id != skipped_id]
        news_since = self.checks.news_since()
        if early and news_since is not None and all(row.created_at for row in rows):
            rows = [row for row in rows if (row.created_at or 0.0) >= news_since]
            self.listed_before |= {row.id for row in rows}
            return self.world.listing(rows, reached_end=False)
        self.listed_before = {row.id for row in rows}
        return self.world.listing(rows)


def one_of(jobs: list[CloudJob], pick: int) -> CloudJob:
    return jobs[pick % len(jobs)]
