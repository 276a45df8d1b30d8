"""The error of `make` for a user with an unsupported version of Python."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", ["run", "test", "lint"])
def test_an_old_python_gets_one_sentence(target: str, tmp_path: Path) -> None:
    """It names the version and the remedy; pip does not run, and no environment is left behind."""
    code = "import sys; sys.version_info = (3, 10, 12); exec(sys.argv[2])"
    old = tmp_path / "python3.10"
    old.write_text(f"#!/bin/sh\nexec {sys.executable} -c '{code}' \"$@\"\n")
    old.chmod(0o755)
    environments = ("VENV", "TOOLS_VENV", "SDK_VENV")
    made = subprocess.run(
        ["make", target, f"PYTHON={old}", *(f"{name}={tmp_path}/{name}" for name in environments)],
        cwd=ROOT,
        # It holds the arguments of the `make` that runs the tests.
        env={name: value for name, value in os.environ.items() if name != "MAKEFLAGS"},
        capture_output=True,
        text=True,
        check=False,
    )
    needed = f"{old} is Python 3.10; Python 3.11 or newer is needed: install it, and name it"
    assert [f"{needed} as in `make PYTHON=python3.11`."] == [
        line for line in made.stderr.splitlines() if not line.startswith("make")
    ]
    assert 2 == made.returncode
    assert [old] == list(tmp_path.iterdir())
