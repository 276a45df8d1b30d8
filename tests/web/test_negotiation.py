"""Which form and encoding a scrape has, for every way of asking for them."""

import gzip
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from web.serving import OWN, Exporter, ask, served

from exporter.exposition import Form
from exporter.negotiation import accepts_gzip, choose_form

TEXT = Form.TEXT
OPENMETRICS = Form.OPENMETRICS
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_TEXT = (
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "text/plain;version=0.0.4;q=0.5,"
    "application/openmetrics-text;version=1.0.0;q=0.4,*/*;q=0.2"
)
PROMETHEUS_2 = (
    "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"

ACCEPT = [
    (None, TEXT),
    ("", TEXT),
    ("*/*", TEXT),
    (BROWSER, TEXT),
    (PROMETHEUS_3, OPENMETRICS),
    (PROMETHEUS_3_TEXT, TEXT),
    (PROMETHEUS_2, OPENMETRICS),
    (f"{PROTOBUF},{PROMETHEUS_3}", OPENMETRICS),
    # By name, with and without a version.
    ("text/plain", TEXT),
    ("text/plain;version=0.0.4", TEXT),
    ("text/plain; charset=utf-8", TEXT),
    ("application/openmetrics-text", OPENMETRICS),
    ("application/openmetrics-text;version=1.0.0", OPENMETRICS),
    ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
    ("application/openmetrics-text;version=0.0.1", OPENMETRICS),
    ("Application/OpenMetrics-Text;Version=1.0.0;Q=1", OPENMETRICS),
    # What is not offered.
    ("application/openmetrics-text;version=2.0.0", TEXT),
    ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", TEXT),
    ("text/plain;version=1.0.0,application/openmetrics-text;q=0.1", OPENMETRICS),
    ("application/json", TEXT),
    (PROTOBUF, TEXT),
    # Quality decides first.
    ("application/openmetrics-text;q=0.2,text/plain;q=0.3", TEXT),
    ("application/openmetrics-text;q=0.3,text/plain;q=0.2", OPENMETRICS),
    ("text/plain;q=0.001,application/openmetrics-text;q=0.002", OPENMETRICS),
    ("application/openmetrics-text;q=0.3,*/*;q=0.4", TEXT),
    # Then how specific a wish is, then OpenMetrics if it was asked for by name.
    ("text/plain,application/openmetrics-text", OPENMETRICS),
    ("text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0", OPENMETRICS),
    ("text/plain;version=0.0.4,application/openmetrics-text", TEXT),
    ("text/plain,application/*", TEXT),
    ("text/*,application/openmetrics-text", OPENMETRICS),
    ("text/*,application/*", TEXT),
    ("*/*,application/*", OPENMETRICS),
    ("application/*", OPENMETRICS),
    # The most specific wish says a form's quality.
    ("text/*;q=0.9,text/plain;q=0.1,application/openmetrics-text;q=0.5", OPENMETRICS),
    (
        "application/openmetrics-text;version=1.0.0;q=0.1,application/openmetrics-text,*/*;q=0.5",
        TEXT,
    ),
    # Zero excludes.
    ("application/openmetrics-text;q=0,*/*", TEXT),
    ("text/plain;q=0,*/*;q=0.1", OPENMETRICS),
    ("text/plain;q=0.000,application/openmetrics-text;q=0.1", OPENMETRICS),
    ("application/openmetrics-text;q=0", TEXT),
    ("text/plain;q=0", TEXT),
    ("*/*;q=0", TEXT),
    # What is malformed is ignored.
    ("application/openmetrics-text;q=2", TEXT),
    ("application/openmetrics-text;q=-1", TEXT),
    ("application/openmetrics-text;q=nan", TEXT),
    ("application/openmetrics-text;q=0.1234", TEXT),
    ("application/openmetrics-text;q", TEXT),
    ("application openmetrics-text,,;,=,/", TEXT),
    (";q=1,application/openmetrics-text;q=0.5,text/;q=1", OPENMETRICS),
    ('"application/openmetrics-text', TEXT),
]

ACCEPT_ENCODING = [
    (None, False),
    ("", False),
    ("gzip", True),
    ("GZIP", True),
    ("x-gzip", True),
    ("gzip, deflate, br, zstd", True),
    ("deflate, br", False),
    ("identity", False),
    ("*", True),
    ("*;q=0.1", True),
    ("*;q=0", False),
    ("gzip;q=0", False),
    ("gzip;q=0.0, *", False),
    ("gzip;q=0.001", True),
    ("gzip;q=1.0, identity;q=0.5", True),
    ("gzip;q=0.5, identity;q=1", False),
    ("gzip;q=0.5, identity;q=0.5", True),
    ("identity;q=0, gzip;q=0.1", True),
    ("gzip;q=2", False),
    ("gzip;q=", False),
    ("gzipped", False),
    ("br;q=1, *;q=0, gzip;q=0.3", True),
]


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

    answer = ask(address, "/metrics", *headers)

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

    answer = ask(address, "/metrics", *headers)

    assert answer.headers.get("content-encoding") == ("gzip" if gzipped else None)
    assert answer.headers["vary"] == "Accept, Accept-Encoding"
    assert answer.headers["content-length"] == str(len(answer.body))
    body = gzip.decompress(answer.body) if gzipped else answer.body
    assert body.startswith(b"# HELP llamacloud_batch_job_info ")
    assert body.endswith(OWN[form])


def test_repeated_headers_are_read_as_one(address: str) -> None:
    """HTTP lets a client split a list over lines."""
    answer = ask(
        address,
        "/metrics",
        ("Accept", "text/plain;q=0.1"),
        ("Accept", "application/openmetrics-text"),
        ("Accept-Encoding", "gzip;q=0"),
        ("Accept-Encoding", "*"),
    )

    assert answer.headers["content-type"] == OPENMETRICS.value
    assert "content-encoding" not in answer.headers


@settings(deadline=None)
@given(st.text())
def test_no_header_is_too_strange(header: str) -> None:
    """Any text leads to one of the forms, and to a decision on gzip."""
    assert choose_form(header) in Form
    assert accepts_gzip(header) in {True, False}
