"""Listing batches, whatever the undocumented parts of the list turn out to be."""

from typing import Any

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response
from structlog.testing import capture_logs

from exporter.domain import JobNotFound, JobStatus, JobType, ListingPlan
from exporter.llamacloud.errors import BadResponse, ServerFailed, UnexpectedStatus, Unprocessable
from exporter.llamacloud.v2.api import V2Api
from tests.llamacloud.v2.batches_server import NOW, PROJECT, BatchesServer, Received, at, batch
from tests.llamacloud.v2.reading import known_job, reading
from tests.support.clients import Observer, client_of

pytestmark = pytest.mark.anyio

HOUR = 3600.0
SINCE = NOW - 24 * HOUR
OTHER_PROJECT = "0b9b8d5c-2f60-4f2c-8a3e-6a1c7e5d4f22"
REFUSED_SIZE = {"detail": [{"loc": ["query", "page_size"], "msg": "too many", "type": "x"}]}


def fill(server: BatchesServer, number: int) -> None:
    server.batches = [batch(f"bat-{n}") for n in range(number)]


async def test_a_row_becomes_a_job(server: BatchesServer) -> None:
    """With all its published facts; counts, a start and an end are absent."""
    server.batches = [batch(status="THROTTLED", config={"job": {"type": "extract_v2"}}), batch("b")]
    async with reading(server) as api:
        jobs = {job.id: job for job in (await api.listing(created_since=SINCE)).jobs}
    job, other = jobs["bat-1"], jobs["b"]
    assert ("v2", JobType.EXTRACT, JobStatus.THROTTLED, True) == (
        job.api_version,
        job.job_type,
        job.status,
        job.active,
    )
    assert (f"prj-{PROJECT}", "dir-1") == (job.project_id, job.directory_id)
    assert job.created_at == pytest.approx(NOW - 60, abs=0.001)
    assert job.updated_at == pytest.approx(NOW - 30, abs=0.001)
    assert (None, None, None, None, None) == (
        job.total_items,
        job.processed_items,
        job.started_at,
        job.completed_at,
        job.configuration_id,
    )
    assert (JobType.PARSE, "cfg-1", False) == (
        other.job_type,
        other.configuration_id,
        other.is_mapped,
    )


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PENDING", JobStatus.PENDING),
        ("Throttled", JobStatus.THROTTLED),
        ("running", JobStatus.RUNNING),
        ("COMPLETED", JobStatus.DISPATCHED),
        ("FAILED", JobStatus.FAILED),
        ("CANCELLED", JobStatus.CANCELLED),
        ("DISPATCHED", JobStatus.UNKNOWN),
        ("GONE", JobStatus.UNKNOWN),
        ("PAUSED", JobStatus.UNKNOWN),
        (None, JobStatus.UNKNOWN),
    ],
)
async def test_statuses_are_read_without_case(
    server: BatchesServer, word: str | None, status: JobStatus
) -> None:
    """What LlamaCloud calls completed is dispatched: the file jobs may run on."""
    server.batches = [batch(status=word)]
    async with reading(server) as api:
        (job,) = (await api.listing(created_since=SINCE)).jobs
    assert (status, word == "COMPLETED") == (job.status, job.is_mapped)


async def test_values_newer_than_this_exporter_are_logged_once(server: BatchesServer) -> None:
    """Of batches, of their types, of references and of file jobs."""
    server.batches = [batch(status="PAUSED", config={"job": {"type": "split_v2"}})]
    async with reading(server, project="invoices") as api:
        with capture_logs() as logs:
            for _ in range(2):
                (job,) = (await api.listing(created_since=SINCE)).jobs
    assert JobType.UNKNOWN is job.job_type
    assert {("job status", "PAUSED"), ("job type", "split_v2")} == {
        (line["kind"], line["value"]) for line in logs
    }
    assert ["invoices"] * 2 == [line["project"] for line in logs]


