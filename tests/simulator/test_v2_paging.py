"""v2 lists are paged by tokens, in every style that LlamaCloud might use."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import SimulatedBatch, SimulatedFileJob, Simulator, TokenPaging, World

if TYPE_CHECKING:
    import httpx

BATCH_IDS = [f"bat-{number}" for number in range(7)]
MAX_PAGES = 10


@pytest.fixture(autouse=True)
def seven_batches(world: World) -> None:
    """Add bat-0 to bat-6, created in that order."""
    for number, batch_id in enumerate(BATCH_IDS):
        world.add_batch(SimulatedBatch(batch_id, created_at=1000.0 + number))


def page(client: httpx.Client, path: str = "/batches", **params: Any) -> dict[str, Any]:
    answer: dict[str, Any] = client.get(path, params=params).raise_for_status().json()
    answer["ids"] = [row["id"] for row in answer["items"]]
    return answer


def paged_ids(client: httpx.Client, path: str = "/batches", **params: Any) -> list[list[str]]:
    """Follow the tokens as the vendor's clients do, until there is none or a page is empty."""
    pages: list[list[str]] = []
    token: dict[str, str] = {}
    while len(pages) < MAX_PAGES:
        answer = page(client, path, **params, **token)
        pages.append(answer["ids"])
        if not answer["next_page_token"] or not answer["ids"]:
            break
        token = {"page_token": answer["next_page_token"]}
    return pages


def first_token(client: httpx.Client, **params: Any) -> str:
    token = page(client, page_size=3, **params)["next_page_token"]
    assert isinstance(token, str)
    return token


def test_pages_follow_each_other_newest_first(v2_client: httpx.Client) -> None:
    """Every row is served once, and pages do not contain the total number."""
    assert paged_ids(v2_client, page_size=3) == [
        ["bat-6", "bat-5", "bat-4"],
        ["bat-3", "bat-2", "bat-1"],
        ["bat-0"],
    ]
    assert page(v2_client)["total_size"] is None


@pytest.mark.parametrize("path", ["/parse", "/extract"])
def test_file_jobs_are_paged_too(world: World, v2_client: httpx.Client, path: str) -> None:
    """A token is valid only for the ids of its request."""
    names = [f"job-{number}" for number in range(5)]
    for number, name in enumerate(names):
        kind = f"{path[1:]}_v2"
        world.add_file_job(SimulatedFileJob(name, kind, created_at=1000.0 + number))
    pages = paged_ids(v2_client, path, job_ids=names[:4], page_size=2)
    assert pages == [["job-3", "job-2"], ["job-1", "job-0"]]


@pytest.mark.parametrize(("total_size", "sent"), [(True, 7), (False, None), (99, 99)])
def test_total_size_is_true_absent_or_a_false_estimate(
    simulator: Simulator, v2_client: httpx.Client, total_size: int, sent: int | None
) -> None:
    """A configured number is sent as it is, and the rows do not change."""
    simulator.batches_paging = TokenPaging(total_size=total_size)
    assert page(v2_client, page_size=3)["total_size"] == sent


def test_an_order_is_not_promised(simulator: Simulator, v2_client: httpx.Client) -> None:
    """Lists may be oldest first, or shuffled in the same way each time."""
    simulator.batches_paging = TokenPaging(order="oldest")
    assert [*chain(*paged_ids(v2_client, page_size=3))] == BATCH_IDS
    simulator.batches_paging = TokenPaging(order="shuffled")
    first, second = ([*chain(*paged_ids(v2_client, page_size=2))] for _ in range(2))
    assert first == second
    assert sorted(first) == BATCH_IDS
    assert first not in (BATCH_IDS, BATCH_IDS[::-1])


def test_without_a_size_pages_have_the_default_one(
    world: World, simulator: Simulator, v2_client: httpx.Client
) -> None:
    """Neither the default size nor full pages are documented."""
    for number in range(7, 60):
        world.add_batch(SimulatedBatch(f"bat-{number}"))
    assert [50, 10] == [*map(len, paged_ids(v2_client))]
    simulator.batches_paging = TokenPaging(max_rows=20)
    assert [20, 20, 20] == [*map(len, paged_ids(v2_client, page_size=100))]


def test_each_list_can_limit_the_page_size(simulator: Simulator, v2_client: httpx.Client) -> None:
    """A larger size is refused, for this list alone."""
    simulator.batches_paging = TokenPaging(max_page_size=30)
    codes = [
        v2_client.get(path, params={"page_size": size}).status_code
        for path, size in (("/batches", 30), ("/batches", 31), ("/parse", 31))
    ]
    assert codes == [200, 422, 200]


def test_the_last_page_may_have_a_token(simulator: Simulator, v2_client: httpx.Client) -> None:
    """It leads to empty pages with further tokens, so an empty page is the end."""
    simulator.batches_paging = TokenPaging(trailing_token=True)
    assert [7, 0] == [*map(len, paged_ids(v2_client, page_size=7))]
    token = page(v2_client, page_size=7)["next_page_token"]
    assert page(v2_client, page_size=7, page_token=token)["next_page_token"] is not None


def test_a_token_may_lead_nowhere(simulator: Simulator, v2_client: httpx.Client) -> None:
    """Every request returns the first page, with the same token."""
    simulator.batches_paging = TokenPaging(ignore_token=True)
    token = first_token(v2_client)
    again = page(v2_client, page_size=3, page_token=token)
    assert (again["ids"], again["next_page_token"]) == (["bat-6", "bat-5", "bat-4"], token)


def test_a_token_is_valid_for_its_own_query(v2_client: httpx.Client) -> None:
    """Only the page size may change between pages, and unknown tokens are refused."""
    token = first_token(v2_client, status="RUNNING")
    good = page(v2_client, page_size=2, status="RUNNING", page_token=token)
    assert good["ids"] == ["bat-3", "bat-2"]
    for strange in (
        {"page_token": token},
        {"page_token": token, "status": "FAILED"},
        {"page_token": "bogus", "status": "RUNNING"},
        {"page_token": "Ww==", "status": "RUNNING"},
    ):
        refused = v2_client.get("/batches", params=strange)
        assert (refused.status_code, refused.json()) == (400, {"detail": "Invalid page token"})
    assert v2_client.get("/parse", params={"page_token": token}).status_code == 400


def test_tokens_expire_by_the_worlds_clock(
    world: World, simulator: Simulator, v2_client: httpx.Client
) -> None:
    """They are refused with 400, or with 422 in FastAPI's format; a new listing gets a new one."""
    now = [2000.0]
    world.clock = lambda: now[0]
    simulator.batches_paging = TokenPaging(token_lifetime_seconds=60, refusal_code=422)
    token = first_token(v2_client)
    now[0] += 60
    assert page(v2_client, page_token=token)["ids"] == ["bat-3", "bat-2", "bat-1", "bat-0"]
    now[0] += 1
    refused = v2_client.get("/batches", params={"page_token": token})
    (problem,) = refused.json()["detail"]
    assert (refused.status_code, problem["loc"]) == (422, ["query", "page_token"])
    assert len(page(v2_client, page_token=first_token(v2_client))["ids"]) == 4


def test_a_number_of_tokens_may_be_refused(simulator: Simulator, v2_client: httpx.Client) -> None:
    """They are valid again afterwards, as after a restart of the server."""
    simulator.batches_paging = TokenPaging(tokens_to_refuse=1)
    params = {"page_token": first_token(v2_client)}
    codes = [v2_client.get("/batches", params=params).status_code for _ in range(2)]
    assert codes == [400, 200]
