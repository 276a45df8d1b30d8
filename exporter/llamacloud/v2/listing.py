"""Listing the recent batches of a project, and active ones of any age; never all batches."""

from __future__ import annotations

import math
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

# A batch that LlamaCloud calls completed may have running file jobs: it is requested by its id.
_ACTIVE = ("PENDING", "THROTTLED", "RUNNING")


async def list_jobs(reader: Reader, plan: ListingPlan) -> Listing:
    """List the batches of a project, each once.

    Raises:
        BadResponse: all listed batches are of another project than was requested.
        LlamaCloudError: a page could not be read; no part of a listing is returned.
    """
    listed = ListedJobs()
    ended = [await _list_pages(reader, plan, query, listed) for query in _queries_of(plan)]
    # By LlamaCloud's clock, from its first answer.
    recent = _recent_queries_of(plan, listed.began_at)
    ended += [await _list_pages(reader, plan, query, listed) for query in recent]
    reader.left_out.listing_ended()
    # LlamaCloud has no filter by type.
    return listed.listing(
        truncated=not all(ended), reached_end=plan.is_full, job_types=plan.job_types
    )


async def _list_pages(
    reader: Reader, plan: ListingPlan, query: Mapping[str, str], listed: ListedJobs
) -> bool:
    """Read the pages of one query up to its end or a limit; return whether the end was reached.

    If a token is refused, the query begins again, once.
    """
    token, has_restarted = None, False
    seen_ids, seen_tokens = set[str](), set[str]()
    for _ in range(plan.max_requests):
        try:
            page = await reader.batches_page(query, token)
        except StatusRefused as error:
            if has_restarted or not is_refused_token(error, token):
                raise
            token, has_restarted = None, True
            seen_ids, seen_tokens = set(), set()
            continue
        ids = listed.add(page)
        # As in the vendor's own clients, totals and short pages are ignored.
        if not page.sent or not page.announces_more:
            return True
        token = page.next_token or ""
        is_repeated = token in seen_tokens or (bool(ids) and ids <= seen_ids)
        # The next page cannot be requested, or the server repeats itself.
        if page.is_token_unreadable or is_repeated:
            return False
        seen_ids |= ids
        seen_tokens.add(token)
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
