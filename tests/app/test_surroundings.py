"""What the process finds around it: variables of other programs, and a reader that leaves."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest
from cloud import KEY, Cloud
from process import COMMAND, DEADLINE_SECONDS, environment, run

from exporter.simulator import Fault

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "sesame-7"
UNUSABLE = {
    "ALL_PROXY": f"socks5://user:{PASSWORD}@127.0.0.1:1",
    "HTTPS_PROXY": f"foo://user:{PASSWORD}@127.0.0.1",
    "http_proxy": f"http://user:{PASSWORD}/x@127.0.0.1:1",
    "NO_PROXY": "[::1",
    "SSL_CERT_FILE": "/nowhere/sesame-7.pem",
}
ANY_PORT = "--web.listen-address=127.0.0.1:0"


def of(cloud: Cloud, **more: str) -> dict[str, str]:
    return {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url} | more


@pytest.mark.parametrize("variable", UNUSABLE)
@pytest.mark.parametrize("mode", [ANY_PORT, "--once", "--config.check"])
def test_a_variable_that_cannot_be_used_is_told_in_one_line(
    cloud: Cloud, variable: str, mode: str
) -> None:
    """By its name and with what to do; its value may hold a password."""
    ended = run(mode, **of(cloud, **{variable: UNUSABLE[variable]}))
    (line,) = ended.stderr.splitlines()
    assert (2, "") == (ended.returncode, ended.stdout)
    assert variable in line
    assert "unset" in line
    assert PASSWORD not in line


def test_the_demo_tells_it_too() -> None:
    """Its simulator is under way by then."""
    ended = run("--demo", ANY_PORT, ALL_PROXY=UNUSABLE["ALL_PROXY"])
    assert 2 == ended.returncode
    assert "exporter.bad_environment" in ended.stderr
    assert PASSWORD not in ended.stderr


def test_certificates_that_are_none_are_told_too(cloud: Cloud, tmp_path: Path) -> None:
    """As a file that is not there."""
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    ended = run("--once", **of(cloud, SSL_CERT_FILE=str(file)))
    assert (2, 1) == (ended.returncode, ended.stderr.count("SSL_CERT_FILE"))


@pytest.mark.parametrize("mode", ["--config.check", "--help", "--version", "--once"])
def test_a_reader_that_left_is_no_reason_for_a_traceback(cloud: Cloud, mode: str) -> None:
    """As `head` does."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        ended = subprocess.run(
            [*COMMAND, mode, "--log.level=error"],
            # Where Python buffers nothing, argparse hides what happens to its texts.
            env=environment(**of(cloud, PYTHONUNBUFFERED="")),
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
    finally:
        os.close(writing)
    assert (1, "") == (ended.returncode, ended.stderr)


def test_no_standard_output_at_all_is_borne(cloud: Cloud) -> None:
    """As where a service manager closes it."""
    command = ["sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, "--config.check"]
    ended = subprocess.run(
        command,
        env=environment(**of(cloud)),
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (0, "") == (ended.returncode, ended.stderr)


def test_once_gives_a_listing_that_hangs_three_attempts(cloud: Cloud) -> None:
    """However short the interval is."""
    cloud.simulator.faults.add(Fault("hang", endpoint="list_jobs"))
    ended = run(
        "--once", "--api.timeout=500ms", "--poll.interval=1s", "--api.versions=v1beta", **of(cloud)
    )
    assert 1 == ended.returncode
    assert 'api_requests_total{code="timeout",endpoint="list_jobs",project="default"} 3.0' in (
        ended.stdout
    )
