"""``--healthcheck``: its result, its requests, and its costs."""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest

from exporter.addresses import ListenAddress
from exporter.app.listening import listen
from exporter.healthcheck import problem_at, target_of
from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import environment, run, running
from tests.support.serving import Exporter, served

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ADDRESSES = "LLAMACLOUD_EXPORTER_WEB__LISTEN_ADDRESS"
FLAG = "--healthcheck"
ADDRESS_WANTED = "must be written host:port, :port or [::1]:port, the port at most 65535"
PORT_0_IS_NONE = (
    "web.listen_address 127.0.0.1:0 has port 0, so that the port which the exporter listens on is"
    " not known: choose one"
)
HEALTHY = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok\n"
# Modules that all others of the exporter need; each costs more than the whole check.
HEAVY = {"httpx", "prometheus_client", "pydantic", "pydantic_settings", "uvicorn", "yaml"}


def problem(port: int, host: str = "127.0.0.1", seconds: float = 3.0) -> str | None:
    return problem_at([ListenAddress(host, port)], seconds)


def port_of(address: str) -> int:
    return int(address.rpartition(":")[2])


@contextmanager
def answering(answer: bytes, host: str = "127.0.0.1") -> Iterator[int]:
    """Listen as the exporter does; give this answer to one request. Yield the port."""
    (listening,) = listen([ListenAddress(host, 0)])
    is_over = threading.Event()

    def serve() -> None:
        client, _ = listening.accept()
        with client:
            client.recv(65536)
            client.sendall(answer)
            if not answer.endswith(b"\n"):
                is_over.wait(20)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listening:
        yield listening.getsockname()[1]
        is_over.set()
        thread.join()


def port_that_is_free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_a_running_exporter_is_healthy(cloud: Cloud, tmp_path: Path) -> None:
    """By the same flag, variable or file as it was started with; nothing is printed."""
    with running(LLAMA_CLOUD_API_KEY=KEY, LLAMA_CLOUD_BASE_URL=cloud.base_url) as exporter:
        (line,) = exporter.events("exporter.listening")
        address = line["open_in_browser"].removeprefix("http://").rstrip("/")
        file = tmp_path / "exporter.yml"
        file.write_text(f"web: {{listen_address: '{address}'}}\nprojects: [{{name: keyless}}]")
        ended = [
            run(FLAG, f"--web.listen-address={address}"),
            run(FLAG, **{ADDRESSES: address}),
            run(FLAG, LLAMACLOUD_EXPORTER_CONFIG__FILE=str(file)),
        ]
        exporter.stop()
        stopped = run(FLAG, **{ADDRESSES: address})

    assert [(0, "", "")] * 3 == [(each.returncode, each.stdout, each.stderr) for each in ended]
    assert (1, "") == (stopped.returncode, stopped.stdout)
    assert stopped.stderr == (
        f"http://{address}/-/healthy cannot be requested: Connection refused; does the exporter"
        " run, and is this its web.listen_address?\n"
    )


def test_an_exporter_that_is_not_healthy_says_why() -> None:
    """In its own words."""
    with served(Exporter(healthy=False)) as address:
        found = problem(port_of(address))
    assert found == (
        f"http://{address}/-/healthy answered 503: A project is no longer polled: restart the"
        " exporter, and see its log for the reason."
    )


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::", "::1", "127.0.0.1", "localhost"])
def test_it_sends_its_request_where_the_exporter_listens(host: str) -> None:
    """Where that is every interface, it sends the request to the loopback."""
    with answering(HEALTHY, host) as port:
        assert None is problem(port, host)


def test_each_of_several_addresses_must_answer() -> None:
    """The one that does not is named."""
    closed = port_that_is_free()
    with answering(HEALTHY) as port:
        addresses = [ListenAddress("127.0.0.1", port), ListenAddress("", closed)]
        found = problem_at(addresses)
    assert found is not None
    assert found.startswith(f"http://127.0.0.1:{closed}/-/healthy cannot be requested")


