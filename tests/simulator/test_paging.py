"""Lists are paged in every style that LlamaCloud might use."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import Paging, SimulatedJob, Simulator, World, items_of

if TYPE_CHECKING:
    import httpx

JOB_IDS = [f"job-{number}" for number in range(7)]


@pytest.fixture(autouse=True)
def seven_jobs(world: World) -> None:
    """Add job-0 to job-6, created in that order."""
    for number, job_id in enumerate(JOB_IDS):
        world.add_job(SimulatedJob(job_id, created_at=1000.0 + number))


def page(client: httpx.Client, *, limit: int, offset: int) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(
        "/batch-processing", params={"limit": limit, "offset": offset}
    ).json()
    answer["ids"] = [row["id"] for row in answer["items"]]
    return answer


def paged_ids(client: httpx.Client, *, limit: int) -> list[list[str]]:
    """Request pages by the number of received rows, until a page is empty."""
    pages: list[list[str]] = []
    while True:
        ids = page(client, limit=limit, offset=sum(map(len, pages)))["ids"]
        if not ids:
            return pages
        pages.append(ids)


def test_pages_follow_each_other_newest_first(client: httpx.Client) -> None:
    """Every row is served once, and each page has the total number of rows."""
    assert paged_ids(client, limit=3) == [
        ["job-6", "job-5", "job-4"],
        ["job-3", "job-2", "job-1"],
        ["job-0"],
    ]
    assert page(client, limit=3, offset=6)["total_size"] == 7
    assert page(client, limit=3, offset=6)["next_page_token"] is None


def test_oldest_first(simulator: Simulator, client: httpx.Client) -> None:
    """The order can be reversed."""
    simulator.jobs_paging = Paging(order="oldest")
    assert [*chain(*paged_ids(client, limit=3))] == JOB_IDS


def test_shuffled_is_no_order_but_the_same_each_time(
    simulator: Simulator, client: httpx.Client
) -> None:
    """Shuffled pages hold every row once, and the order is the same in every run."""
    simulator.jobs_paging = Paging(order="shuffled")
    first, second = ([*chain(*paged_ids(client, limit=2))] for _ in range(2))
    assert first == second
    assert sorted(first) == JOB_IDS
    assert first not in (JOB_IDS, JOB_IDS[::-1])


@pytest.mark.parametrize(("total_size", "sent"), [(True, 7), (False, None), (1, 1), (99, 99)])
def test_total_size_is_true_absent_or_a_false_estimate(
    simulator: Simulator, client: httpx.Client, total_size: int, sent: int | None
) -> None:
    """A configured number is sent as it is, and the rows do not change."""
    simulator.jobs_paging = Paging(total_size=total_size)
    answer = page(client, limit=5, offset=5)
    assert (answer["total_size"], answer["ids"]) == (sent, ["job-1", "job-0"])


def test_a_page_token_says_that_more_follows(simulator: Simulator, client: httpx.Client) -> None:
    """The last page has no token."""
    simulator.jobs_paging = Paging(page_token=True)
    tokens = [page(client, limit=3, offset=offset)["next_page_token"] for offset in (0, 3, 6)]
    assert [token is not None for token in tokens] == [True, True, False]
    assert tokens[0] != tokens[1]


def test_fewer_rows_than_requested(simulator: Simulator, client: httpx.Client) -> None:
    """With max_rows, a short page is not the end."""
    simulator.jobs_paging = Paging(max_rows=2)
    assert [len(ids) for ids in paged_ids(client, limit=1000)] == [2, 2, 2, 1]


def test_an_ignored_offset_repeats_the_first_page(
    simulator: Simulator, client: httpx.Client
) -> None:
    """Every request returns the first page."""
    simulator.jobs_paging = Paging(ignore_offset=True, page_token=True)
    first, later = (page(client, limit=3, offset=offset) for offset in (0, 300))
    assert first == later
    assert first["next_page_token"] is not None


def test_a_moving_list_repeats_the_last_row_of_each_page(
    simulator: Simulator, client: httpx.Client
) -> None:
    """Each page begins with the last row of the page before, and no row is lost."""
    simulator.jobs_paging = Paging(repeat_last_row=True)
    assert paged_ids(client, limit=3) == [
        ["job-6", "job-5", "job-4"],
        ["job-4", "job-3", "job-2"],
        ["job-2", "job-1", "job-0"],
        ["job-0"],
    ]
    assert [page(client, limit=3, offset=3 * n)["total_size"] for n in range(3)] == [7, 8, 9]


def test_items_are_paged_in_a_style_of_their_own(
    world: World, simulator: Simulator, client: httpx.Client
) -> None:
    """Items keep their order by default; the jobs' style does not affect them."""
    world.jobs["job-0"].items = items_of("job-0", completed=3)
    simulator.jobs_paging = Paging(ignore_offset=True)
    numbers = ["00001", "00002", "00003"]
    params = {"limit": 2, "offset": 1}
    rows = client.get("/batch-processing/job-0/items", params=params).json()["items"]
    assert [row["item_id"][-5:] for row in rows] == numbers[1:]
    simulator.items_paging = Paging(order="newest")
    rows = client.get("/batch-processing/job-0/items").json()["items"]
    assert [row["item_id"][-5:] for row in rows] == numbers[::-1]
