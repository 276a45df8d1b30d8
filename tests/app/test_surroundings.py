"""The process's environment: variables of other programs, limits, and a reader that leaves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from exporter.simulator import Fault
from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import (
    COMMAND,
    DEADLINE_SECONDS,
    environment,
    run,
    running,
    running_command,
)
from tests.support.projects import project, scrape, settings_file

if TYPE_CHECKING:
    from pathlib import Path

PASSWORD = "sesame-7"
UNUSABLE = {
    "ALL_PROXY": f"socks5://user:{PASSWORD}@127.0.0.1:1",
    "HTTPS_PROXY": f"foo://user:{PASSWORD}@127.0.0.1",
    "http_proxy": f"http://user:{PASSWORD}/x@127.0.0.1:1",
    "HTTP_PROXY": "http://h:99999",
    "SSL_CERT_FILE": "/nowhere/sesame-7.pem",
}
# As at a limit of threads, which root does not have: no look-up of a name gets one.
WITHOUT_THREADS_FOR_NAMES = """
import sys, threading
start = threading.Thread.start
refused = []
def refuse(thread):
    is_look_up = thread.name.startswith("look-up")
    if is_look_up or (refused and thread.name.startswith("settings")):
        refused.append(thread)
        raise RuntimeError("can't start new thread")
    start(thread)
threading.Thread.start = refuse
from exporter.__main__ import main
sys.exit(main())
"""
# What asyncio needs first cannot be had; other files are open by then.
WITHOUT_FILES_FOR_THE_LOOP = """
import asyncio.events, resource, sys
new_event_loop = asyncio.events.new_event_loop
def without_files():
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, 3))
    return new_event_loop()
asyncio.events.new_event_loop = without_files
from exporter.__main__ import main
sys.exit(main())
"""
WITHOUT_THREADS = """
import sys, threading
def refuse(thread):
    raise RuntimeError("can't start new thread")
