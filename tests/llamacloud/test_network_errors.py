"""Errors beneath HTTP: each fails only its own request, and names the server and the cause."""

from __future__ import annotations

import errno
import resource
import socket
import ssl
import threading
from contextlib import contextmanager
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from exporter.domain import ErrorReason
from exporter.llamacloud.connections import Connections
from exporter.llamacloud.errors import BodyTooLarge, LlamaCloudError, NetworkFailed
from exporter.llamacloud.exchange import exchange
from exporter.llamacloud.network_errors import CertificateRefused, LimitReached, network_failure
from exporter.llamacloud.v1beta.reader import Reader
from tests.support.clients import QUICK_RETRIES, Observer, client_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio

# Half of what a process can address: no thread gets such a stack.
TOO_LARGE_A_STACK = 2**46
NO_MORE_FILES = 3


@contextmanager
def no_new_threads() -> Iterator[None]:
    """Let threads fail to start as they do at a limit."""
    before = threading.stack_size(TOO_LARGE_A_STACK)
    try:
        yield
    finally:
        threading.stack_size(before)


@contextmanager
def no_new_files() -> Iterator[None]:
    """Let no file or socket be opened; those that are open stay so."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (NO_MORE_FILES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


async def failure_of(url: str, **options: float) -> LlamaCloudError:
    async with Connections("test") as connections:
        with pytest.raises(LlamaCloudError) as raised:
            await exchange(
                connections, url, api_key="llx-one", params={}, **{"timeout_seconds": 5.0} | options
            )
    return raised.value


async def test_a_thread_that_cannot_be_started_is_an_error_of_that_request(cloud: Cloud) -> None:
    """Names are resolved in threads. The request is retried, and the next one may work."""
    observer = Observer()
    by_name = cloud.base_url.replace("127.0.0.1", "localhost")
    async with client_of(cloud, observer, base_url=by_name, retry=QUICK_RETRIES) as client:
        with (
            no_new_threads(),
            pytest.raises(LimitReached, match="can't start new thread") as raised,
        ):
            await Reader(client, {}).jobs_page(0, {})
        await Reader(client, {}).jobs_page(0, {})
    assert "threads" in raised.value.failure().advice
    assert ErrorReason.NETWORK is raised.value.reason
    assert {("list_jobs", "network"): 3, ("list_jobs", "200"): 1} == observer.finished


async def test_a_file_that_cannot_be_opened_is_an_error_of_that_request(cloud: Cloud) -> None:
    """Connections are files."""
    async with client_of(cloud) as client:
        with no_new_files(), pytest.raises(LimitReached, match="Too many open files") as raised:
            await Reader(client, {}).jobs_page(0, {})
        await Reader(client, {}).jobs_page(0, {})
    assert "open files" in raised.value.failure().advice


async def test_a_refused_connection_is_reported_with_host_and_port() -> None:
    """And why it was refused, which the libraries leave out."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "{}:{}".format(*server.getsockname())
    failed = await failure_of(f"http://{address}/x")
    assert str(failed).startswith(
        f"{address}: ConnectionRefusedError: [Errno {errno.ECONNREFUSED}]"
    )
    assert NetworkFailed is type(failed)


async def test_a_proxy_that_takes_no_connection_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """By its address and its variable, without its password."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "{}:{}".format(*server.getsockname())
    monkeypatch.setenv("HTTPS_PROXY", f"http://user:sesame-7@{address}")
    failed = await failure_of("https://llamacloud.example")
    start = f"llamacloud.example:443 by the proxy {address} of HTTPS_PROXY: ConnectionRefusedError"
    assert str(failed).startswith(start)
    assert "sesame" not in str(failed)


async def test_a_missing_answer_is_reported_with_host_and_port() -> None:
    """And with the timeout."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "{}:{}".format(*server.getsockname())
        failed = await failure_of(f"http://{address}/x", timeout_seconds=0.1)
    assert f"no answer from {address} within 0.1 s" == str(failed)


def chained(*errors: Exception) -> Exception:
    """Let each error be the cause of the one before it."""
    for outer, inner in pairwise(errors):
        outer.__cause__ = inner
    return errors[0]


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (OSError(errno.EMFILE, "no files"), LimitReached, "OSError: [Errno 24] no files"),
        (RuntimeError("can't start new thread"), LimitReached, "RuntimeError: can't start"),
        (RuntimeError("something else"), NetworkFailed, "RuntimeError: something else"),
        (ssl.SSLCertVerificationError(1, "expired"), CertificateRefused, "SSLCertVerif"),
        (ssl.SSLError(1, "wrong version"), NetworkFailed, "SSLError"),
        (OverflowError("port must be 0-65535."), NetworkFailed, "OverflowError: port must"),
        (
            chained(
                OSError("All connection attempts failed"),
                ExceptionGroup("several", [ConnectionRefusedError(111, "no"), OSError("other")]),
            ),
            NetworkFailed,
            "ConnectionRefusedError: [Errno 111] no",
        ),
        (ConnectionResetError(), NetworkFailed, "ConnectionResetError: the connection was closed"),
        (chained(OSError("words"), OSError()), NetworkFailed, "OSError: words"),
        (chained(OSError("words"), BodyTooLarge("inner")), NetworkFailed, "OSError: words"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_the_original_cause_decides(
    error: Exception, kind: type[NetworkFailed], words: str
) -> None:
    """Libraries wrap it, some several times."""
    failed = network_failure(error, "h:443")
    assert kind is type(failed)
    assert str(failed).startswith(f"h:443: {words}")


def test_what_was_handled_meanwhile_did_not_begin_it() -> None:
    """It only happens to be the context of an error."""
    error = ConnectionResetError(104, "reset")
    error.__context__ = BodyTooLarge("before")
    failed = network_failure(error, "h:443")
    assert "h:443: ConnectionResetError: [Errno 104] reset" == str(failed)


def test_the_message_is_bounded() -> None:
    """Whatever a library says."""
    assert 300 == len(str(network_failure(OSError("x" * 10_000), "h:443")))
