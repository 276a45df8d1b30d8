"""Requesting file jobs by id: missing ones, and answers that are too large, refused or cut off."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse, Response, StreamingResponse
from structlog.testing import capture_logs

from exporter.domain import ItemStatus
from exporter.llamacloud.bodies import LONGEST_ANSWER_BYTES
from exporter.llamacloud.errors import (
    BadResponse,
    NetworkFailed,
    ServerFailed,
    Unprocessable,
)
from exporter.llamacloud.refusals import JobMissing
from tests.llamacloud.v2.batches_server import (
    PROJECT,
    BatchesServer,
    Received,
    batch,
    file_job,
    result,
)
from tests.llamacloud.v2.reading import Reading, items, reading
from tests.support.clients import Observer

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio

DAY = 86_400.0
OTHER_PROJECT = "0b9b8d5c-2f60-4f2c-8a3e-6a1c7e5d4f22"
REFUSED_IDS = {"detail": [{"loc": ["query", "job_ids"], "msg": "too many", "type": "x"}]}
REFUSED_SIZE = {"detail": [{"loc": ["query", "page_size"], "msg": "too many", "type": "x"}]}


def extracts(server: BatchesServer, number: int, status: str = "COMPLETED") -> None:
    server.batches = [
        batch(status="COMPLETED", results=[result(n, "extract_v2") for n in range(number)])
    ]
    server.extract = [file_job(n, status) for n in range(number)]


def parses(server: BatchesServer, number: int, status: str = "RUNNING") -> None:
    server.batches = [batch(status="COMPLETED", results=[result(n) for n in range(number)])]
    server.parse = [file_job(n, status) for n in range(number)]


def sizes_of(server: BatchesServer, endpoint: str) -> list[int]:
    """Return the numbers of ids in the requests since the last call."""
    sizes = [len(received.job_ids) for received in server.requests if received.endpoint == endpoint]
    server.requests.clear()
    return sizes


def too_large_body() -> Response:
    body = gzip.compress(b'{"items":[]' + b" " * LONGEST_ANSWER_BYTES + b"}")
    return Response(body, headers={"Content-Encoding": "gzip"})


def cut_off() -> Response:
    async def pieces() -> Any:
        yield b'{"items":['
        raise ConnectionAbortedError

    return StreamingResponse(pieces())


REFUSALS: dict[str, Callable[[], Response]] = {
    "413": lambda: JSONResponse({"detail": "x"}, 413),
    "414": lambda: Response("x", 414),
    "422": lambda: JSONResponse(REFUSED_IDS, 422),
    "400": lambda: JSONResponse({"detail": "x"}, 400),
    "404": lambda: JSONResponse({"detail": "x"}, 404),
    "body": too_large_body,
}


@pytest.mark.parametrize("kind", REFUSALS)
async def test_an_answer_that_is_too_large_is_requested_in_halves(
    server: BatchesServer, kind: str
) -> None:
    """At once; what worked is kept for the project."""
    extracts(server, 40)
    server.answer = lambda received: REFUSALS[kind]() if len(received.job_ids) > 5 else None
    async with reading(server, project="invoices") as api:
        with capture_logs() as logs:
            assert {"completed": 40} == items(await api.counted())
            # A refusal may be one of all file jobs: a single one is tried before the halves.
            tried = [1] if kind in {"414", "422", "400", "404"} else []
            assert [20, *tried, 10, 5, 5, 10, 5, 5, 5, 5, 5, 5] == sizes_of(server, "extract")
            another = Reading(api.api)
            assert {"completed": 40} == items(await another.counted())
    assert [5] * 8 == sizes_of(server, "extract")
    (line,) = logs
    assert ("api.fewer_ids_at_a_time", "info", "invoices") == (
        *(line["event"], line["log_level"]),
        line["project"],
    )
    assert ("list_extract_jobs", 5, 20) == (
        *(line["endpoint"], line["ids_at_a_time"]),
        line["before"],
    )


async def test_a_body_that_breaks_off_is_requested_in_halves_without_retries(
    server: BatchesServer,
) -> None:
    """It would break off again after the same time."""
    parses(server, 100)
    server.answer = lambda received: cut_off() if len(received.job_ids) > 50 else None
    observer = Observer()
    async with reading(server, observer) as api:
        assert {"processing": 100} == items(await api.counted())
    assert ([100, 50, 50], 0) == (sizes_of(server, "parse"), observer.retried.total())


async def test_a_body_that_does_not_end_in_time_is_requested_in_halves(
    server: BatchesServer,
) -> None:
    """As one that breaks off."""

    async def without_end() -> Any:
        import asyncio  # noqa: PLC0415 - for this answer alone

        yield b'{"items":['
        await asyncio.Event().wait()

    parses(server, 4)
    server.answer = lambda received: (
        StreamingResponse(without_end()) if len(received.job_ids) > 2 else None
    )
    observer = Observer()
    async with reading(server, observer, client={"timeout_seconds": 0.3}) as api:
        assert {"processing": 4} == items(await api.counted())
    assert ([4, 2, 2], 0) == (sizes_of(server, "parse"), observer.retried.total())


async def test_a_single_body_that_breaks_off_is_retried(server: BatchesServer) -> None:
    """Where others come, its file job alone is unknown, until it comes."""
    parses(server, 3, "COMPLETED")

    def answer(received: Received) -> Response | None:
        return cut_off() if len(received.job_ids) > 1 or received.job_ids == ["job-2"] else None

    server.answer = answer
    async with reading(server) as api:
        assert {"completed": 2, "unknown": 1} == items(await api.counted())
        assert [3, 1, 2, 1, 1, 1, 1] == sizes_of(server, "parse")
        server.answer = lambda _: None
        assert {"completed": 3} == items(await api.counted())
        assert [1] == sizes_of(server, "parse")


@pytest.mark.parametrize("number", [1, 8])
async def test_where_all_bodies_break_off_the_count_fails(
    server: BatchesServer, number: int
) -> None:
    """It is the network then, and no file job is the worse for it."""
    parses(server, number, "COMPLETED")
    async with reading(server) as api:
        server.answer = lambda received: cut_off() if received.job_ids else None
        for _ in range(4):
            with pytest.raises(NetworkFailed):
                await api.counted()
        server.requests.clear()
        server.answer = lambda _: None
        assert {"completed": number} == items(await api.counted())
    assert [number] == sizes_of(server, "parse")


async def test_a_count_that_breaks_off_keeps_what_it_learnt(server: BatchesServer) -> None:
    """Also if LlamaCloud fails: file jobs that have ended are not requested again."""
    parses(server, 300, "COMPLETED")
    broken = True
    server.answer = lambda received: (
        Response("", 500) if broken and received.job_ids[:1] == ["job-200"] else None
    )
    async with reading(server) as api:
        with pytest.raises(ServerFailed):
            await api.counted()
        sizes_of(server, "parse")
        broken = False
        assert {"completed": 300} == items(await api.counted())
    assert [100] == sizes_of(server, "parse")


async def test_a_file_job_that_cannot_be_had_alone_takes_no_other_with_it(
    server: BatchesServer,
) -> None:
    """It is unknown, and costs less and less, and no smaller requests for the others."""
    extracts(server, 20)
    server.answer = lambda received: too_large_body() if "job-7" in received.job_ids else None
    async with reading(server) as api:
        assert {"completed": 19, "unknown": 1} == items(await api.counted())
        assert [20, 10, 5, 5, 2, 3, 1, 2, 10] == sizes_of(server, "extract")
        received = []
        for _ in range(10):
            api.now += 30
            await api.counted()
            received.append(sizes_of(server, "extract"))
        assert [[1], [1], [], [1], [], [], [], [1], [], []] == received
        extracts(server, 20)
        another = Reading(api.api)
        server.answer = lambda _: None
        await another.counted()
    assert [20] == sizes_of(server, "extract")


@pytest.mark.parametrize(("number", "sizes"), [(64, [64, 1, 1]), (2, [2, 1, 1]), (1, [1])])
async def test_where_every_file_job_is_refused_the_refusal_is_reported(
    server: BatchesServer, number: int, sizes: list[int]
) -> None:
    """After a few requests: the cause cannot be all of them, so none is given up."""
    parses(server, number)
    server.answer = lambda received: JSONResponse(REFUSED_IDS, 422) if received.job_ids else None
    async with reading(server) as api:
        for _ in range(5):
            with pytest.raises(Unprocessable, match="job_ids: too many"):
                await api.counted()
            assert sizes == sizes_of(server, "parse")
            api.now += DAY
        server.answer = lambda _: None
        assert {"processing": number} == items(await api.counted())
        assert [number] == sizes_of(server, "parse")


async def test_where_a_few_file_jobs_are_refused_the_others_are_found(
    server: BatchesServer,
) -> None:
    """Also where the first ones that are tried alone are among the few: then others are tried."""
    parses(server, 8)
    few = {"job-0", "job-4"}
    server.answer = lambda received: (
        JSONResponse(REFUSED_IDS, 422) if few.intersection(received.job_ids) else None
    )
    async with reading(server) as api:
        with pytest.raises(Unprocessable):
            await api.counted()
        assert {"processing": 6, "unknown": 2} == items(await api.counted())


async def test_the_last_file_job_that_is_refused_is_distinguished_from_a_list_that_refuses_all(
    server: BatchesServer,
) -> None:
    """By a file job that the list returned before: while that one is refused too, none is lost."""
    parses(server, 2, "COMPLETED")
    bad = {"job-1"}
    server.answer = lambda received: (
        JSONResponse({"detail": "x"}, 404) if bad.intersection(received.job_ids) else None
    )
    async with reading(server) as api:
        assert {"completed": 1, "unknown": 1} == items(await api.counted())
        bad.add("job-0")
        for _ in range(5):
            api.now += DAY
            with pytest.raises(JobMissing):
                await api.counted()
        bad.remove("job-0")
        server.requests.clear()
        for _ in range(2):
            answer = await api.counted()
            api.now += DAY
    assert ({"completed": 1, "unknown": 1}, 2) == (items(answer), len(answer.ended))
    # It alone, then the one that came before.
    assert [["job-1"], ["job-0"]] * 2 == [a.job_ids for a in server.requests if a.job_ids]


async def test_a_file_job_that_is_refused_at_first_is_requested_until_it_is_given_up(
    server: BatchesServer,
) -> None:
    """A list may not know a new id for some minutes; the last refresh requests it as well."""
    parses(server, 3)
    server.answer = lambda received: (
        JSONResponse({"detail": "x"}, 404) if "job-1" in received.job_ids else None
    )
    moments = []
    async with reading(server) as api:
        began = api.now
        while api.now < began + 900:
            await api.counted()
            moments += [
                api.now - began for received in server.requests if received.job_ids == ["job-1"]
            ]
            server.requests.clear()
            api.now += 30
        assert [0, 30, 60, 120, 240, 480] == moments
        server.answer = lambda _: None
        assert {"processing": 3} == items(await api.counted())


async def test_a_file_job_that_came_may_be_refused_anew(server: BatchesServer) -> None:
    """An answer that is too large now and then costs no trust."""
    extracts(server, 2, "RUNNING")
    async with reading(server) as api:
        for _ in range(4):
            server.answer = lambda received: (
                too_large_body() if "job-1" in received.job_ids else None
            )
            assert {"processing": 1, "unknown": 1} == items(await api.counted())
            server.answer = lambda _: None
            assert {"processing": 2} == items(await api.counted())


@pytest.mark.parametrize(
    ("answer", "error", "requests"),
    [
        (lambda: JSONResponse({"detail": "x"}, 404), JobMissing, 3),
        (lambda: Response("", 404), BadResponse, 1),
    ],
)
async def test_a_list_that_is_not_found_says_nothing_of_the_project(
    server: BatchesServer,
    answer: Callable[[], Response],
    error: type[Exception],
    requests: int,
) -> None:
    """Its batches are listed; a gateway's 404 says nothing at all."""
    parses(server, 2)
    server.answer = lambda received: answer() if received.job_ids else None
    async with reading(server) as api:
        with pytest.raises(error, match="HTTP 404"):
            await api.counted()
    assert requests == server.count()["parse"]


