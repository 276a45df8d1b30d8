"""Faults on demand, as clients see them, and the requests that they affect."""

from __future__ import annotations

import time
import zlib
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.simulator import DEFAULT_PROJECT_ID, Fault, Faults, SimulatedJob, Simulator, World

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator.faults import FaultKind

OTHER_PROJECT_ID = "7c1d6f1e-0000-4000-8000-000000000002"
DEADLINE_SECONDS = 10.0


@pytest.fixture(autouse=True)
def two_jobs(world: World) -> None:
    """Add two jobs to request."""
    world.add_job(SimulatedJob("job-1"))
    world.add_job(SimulatedJob("job-2"))


def wait_until(condition: Callable[[], bool]) -> None:
    give_up_at = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < give_up_at, "it did not happen in time"
        time.sleep(0.005)


def codes(client: httpx.Client, *paths: str) -> list[int]:
    return [client.get(f"/batch-processing{path}").status_code for path in paths]


@pytest.mark.parametrize(
    ("code", "detail"),
    [
        (401, "Not authenticated"),
        (402, "Insufficient credits for this operation. Please upgrade your plan."),
        (403, "You do not have access to this project"),
        (404, "Not Found"),
        (409, "The request could not be processed"),
        (429, "Rate limit exceeded. Please retry later."),
    ],
)
def test_a_status_has_the_body_of_llamacloud(
    simulator: Simulator, client: httpx.Client, code: int, detail: str
) -> None:
    """Each code comes with LlamaCloud's JSON body, and without a Retry-After."""
    simulator.faults.add(Fault("status", code=code))
    answer = client.get("/batch-processing")
    assert (answer.status_code, answer.json()) == (code, {"detail": detail})
    assert "retry-after" not in answer.headers


@pytest.mark.parametrize("code", [500, 503])
def test_server_errors_carry_a_correlation_id(
    simulator: Simulator, client: httpx.Client, code: int
) -> None:
    """No two responses have the same id."""
    simulator.faults.add(Fault("status", code=code))
    details = [client.get("/batch-processing").json()["detail"] for _ in range(2)]
    assert all("Correlation ID: " in detail for detail in details)
    assert details[0] != details[1]


def test_a_fault_that_would_be_none_is_refused() -> None:
    """A status needs a code other than 200, and ``times`` must be at least 1."""
    with pytest.raises(ValueError, match="needs a code, such as code=503"):
        Fault("status")
    with pytest.raises(ValueError, match="at least one request, not times=0"):
        Fault("hang", times=0)


