"""A start that fails: a sidecar stays until Kubernetes has seen it running."""

from __future__ import annotations

import signal
import socket
import subprocess
from typing import TYPE_CHECKING

import pytest

from exporter.app.signal_handlers import seconds_left
from exporter.config import ConfigError, load
from tests.support.exporter_process import COMMAND, DEADLINE_SECONDS, environment, run
from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLE = "LLAMACLOUD_EXPORTER_API__WAIT_FOR_KEY"
SIDECAR = {VARIABLE: "true", "LLAMA_CLOUD_API_KEY_FILE": "/nowhere/key"}
# Far from five seconds, and far longer than a process takes to end that has said what is wrong.
STILL_THERE_SECONDS = 0.5
# Well before the rest of the five seconds.
SOON_SECONDS = 3.0


@pytest.fixture
def taken() -> Iterator[str]:
    """Return an address on which another program listens."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield f"127.0.0.1:{other.getsockname()[1]}"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Return the file that receives the exporter's log."""
    return tmp_path / "log"


def status_of_stayed(log: Path, *arguments: str, reported: str, **variables: str) -> int:
    """Start a sidecar that logs a mistake and stays; return its exit status after SIGTERM."""
    command = [*COMMAND, *arguments]
    with (
        log.open("wb") as file,
        subprocess.Popen(command, env=environment(**SIDECAR, **variables), stderr=file) as process,
    ):
        try:
            wait_until(
                lambda: reported in log.read_text(),
                process,
                within_seconds=DEADLINE_SECONDS,
                message=log.read_text,
            )
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(STILL_THERE_SECONDS)
            process.send_signal(signal.SIGTERM)
            return process.wait(SOON_SECONDS)
        finally:
            process.kill()


def waits_for_key(argv: list[str], environ: dict[str, str]) -> bool:
    """Load wrong settings, and return what the error says of them."""
    with pytest.raises(ConfigError) as raised:
        load(argv, environ)
    return raised.value.waits_for_key


def test_a_sidecar_with_wrong_settings_stays_for_a_moment(log: Path) -> None:
    """The mistake is logged first, and SIGTERM ends the wait at once."""
    name = "LLAMACLOUD_EXPORTER_POLL__INTERVAL"
    assert 2 == status_of_stayed(log, reported=name, **{name: "soon"})
    assert "Traceback" not in log.read_text()


def test_a_sidecar_that_cannot_listen_stays_for_a_moment(log: Path, taken: str) -> None:
    """This failure comes before the event loop starts."""
    flag = f"--web.listen-address={taken}"
    assert 1 == status_of_stayed(log, flag, reported="exporter.cannot_listen")
    assert "Traceback" not in log.read_text()


def test_a_sidecar_with_an_unusable_proxy_stays_for_a_moment(log: Path) -> None:
    """This failure comes after the event loop and its signal handlers have ended."""
    flag, reported = "--web.listen-address=127.0.0.1:0", "exporter.bad_environment"
    assert 2 == status_of_stayed(log, flag, reported=reported, ALL_PROXY="foo://127.0.0.1")
    assert "Traceback" not in log.read_text()


def test_it_stays_five_seconds_in_all() -> None:
    """A process that fails after five seconds ends at once."""
    assert [5.0, 1.5, 0.0] == [seconds_left(100.0, now) for now in (100.0, 103.5, 3700.0)]


@pytest.mark.parametrize("mode", ["--config.check", "--once"])
def test_other_modes_end_at_once(mode: str) -> None:
    """Modes with a result never wait."""
    wrong = {**SIDECAR, "LLAMACLOUD_EXPORTER_POLL__INTERVAL": "soon"}
    assert not waits_for_key([mode], wrong)
    assert 2 == run(mode, **wrong).returncode


@pytest.mark.parametrize(
    ("argv", "environ", "stays"),
    [
        ([], {VARIABLE: "true"}, True),
        ([], {VARIABLE: "false"}, False),
        ([], {}, False),
        (["--api.wait-for-key=true"], {}, True),
        (["--api.wait-for-key=false"], {VARIABLE: "true"}, False),
        # A mistake beside it, or in itself.
        (["--nonsense"], {VARIABLE: "true"}, True),
        (["--once=1"], {VARIABLE: "true"}, False),
        (["--config.file=/nowhere/exporter.yml"], {VARIABLE: "true"}, True),
        ([], {VARIABLE: "perhaps"}, True),
    ],
    ids=str,
)
def test_whether_it_stays_is_known_despite_mistakes(
    argv: list[str],
    environ: dict[str, str],
    *,
    stays: bool,
) -> None:
    """Mistakes in the settings do not hide api.wait_for_key."""
    assert stays == waits_for_key(argv, environ)


def test_a_file_can_set_it_too(tmp_path: Path) -> None:
    """The setting is found in a file that has mistakes."""
    file = tmp_path / "exporter.yml"
    file.write_text("api: {wait_for_key: true}\npoll: {intervall: 1m}\n")
    assert waits_for_key([f"--config.file={file}"], {})
