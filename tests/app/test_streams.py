"""Standard streams that are closed, full or without a reader: the exporter works all the same."""

from __future__ import annotations

import http.client
import os
import re
import resource
import subprocess
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import pytest

from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import (
    COMMAND,
    DEADLINE_SECONDS,
    Exporter,
    environment,
    run,
    running,
)
from tests.support.odd_streams import STREAMS, closing, fill, odd_stream
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DROPPED = re.compile(r"^llamacloud_exporter_log_records_dropped_total (\S+)$", re.MULTILINE)
SHOWN = 'llamacloud_batch_job_info{api_version="v1beta",configuration_id="",directory_id='


def of(cloud: Cloud, **more: str) -> dict[str, str]:
    variables = {
        "LLAMA_CLOUD_API_KEY": KEY,
        "LLAMA_CLOUD_BASE_URL": cloud.base_url,
        "LLAMACLOUD_EXPORTER_POLL__INTERVAL": "1s",
        "LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE": "6000",
    }
    return environment(**variables, **more)


@dataclass
class Quiet(Exporter):
    """An exporter whose log cannot be read: its address is known otherwise."""

    host: str = ""

    def get_from(self, path: str) -> str:
        """Return the response, or an empty text if there is none."""
        connection = http.client.HTTPConnection(self.host, 9910, timeout=5)
        try:
            connection.request("GET", path)
            return connection.getresponse().read().decode()
        except ConnectionRefusedError:
            return ""
        finally:
            connection.close()

    def dropped(self) -> float:
        """Return the number of dropped log records that the metrics show."""
        found = DROPPED.search(self.get_from("/metrics"))
        return float(found[1]) if found else 0.0


@contextmanager
def quiet(cloud: Cloud, stderr: int, command: tuple[str, ...] = COMMAND) -> Iterator[Quiet]:
    """Run an exporter on an address of the loopback that is this process's own."""
    number = os.getpid()
    host = f"127.{1 + (number >> 14) % 250}.{(number >> 7) % 128}.{1 + number % 128}"
    flags = [f"--web.listen-address={host}:9910", "--log.format=json"]
    process = subprocess.Popen([*command, *flags], env=of(cloud), stderr=stderr)
    try:
        yield Quiet(process, None, host)  # type: ignore[arg-type]  # nobody can read it
    finally:
        process.kill()
        process.wait()


def wait_for(exporter: Quiet, path: str, words: str) -> None:
    wait_until(
        lambda: words in exporter.get_from(path),
        exporter.process,
        within_seconds=DEADLINE_SECONDS,
        message=partial(exporter.get_from, path),
    )


@pytest.mark.parametrize("kind", ["closed", "full", "left"])
def test_it_serves_and_stops_where_nothing_can_be_logged(cloud: Cloud, kind: str) -> None:
    """Dropped records are counted."""
    command = closing(2, COMMAND) if kind == "closed" else COMMAND
    with odd_stream(kind) as stderr, quiet(cloud, stderr, command) as exporter:
        wait_for(exporter, "/-/healthy", "ok")
        cloud.add_job()
        wait_for(exporter, "/metrics", SHOWN)
        wait_until(
            lambda: exporter.dropped() > 0,
            exporter.process,
            within_seconds=DEADLINE_SECONDS,
            message=lambda: "nothing was dropped",
        )
        status, seconds = exporter.stop()
    assert (0, True) == (status, seconds < 2.0)


def test_a_reader_that_stops_reading_does_not_stop_it(cloud: Cloud) -> None:
    """Ctrl-S, or a log collector that hangs, stops the reader."""
    reading, writing = os.pipe()
    try:
        with quiet(cloud, writing) as exporter:
            wait_for(exporter, "/-/healthy", "ok")
            fill(writing)
            for number in range(20):
                cloud.add_job(f"job-{number}")
            wait_for(exporter, "/metrics", SHOWN)
            assert "ok\n" == exporter.get_from("/-/healthy")
            status, seconds = exporter.stop()
    finally:
        os.close(writing)
        os.close(reading)
    assert (0, True) == (status, seconds < 2.0)


def test_a_log_disk_that_was_full_gets_whole_lines_again(cloud: Cloud) -> None:
    """A torn line is ended, lost records are counted, and SIGTERM ends the exporter with 0."""
    cloud.add_job()
    with running("--log.level=debug", **_quick(cloud)) as exporter:
        dropped = "llamacloud_exporter_log_records_dropped_total "
        assert "0.0" == _value(exporter.wait_for_metric(dropped), dropped)
        pid, unlimited = exporter.process.pid, resource.RLIM_INFINITY
        size = exporter.log_file.stat().st_size
        # The file may not grow beyond the midst of the next line.
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size + 50, unlimited))
        cloud.add_job("job-2")
        exporter.wait_for(lambda: _value(exporter.get()[1], dropped) != "0.0")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (unlimited, unlimited))
        cloud.add_job("job-3")
        exporter.wait_for(
            lambda: any(
                '"job_id": "job-3"' in line for line in exporter.log_file.read_text().splitlines()
            )
        )
        exporter.process.terminate()
        assert 0 == exporter.process.wait(DEADLINE_SECONDS)
        lines = exporter.log_file.read_text().splitlines()
    torn = [line for line in lines if not line.endswith("}")]
    assert [50] == [len(line) for line in torn]
    assert [True] * (len(lines) - 1) == [
        line.startswith('{"timestamp"') for line in lines if line not in torn
    ]


