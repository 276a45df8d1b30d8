"""Programs that tests need beside Python."""

import os
import shutil
import subprocess

import pytest


def require_tool(name: str) -> str:
    """Return the path of the program ``name``.

    Where it is not installed the test is skipped, or fails if REQUIRE_TOOLS=1.
    """
    path = shutil.which(name)
    if path is not None:
        return path
    words = f"{name} is not installed; with REQUIRE_TOOLS=1 this is a failure"
    if os.environ.get("REQUIRE_TOOLS") == "1":
        pytest.fail(words)
    pytest.skip(words)


def check_metrics(text: bytes) -> None:
    """Let Prometheus's own linter look at an exposition in the text form: it must say nothing."""
    result = subprocess.run(
        [require_tool("promtool"), "check", "metrics"],
        input=text,
        capture_output=True,
        check=False,
    )
    assert (0, b"", b"") == (result.returncode, result.stdout, result.stderr)
