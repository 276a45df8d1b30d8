"""Listing the recent batches of a project, and active ones of any age: never all of them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import product
from typing import TYPE_CHECKING

from exporter.llamacloud.errors import StatusRefused
from exporter.llamacloud.listed_jobs import ListedJobs
from exporter.llamacloud.v2.reader import is_refused_token

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import Listing, ListingPlan
    from exporter.llamacloud.v2.reader import Reader

# A batch that LlamaCloud calls completed may have file jobs that run: it is asked for by its id.
_ACTIVE = ("PENDING", "THROTTLED", "RUNNING")


async def list_jobs(reader: Reader, plan: ListingPlan) -> Listing:
    """List the batches of a project, each once.

    Raises:
        BadResponse: all that was listed is of another project than was requested.
        LlamaCloudError: a page could not be read; there is no such thing as half a listing.
    """
    listed = ListedJobs()
    ended = [await _list_pages(reader, plan, query, listed) for query in _queries_of(plan)]
    # By LlamaCloud's own clock, as its first answer told it.
    recent = _recent_queries_of(plan, listed.began_at)
    ended += [await _list_pages(reader, plan, query, listed) for query in recent]
    reader.left_out.listing_ended()
    # LlamaCloud has no filter by type.
    return listed.listing(
        truncated=not all(ended), reached_end=plan.is_full, job_types=plan.job_types
    )


@dataclass(slots=True)
class _Pages:
    """The pages of one query: rows and tokens seen so far, and where it goes on."""

    token: str | None = None
    seen_rows: set[str] = field(default_factory=set)
    seen_tokens: set[str] = field(default_factory=set)
    began_anew: bool = False

    def repeats(self, next_token: str, ids: set[str]) -> bool:
        """Add a page that promises another; tell whether the server repeats itself."""
        repeats = next_token in self.seen_tokens or (bool(ids) and ids <= self.seen_rows)
        self.token = next_token
        self.seen_rows |= ids
        self.seen_tokens.add(next_token)
        return repeats


async def _list_pages(
    reader: Reader, plan: ListingPlan, query: Mapping[str, str], listed: ListedJobs
) -> bool:
    """Read the pages of one query, until its end or a bound; tell whether it was the end.

    It begins anew, once, where its token is refused in the middle.
    """
    pages = _Pages()
    for _ in range(plan.max_requests):
        try:
            page = await reader.batches_page(query, pages.token)
        except StatusRefused as error:
            if pages.began_anew or not is_refused_token(error, pages.token):
                raise
            pages = _Pages(began_anew=True)
            continue
        ids = listed.add(page)
        # As in the vendor's own clients: totals and short pages mean nothing.
        if not page.sent or not page.announces_more:
            return True
        # More follows, and nothing says where, or the server repeats itself.
        if page.is_token_unread or pages.repeats(page.next_token or "", ids):
            break
    return False


def _queries_of(plan: ListingPlan) -> list[dict[str, str]]:
    """List the filters of each query: LlamaCloud accepts one value of each at a time."""
    windows = []
    if plan.created_since is not None:
        windows.append(_created_since(plan.created_since))
    if plan.is_full or not windows:
        windows.extend({"status": status} for status in _ACTIVE)
    return _of_directories(plan, windows)


def _recent_queries_of(plan: ListingPlan, now: float) -> list[dict[str, str]]:
    """List the queries for what was created lately before the Unix time ``now``."""
    if plan.created_within is None:
        return []
    return _of_directories(plan, [_created_since(now - plan.created_within)])


def _of_directories(plan: ListingPlan, windows: list[dict[str, str]]) -> list[dict[str, str]]:
    directories = [{"source_directory_id": value} for value in plan.directory_ids] or [{}]
    return [directory | window for directory, window in product(directories, windows)]


def _created_since(moment: float) -> dict[str, str]:
    since = datetime.fromtimestamp(math.floor(moment), UTC)
    return {"created_at_on_or_after": since.strftime("%Y-%m-%dT%H:%M:%SZ")}
