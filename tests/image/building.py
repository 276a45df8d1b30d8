"""Builds and runs images with buildah and podman, if the machine supports it."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import pytest

ROOT = Path(__file__).parent.parent.parent
BASE_IMAGE = "python:3.13-slim"
PYTHON = "/opt/exporter/bin/python"
WITH_HEALTH_CHECK = ("--network=host", "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL")
# Without systemd to run it every 30 seconds, podman prints errors about the health check.
HARDENED = (*WITH_HEALTH_CHECK, "--no-healthcheck")
# The settings of pip for reaching an index; other ones name folders, which differ in a container.
_INDEX_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "cert", "proxy", "timeout")
_PROBE = "localhost/probe"
_WORKS = f"FROM {BASE_IMAGE}\nRUN python -m pip --version\n"
# The simplest build: if it works, every error of another build is a failure.
_REACHES_INDEX = f"""\
FROM {BASE_IMAGE}
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \\
    python -m pip download --no-deps --dest /probe packaging
"""


def call(*command: str) -> str:
    """Run a program and return its output; fail with all of its output."""
    result = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert result.returncode == 0, f"{shlex.join(command)}\n{result.stdout}"
    return result.stdout


def build_command(folder: Path) -> list[str]:
    """Return the command that builds an image; skip if this machine cannot build any.

    Every later error is a failure.
    """
    if os.geteuid() != 0:
        _cannot("images are built by root here")
    for program in ("buildah", "podman"):
        if not _works(program, "--version"):
            _cannot(f"{program} is not installed")
    if not _works("buildah", "inspect", "--type", "image", BASE_IMAGE):
        _cannot(f"there is no image {BASE_IMAGE}")
    secret = folder / "pip.conf"
    secret.write_text(_pip_conf())
    # The other format has no place for a health check.
    build = ["buildah", "build", "--format=docker", "--isolation", "chroot", "--pull=never"]
    build += ["--secret", f"id=pip.conf,src={secret}"]
    call(*_probe(build, folder, _WORKS))
    call("buildah", "rmi", _PROBE)
    if not _works(*_probe(build, folder, _REACHES_INDEX)):
        _cannot("a container reaches no package index")
    call("buildah", "rmi", _PROBE)
    return build


def require_index(folder: Path) -> None:
    """Skip, or fail if REQUIRE_IMAGE=1, if pip reaches no package index."""
    download = ["download", "--quiet", "--no-deps", "--dest", str(folder / "probe"), "packaging"]
    if not _works(sys.executable, "-m", "pip", *download):
        _cannot("pip reaches no package index")


def _cannot(reason: str) -> NoReturn:
    """Skip a test that needs an image, or fail if REQUIRE_IMAGE=1."""
    words = f"{reason}; with REQUIRE_IMAGE=1 this is a failure"
    if os.environ.get("REQUIRE_IMAGE") == "1":
        pytest.fail(words)
    pytest.skip(words)


def _works(*command: str) -> bool:
    try:
        subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    except (FileNotFoundError, subprocess.CalledProcessError):
        return False
    return True


def _probe(build: list[str], folder: Path, containerfile: str) -> list[str]:
    file = folder / "Dockerfile"
    file.write_text(containerfile)
    return [*build, "--ignorefile=/dev/null", f"--tag={_PROBE}", f"--file={file}", "."]


def _pip_conf() -> str:
    """Return a pip configuration file with this machine's settings for reaching the index."""
    listed = call(sys.executable, "-m", "pip", "config", "list")
    found = {
        name: value.strip("'")
        for key, _, value in (line.partition("=") for line in listed.splitlines())
        if (name := key.rpartition(".")[2]) in _INDEX_SETTINGS
    }
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in found.items()), ""])