@pytest.mark.parametrize("retry_after", [3, 0.5, "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_retry_after_is_sent_as_it_is_written(
    simulator: Simulator, client: httpx.Client, retry_after: float | str
) -> None:
    """It may be seconds or a date, and other headers may accompany it."""
    headers = {"retry-after-ms": "20"}
    simulator.faults.add(Fault("status", code=429, retry_after=retry_after, headers=headers))
    answer = client.get("/batch-processing")
    assert answer.headers["retry-after"] == str(retry_after)
    assert answer.headers["retry-after-ms"] == "20"


@pytest.mark.parametrize("code", [200, 404, 502])
def test_html_comes_from_a_gateway(simulator: Simulator, client: httpx.Client, code: int) -> None:
    """An HTML page replaces the JSON, with any status code."""
    simulator.faults.add(Fault("html", code=code))
    answer = client.get("/batch-processing")
    assert answer.status_code == code
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.text.startswith("<html>")


def test_not_json_claims_to_be_json(simulator: Simulator, client: httpx.Client) -> None:
    """The content type is JSON, and the body is text."""
    simulator.faults.add(Fault("not_json"))
    answer = client.get("/batch-processing")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    with pytest.raises(ValueError, match="Expecting value"):
        answer.json()


@pytest.mark.parametrize(
    ("fault", "body"),
    [
        (Fault("wrong_shape"), ["unexpected"]),
        (Fault("wrong_shape", body={"items": "none"}), {"items": "none"}),
        (Fault("wrong_shape", body=None), None),
    ],
)
def test_wrong_shape_is_json_of_another_kind(
    simulator: Simulator, client: httpx.Client, fault: Fault, body: object
) -> None:
    """A test may choose any JSON body."""
    simulator.faults.add(fault)
    answer = client.get("/batch-processing")
    assert (answer.status_code, answer.json()) == (200, body)


def test_raw_bytes_come_as_they_are(simulator: Simulator, client: httpx.Client) -> None:
    """A test chooses the headers as well, which need not match the body."""
    headers = {"content-type": "text/plain; charset=utf-7"}
    simulator.faults.add(Fault("raw", code=206, body=b"\xff\x00{", headers=headers))
    answer = client.get("/batch-processing")
    assert (answer.status_code, answer.content) == (206, b"\xff\x00{")
    assert answer.headers["content-type"] == "text/plain; charset=utf-7"


def test_a_redirect_points_to_itself_or_elsewhere(
    simulator: Simulator, client: httpx.Client
) -> None:
    """It may be a loop, or lead to another host."""
    simulator.faults.add(Fault("redirect", times=1))
    simulator.faults.add(Fault("redirect", code=301, headers={"location": "https://elsewhere/"}))
    loop = client.get("/batch-processing?limit=3")
    assert (loop.status_code, loop.headers["location"]) == (307, str(loop.request.url))
    elsewhere = client.get("/batch-processing")
    assert (elsewhere.status_code, elsewhere.headers["location"]) == (301, "https://elsewhere/")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("drip", b'{"items": [], "x": "' + b" " * 5),
        ("endless", b'{"items": [], "x": "' + b"x" * 2**25),
        ("bomb", b'{"items": [], "x": "' + b" " * 2**25),
    ],
)
def test_a_body_without_end_ends_when_its_client_leaves(
    simulator: Simulator,
    client: httpx.Client,
    caplog: pytest.LogCaptureFixture,
    kind: FaultKind,
    body: bytes,
) -> None:
    """It begins like a normal response, and the server does not log an error."""
    simulator.faults.add(Fault(kind, times=1, code=203))
    with client.stream("GET", "/batch-processing") as answer:
        assert answer.status_code == 203
        received = bytearray()
        for piece in answer.iter_bytes():
            received += piece
            if len(received) >= len(body):
                break
    assert body == received[: len(body)]
    assert codes(client, "") == [200]
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []


def test_a_bomb_decompresses_to_a_thousand_times_its_size(
    simulator: Simulator, client: httpx.Client
) -> None:
    """Ten kilobytes on the wire decompress to ten megabytes."""
    simulator.faults.add(Fault("bomb", times=1))
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    sent = said = 0
    with client.stream("GET", "/batch-processing") as answer:
        for piece in answer.iter_raw():
            sent += len(piece)
            said += len(inflate.decompress(piece))
            if sent > 10_000:
                break
    assert said > 900 * sent


def test_slow_delays_the_normal_response(simulator: Simulator, client: httpx.Client) -> None:
    """The normal response comes after the configured time."""
    simulator.faults.add(Fault("slow", seconds=0.2))
    asked_at = time.monotonic()
    answer = client.get("/batch-processing")
    assert time.monotonic() - asked_at >= 0.2
    assert answer.json()["total_size"] == 2


def test_a_true_answer_may_have_wrong_headers(simulator: Simulator, client: httpx.Client) -> None:
    """For example, the Date of a server whose clock is wrong."""
    date = "Thu, 01 Jan 2099 00:00:00 GMT"
    simulator.faults.add(Fault("headers", headers={"date": date}))
    answer = client.get("/batch-processing")
    assert (2, [date]) == (answer.json()["total_size"], answer.headers.get_list("date"))


def test_a_hanging_request_ends_when_its_client_leaves(
    simulator: Simulator, client: httpx.Client
) -> None:
    """It gets no response, is recorded at once, and ends with its connection."""
    simulator.faults.add(Fault("hang", times=1))
    with pytest.raises(httpx.ReadTimeout):
        client.get("/batch-processing", timeout=0.2)
    wait_until(lambda: simulator.requests[0].status == 499)
    assert codes(client, "") == [200]


