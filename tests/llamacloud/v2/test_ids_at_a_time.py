"""The number of ids in one request, from one hour to the next."""

import pytest
from starlette.responses import JSONResponse, Response
from structlog.testing import capture_logs

from tests.llamacloud.v2.batches_server import BatchesServer, batch, file_job, result
from tests.llamacloud.v2.reading import Reading, items, reading

pytestmark = pytest.mark.anyio

HOUR = 3600.0


def parses(server: BatchesServer, number: int) -> None:
    server.batches = [batch(status="COMPLETED", results=[result(n) for n in range(number)])]
    server.parse = [file_job(n) for n in range(number)]


def refuse_more_than(server: BatchesServer, number: int) -> None:
    server.answer = lambda received: (
        JSONResponse({"detail": "too large"}, 413) if len(received.job_ids) > number else None
    )


async def sizes_of_a_count(server: BatchesServer, api: Reading) -> list[int]:
    """Count the files of a batch for the first time; return the numbers of ids in its requests."""
    server.requests.clear()
    await Reading(api.api).counted()
    return [len(received.job_ids) for received in server.requests if received.job_ids]


async def test_a_number_that_was_lowered_doubles_every_hour(server: BatchesServer) -> None:
    """Up to where it began."""
    parses(server, 100)
    refuse_more_than(server, 25)
    async with reading(server) as api:
        await api.counted()
        assert [25] * 4 == await sizes_of_a_count(server, api)
        server.answer = lambda _: None
        api.now += HOUR - 1
        assert [25] * 4 == await sizes_of_a_count(server, api)
        api.now += 1
        assert [50] * 2 == await sizes_of_a_count(server, api)
        for hours in (1, 1, 1_000_000):
            api.now += hours * HOUR
            assert [100] == await sizes_of_a_count(server, api)


async def test_a_number_that_is_refused_every_hour_is_logged_once(server: BatchesServer) -> None:
    """What works is known again after one larger request."""
    parses(server, 100)
    refuse_more_than(server, 25)
    with capture_logs() as logs:
        async with reading(server) as api:
            await api.counted()
            for _ in range(3):
                api.now += HOUR
                assert [50, 25, 25, 25, 25] == await sizes_of_a_count(server, api)
                assert [25] * 4 == await sizes_of_a_count(server, api)
    assert [25] == [line["ids_at_a_time"] for line in logs]


async def test_bodies_that_break_off_now_and_then_cost_no_more_for_ever(
    server: BatchesServer,
) -> None:
    """Eight of them led to a request for each file job."""
    parses(server, 100)
    bodies: list[Response] = []
    server.answer = lambda received: bodies.pop() if received.job_ids and bodies else None
    async with reading(server) as api:
        for _ in range(8):
            bodies.append(Response(b'{"items": [', headers={"Content-Length": "5000"}))
            await sizes_of_a_count(server, api)
            api.now += HOUR
        assert [100] == await sizes_of_a_count(server, api)


async def test_a_file_job_that_cannot_be_had_makes_no_request_smaller(
    server: BatchesServer,
) -> None:
    """The size of the requests is not at fault."""
    parses(server, 100)
    server.answer = lambda received: (
        JSONResponse({"detail": "no such job"}, 404) if "job-7" in received.job_ids else None
    )
    async with reading(server) as api:
        assert {"processing": 99, "unknown": 1} == items(await api.counted())
        server.answer = lambda _: None
        assert [100] == await sizes_of_a_count(server, api)
