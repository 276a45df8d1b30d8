"""Health, and what is answered to requests for anything else."""

import socket
from collections.abc import Iterator

import pytest
from starlette.routing import Route

from exporter.addresses import FIXED_PATHS
from exporter.web.routes import build_app
from tests.support.serving import Exporter, request, served


@pytest.fixture
def exporter() -> Exporter:
    """Hold the state behind the pages."""
    return Exporter()


@pytest.fixture
def address(exporter: Exporter) -> Iterator[str]:
    """Serve the pages."""
    with served(exporter) as address:
        yield address


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
def test_health_is_ok_while_it_holds(address: str, path: str) -> None:
    """Liveness and readiness have an endpoint each."""
    answer = request(address, path)

    assert (answer.status, answer.body) == (200, b"ok\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"


def test_an_unhealthy_exporter_says_what_to_do(exporter: Exporter, address: str) -> None:
    """It may be ready all the same."""
    exporter.healthy = False

    answer = request(address, "/-/healthy")

    words = (
        b"A project is no longer polled: restart the exporter, and see its log for the reason.\n"
    )
    assert (answer.status, answer.body) == (503, words)
    assert request(address, "/-/ready").status == 200


def test_an_exporter_that_is_not_ready_says_what_to_do(exporter: Exporter, address: str) -> None:
    """It is healthy all the same."""
    exporter.ready = False

    answer = request(address, "/-/ready")

    words = b"The first listing of a project has not ended yet: try again in a few seconds.\n"
    assert (answer.status, answer.body) == (503, words)
    assert request(address, "/-/healthy").status == 200


@pytest.mark.parametrize("path", ["/nothing", "/metrics/", "/-/ready/", "/-/", "//metrics"])
def test_other_paths_are_not_found_and_not_redirected(address: str, path: str) -> None:
    """The answer names the paths that exist."""
    answer = request(address, path)

    words = (
        b"Not found. These paths are served: / /job /api/v1/status /api/v1/jobs"
        b" /api/v1/openapi.yaml /metrics /-/healthy /-/ready /-/reload /-/quit\n"
    )
    assert (answer.status, answer.body) == (404, words)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "location" not in answer.headers


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "TRACE"])
def test_other_methods_are_not_allowed(address: str, path: str, method: str) -> None:
    """The answer names those that are."""
    answer = request(address, path, ("Content-Length", "0"), method=method)

    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD, OPTIONS")
    assert answer.body == b"Only GET, HEAD and OPTIONS are answered here.\n"


@pytest.mark.parametrize("path", ["/-/reload", "/-/quit"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_what_acts_answers_post_alone(address: str, path: str, method: str) -> None:
    """No link, and no page that a browser loads in advance, stops an exporter."""
    answer = request(address, path, ("Content-Length", "0"), method=method)

    assert (answer.status, answer.headers["allow"]) == (405, "POST, OPTIONS")
    if method != "HEAD":
        assert answer.body == b"Only POST and OPTIONS are answered here.\n"
    options = request(address, path, method="OPTIONS")
    assert (204, "POST, OPTIONS") == (options.status, options.headers["allow"])


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready"])
def test_options_names_the_methods(address: str, path: str) -> None:
    """With a status that load balancers accept as healthy; HAProxy sends OPTIONS by default."""
    answer = request(address, path, method="OPTIONS")

    assert (204, "GET, HEAD, OPTIONS", b"") == (
        answer.status,
        answer.headers["allow"],
        answer.body,
    )
    assert "content-length" not in answer.headers
    assert request(address, "/nothing", method="OPTIONS").status == 404


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/nothing"])
@pytest.mark.parametrize("encoding", ["gzip", "identity"])
def test_head_has_the_headers_of_get_and_no_body(address: str, path: str, encoding: str) -> None:
    """Length, type and encoding included."""
    get = request(address, path, ("Accept-Encoding", encoding))
    head = request(address, path, ("Accept-Encoding", encoding), method="HEAD")

    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")


@pytest.mark.parametrize("path", ["/", "/metrics", "/-/healthy", "/-/ready", "/nothing"])
def test_no_answer_is_sniffed_for_its_type(address: str, path: str) -> None:
    """Browsers take the type that is said."""
    assert request(address, path).headers["x-content-type-options"] == "nosniff"


def test_a_client_of_http_1_0_is_served(address: str) -> None:
    """Without Host, without chunks, and the connection ends with the body."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=20) as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        with connection.makefile("rb") as stream:
            head, _, body = stream.read().partition(b"\r\n\r\n")

    assert b" 200 OK\r\n" in head
    assert b"transfer-encoding" not in head.lower()
    assert body == request(address, "/metrics").body


def test_every_endpoint_but_metrics_has_a_fixed_path(exporter: Exporter) -> None:
    """``web.telemetry_path`` must not be one of these paths."""
    routes = build_app(exporter.site()).routes
    paths = [route.path for route in routes if isinstance(route, Route)]
    assert sorted([*FIXED_PATHS, "/metrics"]) == sorted(paths)
