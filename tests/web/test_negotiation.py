"""Which form and encoding a scrape has, for every way of requesting them."""

import gzip
from collections.abc import Iterator

import pytest

from exporter.exposition import Form
from tests.support.serving import OWN, Exporter, request, served
from tests.web.header_cases import ACCEPT, ACCEPT_ENCODING, OPENMETRICS


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Serve one site to all cases."""
    with served(Exporter()) as address:
        yield address


@pytest.mark.parametrize(("accept", "form"), ACCEPT)
def test_the_form_is_what_the_accept_header_prefers(
    address: str, accept: str | None, form: Form
) -> None:
    """Quality first, then the more specific wish; nothing acceptable is answered in text."""
    headers = [] if accept is None else [("Accept", accept)]

    answer = request(address, "/metrics", *headers)

    assert (answer.status, answer.headers["content-type"]) == (200, form.value)
    assert answer.body.endswith(OWN[form])


@pytest.mark.parametrize(("accept_encoding", "gzipped"), ACCEPT_ENCODING)
@pytest.mark.parametrize("form", Form)
def test_the_body_is_gzipped_where_the_client_takes_it(
    address: str, accept_encoding: str | None, *, gzipped: bool, form: Form
) -> None:
    """Either way it is the same exposition, of the announced length."""
    headers = [("Accept", form.value)]
    headers += [] if accept_encoding is None else [("Accept-Encoding", accept_encoding)]

    answer = request(address, "/metrics", *headers)

    assert answer.headers.get("content-encoding") == ("gzip" if gzipped else None)
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert answer.headers["content-length"] == str(len(answer.body))
    body = gzip.decompress(answer.body) if gzipped else answer.body
    assert body.startswith(b"# HELP llamacloud_batch_job_info ")
    assert body.endswith(OWN[form])


def test_repeated_headers_are_read_as_one(address: str) -> None:
    """HTTP lets a client split a list over lines."""
    answer = request(
        address,
        "/metrics",
        ("Accept", "text/plain;q=0.1"),
        ("Accept", "application/openmetrics-text"),
        ("Accept-Encoding", "gzip;q=0"),
        ("Accept-Encoding", "*"),
    )

    assert answer.headers["content-type"] == OPENMETRICS.value
    assert "content-encoding" not in answer.headers
