"""Redirects are reported but never followed: they could send the key to another host."""

import pytest

from exporter.domain import ErrorReason
from exporter.llamacloud.errors import GatewayRefused, UnexpectedStatus
from exporter.llamacloud.refusals import refusal
from exporter.llamacloud.v1beta.reader import Reader
from exporter.simulator import Fault
from tests.support.clients import Observer, client_of
from tests.support.cloud import KEY, Cloud, running_cloud

pytestmark = pytest.mark.anyio

UNREADABLE = "an address that cannot be read"


async def redirected(cloud: Cloud, fault: Fault, observer: Observer | None = None) -> str:
    """Return the error for a redirect."""
    cloud.simulator.faults.add(fault)
    async with client_of(cloud, observer) as client:
        with pytest.raises(GatewayRefused) as raised:
            await Reader(client, {}).jobs_page(0, {})
    assert "login page" in raised.value.advice
    assert ErrorReason.BAD_RESPONSE is raised.value.reason
    return str(raised.value)


@pytest.mark.parametrize("code", [300, 301, 302, 303, 307, 308])
async def test_no_request_is_sent_to_another_host(cloud: Cloud, code: int) -> None:
    """Not even without the key: the other server never hears of us."""
    with running_cloud() as other:
        location = f"{other.base_url}/api/v1/beta/batch-processing"
        fault = Fault("redirect", code=code, headers={"location": location})
        words = await redirected(cloud, fault)
        assert [] == other.simulator.requests
    assert f"HTTP {code}: a redirect to http://127.0.0.1, which is not followed" == words
    assert [code] == [request.status for request in cloud.simulator.requests]


async def test_a_loop_is_one_request(cloud: Cloud) -> None:
    """And is counted by its status."""
    observer = Observer()
    words = await redirected(cloud, Fault("redirect"), observer)
    assert "HTTP 307: a redirect to http://127.0.0.1, which is not followed" == words
    assert {("list_jobs", "307"): 1} == observer.finished


@pytest.mark.parametrize(
    ("location", "reported"),
    [
        ("https://Login.Example.com:8443/?next=/secret#x", "https://login.example.com"),
        ("https://user:password@example.com/path", "https://example.com"),
        ("http://[2001:db8::1]:80/", "http://[2001:db8::1]"),
        ("//example.com/path", "//example.com"),
        ("/login?token=secret", "another path of the same host"),
        ("", "another path of the same host"),
        ("mailto:x@y", UNREADABLE),
        ("javascript:alert(1)", UNREADABLE),
        ("http:[::1", UNREADABLE),
        ("http://[", UNREADABLE),
        ("//", "another path of the same host"),
        ("http://", UNREADABLE),
        ("http://xn--a/", "http://xn--a"),
        ("http://a b/", UNREADABLE),
        ("http://" + "a" * 254 + "/", UNREADABLE),
        ("http://" + "a" * 20_000, UNREADABLE),
        ("x" * 20_000 + "://host", UNREADABLE),
        (f"https://{KEY}/", UNREADABLE),
        (f"https://{KEY.upper()}.example.com/", UNREADABLE),
        (f"https://example.com/{KEY}", "https://example.com"),
    ],
    ids=range(20),
)
async def test_scheme_and_host_are_reported_and_no_more(
    cloud: Cloud, location: str, reported: str
) -> None:
    """Paths, queries and names of users may hold what is secret; and what is read is an address."""
    observer = Observer()
    fault = Fault("redirect", code=302, headers={"location": location})
    words = await redirected(cloud, fault, observer)
    assert f"HTTP 302: a redirect to {reported}, which is not followed" == words
    assert {("list_jobs", "302"): 1} == observer.finished


def test_a_redirect_to_nowhere_is_reported_in_the_servers_words() -> None:
    """As any other status."""
    error = refusal(301, {}, b'{"detail": "Moved"}', answered_at=0.0)
    assert "HTTP 301: Moved" == str(error)
    assert UnexpectedStatus is type(error)
