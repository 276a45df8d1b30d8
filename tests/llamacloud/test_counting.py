"""Counting items: exactly or not at all."""

import json
import tracemalloc
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from random import Random
from typing import Any

import pytest

from exporter.domain import (
    CountLimits,
    FailedItem,
    ItemCounts,
    ItemsCounted,
    ItemStatus,
    NotCounted,
    UncountedReason,
)
from exporter.llamacloud.v1beta.api import V1BetaApi
from exporter.llamacloud.v1beta.counting import ItemCounter
from exporter.llamacloud.v1beta.items import ItemRow
from exporter.simulator import Fault, Paging, SimulatedJob, items_of
from exporter.simulator.paging import Page
from tests.support.clients import client_of
from tests.support.cloud import Cloud
from tests.support.history import job

pytestmark = pytest.mark.anyio

ANSWERED_AT = datetime(2026, 6, 1, tzinfo=UTC).timestamp()
BEGAN_AT = ANSWERED_AT - 3600
MANY = {"completed": 20, "failed": 4, "skipped": 3, "processing": 2, "pending": 5, "cancelled": 1}


async def counted(cloud: Cloud, **facts: Any) -> ItemCounts | None:
    answer = await answered(cloud, **facts)
    return answer.counts if isinstance(answer, ItemsCounted) else None


async def answered(cloud: Cloud, max_pages: int = 10, **facts: Any) -> ItemsCounted | NotCounted:
    facts.setdefault("total_items", len(cloud.world.jobs["job-1"].items))
    async with client_of(cloud) as client:
        limits = CountLimits(max_pages)
        answer, _ = await V1BetaApi(client).count_items(job(**facts), None, limits)
    assert isinstance(answer, ItemsCounted | NotCounted)
    return answer


