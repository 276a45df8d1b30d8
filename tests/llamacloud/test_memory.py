"""What the v1beta API remembers of a job between its counts: that it was too large."""

from typing import Any

import pytest

from exporter.domain import (
    CountLimits,
    ItemCounts,
    ItemsCounted,
    Job,
    JobStatus,
    Memory,
    NotCounted,
)
from exporter.llamacloud.v1beta.api import V1BetaApi
from exporter.simulator import Paging, items_of
from tests.support.clients import client_of
from tests.support.cloud import Cloud
from tests.support.history import job

pytestmark = pytest.mark.anyio

PAGE = 10
# Of 35 items, which do not add up to the 36 that the job has.
SWEEP, SWEPT_AGAIN = 4, 8
FILTERED_LISTS = 4


@pytest.fixture
def short_pages(cloud: Cloud) -> Cloud:
    """Serve a few items a page."""
    cloud.simulator.items_paging = Paging(max_rows=PAGE)
    return cloud


async def counted(
    cloud: Cloud, counted_job: Job, memory: Memory = None, *, limit: int = 20
) -> tuple[ItemCounts | None, Memory, int]:
    """Count a job's items; return the counts, the memory, and how many pages were requested."""
    before = cloud.requests()["list_items"]
    async with client_of(cloud) as client:
        answer, memory = await V1BetaApi(client).count_items(
            counted_job, memory, CountLimits(limit)
        )
    assert isinstance(answer, ItemsCounted | NotCounted)
    assert counted_job.id == answer.job_id
    counts = answer.counts if isinstance(answer, ItemsCounted) else None
    return counts, memory, cloud.requests()["list_items"] - before


async def test_nothing_is_remembered_of_a_sweep(short_pages: Cloud) -> None:
    """Whether it adds up or not: the next one starts from the beginning."""
    short_pages.add_job(items=items_of("job-1", completed=35))
    counts, memory, requests = await counted(short_pages, job(total_items=35))
    assert counts is not None
    assert (None, SWEEP) == (memory, requests)
    assert (None, None, SWEPT_AGAIN) == await counted(short_pages, job(total_items=36))


async def test_a_job_without_total_items_is_swept_once(short_pages: Cloud) -> None:
    """Nothing shows that its list is incomplete."""
    short_pages.add_job(items=items_of("job-1", completed=35))
    _, _, requests = await counted(short_pages, job(total_items=None))
    assert SWEEP == requests


async def test_a_job_that_was_too_large_for_a_sweep_still_is_where_it_grew(
    short_pages: Cloud,
) -> None:
    """Or where it is as large: it goes straight to the filtered lists."""
    short_pages.add_job(items=items_of("job-1", completed=45, failed=3))
    first, memory, requests = await counted(short_pages, job(total_items=48), limit=4)
    assert first is not None
    assert (False, 4 + FILTERED_LISTS) == (first.whole, requests)
    for total_items in (48, 49):
        again, memory, requests = await counted(
            short_pages, job(total_items=total_items), memory, limit=4
        )
        assert (first, FILTERED_LISTS) == (again, requests)


@pytest.mark.parametrize(
    ("then", "changed"),
    [
        (49, {"total_items": 48}),
        (48, {"total_items": None}),
        (None, {"total_items": 48}),
        (48, {"status": JobStatus.COMPLETED}),
    ],
    ids=["shrank", "became unknown", "became known", "ended"],
)
async def test_a_job_that_was_too_large_for_a_sweep_may_be_swept_where_it_did_not_grow(
    short_pages: Cloud, then: int | None, changed: dict[str, Any]
) -> None:
    """Where it shrank, a sweep may do; and the last one of an ended job has more pages."""
    short_pages.add_job(items=items_of("job-1", completed=45, failed=3))
    _, memory, _ = await counted(short_pages, job(total_items=then), limit=4)
    now = job(**({"total_items": then} | changed))
    _, _, requests = await counted(short_pages, now, memory, limit=4)
    assert 4 + FILTERED_LISTS == requests
    counts, _, _ = await counted(short_pages, now, memory)
    assert counts is not None
    assert (48, True) == (counts.total, counts.whole)


async def test_a_job_with_nothing_counted_is_not_swept_in_vain(short_pages: Cloud) -> None:
    """That it is too large is remembered, also where not even the notable statuses were counted."""
    short_pages.add_job(items=items_of("job-1", completed=35))
    _, memory, requests = await counted(short_pages, job(total_items=36), limit=3)
    assert 3 == requests
    answer = await counted(short_pages, job(total_items=36), memory, limit=3)
    assert (None, memory, 0) == answer


async def test_what_another_reader_remembered_says_nothing(short_pages: Cloud) -> None:
    """A memory is opaque, and may be that of another generation of the API."""
    short_pages.add_job(items=items_of("job-1", completed=35))
    _, memory, requests = await counted(short_pages, job(total_items=35), object())
    assert (None, SWEEP) == (memory, requests)
