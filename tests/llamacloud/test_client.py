"""Requests to LlamaCloud over a real socket, and what comes of each kind of failure."""

import asyncio
import socket
import time

import pytest

from exporter.domain import ErrorReason, ListingPlan
from exporter.llamacloud.errors import (
    BadResponse,
    BodyTooLarge,
    DoubtfulDate,
    Forbidden,
    GatewayRefused,
    LlamaCloudError,
    NetworkFailed,
    NotFound,
    PaymentRequired,
    RateLimited,
    RequestTimedOut,
    ServerFailed,
    Unauthorized,
    UnexpectedStatus,
    Unprocessable,
)
from exporter.llamacloud.requests import RetryPolicy
from exporter.llamacloud.v1beta.api import V1BetaApi
from exporter.llamacloud.v1beta.endpoints import V1BetaEndpoint
from exporter.llamacloud.v1beta.reader import Reader
from exporter.simulator import DEFAULT_PROJECT_ID, Fault
from exporter.simulator.faults import FaultKind
from tests.support.clients import KeyInFile, Observer, budget_of, client_of, plenty
from tests.support.cloud import KEY, Cloud

pytestmark = pytest.mark.anyio


async def test_a_request_carries_key_scope_and_user_agent(cloud: Cloud) -> None:
    """LlamaCloud's operators can see who sends it."""
    async with client_of(cloud) as client:
        await V1BetaApi(client, project_id=DEFAULT_PROJECT_ID).list_jobs(
            ListingPlan(max_requests=1)
        )
    (request,) = cloud.simulator.requests
    assert (request.status, request.user_agent) == (200, "llamacloud-batch-exporter/test")
    assert request.params == {"limit": "1000", "offset": "0", "project_id": DEFAULT_PROJECT_ID}


@pytest.mark.parametrize(
    ("fault", "error", "attempts"),
    [
        (Fault("status", code=401), Unauthorized, 1),
        (Fault("status", code=402), PaymentRequired, 1),
        (Fault("status", code=403), Forbidden, 1),
        (Fault("status", code=404), NotFound, 1),
        (Fault("status", code=409), UnexpectedStatus, 1),
        (Fault("status", code=422), Unprocessable, 1),
        (Fault("status", code=429), RateLimited, 3),
        (Fault("status", code=500), ServerFailed, 3),
        (Fault("status", code=503, retry_after=0), ServerFailed, 3),
        (Fault("html", code=502), ServerFailed, 3),
        (Fault("html"), BadResponse, 1),
        (Fault("not_json"), BadResponse, 1),
        (Fault("wrong_shape"), BadResponse, 1),
        (Fault("hang"), RequestTimedOut, 3),
        (Fault("cut_off"), NetworkFailed, 3),
        (Fault("reset"), NetworkFailed, 3),
        (Fault("drip"), RequestTimedOut, 3),
        (Fault("endless"), BodyTooLarge, 1),
        (Fault("bomb"), BodyTooLarge, 1),
        (Fault("redirect"), GatewayRefused, 1),
    ],
    ids=lambda value: f"{value.kind}-{value.code}" if isinstance(value, Fault) else None,
)
async def test_every_failure_has_its_error_and_is_retried_where_that_can_help(
    cloud: Cloud, fault: Fault, error: type[LlamaCloudError], attempts: int
) -> None:
    """Three attempts at most, and each is counted."""
    cloud.simulator.faults.add(fault)
    observer = Observer()
    timeout_seconds = 0.3 if error is RequestTimedOut else 20.0
    async with client_of(cloud, observer, timeout_seconds=timeout_seconds) as client:
        with pytest.raises(error) as raised:
            await Reader(client, {}).jobs_page(0, {})
    assert error is type(raised.value)
    assert not str(raised.value).endswith(": ")
    assert attempts == len(cloud.simulator.requests)
    assert attempts == observer.finished.total()
    assert attempts - 1 == observer.retried["list_jobs"]