@pytest.mark.parametrize(
    "answer",
    [b"", b"HTTP/1.1 200 OK\r\nContent-Le", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"],
)
def test_what_does_not_answer_in_time_is_not_healthy(answer: bytes) -> None:
    """Also where an answer has begun."""
    with answering(answer) as port:
        began = time.monotonic()
        found = problem(port, seconds=0.2)
        took = time.monotonic() - began
    assert f"http://127.0.0.1:{port}/-/healthy did not answer within 0.2 s" == found
    assert took < 2.0


def test_a_name_that_is_looked_up_for_long_is_not_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No other limit ends a look-up."""
    is_over = threading.Event()

    def look_up(*_: object, **__: object) -> NoReturn:
        is_over.wait(20)
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    try:
        found = problem(9910, host="exporter.example", seconds=0.1)
    finally:
        is_over.set()
    assert "http://exporter.example:9910/-/healthy did not answer within 0.1 s" == found


@pytest.mark.parametrize("answer", [b"SSH-2.0-\x1b[2J\r\n", b"\r\n"])
def test_what_is_no_exporter_is_reported_in_one_line(answer: bytes) -> None:
    """Without the terminal escapes of others."""
    with answering(answer) as port:
        ended = run(FLAG, **{ADDRESSES: f"127.0.0.1:{port}"})
    assert 1 == ended.returncode
    assert f"http://127.0.0.1:{port}/-/healthy cannot be requested: " in ended.stderr
    assert 1 == ended.stderr.count("\n")
    assert ended.stderr.removesuffix("\n").isprintable()


def test_what_standard_error_lacks_is_escaped() -> None:
    """Another program may answer in its own language, and the locale be ASCII."""
    answer = "HTTP/1.1 404 Not Found\r\n\r\nintrouvable, désolé\n".encode()
    with answering(answer) as port:
        ended = run(FLAG, **{ADDRESSES: f"127.0.0.1:{port}"}, PYTHONIOENCODING="ascii")
    assert (1, True) == (ended.returncode, ended.stderr.isascii())
    assert "answered 404: introuvable, d\\xe9sol\\xe9" in ended.stderr


@pytest.mark.parametrize(
    ("arguments", "variables", "expected"),
    [
        (
            (),
            {ADDRESSES: "127.0.0.1:0"},
            PORT_0_IS_NONE,
        ),
        (
            (),
            {ADDRESSES: "9910"},
            f'environment variable {ADDRESSES} {ADDRESS_WANTED}, not "9910".',
        ),
        (("--once",), {}, "--healthcheck and --once are modes; choose one."),
        (
            ("--web.listen-addres=:1",),
            {},
            "flag --web.listen-addres is unknown; the nearest known one is --web.listen-address.",
        ),
    ],
)
def test_a_mistake_is_reported_in_one_line(
    arguments: tuple[str, ...], variables: dict[str, str], expected: str
) -> None:
    """Its exit status is 1 as well: Docker reserves 2."""
    ended = run(FLAG, *arguments, **variables)
    assert (1, "", expected + "\n") == (ended.returncode, ended.stdout, ended.stderr)


@pytest.mark.parametrize(
    "variables", [{}, {ADDRESSES: ""}, {ADDRESSES: " :1,[::1]:02 , localhost:3"}]
)
def test_the_short_way_to_the_addresses_leads_where_the_long_one_does(
    variables: dict[str, str],
) -> None:
    """Another flag makes it take the long one."""
    short = target_of([FLAG], variables)
    assert short == target_of([FLAG, "--log.level=info"], variables)


def test_it_loads_next_to_nothing() -> None:
    """It runs every 30 seconds, within the memory limit of the exporter."""
    command = [sys.executable, "-X", "importtime", "-m", "exporter", FLAG]
    variables = environment(**{ADDRESSES: f"127.0.0.1:{port_that_is_free()}"})
    ended = subprocess.run(command, env=variables, capture_output=True, text=True, check=False)
    lines = [line for line in ended.stderr.splitlines() if line.startswith("import time:")]
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}
    assert {"exporter", "http"} <= loaded
    assert set() == HEAVY & loaded
