"""Certificates of companies: what they may lack, and files of them that are replaced."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from exporter.llamacloud.certificates import Certificates
from exporter.llamacloud.connections import Connections
from exporter.llamacloud.errors import BadEnvironmentError
from exporter.llamacloud.exchange import exchange
from exporter.llamacloud.network_errors import CertificateRefused
from tests.support.company_ca import CompanyCA, company_ca

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

pytestmark = pytest.mark.anyio

ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> dict[str, CompanyCA]:
    """Make two CAs as RFC 5280 wants them, and two of another kind, all of one name."""
    folder = tmp_path_factory.mktemp("authorities")
    return {
        "first": company_ca(folder / "first"),
        "second": company_ca(folder / "second"),
        "not-critical": company_ca(folder / "not-critical", basic="CA:TRUE"),
        "no-authority-key": company_ca(folder / "no-authority-key", authority="none"),
    }


@asynccontextmanager
async def serving(authority: CompanyCA) -> AsyncIterator[str]:
    """Answer every request over TLS; yield the base URL."""

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (await reader.read(65536)).endswith(b"\r\n\r\n"):
            writer.write(ANSWER)
        writer.close()

    context = authority.server_context()
    async with await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context) as listening:
        yield f"https://localhost:{listening.sockets[0].getsockname()[1]}"


async def request(connections: Connections, url: str) -> bytes:
    received = await exchange(connections, url, api_key="llx-one", params={}, timeout_seconds=5.0)
    return received.body


@pytest.mark.parametrize("kind", ["not-critical", "no-authority-key"])
async def test_certificates_that_lack_what_rfc_5280_requires_are_refused_unless_allowed(
    authorities: dict[str, CompanyCA], monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """On every Python, as from 3.13 on; the message says which setting helps."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authorities[kind].file))
    async with serving(authorities[kind]) as url:
        async with Connections("test") as strict:
            with pytest.raises(CertificateRefused) as raised:
                await request(strict, url)
        async with Connections("test", tls_strict=False) as lenient:
            assert b"{}" == await request(lenient, url)
        async with Connections("test") as reloaded:
            for is_strict in (False, True):
                reloaded.certificates.set_strict(is_strict=is_strict)
            with pytest.raises(CertificateRefused):
                await request(reloaded, url)
            reloaded.certificates.set_strict(is_strict=False)
            assert b"{}" == await request(reloaded, url)
    failure = raised.value.failure()
    assert failure.detail.startswith(f"{url.removeprefix('https://')}: SSLCertVerificationError:")
    assert ["api.tls_strict" in failure.advice, "SSL_CERT_FILE" in failure.advice] == [True, True]


async def test_a_proxy_that_speaks_tls_is_checked_by_the_same_certificates(
    authorities: dict[str, CompanyCA], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is the company's own as well."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authorities["first"].file))
    async with serving(authorities["first"]) as url:
        monkeypatch.setenv("HTTP_PROXY", url)
        async with Connections("test") as connections:
            assert b"{}" == await request(connections, "http://llamacloud.example")


@pytest.mark.parametrize("in_place", [True, False])
async def test_a_file_that_is_replaced_is_read_again(
    authorities: dict[str, CompanyCA],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    in_place: bool,  # noqa: FBT001 - a parameter
) -> None:
    """Before the next request; a file without certificates changes nothing, and is logged once."""
    file, new = tmp_path / "ca.pem", tmp_path / "new.pem"
    file.write_bytes(authorities["first"].file.read_bytes())
    monkeypatch.setenv("SSL_CERT_FILE", str(file))

    def replace(content: bytes) -> None:
        (file if in_place else new).write_bytes(content)
        if not in_place:
            new.rename(file)

    async with serving(authorities["second"]) as url, Connections("test") as connections:
        with capture_logs() as logs:
            for content in (b"no certificate", b"nor this"):
                replace(content)
                with pytest.raises(CertificateRefused):
                    await request(connections, url)
            replace(authorities["second"].file.read_bytes())
            assert b"{}" == await request(connections, url)
            file.unlink()
            assert b"{}" == await request(connections, url)
    assert [
        ("warning", "certificates.unreadable"),
        ("info", "certificates.changed"),
        ("warning", "certificates.unreadable"),
    ] == [(line["log_level"], line["event"]) for line in logs]
    assert {"SSL_CERT_FILE"} == {line["variable"] for line in logs}


async def test_a_folder_in_which_a_file_changed_is_read_again(
    authorities: dict[str, CompanyCA], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The folder itself appears unchanged."""
    file = tmp_path / authorities["first"].name_in_folder()
    file.write_bytes(authorities["first"].file.read_bytes())
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setenv("SSL_CERT_DIR", f"/nowhere:{tmp_path}")
    async with serving(authorities["second"]) as url, Connections("test") as connections:
        with pytest.raises(CertificateRefused):
            await request(connections, url)
        file.write_bytes(authorities["second"].file.read_bytes())
        assert b"{}" == await request(connections, url)


class Loading:
    """Counts how often certificates are loaded."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> ssl.SSLContext:
        """Make a context that trusts no certificate."""
        self.times += 1
        return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_what_did_not_change_is_not_loaded_again(tmp_path: Path, variable: str) -> None:
    """Each context costs a megabyte and connections of its own: also where all is refused."""
    file = tmp_path / "ca.pem"
    file.write_text("certificates")
    load = Loading()
    path = file if variable == "SSL_CERT_FILE" else tmp_path
    certificates = Certificates(load, {variable: str(path)})
    context = certificates.context()
    for _ in range(3):
        assert context is certificates.context()
    file.write_text("other certificates")
    assert context is not certificates.context()
    assert 2 == load.times


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CERT_DIR"])
def test_a_file_that_is_replaced_by_an_equal_one_is_not_loaded_again(
    tmp_path: Path, variable: str
) -> None:
    """As programs do that write them at intervals: connections are kept, nothing is logged."""
    folder = tmp_path / "certificates"
    folder.mkdir()
    file = folder / "ca.pem"
    file.write_text("certificates")
    load = Loading()
    path = file if variable == "SSL_CERT_FILE" else folder
    certificates = Certificates(load, {variable: str(path)})
    context = certificates.context()
    with capture_logs() as logs:
        for _ in range(3):
            new = tmp_path / "new"
            new.write_text("certificates")
            new.replace(file)
            assert context is certificates.context()
    assert (1, []) == (load.times, logs)
    file.write_text("other certificates")
    assert context is not certificates.context()


@pytest.mark.parametrize(
    ("variable", "path"),
    [
        ("SSL_CERT_FILE", "/"),
        ("SSL_CERT_FILE", "/dev/zero"),
        ("SSL_CERT_FILE", "/nowhere"),
        ("SSL_CERT_DIR", "/nowhere:/dev/zero"),
    ],
)
def test_what_is_no_regular_file_or_folder_is_refused_at_once(variable: str, path: str) -> None:
    """A device may have no end."""
    with pytest.raises(BadEnvironmentError, match=f"{variable} cannot be used"):
        Certificates(Loading(), {variable: path})
