"""Counting items: exactly or not at all."""

from itertools import product
from typing import Any

import pytest
from asking import client_of
from cloud import Cloud

from exporter.domain import FailedItem, ItemCounts, ItemStatus
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.v1beta import BatchProcessing
from exporter.poller.counting import count_items
from exporter.simulator import Paging, items_of

pytestmark = pytest.mark.anyio

MANY = {"completed": 20, "failed": 4, "skipped": 3, "processing": 2, "pending": 5, "cancelled": 1}


async def counted(cloud: Cloud, **limits: Any) -> ItemCounts | None:
    total_items = limits.pop("total_items", len(cloud.world.jobs["job-1"].items))
    async with client_of(cloud) as client:
        answer = await count_items(
            BatchProcessing(client),
            "job-1",
            total_items=total_items,
            **({"max_pages": 10, "may_sweep_twice": True} | limits),
        )
    return answer.counts if answer else None


@pytest.mark.parametrize(
    ("total_size", "page_token", "max_rows", "order"),
    [
        style
        for style in product(
            (True, False, 7, 9999), (True, False), (None, 10), ("newest", "oldest", "shuffled")
        )
        if not (style[2] and style[0] in {False, 7} and not style[1])
    ],
)
async def test_every_style_of_paging_gives_exact_counts(
    cloud: Cloud,
    total_size: bool | int,  # noqa: FBT001 - a parameter of the test
    page_token: bool,  # noqa: FBT001 - likewise
    max_rows: int | None,
    order: Any,
) -> None:
    """``total_size`` may be an estimate, and never feeds a count."""
    cloud.add_job(items=items_of("job-1", **MANY))
    cloud.simulator.items_paging = Paging(
        total_size=total_size, page_token=page_token, max_rows=max_rows, order=order
    )
    counts = await counted(cloud)
    assert counts is not None
    assert MANY == {str(status): number for status, number in counts.by_status.items()}


async def test_a_job_of_under_a_thousand_items_costs_one_request(cloud: Cloud) -> None:
    """Also where its count is not the job's ``total_items``."""
    cloud.add_job(items=items_of("job-1", completed=999))
    await counted(cloud, total_items=1234)
    assert 1 == cloud.requests()["list_items"]


async def test_repeated_rows_are_counted_once(cloud: Cloud) -> None:
    """A list that moves under the paging repeats rows, and skips others."""
    cloud.add_job(items=items_of("job-1", completed=35))
    cloud.simulator.items_paging = Paging(max_rows=10, repeat_last_row=True)
    counts = await counted(cloud)
    assert counts is not None
    assert 35 == counts.total


async def test_a_sweep_that_does_not_add_up_is_done_once_more(cloud: Cloud) -> None:
    """Where that was not tried in vain before."""
    cloud.add_job(items=items_of("job-1", completed=35))
    cloud.simulator.items_paging = Paging(max_rows=10)
    await counted(cloud, total_items=35)
    assert 4 == cloud.requests()["list_items"]
    await counted(cloud, total_items=36)
    assert 4 + 8 == cloud.requests()["list_items"]
    await counted(cloud, total_items=36, may_sweep_twice=False)
    assert 4 + 8 + 4 == cloud.requests()["list_items"]


async def test_a_job_with_too_many_items_is_not_counted_short(cloud: Cloud) -> None:
    """Nor at all: it costs no request where ``total_items`` says so beforehand."""
    cloud.add_job(items=items_of("job-1", completed=35))
    assert await counted(cloud, total_items=10_001) is None
    assert 0 == cloud.requests()["list_items"]
    cloud.simulator.items_paging = Paging(max_rows=10)
    assert await counted(cloud, max_pages=3) is None
    assert await counted(cloud, max_pages=4) is not None


async def test_a_server_that_repeats_itself_gives_no_count(cloud: Cloud) -> None:
    """It would be short: the job keeps the count it had."""
    cloud.add_job(items=items_of("job-1", completed=15))
    cloud.simulator.items_paging = Paging(max_rows=10, ignore_offset=True)
    with pytest.raises(BadResponse, match="repeats itself"):
        await counted(cloud)
    assert 2 + 2 == cloud.requests()["list_items"]


async def test_details_are_gathered_on_the_way(cloud: Cloud) -> None:
    """Reasons, durations, the newest time, and the first failed items."""
    items = items_of("job-1", started_at=1000.0, completed_at=1004.0, completed=2, skipped=3)
    items[2].skip_reason, items[3].skip_reason, items[4].skip_reason = (
        None,
        "size_limit_exceeded",
        "full moon",
    )
    items += items_of("more", started_at=2000.0, completed_at=2100.0, failed=25)
    cloud.add_job(items=items)
    counts = await counted(cloud)
    assert counts is not None
    assert {"other": 2, "size_limit_exceeded": 1} == counts.skip_reasons
    assert (30, 5 * 4 + 25 * 100.0) == (sum(counts.durations.counts), counts.durations.sum)
    assert 2100.0 == counts.newest_at
    assert 20 == len(counts.failed)
    assert (
        FailedItem(items[5].item_id, items[5].item_name, items[5].error_message) == counts.failed[0]
    )


async def test_endless_texts_are_cut(cloud: Cloud) -> None:
    """They are free text without bound."""
    items = items_of("job-1", failed=1)
    items[0].error_message = items[0].item_name = "x" * 100_000
    cloud.add_job(items=items)
    counts = await counted(cloud)
    assert counts is not None
    assert (500, 500) == (
        len(counts.failed[0].item_name),
        len(counts.failed[0].error_message or ""),
    )


async def test_a_job_without_items_is_counted_as_such(cloud: Cloud) -> None:
    """Nothing is something that can be known."""
    cloud.add_job(items=[])
    counts = await counted(cloud)
    assert counts is not None
    assert (0, True, {}) == (counts.total, counts.settled, counts.by_status)
    assert ItemStatus.FAILED not in counts.by_status