async def test_tokens_are_followed_before_a_file_job_counts_as_missing(
    server: BatchesServer,
) -> None:
    """A server may serve fewer rows than the page size."""
    parses(server, 10)
    server.page_cap = 3
    async with reading(server) as api:
        assert {"processing": 10} == items(await api.counted())
    received = [request for request in server.requests if request.endpoint == "parse"]
    assert [10] * 4 == [len(request.job_ids) for request in received]
    assert [None, "from-3", "from-6", "from-9"] == [
        request.params.get("page_token") for request in received
    ]


async def test_behind_a_token_that_cannot_be_read_the_others_are_requested(
    server: BatchesServer,
) -> None:
    """None of them is missing for that."""
    parses(server, 10)

    def first_three(received: Received) -> Response | None:
        if not received.job_ids:
            return None
        rows = [row for row in server.parse if row["id"] in received.job_ids]
        return JSONResponse({"items": rows[:3], "next_page_token": 17 if rows[3:] else None})

    server.answer = first_three
    async with reading(server) as api:
        assert {"processing": 10} == items(await api.counted())
    received = [request for request in server.requests if request.endpoint == "parse"]
    assert [(10, None), (7, None), (4, None), (1, None)] == [
        (len(request.job_ids), request.params.get("page_token")) for request in received
    ]


