"""The headers of an answer: those that are used are read, however many others there are."""

import time
from contextlib import suppress

import pytest

from exporter.llamacloud.errors import GatewayRefused, UnreadableBody
from exporter.llamacloud.headers import used_headers
from exporter.llamacloud.v1beta.endpoints import V1BetaEndpoint
from tests.llamacloud.test_hardly_http import speaking
from tests.support.clients import client_of
from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio

# h11's parser takes most of it. Where each header costs a pass over all, it takes seconds.
MOST_SECONDS_OF_CPU = 1.0


def test_only_those_that_are_used_are_read() -> None:
    """Whatever their case is; one that is repeated is joined, one that is too long left out."""
    raw = [
        (b"Date", b"Sun, 06 Nov 1994 08:49:37 GMT"),
        (b"X-Other", b"1"),
        (b"RETRY-AFTER", b"7"),
        (b"content-encoding", b"gzip"),
        (b"Content-Encoding", b"\xe9"),
        (b"Location", b"x" * 40_000),
        (b"Set-Cookie", b"a=b"),
    ]
    assert {
        "date": "Sun, 06 Nov 1994 08:49:37 GMT",
        "retry-after": "7",
        "content-encoding": "gzip, \xe9",
    } == used_headers(raw)


@pytest.mark.parametrize(
    "header",
    [
        b"%d:\r\n",
        b"Date: %d\r\n",
        b"Location: /%d\r\n",
        b"Set-Cookie: c%d=1\r\n",
        b"Connection: %d\r\n",
        b"Content-Encoding: %d\r\n",
        b"Content-Type: text/%d\r\n",
    ],
    ids=lambda header: header.partition(b":")[0].decode(),
)
@pytest.mark.parametrize("code", [200, 302])
async def test_a_head_of_a_hundred_kilobytes_keeps_nothing_waiting(
    code: int, header: bytes
) -> None:
    """It is a valid one, of as many headers as go into it."""
    begin = b"HTTP/1.1 %d X\r\nContent-Length: 2\r\n" % code
    number = 96_000 // len(header % 10_000)
    head = begin + b"".join(header % n for n in range(number)) + b"\r\n{}"
    async with speaking(head) as base_url:
        nowhere = Cloud(None, base_url)  # type: ignore[arg-type]
        async with client_of(nowhere) as client:
            began = time.process_time()
            with suppress(GatewayRefused, UnreadableBody):
                assert b"{}" == (await client.get(V1BetaEndpoint.LIST_JOBS, "/", {})).body
            assert time.process_time() - began < MOST_SECONDS_OF_CPU