@pytest.mark.parametrize("kind", STREAMS)
def test_a_mistake_in_the_settings_ends_it_with_2_whatever_standard_error_is(kind: str) -> None:
    """The exit status shows that there is a mistake."""
    command = closing(2, COMMAND) if kind == "closed" else COMMAND
    with odd_stream(kind) as stderr:
        assert 2 == _status([*command, "--poll.interval=soon"], environment(), stderr=stderr)


@pytest.mark.parametrize(
    ("mode", "unbuffered"),
    # Where Python buffers nothing, argparse hides what happens to its texts.
    [("--config.check", ""), ("--help", "1"), ("--version", ""), ("--once", "")],
)
def test_a_result_that_cannot_be_written_is_a_failure(
    cloud: Cloud, mode: str, unbuffered: str
) -> None:
    """On a full disk the exit status is 1, and the log says so."""
    with odd_stream("full") as stdout:
        ended = subprocess.run(
            [*COMMAND, mode, "--log.format=json", "--log.level=error"],
            env=of(cloud, PYTHONUNBUFFERED=unbuffered),
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            timeout=DEADLINE_SECONDS,
            check=False,
        )
    (line,) = ended.stderr.splitlines()
    assert 1 == ended.returncode
    assert "standard output cannot be written: No space left on device" in line


def test_a_result_that_nobody_wants_is_none(cloud: Cloud) -> None:
    """With a closed standard output only the exit status is wanted."""
    command = [*closing(1, COMMAND), "--once", "--log.level=error"]
    ended = subprocess.run(
        command,
        env=of(cloud),
        stderr=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (0, "") == (ended.returncode, ended.stderr)


def test_a_result_is_written_without_any_standard_error(cloud: Cloud) -> None:
    """The mode works although its log lines are lost."""
    cloud.add_job()
    ended = subprocess.run(
        [*closing(2, COMMAND), "--once"],
        env=of(cloud),
        stdout=subprocess.PIPE,
        text=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (0, True) == (ended.returncode, SHOWN in ended.stdout)


@pytest.mark.parametrize("kind", STREAMS)
def test_a_health_check_ends_with_1_whatever_standard_error_is(kind: str) -> None:
    """No exporter listens at the port."""
    command = closing(2, COMMAND) if kind == "closed" else COMMAND
    variables = environment(LLAMACLOUD_EXPORTER_WEB__LISTEN_ADDRESS="127.0.0.1:1")
    with odd_stream(kind) as stderr:
        assert 1 == _status([*command, "--healthcheck"], variables, stderr=stderr)


ASCII = {"PYTHONIOENCODING": "ascii"}


def named(tmp_path: Path) -> str:
    """Return the flag of a settings file with a project whose name is not ASCII."""
    file = tmp_path / "exporter.yml"
    file.write_text("projects: [{name: é}]\n", "utf-8")
    return f"--config.file={file}"


def test_the_report_on_the_settings_escapes_what_the_output_lacks(tmp_path: Path) -> None:
    """A minimal system has the locale C."""
    ended = run("--config.check", named(tmp_path), LLAMA_CLOUD_API_KEY=KEY, **ASCII)
    assert (0, "") == (ended.returncode, ended.stderr)
    assert "\n  \\xe9\n" in ended.stdout


def test_the_log_escapes_what_standard_error_lacks(cloud: Cloud, tmp_path: Path) -> None:
    """The metrics format requires UTF-8."""
    ended = subprocess.run(
        [*COMMAND, "--once", "--log.format=console", named(tmp_path)],
        env=of(cloud, **ASCII),
        capture_output=True,
        timeout=DEADLINE_SECONDS,
        check=False,
    )
    assert (0, True) == (ended.returncode, ended.stderr.isascii())
    assert b" \\xe9 " in ended.stderr
    assert 'llamacloud_exporter_project_up{project="é"} 1.0' in ended.stdout.decode()


@pytest.mark.parametrize("flag", ["--é", "--poll.interval=é"])
def test_a_mistake_escapes_what_standard_error_lacks(flag: str) -> None:
    """Without a traceback."""
    ended = run(flag, LLAMA_CLOUD_API_KEY=KEY, PYTHONUTF8="1", **ASCII)
    assert (2, True, False) == (
        ended.returncode,
        "\\xe9" in ended.stderr,
        "Traceback" in ended.stderr,
    )


def _quick(cloud: Cloud) -> dict[str, str]:
    return {
        name: value for name, value in of(cloud).items() if name.startswith(("LLAMA", "LLAMACLOUD"))
    }


def _value(exposition: str, sample: str) -> str:
    (line,) = (line for line in exposition.splitlines() if line.startswith(sample))
    return line.removeprefix(sample)


def _status(command: list[str], variables: dict[str, str], *, stderr: int) -> int:
    return subprocess.run(
        command, env=variables, stderr=stderr, timeout=DEADLINE_SECONDS, check=False
    ).returncode