async def test_a_file_job_that_is_not_listed_is_unknown_until_it_is(server: BatchesServer) -> None:
    """It is never done for that."""
    parses(server, 3)
    kept = server.parse.pop()
    async with reading(server) as api:
        answer = await api.counted()
        assert ({"processing": 2, "unknown": 1}, False) == (items(answer), answer.is_over)
        assert () == answer.ended
        server.parse.append(kept)
        assert {"processing": 3} == items(await api.counted())


async def test_a_token_that_is_refused_begins_anew_without_what_was_found(
    server: BatchesServer,
) -> None:
    """Once."""
    parses(server, 9)
    server.page_cap = 3
    refusals = 1

    def answer(received: Received) -> Response | None:
        nonlocal refusals
        if received.params.get("page_token") != "from-3" or not refusals:
            return None
        refusals -= 1
        return JSONResponse({"detail": "expired"}, 400)

    server.answer = answer
    async with reading(server) as api:
        assert {"processing": 9} == items(await api.counted())
    assert [9, 9, 6, 6] == sizes_of(server, "parse")


async def test_where_no_token_works_fewer_are_requested(server: BatchesServer) -> None:
    """So few that no token is needed."""
    parses(server, 9)
    server.page_cap = 3
    server.answer = lambda received: (
        JSONResponse({"detail": "expired"}, 400) if "page_token" in received.params else None
    )
    async with reading(server) as api:
        assert {"processing": 9} == items(await api.counted())
        # Nine, six that were not found, and each time a second page that is refused; then halves.
        assert [9, 9, 6, 6, 4, 4, 1, 5] == sizes_of(server, "parse")[:8]
        await api.counted()
    assert [5, 5, 2, 4, 4, 1] == sizes_of(server, "parse")