class ChangingItems(Paging):
    """A list of items that change after each page, by ``change`` of the rows that were sent."""

    def __init__(self, change: Callable[[Sequence[Any], int], None], **style: Any) -> None:
        super().__init__(**style)
        self.change = change

    def page(self, rows: Sequence[Any], *, limit: int, offset: int) -> Page[Any]:
        """Cut a page out of the rows, as they are before they change."""
        page = super().page(rows, limit=limit, offset=offset)
        sent = [copy(row) for row in page.rows]
        self.change(sent, offset)
        return replace(page, rows=sent)


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
async def test_every_style_of_paging_leads_to_exact_counts(
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
    assert {"unknown": 0} | MANY == {str(s): number for s, number in counts.by_status.items()}


async def test_a_job_of_under_a_thousand_items_costs_one_request(cloud: Cloud) -> None:
    """Also where its count is not the job's ``total_items``."""
    cloud.add_job(items=items_of("job-1", completed=999))
    await counted(cloud, total_items=1234)
    assert 1 == cloud.requests()["list_items"]


@pytest.mark.parametrize("promise", [{"next_page_token": 7}, {"total_size": "30"}], ids=str)
async def test_a_promise_that_cannot_be_read_does_not_end_a_count(
    cloud: Cloud, promise: dict[str, Any]
) -> None:
    """Pages are read on until one is empty."""
    cloud.add_job(items=[])
    rows = [{"item_id": f"item-{index}", "status": "failed"} for index in range(30)]
    for start in range(0, 40, 10):
        body = json.dumps({"items": rows[start : start + 10], **promise}).encode()
        cloud.simulator.faults.add(Fault("raw", times=1, endpoint="list_items", body=body))
    counts = await counted(cloud, total_items=None)
    assert counts is not None
    assert 30 == counts.by_status[ItemStatus.FAILED]


async def test_pages_that_are_short_in_silence_are_read_until_the_job_is_whole(
    cloud: Cloud,
) -> None:
    """A server may limit its pages without a total or a token."""
    cloud.add_job(items=items_of("job-1", completed=30, failed=20))
    cloud.simulator.items_paging = Paging(max_rows=10, total_size=False, page_token=False)
    counts = await counted(cloud)
    assert counts is not None
    assert (50, 20) == (counts.total, counts.by_status[ItemStatus.FAILED])
    assert 5 == cloud.requests()["list_items"]


async def test_a_page_short_of_the_total_is_taken_as_it_is_where_none_follows(
    cloud: Cloud,
) -> None:
    """LlamaCloud's own number may be ahead of its list: that costs one request more."""
    cloud.add_job(items=items_of("job-1", completed=30))
    cloud.simulator.items_paging = Paging(total_size=False, page_token=False)
    counts = await counted(cloud, total_items=31)
    assert counts is not None
    assert 30 == counts.total
    assert 2 == cloud.requests()["list_items"]
    await counted(cloud, total_items=None)
    await counted(cloud, total_items=30)
    assert 2 + 1 + 1 == cloud.requests()["list_items"]


async def test_a_page_short_of_the_total_that_comes_again_leads_to_no_count(cloud: Cloud) -> None:
    """The items that are missing may have failed."""
    cloud.add_job(items=items_of("job-1", completed=15))
    cloud.simulator.items_paging = Paging(
        max_rows=10, total_size=False, page_token=False, ignore_offset=True
    )
    assert await counted(cloud) is None


async def test_failed_items_on_pages_that_are_short_in_silence_are_all_counted(
    cloud: Cloud,
) -> None:
    """As far as the job says how many there are."""
    cloud.add_job(items=items_of("job-1", failed=30, completed=5))
    cloud.simulator.items_paging = Paging(max_rows=10, total_size=False, page_token=False)
    counts = await counted(cloud, total_items=10_001, failed_items=30)
    assert counts is not None
    assert 30 == counts.by_status[ItemStatus.FAILED]
    # One for each status, and two more for the failed items.
    assert 4 + 2 == cloud.requests()["list_items"]
    # That number may be ahead of the list, too, which is then read twice.
    counts = await counted(cloud, total_items=100_001, failed_items=33, max_pages=20)
    assert counts is not None
    assert 30 == counts.by_status[ItemStatus.FAILED]


async def test_repeated_rows_are_counted_once(cloud: Cloud) -> None:
    """A list that moves under the paging repeats rows, and skips others."""
    cloud.add_job(items=items_of("job-1", completed=35))
    cloud.simulator.items_paging = Paging(max_rows=10, repeat_last_row=True)
    counts = await counted(cloud)
    assert counts is not None
    assert 35 == counts.total


async def test_a_sweep_that_does_not_add_up_is_done_once_more(cloud: Cloud) -> None:
    """If that does not add up either, the job is not counted, and says why."""
    cloud.add_job(items=items_of("job-1", completed=35))
    cloud.simulator.items_paging = Paging(max_rows=10)
    await counted(cloud, total_items=35)
    assert 4 == cloud.requests()["list_items"]
    answer = await answered(cloud, total_items=36)
    assert 4 + 8 == cloud.requests()["list_items"]
    assert isinstance(answer, NotCounted)
    assert UncountedReason.DOES_NOT_ADD_UP is answer.reason


class ShufflingList(Paging):
    """A list in another order at each request."""

    def ordered(self, oldest_first: Sequence[Any], _id_of: Callable[[Any], str]) -> Sequence[Any]:
        """Shuffle the rows."""
        return self.random.sample(oldest_first, len(oldest_first))

    def __init__(self, random: Random) -> None:
        super().__init__(max_rows=10)
        self.random = random


async def test_a_list_in_another_order_at_each_request_is_not_counted_short(cloud: Cloud) -> None:
    """Two sweeps together would show too few items, and too few failed ones."""
    cloud.add_job(items=items_of("job-1", completed=20, failed=40))
    cloud.simulator.items_paging = ShufflingList(Random(1))  # noqa: S311 - a history
    answer = await answered(cloud)
    assert isinstance(answer, NotCounted)
    assert UncountedReason.DOES_NOT_ADD_UP is answer.reason


class MovingList(Paging):
    """A list by the time of the last change, of items that change while it is read."""

    def ordered(self, oldest_first: Sequence[Any], _id_of: Callable[[Any], str]) -> Sequence[Any]:
        """Complete some items, which come first from now on."""
        rows = list(oldest_first)
        pending = [row for row in rows if row.status == "pending"]
        for row in self.random.sample(pending, min(4, len(pending))):
            row.status = "completed"
            rows.remove(row)
            rows.insert(0, row)
        self.job.items = rows
        return rows

    def __init__(self, job: SimulatedJob, random: Random) -> None:
        super().__init__(max_rows=10)
        self.job = job
        self.random = random


@pytest.mark.parametrize("seed", range(10))
async def test_a_list_that_moves_while_it_is_paged_is_counted_exactly_or_not_at_all(
    cloud: Cloud, seed: int
) -> None:
    """A sweep misses items that come to the front, until the list stands still."""
    cloud_job = cloud.add_job(items=items_of("job-1", pending=45, failed=5))
    cloud.simulator.items_paging = MovingList(cloud_job, Random(seed))  # noqa: S311 - a history
    exact = ItemStatus.COMPLETED, ItemStatus.PENDING
    for _ in range(3):
        counts = await counted(cloud)
        if counts is not None:
            assert (50, 5) == (counts.total, counts.by_status[ItemStatus.FAILED])
            assert 45 == sum(counts.by_status[status] for status in exact)
    assert counts is not None


async def test_of_a_job_too_large_for_a_sweep_what_matters_is_counted(cloud: Cloud) -> None:
    """By filtered lists; other statuses and durations are absent."""
    items = items_of("job-1", **MANY, started_at=BEGAN_AT, completed_at=BEGAN_AT + 4)
    cloud.add_job(items=items)
    counts = await counted(cloud, total_items=10_001, failed_items=4, skipped_items=3)
    assert counts is not None
    assert {"processing": 2, "failed": 4, "skipped": 3, "cancelled": 1} == {
        str(status): number for status, number in counts.by_status.items()
    }
    assert (False, False) == (counts.whole, counts.settled)
    assert ({"already_processed": 3}, 4) == (counts.skip_reasons, len(counts.failed))
    assert {"other": 4} == counts.failure_reasons
    assert (BEGAN_AT + 4, 0) == (counts.newest_at, sum(counts.durations.counts))
    requested = [request.params["status"] for request in cloud.simulator.requests]
    assert ["processing", "failed", "skipped", "cancelled"] == requested


async def test_an_item_that_fails_between_two_of_the_lists_is_counted_as_failed(
    cloud: Cloud,
) -> None:
    """Once, and as what it is now."""
    cloud_job = cloud.add_job(items=items_of("job-1", processing=2, completed=3))

    def fail(_sent: Sequence[Any], _offset: int) -> None:
        cloud_job.items[0].status = "failed"

    cloud.simulator.items_paging = ChangingItems(fail)
    counts = await counted(cloud, total_items=10_001)
    assert counts is not None
    by_status = counts.by_status
    assert (1, 1) == (by_status[ItemStatus.PROCESSING], by_status[ItemStatus.FAILED])


async def test_of_what_matters_only_what_is_few_is_counted(cloud: Cloud) -> None:
    """What is too many is absent; it costs no request where the job's own counts say so."""
    cloud.add_job(items=items_of("job-1", processing=35, failed=12, skipped=2, completed=10))
    cloud.simulator.items_paging = Paging(max_rows=10)
    counts = await counted(cloud, total_items=10_001, max_pages=6, skipped_items=5_000)
    assert counts is not None
    assert {"failed": 12, "cancelled": 0} == {str(s): n for s, n in counts.by_status.items()}
    requested = [request.params["status"] for request in cloud.simulator.requests]
    assert ["processing"] * 2 + ["failed"] * 2 + ["cancelled"] == requested


async def test_without_a_page_for_each_status_nothing_is_counted(cloud: Cloud) -> None:
    """Its own counts are all that is known of the job then."""
    cloud.add_job(items=items_of("job-1", failed=25, completed=10))
    assert await counted(cloud, total_items=10_001, max_pages=3) is None
    assert 0 == cloud.requests()["list_items"]


async def test_a_list_by_status_that_moves_is_read_once_more(cloud: Cloud) -> None:
    """Failed items that are retried meanwhile push others out of what is still to be read."""
    cloud_job = cloud.add_job(items=items_of("job-1", failed=30))

    def retry_two(sent: Sequence[Any], offset: int) -> None:
        if offset == 0 and sent and sent[0].status == "failed":
            cloud_job.items[0].status = cloud_job.items[1].status = "pending"

    cloud.simulator.items_paging = ChangingItems(retry_two, max_rows=10, order="oldest")
    counts = await counted(cloud, total_items=10_001, failed_items=30)
    assert counts is not None
    assert 30 == counts.by_status[ItemStatus.FAILED]


def test_an_item_is_counted_as_it_was_seen_last() -> None:
    """Also its duration, its reason and whether it failed, though it came twice."""
    counter = ItemCounter(lambda word: ItemStatus(word or "unknown"))
    began = datetime(2026, 1, 1, tzinfo=UTC)
    for number, status in enumerate(("skipped", "failed", "completed")):
        ended = began + timedelta(seconds=10 * number)
        row = ItemRow(item_id="a", status=status, started_at=began, completed_at=ended)
        assert (number == 0) == counter.add([row], ANSWERED_AT)
    counts = counter.counts(ItemStatus)
    assert (1, 1) == (counts.total, counts.by_status[ItemStatus.COMPLETED])
    assert ({}, {}, ()) == (counts.skip_reasons, counts.failure_reasons, counts.failed)
    assert (1, 20.0) == (sum(counts.durations.counts), counts.durations.sum)
    counter.add([ItemRow(item_id="a", status="pending", started_at=began)], ANSWERED_AT)
    assert 0 == sum(counter.counts(ItemStatus).durations.counts)


def test_times_of_items_that_cannot_be_are_absent() -> None:
    """They would be the newest of all, or would make items last for centuries."""
    counter = ItemCounter(lambda word: ItemStatus(word or "unknown"))
    began = datetime(2026, 1, 1, tzinfo=UTC)
    never, later = datetime(1, 1, 1, tzinfo=UTC), datetime(2126, 1, 1, tzinfo=UTC)
    counter.add(
        [
            ItemRow(item_id="a", status="completed", started_at=never, completed_at=began),
            ItemRow(item_id="b", status="completed", started_at=began, completed_at=later),
        ],
        ANSWERED_AT,
    )
    counts = counter.counts(ItemStatus)
    assert (2, 0) == (counts.by_status[ItemStatus.COMPLETED], sum(counts.durations.counts))
    assert began.timestamp() == counts.newest_at


async def test_a_server_that_does_not_heed_the_filter_leads_to_no_count(cloud: Cloud) -> None:
    """The list contains items in other statuses."""
    cloud.add_job(items=items_of("job-1", completed=10))
    cloud.world.jobs["job-1"].items[3].overrides["status"] = "completed"
    cloud.world.jobs["job-1"].items[3].status = "processing"
    counts = await counted(cloud, total_items=10_001)
    assert counts is not None
    assert ItemStatus.PROCESSING not in counts.by_status
    assert 4 == cloud.requests()["list_items"]


async def test_memory_stays_flat_during_a_sweep(cloud: Cloud) -> None:
    """Ids and statuses are kept while it lasts, pages are not: a tenth of what was read."""
    items = items_of("job-1", completed=20_000)
    cloud.add_job(items=items)
    tracemalloc.start()
    counts = await counted(cloud, max_pages=21)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert counts is not None
    assert 20_000 == counts.total
    assert peak_bytes < 20e6


async def test_where_pages_are_short_and_many_what_matters_is_counted(cloud: Cloud) -> None:
    """As where a job says that it is too large; test_memory.py has the next count."""
    cloud.add_job(items=items_of("job-1", completed=45, failed=3))
    cloud.simulator.items_paging = Paging(max_rows=10)
    counts = await counted(cloud, max_pages=4)
    assert counts is not None
    assert {"processing": 0, "failed": 3, "skipped": 0, "cancelled": 0} == counts.by_status
    assert 4 + 4 == cloud.requests()["list_items"]


async def test_a_job_with_nothing_counted_is_not_counted_short(cloud: Cloud) -> None:
    """Nor at all, where there is no page for each status that matters."""
    cloud.add_job(items=items_of("job-1", completed=35))
    cloud.simulator.items_paging = Paging(max_rows=10)
    assert await counted(cloud, max_pages=3) is None
    assert await counted(cloud, max_pages=4) is not None


async def test_a_server_that_repeats_itself_leads_to_no_count(cloud: Cloud) -> None:
    """It would be short."""
    cloud.add_job(items=items_of("job-1", completed=15))
    cloud.simulator.items_paging = Paging(max_rows=10, ignore_offset=True)
    for total_items in (15, 10, None):
        answer = await answered(cloud, total_items=total_items)
        assert isinstance(answer, NotCounted)
        assert UncountedReason.DOES_NOT_ADD_UP is answer.reason
    assert 3 * (2 + 2) == cloud.requests()["list_items"]


async def test_failed_items_are_counted_by_the_reason_in_their_message(cloud: Cloud) -> None:
    """All of them, and not only those whose messages are kept; a code may stand after those."""
    items = items_of("job-1", completed=2, skipped=1, failed=27)
    messages = ["PDF_IS_BROKEN: page 7", "x" * 600 + " TIMEOUT", None, " "]
    for item, message in zip(items[3:], messages, strict=False):
        item.error_message = message
    cloud.add_job(items=items)
    counts = await counted(cloud)
    assert counts is not None
    assert {"pdf_is_broken": 1, "timeout": 1, "none": 2, "other": 23} == counts.failure_reasons


async def test_where_failed_items_are_too_many_there_are_no_reasons(cloud: Cloud) -> None:
    """The reasons of some would pass for those of all."""
    cloud.add_job(items=items_of("job-1", completed=10, failed=25))
    cloud.simulator.items_paging = Paging(max_rows=10)
    counts = await counted(cloud, total_items=10_001, max_pages=4)
    assert counts is not None
    assert ItemStatus.FAILED not in counts.by_status
    assert {} == counts.failure_reasons


async def test_details_are_gathered_on_the_way(cloud: Cloud) -> None:
    """Reasons, durations, the newest time, and the first failed items."""
    items = items_of(
        "job-1", started_at=BEGAN_AT, completed_at=BEGAN_AT + 4, completed=2, skipped=3
    )
    items[2].skip_reason, items[3].skip_reason, items[4].skip_reason = (
        None,
        "size_limit_exceeded",
        "full moon",
    )
    items += items_of("more", started_at=BEGAN_AT, completed_at=BEGAN_AT + 100, failed=25)
    cloud.add_job(items=items)
    counts = await counted(cloud)
    assert counts is not None
    assert {"other": 2, "size_limit_exceeded": 1} == counts.skip_reasons
    assert (30, 5 * 4 + 25 * 100.0) == (sum(counts.durations.counts), counts.durations.sum)
    assert BEGAN_AT + 100 == counts.newest_at
    assert 20 == len(counts.failed)
    assert (
        FailedItem(items[5].item_id, items[5].item_name, items[5].error_message, "other")
        == counts.failed[0]
    )


async def test_endless_texts_are_cut(cloud: Cloud) -> None:
    """They are free text without bound."""
    items = items_of("job-1", failed=1)
    items[0].error_message = items[0].item_name = "x" * 100_000
    cloud.add_job(items=items)
    counts = await counted(cloud)
    assert counts is not None
    assert (500, 500) == (
        len(counts.failed[0].item_name or ""),
        len(counts.failed[0].error_message or ""),
    )


async def test_a_job_without_items_is_counted_as_such(cloud: Cloud) -> None:
    """Nothing is something that can be known."""
    cloud.add_job(items=[])
    counts = await counted(cloud)
    assert counts is not None
    assert (0, True, True) == (counts.total, counts.settled, counts.whole)


async def test_too_many_items_are_dated_by_the_first_request(cloud: Cloud) -> None:
    """A job that ended while its list was read gets larger limits, and is counted again."""
    cloud.add_job(items=items_of("job-1", completed=35))
    cloud.simulator.items_paging = Paging(max_rows=10)
    answer = await answered(cloud, max_pages=3)
    assert isinstance(answer, NotCounted)
    assert answer.asked_monotonic <= cloud.simulator.requests[0].arrived_monotonic
