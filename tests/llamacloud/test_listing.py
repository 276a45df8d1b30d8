"""Listing all jobs, whatever the undocumented parts of paging turn out to be."""

import json
from itertools import product
from typing import Any

import pytest

from exporter.domain import Listing, ListingPlan
from exporter.llamacloud.errors import ServerFailed
from exporter.llamacloud.v1beta.listing import list_jobs
from exporter.llamacloud.v1beta.reader import Reader
from exporter.simulator import Fault, Paging
from tests.support.clients import client_of
from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio


def add_jobs(cloud: Cloud, number: int) -> None:
    now = cloud.world.clock()
    for index in range(number):
        cloud.add_job(f"job-{index}", items=[], created_at=now - 60 * index)


async def listing_of(cloud: Cloud, **plan: Any) -> Listing:
    async with client_of(cloud) as client:
        return await list_jobs(Reader(client, {}), ListingPlan(**({"max_requests": 100} | plan)))


@pytest.mark.parametrize("number", [0, 1, 999, 1000, 1001, 2000, 2345])
@pytest.mark.parametrize("order", ["newest", "oldest", "shuffled"])
async def test_every_job_is_found_once(cloud: Cloud, number: int, order: Any) -> None:
    """With one request per 1000 jobs, if the server sends the total."""
    add_jobs(cloud, number)
    cloud.simulator.jobs_paging = Paging(order=order)
    listing = await listing_of(cloud)
    assert sorted(f"job-{index}" for index in range(number)) == sorted(
        job.id for job in listing.jobs
    )
    assert (False, True) == (listing.truncated, listing.reached_end)
    # A full last page does not show that it is the last.
    assert number // 1000 + 1 == cloud.requests()["list_jobs"]


@pytest.mark.parametrize(
    ("total_size", "page_token", "max_rows", "repeat_last_row"),
    [
        # Without a total and a token, a server that serves fewer rows than requested cannot be
        # distinguished from one that has no more: nothing that is documented would help.
        style
        for style in product((True, False, 3, 9999), (True, False), (None, 10), (True, False))
        if not (style[2] and style[0] in {False, 3} and not style[1])
    ],
)
async def test_every_style_of_paging_lists_all_jobs(
    cloud: Cloud,
    total_size: bool | int,  # noqa: FBT001 - a parameter of the test
    page_token: bool,  # noqa: FBT001 - likewise
    max_rows: int | None,
    repeat_last_row: bool,  # noqa: FBT001 - likewise
) -> None:
    """With and without totals (also wrong ones) and tokens, short pages, repeated rows."""
    add_jobs(cloud, 35)
    cloud.simulator.jobs_paging = Paging(
        total_size=total_size,
        page_token=page_token,
        max_rows=max_rows,
        repeat_last_row=repeat_last_row,
    )
    listing = await listing_of(cloud)
    assert {f"job-{index}" for index in range(35)} == {job.id for job in listing.jobs}
    assert 35 == len(listing.jobs)
    assert not listing.truncated


async def test_a_server_that_repeats_itself_is_not_followed_for_ever(cloud: Cloud) -> None:
    """What it promised was not seen: the listing is truncated, and still a listing."""
    add_jobs(cloud, 35)
    cloud.simulator.jobs_paging = Paging(max_rows=10, ignore_offset=True)
    listing = await listing_of(cloud)
    assert (10, True) == (len(listing.jobs), listing.truncated)
    assert 2 == cloud.requests()["list_jobs"]


async def test_a_total_that_was_not_reached_truncates_too(cloud: Cloud) -> None:
    """Where the rows that are missing would fit into the page that came again."""
    add_jobs(cloud, 12)
    cloud.simulator.jobs_paging = Paging(max_rows=10, ignore_offset=True)
    assert (await listing_of(cloud)).truncated


UNREADABLE_PROMISES: list[dict[str, Any]] = [
    {"next_page_token": 7},
    {"next_page_token": {"c": 1}},
    {"total_size": "50"},
    {"total_size": 50.5},
    {"total_size": 10, "next_page_token": []},
]


@pytest.mark.parametrize("promise", UNREADABLE_PROMISES, ids=str)
async def test_a_promise_that_cannot_be_read_does_not_end_a_listing(
    cloud: Cloud, promise: dict[str, Any]
) -> None:
    """Pages are read on until one is empty."""
    rows = [{"id": f"job-{index}"} for index in range(30)]
    for start in range(0, 40, 10):
        body = json.dumps({"items": rows[start : start + 10], **promise}).encode()
        cloud.simulator.faults.add(Fault("raw", times=1, endpoint="list_jobs", body=body))
    listing = await listing_of(cloud)
    assert (30, False, True) == (len(listing.jobs), listing.truncated, listing.reached_end)
    assert 4 == cloud.requests()["list_jobs"]