threading.Thread.start = refuse
from exporter.__main__ import main
sys.exit(main())
"""
ANY_PORT = "--web.listen-address=127.0.0.1:0"


def of(cloud: Cloud, **more: str) -> dict[str, str]:
    return {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url} | more


def needing(variable: str, cloud: Cloud) -> dict[str, str]:
    """Set a variable to an unusable value where the exporter needs it."""
    base_url = cloud.base_url.replace("http:", "https:" if variable == "HTTPS_PROXY" else "http:")
    return of(cloud, LLAMA_CLOUD_BASE_URL=base_url, **{variable: UNUSABLE[variable]})


@pytest.mark.parametrize("variable", UNUSABLE)
@pytest.mark.parametrize("mode", [ANY_PORT, "--once", "--config.check"])
def test_a_variable_that_cannot_be_used_is_reported_in_one_line(
    cloud: Cloud, variable: str, mode: str
) -> None:
    """The message names the variable and what to do; the value may hold a password."""
    ended = run(mode, **needing(variable, cloud))
    (line,) = ended.stderr.splitlines()
    assert (2, "") == (ended.returncode, ended.stdout)
    assert variable in line
    assert "unset" in line
    assert PASSWORD not in line


def test_a_proxy_that_nothing_needs_stops_nothing(cloud: Cloud) -> None:
    """It is for another scheme, or NO_PROXY names the servers."""
    unusable = {name: UNUSABLE[name] for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")}
    ended = run("--once", **of(cloud, **unusable, NO_PROXY="localhost,127.0.0.0/8,fd00::/8"))
    assert 0 == ended.returncode, ended.stderr
    assert 1 <= cloud.requests()["list_jobs"]


def test_the_demo_uses_no_proxy() -> None:
    """Its simulator is in the same process."""
    with running(
        "--demo", **{name: UNUSABLE[name] for name in ("ALL_PROXY", "HTTP_PROXY")}
    ) as demo:
        demo.wait_for_metric('llamacloud_exporter_project_up{project="invoices"} 1')


@pytest.mark.parametrize("mode", ["--once", "--config.check"])
def test_no_proxy_never_stops_the_start(cloud: Cloud, mode: str) -> None:
    """Platforms set it where there is no proxy; then nothing is logged about it."""
    odd = "[::1],[::1,localhost,fd00::/8,fd00::/129,a b,,*.c,10.0.0.0/8"
    ended = run(mode, "--log.level=warning", **of(cloud, NO_PROXY=odd))
    assert (0, "") == (ended.returncode, ended.stderr)


@pytest.mark.parametrize("mode", ["--once", "--config.check"])
def test_entries_that_cannot_be_read_are_logged_and_ignored(cloud: Cloud, mode: str) -> None:
    """Bad entries are logged in one line, and the others apply."""
    odd = of(cloud, HTTP_PROXY="http://127.0.0.1:1", NO_PROXY="[::1,127.0.0.0/8")
    ended = run(mode, "--log.level=warning", **odd)
    lines = (ended.stderr + ended.stdout).splitlines()
    (line,) = (line for line in lines if "NO_PROXY" in line)
    assert 0 == ended.returncode
    assert "ignored of it: [::1;" in line


def test_files_that_hold_no_certificates_are_reported_too(cloud: Cloud, tmp_path: Path) -> None:
    """SSL_CERT_FILE may name a missing file."""
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")
    ended = run("--once", **of(cloud, SSL_CERT_FILE=str(file)))
    assert (2, 1) == (ended.returncode, ended.stderr.count("SSL_CERT_FILE"))


@pytest.mark.parametrize("mode", ["--config.check", "--help", "--version", "--once"])
def test_a_reader_that_left_is_no_reason_for_a_traceback(cloud: Cloud, mode: str) -> None:
    """`head` leaves after its first lines."""
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


def test_it_runs_without_any_standard_output(cloud: Cloud) -> None:
    """A service manager may close it."""
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


def test_once_tries_a_listing_that_hangs_three_times(cloud: Cloud) -> None:
    """A short interval makes no difference."""
    cloud.simulator.faults.add(Fault("hang", endpoint="list_jobs"))
    ended = run(
        "--once", "--api.timeout=500ms", "--poll.interval=1s", "--api.versions=v1beta", **of(cloud)
    )
    assert 1 == ended.returncode
    assert 'api_requests_total{code="timeout",endpoint="list_jobs",project="default"} 3.0' in (
        ended.stdout
    )


@pytest.mark.parametrize("mode", [ANY_PORT, "--once"])
def test_a_start_without_files_is_no_bug(cloud: Cloud, mode: str) -> None:
    """The log names the limit and what to do."""
    ended = run_program(WITHOUT_FILES_FOR_THE_LOOP, mode, "--log.format=json", **of(cloud))
    line = json.loads(ended.stderr.splitlines()[0])
    assert (1, "exporter.limit_reached") == (ended.returncode, line["event"])
    assert "never awaited" not in ended.stderr
    assert "OSError: [Errno 24] Too many open files" == line["detail"]
    assert "ulimit -n" in line["advice"]


@pytest.mark.parametrize("mode", [ANY_PORT, "--once", "--config.check", "--healthcheck"])
def test_a_start_without_threads_is_reported_in_one_line(cloud: Cloud, mode: str) -> None:
    """Without a traceback."""
    ended = run_program(WITHOUT_THREADS, mode, **of(cloud))
    (line,) = ended.stderr.splitlines()
    assert (1, "", True) == (ended.returncode, ended.stdout, "can't start new thread" in line)


def run_program(
    program: str, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env=environment(**variables),
        capture_output=True,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )


def test_a_limit_of_threads_ends_nothing(cloud: Cloud, tmp_path: Path) -> None:
    """Only the project whose name cannot be looked up fails, and a reload needs no new thread."""
    by_name = cloud.base_url.replace("127.0.0.1", "localhost")
    entries = [project(cloud, "named", base_url=by_name), project(cloud, "good")]
    flag = settings_file(tmp_path, entries)
    with running_command((sys.executable, "-c", WITHOUT_THREADS_FOR_NAMES), flag) as exporter:
        exporter.wait_for(lambda: bool(exporter.events("project.listing_failed")))
        exporter.wait_for(lambda: 1 in scrape(exporter).own("project_up", project="good"))
        (line,) = exporter.events("project.listing_failed")
        exporter.process.send_signal(signal.SIGHUP)
        exporter.wait_for(lambda: bool(exporter.events("config.reloaded")))
        status, _ = exporter.stop()
    assert (0, "named", "network") == (status, line["project"], line["reason"])
    assert line["detail"].endswith("RuntimeError: can't start new thread")
    assert "TasksMax" in line["advice"]