async def test_a_server_that_ignores_the_ids_is_not_followed_for_ever(
    server: BatchesServer,
) -> None:
    """Rows with other ids are ignored, and a page of only such rows ends the list."""
    parses(server, 2)
    others = [file_job(number, "FAILED") for number in range(100, 500)]

    def answer(received: Received) -> Response | None:
        if received.endpoint != "parse":
            return None
        start = int(received.params.get("page_token", "0"))
        rows = [file_job(0, "COMPLETED"), *others][start : start + 10]
        return JSONResponse({"items": rows, "next_page_token": str(start + 10)})

    server.answer = answer
    async with reading(server) as api:
        assert {"completed": 1, "unknown": 1} == items(await api.counted())
    assert [2, 2] == sizes_of(server, "parse")


async def test_a_token_that_comes_again_ends_the_list(server: BatchesServer) -> None:
    """As does an empty page with a token."""
    parses(server, 5)

    def answer(received: Received) -> Response | None:
        rows = [file_job(len(server.requests) - 2)] if received.endpoint == "parse" else []
        return JSONResponse({"items": rows, "next_page_token": "same"}) if rows else None

    server.answer = answer
    async with reading(server) as api:
        assert {"processing": 2, "unknown": 3} == items(await api.counted())
    assert [5, 5] == sizes_of(server, "parse")