def test_cut_off_ends_in_the_middle_of_the_body(
    simulator: Simulator, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """Fewer bytes than announced arrive, and the server logs no error."""
    simulator.faults.add(Fault("cut_off", times=1))
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        client.get("/batch-processing")
    assert codes(client, "") == [200]
    assert caplog.records == []


def test_reset_closes_before_the_first_byte(
    simulator: Simulator, client: httpx.Client, caplog: pytest.LogCaptureFixture
) -> None:
    """The connection is reset, and the server logs no error."""
    simulator.faults.add(Fault("reset", times=1))
    with pytest.raises(httpx.ReadError, match="reset"):
        client.get("/batch-processing")
    assert codes(client, "") == [200]
    assert [record for record in caplog.records if record.name.startswith("uvicorn")] == []
    assert simulator.requests[0].status == 499


def test_a_fault_hits_the_configured_number_of_requests(
    simulator: Simulator, client: httpx.Client
) -> None:
    """Faults apply in the order in which they were added."""
    simulator.faults.add(Fault("status", times=2, code=503))
    simulator.faults.add(Fault("status", times=1, code=429))
    assert codes(client, "", "", "", "") == [503, 503, 429, 200]


def test_a_fault_without_times_lasts_until_cleared(
    simulator: Simulator, client: httpx.Client
) -> None:
    """Clearing ends every fault."""
    simulator.faults.add(Fault("status", code=503))
    before = codes(client, "", "", "")
    simulator.faults.clear()
    assert before + codes(client, "") == [503, 503, 503, 200]


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (Fault("status", code=503, endpoint="list_jobs"), [503, 200, 200, 200, 200]),
        (Fault("status", code=503, endpoint="job_status"), [200, 503, 503, 200, 200]),
        (Fault("status", code=503, endpoint="list_items"), [200, 200, 200, 503, 503]),
        (Fault("status", code=503, job_id="job-2"), [200, 200, 503, 200, 503]),
        (Fault("status", code=503, endpoint="list_items", job_id="job-1"), [200] * 3 + [503, 200]),
    ],
)
def test_a_fault_hits_only_matching_requests(
    simulator: Simulator, client: httpx.Client, fault: Fault, expected: list[int]
) -> None:
    """A fault can be limited to one endpoint, one job, or both."""
    simulator.faults.add(fault)
    paths = ("", "/job-1", "/job-2", "/job-1/items", "/job-2/items")
    assert codes(client, *paths) == expected


def test_a_fault_may_hit_one_project(
    world: World, simulator: Simulator, client: httpx.Client
) -> None:
    """Other projects of the same key are not affected, including its default project."""
    world.add_key("llx-test", DEFAULT_PROJECT_ID, OTHER_PROJECT_ID)
    simulator.faults.add(Fault("status", code=403, project_id=OTHER_PROJECT_ID))
    other = f"?project_id={OTHER_PROJECT_ID}"
    assert codes(client, "", other) == [200, 403]
    simulator.faults.clear()
    simulator.faults.add(Fault("status", code=403, project_id=DEFAULT_PROJECT_ID))
    assert codes(client, "", other) == [403, 200]


def test_a_probability_hits_a_share_of_requests() -> None:
    """The seed decides which requests are hit."""

    def draw(seed: int) -> list[bool]:
        faults = Faults(seed=seed)
        faults.add(Fault("status", code=503, chance=0.25))
        return [faults.take("list_jobs", None, None) is not None for _ in range(1000)]

    assert 200 <= sum(draw(1)) <= 300
    assert draw(1) == draw(1)
    assert draw(1) != draw(2)


def test_faults_may_be_changed_while_threads_draw_them() -> None:
    """A fault with ``times`` hits exactly that many requests, however many are concurrent."""
    faults = Faults()

    def draw(_: int) -> int:
        faults.add(Fault("status", times=100, code=503))
        return sum(faults.take("list_jobs", None, None) is not None for _ in range(300))

    with ThreadPoolExecutor(8) as threads:
        drawn = sum(threads.map(draw, range(8)))
    assert drawn == 800
