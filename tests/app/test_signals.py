"""Signals: which end the exporter, with which status, and which it logs and ignores."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING

import pytest

from exporter.simulator import Fault
from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import (
    COMMAND,
    DEADLINE_SECONDS,
    environment,
    running,
    running_command,
)
from tests.support.odd_streams import odd_stream
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

IGNORED = [signal.SIGUSR1, signal.SIGUSR2]
# Before the settings are read there is nothing to read again.
IGNORED_AT_FIRST = [signal.SIGHUP, *IGNORED]
# A poll that never gives the event loop its turn again.
STUCK = """
import os, sys, time
from exporter.__main__ import main
from exporter.llamacloud.v1beta import api
def stuck(*_arguments, **_options):
    # A line in one piece: the log is written beside it.
    os.write(1, b"stuck\\n")
    time.sleep(60)
api.list_jobs = stuck
sys.exit(main())
"""
IMPORTING = """
import sys, time
from exporter import __main__
def hang():
    print("importing", flush=True)
    time.sleep(60)
__main__._imported = hang
sys.exit(__main__.main())
"""


def of(cloud: Cloud) -> dict[str, str]:
    return {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url}


@contextmanager
def importing(
    *flags: str, stderr: int = subprocess.PIPE
) -> Iterator[tuple[subprocess.Popen[bytes], IO[bytes]]]:
    """Run an exporter that hangs in its imports; yield it and its log."""
    with subprocess.Popen(
        [sys.executable, "-c", IMPORTING, *flags],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=stderr,
    ) as process:
        assert process.stdout is not None
        try:
            assert b"importing\n" == process.stdout.readline()
            yield process, process.stderr or process.stdout
        finally:
            process.kill()


def test_signals_that_would_end_other_programs_are_logged_and_ignored(cloud: Cloud) -> None:
    """SIGHUP is not among them: it reloads the settings."""
    with running(**of(cloud)) as exporter:
        for number in IGNORED:
            exporter.process.send_signal(number)
        exporter.wait_for(lambda: len(exporter.events("exporter.signal_ignored")) == len(IGNORED))
        assert {number.name for number in IGNORED} == {
            line["signal"] for line in exporter.events("exporter.signal_ignored")
        }
        assert (200, "ok\n") == exporter.get("/-/healthy")
        assert 0 == exporter.stop()[0]
        (stopping,) = exporter.events("exporter.stopping")
    assert "SIGTERM" == stopping["signal"]


def test_they_are_ignored_from_the_start() -> None:
    """They are also ignored during the imports."""
    with importing() as (process, log):
        for number in IGNORED_AT_FIRST:
            process.send_signal(number)
            expected = f"llamacloud-batch-exporter: {number.name} is ignored\n"
            assert expected == log.readline().decode()
        process.terminate()
        assert 0 == process.wait(DEADLINE_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_impatience_changes_nothing(cloud: Cloud, number: signal.Signals) -> None:
    """Further signals do not change how the exporter stops."""
    with running(**of(cloud)) as exporter:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while exporter.process.poll() is None:
            assert time.monotonic() < deadline
            exporter.process.send_signal(number)
        assert 0 == exporter.process.returncode
        assert 1 == len(exporter.events("exporter.stopping"))


def test_a_loop_that_is_stuck_does_not_keep_it(cloud: Cloud) -> None:
    """SIGTERM ends a process whose event loop is stuck."""
    with running_command((sys.executable, "-c", STUCK), **of(cloud)) as exporter:
        exporter.wait_for(lambda: "stuck" in exporter.log_file.read_text())
        status, seconds = exporter.stop()
        assert (0, True) == (status, seconds < 2.0)
        assert ["exporter.stopping"] == [line["event"] for line in exporter.log()][-1:]


@pytest.mark.parametrize("kind", ["full", "unread"])
def test_a_signal_during_start_up_ends_it_whatever_standard_error_is(kind: str) -> None:
    """The handler neither fails nor blocks."""
    with odd_stream(kind) as stderr, importing(stderr=stderr) as (process, _):
        process.terminate()
        assert 0 == process.wait(DEADLINE_SECONDS)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_once_that_is_stopped_has_failed(cloud: Cloud, number: signal.Signals) -> None:
    """The exit status is 1, with a log line, because no metrics were printed."""
    cloud.simulator.faults.add(Fault("hang"))
    with once(cloud, "--log.level=error") as process:
        wait_until(
            lambda: bool(cloud.simulator.requests),
            process,
            within_seconds=DEADLINE_SECONDS,
            message=lambda: "no request was sent",
        )
        process.send_signal(number)
        out, err = process.communicate(timeout=DEADLINE_SECONDS)
    (line,) = map(json.loads, err.splitlines())
    assert (1, b"") == (process.returncode, out)
    assert ("exporter.stopped_early", number.name) == (line["event"], line["signal"])


@pytest.mark.parametrize("mode", ["--once", "--config.check"])
def test_a_mode_with_a_result_that_is_stopped_at_the_start_has_failed(mode: str) -> None:
    """A signal during the imports is a failure too."""
    with importing(mode) as (process, log):
        process.terminate()
        assert b"llamacloud-batch-exporter: stopped by SIGTERM\n" == log.read()
        assert 1 == process.wait(DEADLINE_SECONDS)


def test_once_can_be_stopped_while_its_output_has_no_reader(cloud: Cloud) -> None:
    """A full pipe without a reader does not keep it from ending."""
    with odd_stream("unread") as stdout, once(cloud, stdout=stdout) as process:
        assert process.stderr is not None
        next(line for line in process.stderr if b"project.listed" in line)
        process.terminate()
        assert 1 == process.wait(DEADLINE_SECONDS)


@contextmanager
def once(
    cloud: Cloud, *flags: str, stdout: int = subprocess.PIPE
) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [*COMMAND, "--once", "--log.format=json", *flags],
        env=environment(**of(cloud)),
        stdout=stdout,
        stderr=subprocess.PIPE,
    ) as process:
        try:
            yield process
        finally:
            process.kill()