@pytest.mark.parametrize(
    ("fault", "attempts"),
    [
        (Fault("cut_off"), 1),
        (Fault("drip"), 1),
        (Fault("reset"), 3),
        (Fault("hang"), 3),
        (Fault("status", code=503), 3),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else None,
)
async def test_bodies_that_broke_off_may_be_left_to_the_caller(
    cloud: Cloud, fault: Fault, attempts: int
) -> None:
    """An answer that is too large for the time limit is better requested in parts."""
    cloud.simulator.faults.add(fault)
    timeout_seconds = 0.3 if fault.kind in {"drip", "hang"} else 20.0
    async with client_of(cloud, timeout_seconds=timeout_seconds) as client:
        with pytest.raises(LlamaCloudError) as raised:
            await client.get(
                V1BetaEndpoint.LIST_JOBS, "/api/v1/beta/batch-processing", {}, retries_bodies=False
            )
    assert attempts == len(cloud.simulator.requests)
    assert (attempts == 1) is raised.value.is_of_body


async def test_a_failure_that_passes_is_survived(cloud: Cloud) -> None:
    """Two bad answers, then a good one."""
    cloud.simulator.faults.add(Fault("status", code=503, times=1))
    cloud.simulator.faults.add(Fault("reset", times=1))
    observer = Observer()
    async with client_of(cloud, observer) as client:
        page = await Reader(client, {}).jobs_page(0, {})
    assert list(page.rows) == []
    assert observer.finished == {
        ("list_jobs", "503"): 1,
        ("list_jobs", "network"): 1,
        ("list_jobs", "200"): 1,
    }


async def test_the_wait_that_llamacloud_requires_is_heeded(cloud: Cloud) -> None:
    """Instead of our own."""
    cloud.simulator.faults.add(Fault("status", code=429, times=1, retry_after=1))
    began = time.monotonic()
    async with client_of(cloud) as client:
        await Reader(client, {}).jobs_page(0, {})
    assert 1.0 <= time.monotonic() - began < 15.0


async def test_a_429_slows_the_keys_requests_down(cloud: Cloud) -> None:
    """Once for all requests that were under way together, though each is tried again."""
    cloud.simulator.faults.add(Fault("status", code=429, times=5, seconds=0.2))
    budget = budget_of(100.0, 8, time.monotonic, least=1.0)
    async with client_of(cloud, budget=budget) as client:
        reader = Reader(client, {})
        await asyncio.gather(*(reader.jobs_page(0, {}) for _ in range(5)))
    assert 50.0 <= budget.requests_per_second < 60.0
    assert 10 == len(cloud.simulator.requests)


async def test_a_key_that_was_replaced_is_used_after_a_401(cloud: Cloud) -> None:
    """At once, by every request that the old one failed."""
    observer = Observer()
    access = KeyInFile("llx-revoked", KEY, plenty())
    async with client_of(cloud, observer, access=access) as client:
        reader = Reader(client, {})
        await asyncio.gather(*(reader.jobs_page(0, {}) for _ in range(4)))
    assert {("list_jobs", "401"): 4, ("list_jobs", "200"): 4} == observer.finished


async def test_a_key_that_was_not_replaced_is_refused_once(cloud: Cloud) -> None:
    """Another request would be refused too."""
    access = KeyInFile("llx-revoked", "llx-revoked", plenty())
    async with client_of(cloud, access=access) as client:
        with pytest.raises(Unauthorized):
            await Reader(client, {}).jobs_page(0, {})
    assert 1 == len(cloud.simulator.requests)


async def test_without_it_waits_double(cloud: Cloud) -> None:
    """LlamaCloud documents that it sends no Retry-After."""
    cloud.simulator.faults.add(Fault("status", code=500))
    policy = RetryPolicy(wait_initial_seconds=0.1, wait_max_seconds=5.0, wait_jitter_seconds=0.05)
    async with client_of(cloud, retry=policy) as client:
        with pytest.raises(ServerFailed):
            await Reader(client, {}).jobs_page(0, {})
    first, second, third = (request.arrived_monotonic for request in cloud.simulator.requests)
    # Lower bounds only: a busy machine may add to any wait.
    assert second - first >= 0.1
    assert third - second >= 0.2


async def test_nobody_listening_is_a_network_failure() -> None:
    """Its advice names what to check."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port = listening.getsockname()[1]
    with pytest.raises(NetworkFailed) as raised:
        await request_nowhere(f"http://127.0.0.1:{port}")
    assert raised.value.reason is ErrorReason.NETWORK


async def test_an_id_too_long_for_a_request_is_a_typed_error(cloud: Cloud) -> None:
    """The job is not refreshed, and nothing else happens."""
    async with client_of(cloud) as client:
        with pytest.raises(BadResponse, match="no request can be sent to this address"):
            await Reader(client, {}).job_status("j" * 66_000)


async def test_a_base_url_without_meaning_is_a_typed_error(cloud: Cloud) -> None:
    """Some are detected only by a request."""
    async with client_of(cloud, base_url="http://xn--a") as client:
        with pytest.raises((BadResponse, NetworkFailed)):
            await Reader(client, {}).jobs_page(0, {})


async def test_a_key_that_is_echoed_is_not_reported_in_part(cloud: Cloud) -> None:
    """Not even where the text is cut."""
    detail = "x" * 290 + KEY
    fault = Fault("wrong_shape", code=400, body={"detail": detail})
    cloud.simulator.faults.add(fault)
    async with client_of(cloud) as client:
        with pytest.raises(LlamaCloudError) as raised:
            await Reader(client, {}).jobs_page(0, {})
    assert KEY[:6] not in str(raised.value)


async def test_a_job_that_is_not_known_is_distinguished_from_a_gateways_404(cloud: Cloud) -> None:
    """Only LlamaCloud itself can say that a job is not there."""
    async with client_of(cloud) as client:
        reader = Reader(client, {})
        with pytest.raises(NotFound) as by_api:
            await reader.job_status("no-such-job")
        cloud.simulator.faults.add(Fault("html", code=404))
        with pytest.raises(NotFound) as by_gateway:
            await reader.job_status("no-such-job")
    assert (by_api.value.from_api, by_gateway.value.from_api) == (True, False)


async def test_times_are_llamaclouds(cloud: Cloud) -> None:
    """By its Date header, whatever our own clock says: a second answer confirms it."""
    cloud.world.clock = lambda: 1_600_000_000.0
    observer = Observer()
    async with client_of(cloud, observer) as client:
        pages = [await Reader(client, {}).jobs_page(0, {}) for _ in range(3)]
    assert [1_600_000_000.0] * 3 == [page.answered_at for page in pages]
    assert (4, 1) == (observer.finished.total(), observer.retried["list_jobs"])


async def test_a_wrong_date_of_a_404_is_not_believed(cloud: Cloud) -> None:
    """Nor that of any other refusal."""
    cloud.simulator.faults.add(
        Fault("status", code=404, headers={"date": "Thu, 01 Jan 2099 00:00:00 GMT"})
    )
    async with client_of(cloud) as client:
        with pytest.raises(NotFound) as raised:
            await Reader(client, {}).job_status("no-such-job")
    assert abs(time.time() - raised.value.answered_at) < 10


async def test_first_dates_that_are_doubtful_to_the_last_attempt_are_a_typed_error(
    cloud: Cloud,
) -> None:
    """The next listing knows more."""
    cloud.simulator.faults.add(Fault("status", code=503, times=2))
    cloud.world.clock = lambda: 1_600_000_000.0
    async with client_of(cloud) as client:
        reader = Reader(client, {})
        with pytest.raises(DoubtfulDate, match="off our clock"):
            await reader.jobs_page(0, {})
        page = await reader.jobs_page(0, {})
    assert page.answered_at == 1_600_000_000.0


async def test_without_a_date_header_our_own_clock_serves(cloud: Cloud) -> None:
    """Better than no time at all."""
    cloud.simulator.send_date = False
    async with client_of(cloud) as client:
        page = await Reader(client, {}).jobs_page(0, {})
    assert abs(time.time() - page.answered_at) < 10


@pytest.mark.parametrize("kind", ["html", "not_json", "wrong_shape", "cut_off", "reset"])
async def test_no_error_contains_the_key(cloud: Cloud, kind: FaultKind) -> None:
    """Errors go into the log."""
    cloud.simulator.faults.add(Fault(kind))
    async with client_of(cloud) as client:
        with pytest.raises(LlamaCloudError) as raised:
            await Reader(client, {}).jobs_page(0, {})
    assert KEY not in f"{raised.value!r} {raised.value} {raised.value.__cause__!r}"


async def request_nowhere(base_url: str, *, timeout_seconds: float = 2.0) -> None:
    dead = Cloud(None, base_url)  # type: ignore[arg-type]
    async with client_of(dead, timeout_seconds=timeout_seconds) as client:
        await client.get(V1BetaEndpoint.LIST_JOBS, "/", {})
