"""Programs that tests need besides Python."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest


def require_tool(name: str) -> str:
    """Return the path of the program ``name``.

    If it is not installed, the test is skipped, or fails if REQUIRE_TOOLS=1.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    words = f"{name} is not installed; with REQUIRE_TOOLS=1 this is a failure"
    if os.environ.get("REQUIRE_TOOLS") == "1":
        pytest.fail(words)
    pytest.skip(words)


# Garbage collection costs more than it saves in a short run of promtool.
_FOR_PROMTOOL = {"GOGC": "off", "GOMEMLIMIT": "200MiB", "GOMAXPROCS": "1"}


def promtool(*arguments: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Run promtool and wait for it."""
    return subprocess.run(
        [require_tool("promtool"), *arguments],
        env=os.environ | _FOR_PROMTOOL,
        input=given,
        capture_output=True,
        text=True,
        check=False,
    )


def run_rule_tests(*files: Path) -> list[str]:
    """Return the output of one run of promtool for each file of rule tests.

    A file that passes prints SUCCESS; each expectation that does not hold is printed after "exp:".
    """
    printed = subprocess.run(
        [require_tool("promtool"), "test", "rules", *files],
        env=os.environ | _FOR_PROMTOOL,
        stdout=subprocess.PIPE,
        # Promtool writes file names to one stream, and failures to the other.
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    ).stdout
    # The start of a file's report in Prometheus 2 and in Prometheus 3.
    _, *reports = re.split(
        r"^(?:Unit Testing|Processing test file): +", printed, flags=re.MULTILINE
    )
    assert len(files) == len(reports), printed
    return reports


def check_metrics(text: bytes) -> None:
    """Check an exposition in the text format with promtool, which must find nothing."""
    result = promtool("check", "metrics", given=text.decode())
    assert (0, "", "") == (result.returncode, result.stdout, result.stderr)


class FakedClock:
    """A wall clock for another process, which jumps on demand; the monotonic clock stays true.

    libfaketime reads the file each time that the process reads the clock.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "offset"
        self.jump_to("+0")
        self.variables = {
            "LD_PRELOAD": _faketime_library(),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            # Its fix for timed waits delays threads that wait for Python's GIL by seconds.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
        }

    def jump_to(self, offset: str) -> None:
        """Show the true time plus ``offset``, which is written as ``+1d`` or ``-90m``."""
        beside = self._file.with_suffix(".new")
        beside.write_text(offset + "\n")
        beside.replace(self._file)


def _faketime_library() -> str:
    command = (require_tool("faketime"), "-m", "-f", "+0", "printenv", "LD_PRELOAD")
    ran = subprocess.run(command, check=False, capture_output=True, text=True)
    if "File exists" in ran.stderr:
        # A killed process of that number left its semaphore; the next number is tried.
        return _faketime_library()
    ran.check_returncode()
    return ran.stdout.strip()
