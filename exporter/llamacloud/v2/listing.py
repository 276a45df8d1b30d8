"""Listing the batches of a project, page by page."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from exporter.domain import Listing
from exporter.llamacloud.belief import comparable_word
from exporter.llamacloud.errors import BadResponse, StatusRefused
from exporter.llamacloud.v2.pages import is_refused_token
from exporter.llamacloud.v2.queries import queries_of, recent_queries_of
from exporter.texts import escaped

if TYPE_CHECKING:
    from exporter.domain import Job, ListingPlan
    from exporter.llamacloud.rows import NotAskedFor
    from exporter.llamacloud.v2.pages import BatchesPage
    from exporter.llamacloud.v2.queries import BatchQuery
    from exporter.llamacloud.v2.reader import Reader

_TOLD_LENGTH = 100


async def list_jobs(reader: Reader, plan: ListingPlan) -> Listing:
    """List the batches of a project, each once.

    Raises:
        BadResponse: all that was listed is of another project than was asked for.
        LlamaCloudError: a page could not be read; there is no such thing as half a listing.
    """
    walk = _Walk(plan)
    for query in queries_of(plan):
        await walk.through(reader, query)
    # By LlamaCloud's own clock, as its first answer told it.
    for query in recent_queries_of(plan, walk.began_at):
        await walk.through(reader, query)
    reader.learnt.left_out.listing_ended()
    walk.check_project()
    return walk.listing()


@dataclass(slots=True)
class _Pages:
    """The pages of one query: rows and tokens seen so far, and where it goes on."""

    token: str | None = None
    seen_rows: set[str] = field(default_factory=set)
    seen_tokens: set[str] = field(default_factory=set)
    began_anew: bool = False

    def repeats(self, page: BatchesPage) -> bool:
        """Add a page that promises another; tell whether the server repeats itself."""
        ids = {job.id for job in page.jobs} | {other.row_id for other in page.not_asked_for}
        token = page.next_token or ""
        repeats = token in self.seen_tokens or (bool(ids) and ids <= self.seen_rows)
        self.token = token
        self.seen_rows |= ids
        self.seen_tokens.add(token)
        return repeats


@dataclass(slots=True)
class _Walk:
    """The pages read so far."""

    plan: ListingPlan
    jobs: dict[str, Job] = field(default_factory=dict)
    asked_monotonic: float | None = None
    began_at: float = 0.0
    ended_at: float = 0.0
    truncated: bool = False
    rows_left_out: int = 0
    of_another_project: NotAskedFor | None = None

    async def through(self, reader: Reader, query: BatchQuery) -> None:
        """Read the pages of one query, until its end or a bound.

        It begins anew, once, where its token is refused in the middle.
        """
        pages = _Pages()
        for _ in range(self.plan.max_requests):
            try:
                page = await reader.batches_page(query, pages.token)
            except StatusRefused as error:
                if pages.began_anew or not is_refused_token(error, pages.token):
                    raise
                pages = _Pages(began_anew=True)
                continue
            self._note(page)
            # As the vendor's own clients do: totals and short pages tell nothing.
            if not page.sent or not (page.next_token or page.is_token_unread):
                return
            # More follows, and nobody can tell where, or the server repeats itself.
            if page.is_token_unread or pages.repeats(page):
                break
        self.truncated = True

    def check_project(self) -> None:
        """Refuse a listing of which nothing is left, because it shows another project."""
        other = self.of_another_project
        if other is not None and not self.jobs:
            asked, came = escaped(other.asked)[:_TOLD_LENGTH], escaped(other.came)[:_TOLD_LENGTH]
            raise BadResponse(f"project {asked} was asked for, but the batches are of {came}")

    def listing(self) -> Listing:
        """Return what was read of the types that the plan names; LlamaCloud has no such filter."""
        types = {comparable_word(job_type) for job_type in self.plan.job_types}
        jobs = self.jobs.values()
        return Listing(
            jobs=tuple(job for job in jobs if not types or job.job_type in types),
            asked_monotonic=self.asked_monotonic or 0.0,
            began_at=self.began_at,
            ended_at=self.ended_at,
            truncated=self.truncated,
            reached_end=self.plan.is_full,
            rows_left_out=self.rows_left_out,
        )

    def _note(self, page: BatchesPage) -> None:
        if self.asked_monotonic is None:
            self.asked_monotonic = page.asked_monotonic
            self.began_at = page.answered_at
        self.ended_at = max(page.answered_at, self.began_at)
        self.rows_left_out += page.rows_unread + len(page.not_asked_for)
        for other in page.not_asked_for:
            if other.filter == "project_id":
                self.of_another_project = other
        # A batch that comes again is the newer one: the list moved while it was read.
        self.jobs.update((job.id, job) for job in page.jobs)