@pytest.mark.parametrize("number", [0, 1, 99, 100, 101, 250])
async def test_every_batch_of_the_window_is_found_once(server: BatchesServer, number: int) -> None:
    """At a price of one request for each hundred, and none beyond the last page."""
    fill(server, number)
    async with reading(server, project_id=f"prj-{PROJECT}") as api:
        listing = await api.listing(created_since=SINCE + 0.9)
    assert sorted(f"bat-{n}" for n in range(number)) == sorted(job.id for job in listing.jobs)
    assert (False, False, 0) == (listing.truncated, listing.reached_end, listing.rows_left_out)
    first = server.requests[0].params
    assert {
        "page_size": "100",
        "project_id": PROJECT,
        "created_at_on_or_after": at(int(SINCE + 0.9)).replace("+00:00", "Z"),
    } == first
    assert max(1, -(-number // 100)) == server.count()["batches"]


async def test_batches_out_of_the_window_are_not_listed(server: BatchesServer) -> None:
    """The whole history never is."""
    server.batches = [batch("old", created_at=at(SINCE - HOUR)), batch("new")]
    async with reading(server) as api:
        listing = await api.listing(created_since=SINCE)
    assert ["new"] == [job.id for job in listing.jobs]


async def test_a_full_listing_requests_active_batches_of_any_age(server: BatchesServer) -> None:
    """By three more requests, one for each status that LlamaCloud has for them."""
    statuses = ("PENDING", "THROTTLED", "RUNNING", "COMPLETED", "FAILED")
    server.batches = [
        batch(status, status=status, created_at=at(SINCE - HOUR)) for status in statuses
    ]
    async with reading(server) as api:
        listing = await api.listing(created_since=SINCE, is_full=True)
    assert {"PENDING", "THROTTLED", "RUNNING"} == {job.id for job in listing.jobs}
    assert listing.reached_end
    assert [None, "PENDING", "THROTTLED", "RUNNING"] == [
        received.params.get("status") for received in server.requests
    ]


async def test_without_a_window_active_batches_alone_are_listed(server: BatchesServer) -> None:
    """There is no listing of all that ever was."""
    server.batches = [batch("a"), batch("b", status="FAILED")]
    async with reading(server) as api:
        assert ["a"] == [job.id for job in (await api.listing()).jobs]


async def test_directories_are_filtered_there_and_types_here(server: BatchesServer) -> None:
    """LlamaCloud has no filter for types, so rows of other types are not logged."""
    server.batches = [
        batch(f"{kind}-{directory}", source_directory_id=directory, config={"job": {"type": kind}})
        for kind in ("parse_v2", "extract_v2")
        for directory in ("d-1", "d-2", "d-3")
    ]
    with capture_logs() as logs:
        async with reading(server) as api:
            listing = await api.listing(
                created_since=SINCE, directory_ids=("d-1", "d-2"), job_types=("Extract",)
            )
    assert ["extract_v2-d-1", "extract_v2-d-2"] == [job.id for job in listing.jobs]
    assert ([], 0, 2) == (logs, listing.rows_left_out, server.count()["batches"])


@pytest.mark.parametrize(
    ("contradicting", "plan", "named"),
    [
        ({"project_id": f"prj-{OTHER_PROJECT}"}, {}, "project_id"),
        ({"source_directory_id": "d-9"}, {"directory_ids": ("d-1",)}, "source_directory_id"),
        ({"created_at": at(SINCE - HOUR)}, {}, "created_at_on_or_after"),
    ],
)
async def test_rows_that_contradict_a_filter_are_left_out_and_logged(
    server: BatchesServer, contradicting: Any, plan: Any, named: str
) -> None:
    """Once for each filter."""
    rows = [batch("a", source_directory_id="d-1"), batch("b") | contradicting]
    server.answer = lambda _: JSONResponse({"items": rows})
    async with reading(server, project_id=PROJECT) as api:
        with capture_logs() as logs:
            for _ in range(2):
                listing = await api.listing(created_since=SINCE, **plan)
    assert (["a"], 1) == ([job.id for job in listing.jobs], listing.rows_left_out)
    assert [("api.row_not_asked_for", named, "b")] == [
        (line["event"], line["filter"], line["job_id"]) for line in logs
    ]


@pytest.mark.parametrize(("listings_without", "lines"), [(9, 1), (10, 2)])
async def test_rows_that_come_back_after_ten_listings_without_any_are_logged_again(
    server: BatchesServer, listings_without: int, lines: int
) -> None:
    """What comes and goes does not fill the log."""
    odd = batch("b", project_id=f"prj-{OTHER_PROJECT}")
    async with reading(server, project_id=PROJECT) as api:
        with capture_logs() as logs:
            for number in range(listings_without + 2):
                comes_back = number in {0, listings_without + 1}
                server.batches = [batch("a"), *([odd] if comes_back else [])]
                await api.listing(created_since=SINCE)
    assert ["api.row_not_asked_for"] * lines == [line["event"] for line in logs]


async def test_a_status_that_was_not_requested_is_left_out(server: BatchesServer) -> None:
    """If a server ignores the filter, only matching rows are used."""
    server.answer = lambda _: JSONResponse({"items": [batch("a"), batch("b", status="FAILED")]})
    async with reading(server) as api:
        listing = await api.listing()
    assert (["a"], 5) == ([job.id for job in listing.jobs], listing.rows_left_out)


async def test_a_listing_of_another_project_alone_is_a_bad_answer(server: BatchesServer) -> None:
    """It says nothing of this one."""
    fill(server, 2)
    async with reading(server, project_id=OTHER_PROJECT) as api:
        with pytest.raises(BadResponse, match="was requested, but the listed jobs are of"):
            await api.listing(created_since=SINCE)


@pytest.mark.parametrize("ending", [{"next_page_token": None}, {}, {"next_page_token": ""}])
async def test_a_list_ends_without_a_token(server: BatchesServer, ending: Any) -> None:
    """Whether it is null, absent or empty; totals and full pages mean nothing."""
    rows = [batch(f"bat-{n}") for n in range(100)]
    server.answer = lambda _: JSONResponse({"items": rows, "total_size": 9999, **ending})
    async with reading(server) as api:
        assert not (await api.listing(created_since=SINCE)).truncated
    assert 1 == server.count()["batches"]


@pytest.mark.parametrize("token", [17, {"next": "x"}, True])
async def test_a_token_that_cannot_be_read_promises_more(server: BatchesServer, token: Any) -> None:
    """The next page cannot be requested, so the listing is truncated."""
    server.answer = lambda _: JSONResponse({"items": [batch()], "next_page_token": token})
    async with reading(server) as api:
        listing = await api.listing(created_since=SINCE)
    assert (["bat-1"], True) == ([job.id for job in listing.jobs], listing.truncated)
    assert 1 == server.count()["batches"]


async def test_an_empty_page_is_the_end_whatever_its_token_is(server: BatchesServer) -> None:
    """Also where that cannot be read."""
    server.answer = lambda _: JSONResponse({"items": [], "next_page_token": 17})
    async with reading(server) as api:
        assert not (await api.listing(created_since=SINCE)).truncated


async def test_a_list_ends_with_an_empty_page_even_with_a_token(server: BatchesServer) -> None:
    """As for the vendor's own clients."""
    server.answer = lambda _: JSONResponse({"items": [], "next_page_token": "more"})
    async with reading(server) as api:
        assert not (await api.listing(created_since=SINCE)).truncated
    assert 1 == server.count()["batches"]


@pytest.mark.parametrize("repeats", ["token", "rows"])
async def test_a_server_that_repeats_itself_is_not_followed_for_ever(
    server: BatchesServer, repeats: str
) -> None:
    """What it promised was not seen: the listing is truncated, and still a listing."""

    def answer(_: Received) -> Response:
        page = len(server.requests)
        token = "same" if repeats == "token" else f"t-{page}"
        row = batch("same" if repeats == "rows" else f"bat-{page}")
        return JSONResponse({"items": [row], "next_page_token": token})

    server.answer = answer
    async with reading(server) as api:
        listing = await api.listing(created_since=SINCE)
    assert (True, 2) == (listing.truncated, server.count()["batches"])


async def test_the_page_limit_of_each_query_truncates(server: BatchesServer) -> None:
    """Where more was promised, and only there."""
    fill(server, 30)
    server.page_cap = 10
    async with reading(server) as api:
        assert (await api.listing(created_since=SINCE, max_requests=2)).truncated
        assert not (await api.listing(created_since=SINCE, max_requests=3)).truncated


@pytest.mark.parametrize("code", [400, 422])
async def test_a_token_that_is_refused_begins_the_list_anew_once(
    server: BatchesServer, code: int
) -> None:
    """How long tokens live is documented nowhere."""
    fill(server, 30)
    server.page_cap = 10
    refusals = 1

    def answer(received: Received) -> Response | None:
        nonlocal refusals
        if received.params.get("page_token") != "from-20" or not refusals:
            return None
        refusals -= 1
        return JSONResponse({"detail": "Invalid page token"}, code)

    server.answer = answer
    async with reading(server) as api:
        listing = await api.listing(created_since=SINCE)
        assert (30, False) == (len(listing.jobs), listing.truncated)
        assert 6 == server.count()["batches"]
        refusals = 2
        with pytest.raises((UnexpectedStatus, Unprocessable), match="Invalid page token"):
            await api.listing(created_since=SINCE)


async def test_a_refusal_of_the_first_page_is_one(server: BatchesServer) -> None:
    """Nothing would be other the second time."""
    server.answer = lambda _: JSONResponse({"detail": "no"}, 400)
    async with reading(server) as api:
        with pytest.raises(UnexpectedStatus):
            await api.listing(created_since=SINCE)
    assert 1 == server.count()["batches"]


async def test_a_page_size_that_is_refused_is_left_out_from_then_on(server: BatchesServer) -> None:
    """The greatest one is documented nowhere."""
    fill(server, 30)
    server.page_cap = 10

    def answer(received: Received) -> Response | None:
        return JSONResponse(REFUSED_SIZE, 422) if "page_size" in received.params else None

    server.answer = answer
    async with reading(server) as api:
        with capture_logs() as logs:
            assert 30 == len((await api.listing(created_since=SINCE)).jobs)
            assert 4 == server.count()["batches"]
            await api.listing(created_since=SINCE)
    assert 3 == server.count()["batches"]
    assert ["api.page_size_refused"] == [line["event"] for line in logs]


async def test_a_batch_that_comes_twice_is_the_newer_one(server: BatchesServer) -> None:
    """A full listing shows an active batch in two of its queries."""
    server.answer = lambda received: JSONResponse(
        {"items": [batch(status=received.params.get("status", "PENDING"))]}
    )
    async with reading(server) as api:
        (job,) = (await api.listing(created_since=SINCE, is_full=True)).jobs
    assert JobStatus.RUNNING is job.status


async def test_a_listing_fails_as_a_whole(server: BatchesServer) -> None:
    """Half a listing would be a lie."""
    fill(server, 30)
    server.page_cap = 10
    server.answer = lambda received: (
        PlainTextResponse("", 500) if "page_token" in received.params else None
    )
    async with reading(server) as api:
        with pytest.raises(ServerFailed):
            await api.listing(created_since=SINCE)


async def test_odd_rows_and_fields_are_left_out_alone(server: BatchesServer) -> None:
    """Counted each time, and logged once by their names."""
    odd = batch(
        "odd", status=7, updated_at={}, config={"job": {"type": [], "configuration_id": "c"}}
    )
    rows = [batch("good"), odd, batch(".."), batch("cut", config=3), 5]
    server.answer = lambda _: JSONResponse({"items": rows, "next_page_token": 3})
    observer = Observer()
    async with reading(server, observer) as api:
        with capture_logs() as logs:
            for _ in range(2):
                listing = await api.listing(created_since=SINCE)
    jobs = {job.id: job for job in listing.jobs}
    assert ({"good", "odd", "cut"}, 2) == (set(jobs), listing.rows_left_out)
    assert (JobStatus.UNKNOWN, JobType.UNKNOWN, "c") == (
        jobs["odd"].status,
        jobs["odd"].job_type,
        jobs["odd"].configuration_id,
    )
    fields = {"status", "updated_at", "type", "config", "next_page_token"}
    assert {("list_batches", name): 2 for name in fields} == observer.unread_fields
    assert {"list_batches": 4} == observer.unread_rows
    events = [line["event"] for line in logs]
    assert (5, 1) == (events.count("api.unreadable_field"), events.count("api.unreadable_row"))


async def test_a_listing_uses_the_share_of_listings(server: BatchesServer) -> None:
    """Requests about single batches leave it to them, and never before."""
    fill(server, 1)
    async with client_of(server) as client:
        access = client._access  # noqa: SLF001 - where the budget of tests is
        async with access.budget.permit(access, listing=True) as permit:
            await V2Api(client).list_jobs(ListingPlan(1, created_since=SINCE), permit)
            assert permit.is_used


async def test_a_json_404_means_that_the_batch_is_not_found(server: BatchesServer) -> None:
    """A gateway's says nothing of it."""
    async with reading(server) as api:
        answer, memory = await api.api.job_status(known_job(), None)
        assert isinstance(answer, JobNotFound)
        assert memory is None
        server.answer = lambda _: PlainTextResponse("no such page", 404)
        with pytest.raises(BadResponse, match="HTTP 404"):
            await api.status()


@pytest.mark.parametrize(
    ("requested", "came"),
    [
        (f"bat-{OTHER_PROJECT}", OTHER_PROJECT),
        (OTHER_PROJECT.upper(), f"bat-{OTHER_PROJECT}"),
        ("bat-1", "bat-1"),
    ],
)
async def test_a_batch_keeps_the_id_by_which_it_is_known(
    server: BatchesServer, requested: str, came: str
) -> None:
    """LlamaCloud documents it with a prefix and without it."""
    server.answer = lambda _: JSONResponse(batch(came))
    async with reading(server) as api:
        assert requested == (await api.status(requested)).id


@pytest.mark.parametrize(
    "row", [batch("bat-2"), batch("bat-1", project_id=OTHER_PROJECT), {"id": ""}, {}]
)
async def test_an_answer_about_another_batch_is_a_bad_one(server: BatchesServer, row: Any) -> None:
    """As is one about another project, or about none."""
    server.answer = lambda _: JSONResponse(row)
    async with reading(server, project_id=PROJECT) as api:
        with pytest.raises(BadResponse):
            await api.status("bat-1")
