"""What may happen to the jobs of a project that is polled."""

from __future__ import annotations

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
from tests.core.checks import Checks
from tests.core.world import Answer, CloudJob, Reasons, World
from tests.support.history import HOUR, RULES

PICK = st.integers(0, 3)
# Longer than recently ended jobs are requested, shorter than the next check of older ones.
SHORT_RETENTION = 16 * 60.0
FAILURE_REASONS = st.sampled_from(["timeout", NO_FAILURE_REASON, OTHER_FAILURE_REASON])
REASONS = st.builds(
    Reasons, st.sampled_from([*KNOWN_SKIP_REASONS, OTHER_SKIP_REASON]), FAILURE_REASONS
)
# Where all items are too many to count: none, those that matter, or not even the skipped.
_FEW = (ItemStatus.FAILED, ItemStatus.CANCELLED, ItemStatus.PROCESSING)
FEW = st.sampled_from([(), (*_FEW, ItemStatus.SKIPPED), _FEW])


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
        full_listing_every=st.sampled_from([900.0, 4 * HOUR]),
        items_enabled=st.sampled_from([True, True, False]),
        past=st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.2, 3.0])), max_size=2),
    )
    def begin(
        self,
        cap: int,
        min_scrapes: int,
        retention: float,
        full_listing_every: float,
        past: list[tuple[int, float]],
        *,
        items_enabled: bool,
    ) -> None:
        """Start the exporter, after some jobs have ended."""
        for failed, hours_ago in past:
            self.world.moment = -hours_ago * HOUR
            self.world.create(JobType.PARSE, "all", reports=True)
            self.world.work(self.world.jobs[-1], ItemStatus.FAILED, failed)
            self.world.end(self.world.jobs[-1], JobStatus.COMPLETED)
        self.world.moment = 0.0
        self.checks = Checks(
            RULES,
            max_jobs=cap,
            min_scrapes=min_scrapes,
            retention_finished=retention,
            retention_failed=retention * 24,
            full_listing_every=full_listing_every,
            items_enabled=items_enabled,
        )

    @precondition(lambda self: len(self.world.jobs) < 6)
    @rule(
        job_type=st.sampled_from(KNOWN_JOB_TYPES[:2]),
        dates=st.sampled_from(["all", "all", "created", "none"]),
        reports=st.booleans(),
        few=FEW,
        adds_up=st.sampled_from([True, True, False]),
        polled=st.booleans(),
    )
    def create(
        self,
        job_type: JobType,
        dates: str,
        *,
        reports: bool,
        few: tuple[ItemStatus, ...],
        adds_up: bool,
        polled: bool,
    ) -> None:
        """Create a job."""
        self.world.create(job_type, dates, reports=reports, few=few, adds_up=adds_up)
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
        """Add items to a job, perhaps too many to count."""
        self.world.grow(one_of(self.world.active, pick))
        self.poll_if(polled=polled)

    @precondition(lambda self: self.world.active)
    @rule(pick=PICK, failed=st.integers(1, 4), reason=FAILURE_REASONS, retried=st.booleans())
    def fail(self, pick: int, failed: int, reason: str, *, retried: bool) -> None:
        """Fail items, and perhaps retry them after that was seen."""
        job = one_of(self.world.active, pick)
        self.world.work(job, ItemStatus.FAILED, failed, Reasons(failure=reason))
        self.poll_if(polled=True)
        if retried:
            self.world.retry(job)

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
        """Do what the poller does: list, then refresh each job that is due."""
        self.checks.take(self.listing(None), self.world.moment)
        self.ask_for_due()

    @precondition(lambda self: not self.checks.is_listing(self.under_way))
    @rule(asked=st.integers(0, 2), early=st.booleans())
    def poll_with_a_small_budget(self, asked: int, *, early: bool) -> None:
        """List, and refresh the first of the jobs that are due."""
        self.checks.take(self.listing(None, early=early), self.world.moment)
        self.ask_for_due(asked)

    def ask_for_due(self, most: int = 100) -> None:
        """Refresh each job that is due, and count its items if needed."""
        by_id = {job.row.id: job for job in self.world.jobs}
        for job_id in self.checks.due(self.world.moment)[:most]:
            status = self.world.status(by_id[job_id])
            self.checks.take(status, self.world.moment)
            if isinstance(status, JobRefreshed) and self.checks.wants_count(
                job_id, self.world.moment
            ):
                self.checks.take(self.world.count(by_id[job_id]), self.world.moment)

    def poll_if(self, *, polled: bool) -> None:
        """Poll if ``polled``, unless a listing is under way."""
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