async def test_a_promise_that_cannot_be_read_is_not_followed_for_ever(cloud: Cloud) -> None:
    """A page that comes again ends the listing, which may lack jobs."""
    body = json.dumps({"items": [{"id": "job-0"}], "next_page_token": 7}).encode()
    cloud.simulator.faults.add(Fault("raw", endpoint="list_jobs", body=body))
    listing = await listing_of(cloud)
    assert (1, True) == (len(listing.jobs), listing.truncated)
    assert 2 == cloud.requests()["list_jobs"]


async def test_the_page_limit_truncates(cloud: Cloud) -> None:
    """Where more was promised, and only there."""
    add_jobs(cloud, 30)
    cloud.simulator.jobs_paging = Paging(max_rows=10)
    assert (await listing_of(cloud, max_requests=2)).truncated
    assert not (await listing_of(cloud, max_requests=3)).truncated


async def test_a_listing_fails_as_a_whole(cloud: Cloud) -> None:
    """Half a listing would be a lie."""
    add_jobs(cloud, 30)
    cloud.simulator.jobs_paging = Paging(max_rows=10)
    fault = Fault("status", code=500)
    async with client_of(cloud) as client:
        reader = Reader(client, {})
        await reader.jobs_page(0, {})
        cloud.simulator.faults.add(fault)
        with pytest.raises(ServerFailed):
            await list_jobs(reader, ListingPlan(max_requests=100))


async def test_filters_are_listed_in_every_combination(cloud: Cloud) -> None:
    """LlamaCloud accepts one value of each at a time."""
    for job_type, directory in product(("parse", "extract", "classify"), ("d-1", "d-2", "d-3")):
        cloud.add_job(f"{job_type}-{directory}", job_type=job_type, directory_id=directory)
    listing = await listing_of(cloud, directory_ids=("d-1", "d-2"), job_types=("parse", "extract"))
    assert {"parse-d-1", "parse-d-2", "extract-d-1", "extract-d-2"} == {
        job.id for job in listing.jobs
    }
    assert 4 == cloud.requests()["list_jobs"]


async def test_old_news_is_not_read_where_rows_come_newest_first(cloud: Cloud) -> None:
    """The listing then did not reach the end, and says so."""
    add_jobs(cloud, 35)
    cloud.simulator.jobs_paging = Paging(max_rows=10)
    listing = await listing_of(cloud, news_since=cloud.world.clock() - 60 * 14)
    assert 20 == len(listing.jobs)
    assert (False, False) == (listing.truncated, listing.reached_end)


@pytest.mark.parametrize("odd", [1795877185, "0001-01-01T00:00:00Z", None], ids=str)
async def test_a_row_without_a_date_does_not_make_a_listing_a_full_one(
    cloud: Cloud, odd: Any
) -> None:
    """It says nothing of the order; the other rows do."""
    add_jobs(cloud, 35)
    for index in (0, 13):
        cloud.world.jobs[f"job-{index}"].overrides["created_at"] = odd
    cloud.simulator.jobs_paging = Paging(max_rows=10)
    listing = await listing_of(cloud, news_since=cloud.world.clock() - 60 * 14)
    assert (20, False) == (len(listing.jobs), listing.reached_end)


async def test_where_no_row_has_a_date_a_listing_goes_to_the_end(cloud: Cloud) -> None:
    """No job is known to be old then."""
    add_jobs(cloud, 35)
    for job in cloud.world.jobs.values():
        job.overrides["created_at"] = None
    cloud.simulator.jobs_paging = Paging(max_rows=10)
    listing = await listing_of(cloud, news_since=cloud.world.clock() - 60 * 14)
    assert (35, True) == (len(listing.jobs), listing.reached_end)


@pytest.mark.parametrize("order", ["oldest", "shuffled"])
async def test_the_shortcut_is_not_taken_where_the_order_does_not_hold(
    cloud: Cloud, order: Any
) -> None:
    """No order is documented."""
    add_jobs(cloud, 35)
    cloud.simulator.jobs_paging = Paging(max_rows=10, order=order)
    listing = await listing_of(cloud, news_since=cloud.world.clock() - 60 * 14)
    assert (35, True) == (len(listing.jobs), listing.reached_end)


async def test_moments_are_those_of_the_answers(cloud: Cloud) -> None:
    """The first answer's for the beginning, the last one's for the end."""
    add_jobs(cloud, 20)
    cloud.simulator.jobs_paging = Paging(max_rows=10)
    moments = iter(range(1_790_000_000, 1_790_009_999))
    cloud.world.clock = lambda: float(next(moments))
    listing = await listing_of(cloud)
    assert 1_790_000_000 <= listing.began_at < listing.ended_at