async def test_a_page_size_that_is_refused_is_left_out(server: BatchesServer) -> None:
    """The request is not halved: short pages have tokens."""
    parses(server, 100)
    server.page_cap = 50
    server.answer = lambda received: (
        JSONResponse(REFUSED_SIZE, 422)
        if "page_size" in received.params and received.job_ids
        else None
    )
    async with reading(server) as api:
        assert {"processing": 100} == items(await api.counted())
        assert [100, 100, 100] == sizes_of(server, "parse")
        await api.counted()
    assert [100, 100] == sizes_of(server, "parse")


async def test_references_of_other_types_are_unknown_and_logged_once(
    server: BatchesServer,
) -> None:
    """Nothing lists them; so are references that cannot be read."""
    odd: list[Any] = [
        result(0, "classify_v2"),
        result(1, "classify_v2", message="x"),
        result(2) | {"job_reference": {"type": "parse_v2", "id": ".."}},
        result(3) | {"job_reference": "job-3"},
        result(4) | {"job_reference": {"type": "parse_v2"}},
    ]
    server.batches = [batch(status="COMPLETED", results=odd)]
    observer = Observer()
    async with reading(server, observer) as api:
        with capture_logs() as logs:
            assert {"unknown": 5} == items(await api.counted())
    assert ["job reference type"] == [line["kind"] for line in logs if "kind" in line]
    assert {("batch", "job_reference"): 3} == observer.unread_fields
    assert {"batch": 1} == server.count()


async def test_odd_file_jobs_are_read_as_far_as_possible(server: BatchesServer) -> None:
    """A row without a usable id is left out, and its file job is missing."""
    parses(server, 5)
    server.parse[1] |= {"status": "FAILED", "error_message": {"secret": 1}, "created_at": "never"}
    server.parse[2] |= {"status": 7}
    server.parse[3] |= {"status": "PAUSED"}
    sent: list[Any] = [*server.parse[:4], {"id": "\x00"}, 3]
    server.answer = lambda received: JSONResponse({"items": sent}) if received.job_ids else None
    observer = Observer()
    with capture_logs() as logs:
        async with reading(server, observer) as api:
            answer = await api.counted()
    assert {"processing": 1, "failed": 1, "unknown": 3} == items(answer)
    assert {"none": 1} == answer.counts.failure_reasons
    assert {
        ("list_parse_jobs", name): 1 for name in ("error_message", "created_at", "status")
    } == observer.unread_fields
    assert {"list_parse_jobs": 2} == observer.unread_rows
    assert "secret" not in str(logs)
    assert [("item status", "PAUSED")] == [
        (line["kind"], line["value"]) for line in logs if "kind" in line
    ]


async def test_a_file_job_of_another_project_is_left_out(server: BatchesServer) -> None:
    """A cache or proxy answered with another request's answer."""
    parses(server, 2)
    server.parse[0]["project_id"] = OTHER_PROJECT
    async with reading(server, project_id=PROJECT) as api:
        with capture_logs() as logs:
            assert {"processing": 1, "unknown": 1} == items(await api.counted())
    assert ["api.row_not_asked_for"] == [line["event"] for line in logs]


async def test_file_jobs_that_stay_of_another_project_are_logged_once(
    server: BatchesServer,
) -> None:
    """However many listings say nothing of them meanwhile."""
    parses(server, 2)
    server.parse[0]["project_id"] = OTHER_PROJECT
    async with reading(server, project_id=PROJECT) as api:
        with capture_logs() as logs:
            for _ in range(12):
                await api.listing()
                await api.counted()
    assert ["api.row_not_asked_for"] == [line["event"] for line in logs]


@pytest.mark.parametrize("prefixes", [("pjb-", ""), ("", "pjb-"), ("pjb-", "pjb_")])
async def test_ids_are_known_with_and_without_their_prefix(
    server: BatchesServer, prefixes: tuple[str, str]
) -> None:
    """A reference may write them in another way than the list."""
    referred, listed = (prefix + OTHER_PROJECT for prefix in prefixes)
    reference = {"type": "parse_v2", "id": referred}
    server.batches = [batch(status="COMPLETED", results=[result(0) | {"job_reference": reference}])]
    row = file_job(0, "FAILED", id=listed)
    server.answer = lambda received: JSONResponse({"items": [row]}) if received.job_ids else None
    async with reading(server) as api:
        answer = await api.counted()
    assert [ItemStatus.FAILED] == [item.status for item in answer.ended]
