"""The locked packages can be installed on each platform for which images are built."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.image.building import BASE_IMAGE, ROOT, require_index

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.timeout(300)

# The oldest Debian that the base image uses has a newer glibc.
GLIBC = ("manylinux_2_17", "manylinux2014", "manylinux_2_28")
PYTHON_VERSION = BASE_IMAGE.removeprefix("python:").removesuffix("-slim")


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_the_lock_has_wheels_for_each_platform(machine: str, tmp_path: Path) -> None:
    """The wheels have hashes, and a build without a compiler needs no other package."""
    require_index(tmp_path)
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    command += ["--target", str(tmp_path / "nothing"), "--report", str(report), "--no-deps"]
    command += ["--require-hashes", "--only-binary=:all:", "--implementation=cp"]
    command += [f"--python-version={PYTHON_VERSION}"]
    command += [f"--platform={glibc}_{machine}" for glibc in GLIBC]
    command += ["--requirement", str(ROOT / "requirements.lock")]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)

    assert 0 == ended.returncode, ended.stderr
    wheels = {
        found["metadata"]["name"].lower(): found["download_info"]["url"].rpartition("/")[2]
        for found in json.loads(report.read_text())["install"]
    }
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    locked = {line.partition("==")[0].replace("-", "_") for line in lock if "==" in line}
    assert locked == {name.replace("-", "_") for name in wheels}
    compiled = {name for name, wheel in wheels.items() if not wheel.endswith("-any.whl")}
    assert {"msgspec", "pydantic_core", "pyyaml"} <= {n.replace("-", "_") for n in compiled}
    assert [] == [wheels[name] for name in compiled if machine not in wheels[name]]
