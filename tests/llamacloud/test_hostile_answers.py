"""Answers that mean harm, over a real socket: a typed error, in bounded time and memory."""

import gzip
import time

import pytest

from exporter.llamacloud.errors import (
    BadResponse,
    GatewayRefused,
    LlamaCloudError,
    NetworkFailed,
    NotFound,
    RateLimited,
    UnreadableBody,
)
from exporter.llamacloud.v1beta.reader import Reader
from exporter.simulator import Fault
from exporter.simulator.faults import FaultKind
from tests.support.clients import Observer, client_of
from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio

MIB = 2**20
EMPTY = b'{"items": []}'
TWICE = gzip.compress(gzip.compress(EMPTY))
UTF_16 = "application/json; charset=utf-16"
DEEP = b'{"items": ' * 10_000
# What an answer may cost, however slow the machine is.
LONGEST_SECONDS = 10.0


def raw(body: bytes, *, code: int = 200, **headers: str) -> Fault:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return Fault("raw", code=code, body=body, headers=sent)


async def request(
    cloud: Cloud, fault: Fault, *, timeout_seconds: float = LONGEST_SECONDS
) -> tuple[LlamaCloudError, Observer]:
    """Return the error of a fault, and what was counted."""
    cloud.simulator.faults.add(fault)
    observer = Observer()
    began = time.monotonic()
    async with client_of(cloud, observer, timeout_seconds=timeout_seconds) as client:
        with pytest.raises(LlamaCloudError) as raised:
            await Reader(client, {}).jobs_page(0, {})
    assert time.monotonic() - began < LONGEST_SECONDS
    assert len(str(raised.value)) <= 310
    assert str(raised.value).isprintable()
    return raised.value, observer


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        (Fault("endless"), UnreadableBody, "200"),
        (Fault("bomb"), UnreadableBody, "200"),
        (raw(EMPTY + b" " * 16 * MIB), UnreadableBody, "200"),
        (raw(gzip.compress(b" " * 17 * MIB, 1), content_encoding="gzip"), UnreadableBody, "200"),
        (raw(EMPTY, content_encoding="gzip"), UnreadableBody, "200"),
        (raw(EMPTY, content_encoding="br"), UnreadableBody, "200"),
        (raw(TWICE, content_encoding="gzip, gzip"), UnreadableBody, "200"),
        (raw(gzip.compress(EMPTY)[:-9], content_encoding="gzip"), NetworkFailed, "network"),
        (raw(b""), BadResponse, "200"),
        (raw(b"[" * 16 * MIB), BadResponse, "200"),
        (raw(b'{"items":[' + b"{}," * 5 * MIB + b"{}]}"), BadResponse, "200"),
        (raw(DEEP), BadResponse, "200"),
        (raw("\N{BYTE ORDER MARK}{}".encode()), BadResponse, "200"),
        (raw(EMPTY.decode().encode("utf-16"), content_type=UTF_16), BadResponse, "200"),
        (raw(b"\x00" * 1000), BadResponse, "200"),
        (raw(EMPTY + EMPTY), BadResponse, "200"),
        (raw(EMPTY, code=204), LlamaCloudError, "204"),
        (raw(EMPTY, code=206), LlamaCloudError, "206"),
    ],
    ids=range(18),
)
async def test_a_hostile_body_is_a_typed_error(
    cloud: Cloud, fault: Fault, error: type[LlamaCloudError], code: str
) -> None:
    """By its reason, and counted by the status that came where one came with all of its answer."""
    raised, observer = await request(cloud, fault)
    assert isinstance(raised, error)
    assert {("list_jobs", code)} == observer.finished.keys()


@pytest.mark.parametrize("content_type", ["text/html", "image/png", "", "x" * 10_000])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
async def test_an_answer_is_read_whatever_its_content_type(
    cloud: Cloud, content_type: str, encoding: str
) -> None:
    """JSON of the documented shape cannot be mistaken for anything else."""
    body = gzip.compress(EMPTY) if encoding == "gzip" else EMPTY
    headers = {"content-type": content_type, "content-encoding": encoding}
    cloud.simulator.faults.add(Fault("raw", body=body, headers=headers))
    async with client_of(cloud) as client:
        page = await Reader(client, {}).jobs_page(0, {})
    assert [] == list(page.rows)


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (401, GatewayRefused),
        (404, NotFound),
        (429, RateLimited),
    ],
)
@pytest.mark.parametrize("kind", ["endless", "bomb", "drip", "cut_off"])
async def test_a_refusal_is_one_whatever_its_body_is(
    cloud: Cloud, kind: FaultKind, code: int, error: type[LlamaCloudError]
) -> None:
    """Also where the page that says so has no end; a key is not blamed for a page, though."""
    fault = Fault(kind, code=code, retry_after=0)
    raised, observer = await request(cloud, fault, timeout_seconds=0.3)
    assert (error, f"HTTP {code}") == (type(raised), str(raised))
    assert {("list_jobs", str(code))} == observer.finished.keys()


async def test_a_refusal_of_sixty_four_kibibytes_is_quoted(cloud: Cloud) -> None:
    """In part; a longer one is not read to its end, and is not quoted."""
    for size, reported in ((64 * 1024, "HTTP 400: " + "x" * 300), (64 * 1024 + 1, "HTTP 400")):
        body = b'{"detail":"' + b"x" * (size - 13) + b'"}'
        assert len(body) == size
        cloud.simulator.faults.clear()
        error, _ = await request(cloud, raw(body, code=400))
        assert reported == str(error)
