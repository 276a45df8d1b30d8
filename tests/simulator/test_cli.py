"""``python -m exporter.simulator`` as a separate process, with real signals."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest

from exporter.simulator import DEMO_PROJECTS
from exporter.simulator.__main__ import main
from tests.support.clients import tls_context

if TYPE_CHECKING:
    from collections.abc import Iterator

COMMAND = [sys.executable, "-W", "error", "-m", "exporter.simulator"]
JOBS_PATH = "/api/v1/beta/batch-processing"
BATCHES_PATH = "/api/v2/batches"
PROJECT = DEMO_PROJECTS[0]
DEADLINE_SECONDS = 20


@contextmanager
def running(*flags: str) -> Iterator[tuple[subprocess.Popen[str], str, str]]:
    """Run the program on a free port; yield the process, its base URL and its output so far."""
    command = [*COMMAND, "--listen-address", "127.0.0.1:0", *flags]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline() for _ in range(1 + 2 * len(DEMO_PROJECTS))]
            found = re.search(r"http://127\.0\.0\.1:\d+", lines[0])
            assert found is not None, process.stderr and process.stderr.read()
            yield process, found.group(), "".join(lines)
        finally:
            process.kill()


def get(base_url: str, path: str = JOBS_PATH, *, limit: int = 1000) -> httpx.Response:
    return httpx.get(
        base_url + path,
        params={"limit": limit, "project_id": PROJECT.project_id},
        headers={"authorization": f"Bearer {PROJECT.key}"},
        timeout=DEADLINE_SECONDS,
        trust_env=False,
        verify=tls_context(),
    )


def run(*flags: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*COMMAND, *flags], capture_output=True, text=True, timeout=DEADLINE_SECONDS, check=False
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_the_demo_until_a_signal(number: signal.Signals) -> None:
    """Its first lines explain how to use it, and a signal ends it with status 0 and no error."""
    with running() as (process, base_url, welcome):
        listed = get(base_url).json()
        process.send_signal(number)
        further_output, errors = process.communicate(timeout=DEADLINE_SECONDS)
    assert listed["total_size"] > 10
    assert (process.returncode, further_output, errors) == (0, "", "")
    for project in DEMO_PROJECTS:
        assert f"Project {project.name!r}, id {project.project_id}:" in welcome
        assert (
            f"  LLAMA_CLOUD_API_KEY={project.key} LLAMA_CLOUD_BASE_URL={base_url}"
            " llamacloud-batch-exporter\n"
        ) in welcome


def test_its_flags_shape_the_pages() -> None:
    """Paging can be made as irregular as LlamaCloud's might be."""
    flags = ("--no-total-size", "--page-token", "--max-rows", "3", "--order", "oldest")
    with running(*flags) as (_, base_url, _):
        listed = get(base_url, limit=100).json()
        batches = get(base_url, BATCHES_PATH).json()["items"]
    created = [row["created_at"] for row in listed["items"]]
    assert len(created) == 3
    assert created == sorted(created)
    assert listed["total_size"] is None
    assert listed["next_page_token"] is not None
    created = [row["created_at"] for row in batches]
    assert (len(created), created) == (3, sorted(created))


def test_its_flags_bring_faults() -> None:
    """A share of the requests can be slow or fail."""
    with running("--fail-rate", "1", "--latency", "0.1") as (_, base_url, _):
        answer = get(base_url)
    assert answer.status_code == 503
    assert answer.elapsed.total_seconds() >= 0.1


@pytest.mark.parametrize(("withdrawn", "codes"), [("v1beta", [404, 200]), ("v2", [200, 404])])
def test_a_generation_can_be_withdrawn(withdrawn: str, codes: list[int]) -> None:
    """Its endpoints answer 404."""
    with running("--withdrawn", withdrawn) as (_, base_url, _):
        assert codes == [get(base_url, path).status_code for path in (JOBS_PATH, BATCHES_PATH)]


def test_its_rate_limit_draws_429() -> None:
    """It limits the requests a minute."""
    with running("--rate-limit", "2") as (_, base_url, _):
        codes = [get(base_url).status_code for _ in range(3)]
    assert codes == [200, 200, 429]


def test_a_taken_port_ends_it_with_a_clear_error() -> None:
    """The error names the address, and there is no traceback."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        ended = run("--listen-address", address)
    assert ended.returncode == 1
    assert ended.stderr == f"cannot listen on {address}: Address already in use\n"


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--speed", "0"), "argument --speed: '0' is not a number greater than 0"),
        (("--speed", "fast"), "argument --speed: 'fast' is not a number greater than 0"),
        (("--fail-rate", "2"), "argument --fail-rate: '2' is not a number from 0 to 1"),
        (("--latency", "-1"), "argument --latency: '-1' is not a number of seconds"),
        (("--max-rows", "1.5"), "argument --max-rows: '1.5' is not a whole number above 0"),
        (("--max-rows", "inf"), "argument --max-rows: 'inf' is not a whole number above 0"),
        (("--listen-address", "here"), "argument --listen-address: 'here' is not host:port"),
        (("--listen-address", "a:99999"), "argument --listen-address: 'a:99999' is not host:port"),
        (("--order", "random"), "argument --order: invalid choice: 'random'"),
        (("--withdrawn", "v3"), "argument --withdrawn: invalid choice: 'v3'"),
    ],
)
def test_a_bad_flag_ends_it_with_status_2(
    capsys: pytest.CaptureFixture[str], flags: tuple[str, ...], words: str
) -> None:
    """The error names the flag and the accepted values."""
    with pytest.raises(SystemExit) as ended:
        main(flags)
    assert ended.value.code == 2
    assert words in capsys.readouterr().err


def test_help_names_every_flag() -> None:
    """--help ends with status 0."""
    ended = run("--help")
    assert ended.returncode == 0
    for flag in ("--listen-address", "--speed", "--seed", "--fail-rate", "--rate-limit"):
        assert flag in ended.stdout


def test_importing_it_imports_neither_client_nor_exporter() -> None:
    """The package is independent: it needs no httpx, and only the version of the exporter."""
    code = (
        "import sys, exporter.simulator, exporter.simulator.__main__\n"
        "print([name for name in sys.modules if name == 'httpx' or"
        " (name.startswith('exporter.') and not name.startswith('exporter.simulator'))])"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (ended.stdout, ended.stderr) == ("[]\n", "")
