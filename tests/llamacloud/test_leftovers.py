"""Bytes after the end of an answer: they are never read as the answer to another question."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpcore
import httpx
import pytest

from exporter.llamacloud.connections import Connections
from exporter.llamacloud.errors import BadEnvironmentError, LlamaCloudError
from exporter.llamacloud.exchange import exchange
from tests.support.broken_tls import certificate

pytestmark = pytest.mark.anyio

OWN, OTHERS = b'{"items": []}', b'{"items": ["of another project"]}'

Writer = asyncio.StreamWriter


def sized(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def chunked(body: bytes) -> bytes:
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)


@dataclass
class Server:
    """Answers each request with ``answer``, whose parts leave in one segment."""

    answer: tuple[bytes, ...]
    base_url: str = ""
    requests_on: list[int] = field(default_factory=list)
    writers: list[Writer] = field(default_factory=list)

    async def connected(self, reader: asyncio.StreamReader, writer: Writer) -> None:
        """Serve one connection to its end."""
        number = len(self.writers)
        self.writers.append(writer)
        self.requests_on.append(0)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                self.requests_on[number] += 1
                writer.writelines(self.answer)
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@asynccontextmanager
async def serving(*answer: bytes, tls: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    server = Server(answer)
    async with await asyncio.start_server(server.connected, "127.0.0.1", 0, ssl=tls) as listening:
        port = listening.sockets[0].getsockname()[1]
        server.base_url = f"https://localhost:{port}" if tls else f"http://127.0.0.1:{port}"
        yield server


@pytest.fixture(scope="module")
def tls_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a certificate once: that lasts as long as all tests here."""
    return certificate(tmp_path_factory.mktemp("tls"))


async def answers_of(
    server: Server,
    *,
    url: str | None = None,
    tls: ssl.SSLContext | None = None,
    between: Callable[[], Awaitable[None]] | None = None,
) -> list[bytes]:
    """Send the same request twice, and return both answers."""
    async with Connections("test", tls_context=tls or ssl.create_default_context()) as opened:
        first = await request(opened, url or server.base_url)
        if between is not None:
            await between()
        return [first, await request(opened, url or server.base_url)]


async def request(connections: Connections, url: str, api_key: str = "llx-one") -> bytes:
    received = await exchange(connections, url, api_key=api_key, params={}, timeout_seconds=5.0)
    return received.body


@pytest.mark.parametrize("answer", [sized(OWN), chunked(OWN)], ids=["sized", "chunked"])
async def test_without_any_the_connection_is_kept(answer: bytes) -> None:
    """It is not known to be bad."""
    async with serving(answer) as server:
        assert [OWN, OWN] == await answers_of(server)
        assert [2] == server.requests_on


@pytest.mark.parametrize(
    "more", [sized(OTHERS), chunked(OTHERS), sized(OTHERS)[:20], b"\n"], ids=range(4)
)
@pytest.mark.parametrize("answer", [sized(OWN), chunked(OWN)], ids=["sized", "chunked"])
async def test_an_answer_that_comes_twice_at_once_is_read_once(answer: bytes, more: bytes) -> None:
    """The connection is dropped, without a failure: the next question has another."""
    async with serving(answer + more) as server:
        assert [OWN, OWN] == await answers_of(server)
        assert [1, 1] == server.requests_on


async def test_an_answer_that_comes_again_before_the_next_question_is_not_read() -> None:
    """However long the connection was idle."""
    async with serving(sized(OWN)) as server:

        async def send_more() -> None:
            server.writers[0].write(sized(OTHERS))
            await server.writers[0].drain()

        assert [OWN, OWN] == await answers_of(server, between=send_more)
        assert [1, 1] == server.requests_on


async def test_an_answer_that_comes_twice_in_one_segment_of_tls_is_read_once(
    tls_file: Path,
) -> None:
    """The second one is not decrypted yet, and the socket has nothing to read."""
    at_server = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    at_server.load_cert_chain(tls_file)
    at_client = ssl.create_default_context(cafile=str(tls_file))
    for more, connections in ((b"", [2]), (sized(OTHERS), [1, 1])):
        async with serving(sized(OWN), more, tls=at_server) as server:
            assert [OWN, OWN] == await answers_of(server, tls=at_client)
            assert connections == server.requests_on


async def test_a_proxy_that_sends_an_answer_twice_is_no_exception(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Connections to it are kept and dropped alike."""
    for answer, connections in ((sized(OWN), [2]), (sized(OWN) + sized(OTHERS), [1, 1])):
        async with serving(answer) as proxy:
            monkeypatch.setenv("HTTP_PROXY", proxy.base_url)
            assert [OWN, OWN] == await answers_of(proxy, url="http://llamacloud.example")
            assert connections == proxy.requests_on


def test_versions_of_httpcore_that_cannot_be_guarded_are_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By name, version and what to do, instead of connections that nothing guards."""

    def absent(_pool: object) -> None:
        raise AttributeError("_network_backend")

    renamed = property(absent, lambda _pool, _backend: None)
    monkeypatch.setattr(httpcore.AsyncConnectionPool, "_network_backend", renamed, raising=False)
    with pytest.raises(BadEnvironmentError) as raised:
        Connections("test", tls_context=ssl.create_default_context())
    assert (
        f"httpx {httpx.__version__}, httpcore {httpcore.__version__} cannot be used:"
        " install the versions that requirements.lock names"
    ) == str(raised.value)


async def test_a_connection_whose_parser_cannot_be_reached_serves_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As with another version of httpcore: what it left unreadable is unknown."""
    monkeypatch.setattr("exporter.llamacloud.streams._PARSER", lambda answer: answer.no_such)
    async with serving(sized(OWN)) as server:
        assert [OWN, OWN] == await answers_of(server)
        assert [1, 1] == server.requests_on


async def test_keys_share_no_connections() -> None:
    """Undetected remains of one key's answers must not become another key's."""
    async with (
        serving(sized(OWN)) as server,
        Connections("test", tls_context=ssl.create_default_context()) as opened,
    ):
        for api_key in ("llx-one", "llx-two", "llx-one", "llx-two", "llx-two"):
            await request(opened, server.base_url, api_key)
        assert [2, 3] == server.requests_on


async def test_a_proxy_that_wants_credentials_for_a_tunnel_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """There is no answer of LlamaCloud then."""
    async with serving(b"HTTP/1.1 407 Go Away\r\nContent-Length: 0\r\n\r\n") as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.base_url)
        with pytest.raises(LlamaCloudError, match="HTTP 407: the proxy wants credentials"):
            await answers_of(proxy, url="https://llamacloud.example")
