"""The disk of the state file is full, read-only or hangs: the exporter works all the same."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from exporter.state.decoding import decode
from tests.app.growing import GrowingJobs
from tests.app.test_restarts import WRITTEN, failed, value, variables, wait_until_listed
from tests.support.exporter_process import COMMAND, running_command
from tests.support.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.cloud import Cloud
    from tests.support.exporter_process import Exporter

# In a mount namespace of its own, which a user may have where user namespaces are allowed.
_NAMESPACE = ("unshare", "--map-root-user", "--mount")
_MOUNT = 'mount -t tmpfs -o size=256k,mode=700 none "$1"'
_READ_ONLY = 'echo garbage > "$1/exporter.state" && mount -o remount,ro "$1"'
# The disk hangs while a file says so, and is waited for not quite as long as otherwise.
HANGING_DISK = """
import os, sys, time
sync, sign = os.fsync, sys.argv.pop(1)
def hang(descriptor):
    while os.path.exists(sign):
        time.sleep(0.01)
    sync(descriptor)
os.fsync = hang
from exporter.state import StateStore
StateStore.open.__kwdefaults__["answers_within_seconds"] = 0.3
from exporter.__main__ import main
sys.exit(main())
"""


@contextmanager
def on_a_disk(cloud: Cloud, folder: Path, *, prepare: str = "true") -> Iterator[Exporter]:
    """Run an exporter whose state file is on a small disk that it alone sees."""
    folder.mkdir()
    require_tool("unshare")
    tried = subprocess.run(
        [*_NAMESPACE, "sh", "-c", _MOUNT, "sh", str(folder)], capture_output=True, check=False
    )
    if tried.returncode:
        pytest.skip(f"nothing can be mounted here: {tried.stderr.decode().strip()}")
    script = f'{_MOUNT} && {prepare} && shift && exec "$@"'
    command = [*_NAMESPACE, "sh", "-c", script, "sh", str(folder), *COMMAND]
    with running_command(command, **variables(cloud, folder / "exporter.state")) as exporter:
        yield exporter


def seen_by(exporter: Exporter, path: Path) -> Path:
    """Return a path to a file that only the exporter's processes see."""
    return Path(f"/proc/{exporter.process.pid}/root{path}")


def fill(path: Path) -> None:
    """Fill the disk with a file."""
    with path.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass


def wait_until_written(exporter: Exporter, *, successful: bool) -> None:
    """Wait until the state file is written again, or cannot be."""
    exporter.wait_for(lambda: value(exporter.get()[1], WRITTEN) == float(successful))


def more_is_published(exporter: Exporter, jobs: GrowingJobs) -> None:
    """Assert that later failed items are published."""
    before = failed(exporter.get()[1])

    def has_more() -> bool:
        jobs.move()
        return failed(exporter.get()[1]) > before

    exporter.wait_for(has_more)


def test_a_full_disk_stops_nothing_and_keeps_what_was_written(cloud: Cloud, tmp_path: Path) -> None:
    """The state is written once there is room again."""
    with on_a_disk(cloud, tmp_path / "disk") as exporter:
        wait_until_listed(exporter)
        jobs = GrowingJobs(cloud, seed=1)
        file = seen_by(exporter, tmp_path / "disk" / "exporter.state")
        exporter.wait_for(file.exists)
        filler = file.with_name("filler")
        fill(filler)
        before = file.read_bytes()
        more_is_published(exporter, jobs)
        wait_until_written(exporter, successful=False)
        (line,) = exporter.events("state.write_failed")
        assert "No space left on device" in line["detail"]
        assert before == file.read_bytes()
        filler.unlink()
        more_is_published(exporter, jobs)
        wait_until_written(exporter, successful=True)
        assert decode(before) != decode(file.read_bytes())
        assert 1 == len(exporter.events("state.write_recovered"))


def test_a_read_only_disk_stops_nothing(cloud: Cloud, tmp_path: Path) -> None:
    """A damaged file that cannot be renamed does not stop it either."""
    folder = tmp_path / "disk"
    with on_a_disk(cloud, folder, prepare=_READ_ONLY) as exporter:
        wait_until_listed(exporter)
        wait_until_written(exporter, successful=False)
        (line,) = exporter.events("state.not_used")
        assert "Read-only file system" in line["detail"]
        more_is_published(exporter, GrowingJobs(cloud, seed=1))
        assert b"garbage\n" == seen_by(exporter, folder / "exporter.state").read_bytes()


def test_a_disk_that_becomes_writable_is_written(cloud: Cloud, tmp_path: Path) -> None:
    """No restart is needed."""
    folder = tmp_path / "disk"
    with on_a_disk(cloud, folder, prepare='mount -o remount,ro "$1"') as exporter:
        wait_until_listed(exporter)
        wait_until_written(exporter, successful=False)
        (line,) = exporter.events("state.write_failed")
        assert "Read-only file system" in line["detail"]
        enter = ("nsenter", "-t", str(exporter.process.pid), "-U", "--preserve-credentials", "-m")
        subprocess.run([*enter, "mount", "-o", "remount,rw", str(folder)], check=True)
        more_is_published(exporter, GrowingJobs(cloud, seed=1))
        wait_until_written(exporter, successful=True)
        assert 0 == exporter.stop()[0]


def test_a_disk_that_hangs_delays_neither_scrapes_nor_the_stop(
    cloud: Cloud, tmp_path: Path
) -> None:
    """What is published meanwhile is written once the disk answers."""
    sign, file = tmp_path / "hangs", tmp_path / "state" / "exporter.state"
    command = (sys.executable, "-c", HANGING_DISK, str(sign))
    with running_command(command, **variables(cloud, file)) as exporter:
        wait_until_listed(exporter)
        jobs = GrowingJobs(cloud, seed=1)
        sign.touch()
        more_is_published(exporter, jobs)
        wait_until_written(exporter, successful=False)
        more_is_published(exporter, jobs)
        sign.unlink()
        wait_until_written(exporter, successful=True)
        assert 1 == len(exporter.events("state.write_failed"))
        sign.touch()
        more_is_published(exporter, jobs)
        status, seconds = exporter.stop()
        assert 0 == status
        assert seconds < 2.0
