"""Headers of any bytes: the server reads them whole, at once, and answers as they say."""

import gzip
import socket
from collections.abc import Iterator
from http.client import HTTPResponse

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.exposition import Form
from exporter.web.negotiation import accepts_gzip, choose_form
from tests.support.properties import EFFORT, UNHURRIED
from tests.support.serving import DEADLINE_SECONDS, OWN, Exporter, served

header_like = st.lists(
    st.sampled_from([*'*/;,="\\ \t\x00\xa0', "q=", "0.5", "text/plain", "gzip", "version=", "nan"])
    | st.text(max_size=5),
    max_size=30,
).map("".join)


@settings(UNHURRIED, max_examples=300 * EFFORT)
@given(header=header_like)
@example('"' * 60_000)
@example('"\\' * 30_000)
@example(",;=" * 20_000)
@example(";q=1" * 15_000)
def test_no_header_is_too_strange(header: str) -> None:
    """Any text leads to one of the forms, and to a decision on gzip, at once."""
    assert choose_form(header) in Form
    assert accepts_gzip(header) in {True, False}


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve one site to all examples."""
    with served(Exporter()) as address:
        yield address


def _request(address: str, accept: bytes, accept_encoding: bytes) -> tuple[HTTPResponse, bytes]:
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=DEADLINE_SECONDS) as connection:
        lines = [b"GET /metrics HTTP/1.1", b"Host: here", b"Connection: close"]
        lines += [b"Accept: " + accept, b"Accept-Encoding: " + accept_encoding, b"", b""]
        connection.sendall(b"\r\n".join(lines))
        response = HTTPResponse(connection)
        response.begin()
        return response, response.read()


# Line breaks would end the header; HTTP forbids the others (RFC 9110, 5.5).
forbidden = b"\x00\x0b\x0c"
values_of_bytes = st.binary(max_size=40).map(
    lambda value: value.replace(b"\r", b"").replace(b"\n", b"")
)


@settings(UNHURRIED, max_examples=60 * EFFORT)
@given(accept=values_of_bytes, accept_encoding=values_of_bytes)
@example(Form.OPENMETRICS.value.encode(), b"gzip")
@example(b"application/openmetrics-text;\xff=\xff", b"gzip;q=1;\xff")
@example(b"text/plain", b",gzip")
@example(b"text/plain", b"gzip;q=0, *")
@example(b"\x00", b"")
def test_any_bytes_decide_as_they_came(address: str, accept: bytes, accept_encoding: bytes) -> None:
    """They decide as they came; a 400 for what is no HTTP.

    What they mean is the subject of other tests.
    """
    response, body = _request(address, accept, accept_encoding)

    if set(forbidden) & set(accept.strip(b" \t") + accept_encoding.strip(b" \t")):
        assert response.status == 400
        return
    assert response.status == 200
    form = choose_form(accept.decode("latin-1"))
    zipped = accepts_gzip(accept_encoding.decode("latin-1"))
    assert form.value == response.getheader("Content-Type")
    assert ("gzip" if zipped else None) == response.getheader("Content-Encoding")
    plain = gzip.decompress(body) if zipped else body
    assert plain.endswith(OWN[form])
