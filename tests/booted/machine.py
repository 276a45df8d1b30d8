"""A machine booted by systemd, for tests that run services on it."""

from __future__ import annotations

import os
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import pytest

from tests.support.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

DEADLINE_SECONDS = 20.0
SECONDS_BETWEEN_CHECKS = 0.05
_BOOT = Path(__file__).parent / "boot.sh"
_PATH = "/usr/bin:/bin:/usr/sbin:/sbin"
# The settings of pip for reaching an index.
_PIP = {name: value for name, value in os.environ.items() if name.startswith("PIP_")}


@dataclass
class Machine:
    """Namespaces in which systemd is process 1."""

    process: subprocess.Popen[bytes]
    pid: int

    def run(self, script: str, *, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a bash script on it as root, and wait for it."""
        return subprocess.run(
            ["nsenter", f"--target={self.pid}", "--all", "bash", "-euo", "pipefail", "-c", script],
            env={"PATH": _PATH, "HOME": "/root", "LC_ALL": "C.UTF-8"} | _PIP,
            input=given,
            capture_output=True,
            text=True,
            check=False,
        )

    def call(self, script: str, *, given: str = "") -> str:
        """Run a script that must succeed, and return its output."""
        ended = self.run(script, given=given)
        assert 0 == ended.returncode, f"{script}\n{ended.stdout}{ended.stderr}"
        return ended.stdout

    def wait_for(self, condition: Callable[[], bool], *, message: Callable[[], str]) -> None:
        """Wait until a condition holds; fail with the text of ``message`` if it never does."""
        wait_until(
            condition,
            self.process,
            within_seconds=DEADLINE_SECONDS,
            seconds_between_checks=SECONDS_BETWEEN_CHECKS,
            message=message,
        )


@contextmanager
def booted(folder: Path, clone: Path) -> Iterator[Machine]:
    """Boot a machine that has ``clone`` as /clone, and stop all of its processes at the end."""
    (folder / "scratch").mkdir()
    log_file = folder / "log"
    with _cgroup() as cgroup, log_file.open("wb") as log:
        process = subprocess.Popen(
            ["bash", _BOOT, folder / "scratch", cgroup, clone],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield _wait_for_boot(process, log_file)
        finally:
            process.kill()
            process.wait()


def _wait_for_boot(process: subprocess.Popen[bytes], log_file: Path) -> Machine:
    machine = Machine(process, 0)

    def has_booted() -> bool:
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
        if not children or Path(f"/proc/{children[0]}/comm").read_text() != "systemd\n":
            return False
        machine.pid = int(children[0])
        return machine.run("systemctl --quiet is-active booted.target").returncode == 0

    machine.wait_for(has_booted, message=log_file.read_text)
    return machine


@contextmanager
def _cgroup() -> Iterator[Path]:
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    roots = [Path(mount[1]) for mount in mounts if mount[2] == "cgroup2"]
    if os.geteuid() != 0 or not roots or not os.access(roots[0], os.W_OK):
        cannot_boot("booting takes root, and cgroups of version 2 that can be written")
    cgroup = roots[0] / f"booted-{os.getpid()}"
    cgroup.mkdir()
    try:
        yield cgroup
    finally:
        _remove(cgroup)


def _remove(cgroup: Path) -> None:
    """Remove a cgroup and its children, once the kernel reports that all processes have ended."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while "populated 1" in (cgroup / "cgroup.events").read_text():
        assert time.monotonic() < deadline, "processes of the machine are still there"
        time.sleep(SECONDS_BETWEEN_CHECKS)
    for folder, _, _ in os.walk(cgroup, topdown=False):
        Path(folder).rmdir()


def cannot_boot(why: str) -> NoReturn:
    """Skip the test, or fail if REQUIRE_SYSTEMD=1."""
    if os.environ.get("REQUIRE_SYSTEMD") == "1":
        pytest.fail(why)
    pytest.skip(f"{why}; with REQUIRE_SYSTEMD=1 this is a failure")
