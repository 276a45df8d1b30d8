"""The container image, built by `make image` and run as a cluster would run it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from process import DEADLINE_SECONDS, running_command

import exporter

if TYPE_CHECKING:
    from collections.abc import Iterator

    from process import Exporter

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).parent.parent.parent
BASE_IMAGE = "python:3.13-slim"
PYTHON = "/opt/exporter/bin/python"
HARDENED = ("--network=host", "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL")
# Those of pip's settings that tell how to reach an index; a container has its own folders.
INDEX_SETTINGS = ("index-url", "extra-index-url", "trusted-host", "cert", "proxy", "timeout")
PROBE = f"""\
FROM {BASE_IMAGE}
COPY requirements-build.lock /
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    python -m pip download --dest /probe --require-hashes --requirement /requirements-build.lock
"""
# Prints the modules that the exporter needs and that would be compiled at every start.
UNCOMPILED = """
import os, sys
import exporter.app, exporter.app.demo
modules = [m for m in list(sys.modules.values()) if getattr(m, "__cached__", None)]
assert len(modules) > 100, modules
print([m.__name__ for m in modules if not os.path.exists(m.__cached__)])
"""
# Prints what could build or install something, and what pip leaves behind.
TOOLS = """
import importlib.util, os, shutil
programs = [p for p in ("cc", "gcc", "g++", "ld", "make", "cargo", "git") if shutil.which(p)]
names = ("pip", "setuptools", "wheel", "ensurepip", "hatchling")
modules = [name for name in names if importlib.util.find_spec(name)]
folders = (os.path.join("/root", ".cache"), "/build", "/opt/exporter/bin/pip")
print([*programs, *modules, *filter(os.path.exists, folders)])
"""


def call(*command: str) -> str:
    """Run a program to its end and return what it printed; fail with all its words."""
    result = subprocess.run(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert result.returncode == 0, f"{shlex.join(command)}\n{result.stdout}"
    return result.stdout


def skip_unless(command: list[str], reason: str) -> None:
    """Skip all, with the reason, where a program cannot do what building needs."""
    try:
        subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    except FileNotFoundError:
        pytest.skip(f"{command[0]} is not installed")
    except subprocess.CalledProcessError as error:
        pytest.skip(f"{reason}: {error.stderr[-2000:]}")


def pip_conf() -> str:
    """Return how pip reaches its index on this machine, in the form of its configuration file."""
    listed = call(sys.executable, "-m", "pip", "config", "list")
    found = {
        name: value.strip("'")
        for key, _, value in (line.partition("=") for line in listed.splitlines())
        if (name := key.rpartition(".")[2]) in INDEX_SETTINGS
    }
    return "\n".join(["[global]", *(f"{name} = {value}" for name, value in found.items()), ""])


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the command that builds an image here; skip where none can be built."""
    folder = tmp_path_factory.mktemp("image")
    secret = folder / "pip.conf"
    secret.write_text(pip_conf())
    probe = folder / "Dockerfile"
    probe.write_text(PROBE)
    if os.geteuid() != 0:
        pytest.skip("images are built by root here")
    skip_unless(["podman", "version"], "podman does not work")
    skip_unless(["buildah", "inspect", "--type", "image", BASE_IMAGE], f"no image {BASE_IMAGE}")
    build = ["buildah", "build", "--isolation", "chroot", "--pull=never"]
    build += ["--secret", f"id=pip.conf,src={secret}"]
    ignore = ["--ignorefile", "/dev/null", "--tag", "localhost/probe"]
    skip_unless([*build, *ignore, "--file", str(probe), "."], "no package index in a container")
    call("buildah", "rmi", "localhost/probe")
    return build


@pytest.fixture(scope="module")
def image(build: list[str]) -> Iterator[str]:
    """Build the image as `make image` does, and remove it at the end."""
    name = f"localhost/llamacloud-batch-exporter:test-{uuid.uuid4().hex[:8]}"
    call("make", "image", f"IMAGE={name}", f"IMAGE_BUILD={shlex.join(build)}")
    yield name
    call("podman", "rmi", name)


def described(image: str) -> dict[str, Any]:
    """Return what the image says of itself."""
    description: dict[str, Any] = json.loads(call("podman", "image", "inspect", image))[0]
    return description


def run_code(image: str, code: str) -> str:
    """Run Python in the image, without rights, and return what it printed."""
    return call("podman", "run", "--rm", *HARDENED, "--entrypoint", PYTHON, image, "-c", code)


@contextmanager
def running_image(image: str) -> Iterator[tuple[Exporter, str]]:
    """Run the demo in the image, on a read-only file system and without capabilities."""
    name = f"exporter-{uuid.uuid4().hex[:8]}"
    command = ("podman", "run", "--rm", "--name", name, *HARDENED, image)
    try:
        with running_command(command, "--demo") as running:
            yield running, name
    finally:
        subprocess.run(["podman", "rm", "--force", name], capture_output=True, check=False)


def test_it_says_what_it_is(image: str) -> None:
    """Labels name the version of the code and the revision it was built from."""
    labels = described(image)["Config"]["Labels"]
    revision = call("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    prefix = "org.opencontainers.image."
    expected = {
        f"{prefix}title": "llamacloud-batch-exporter",
        f"{prefix}description": "Prometheus exporter for the progress, failures and item counts "
        "of LlamaCloud batch-processing jobs.",
        f"{prefix}licenses": "Apache-2.0",
        f"{prefix}version": exporter.__version__,
        f"{prefix}revision": revision.strip(),
    }
    assert expected == {name: labels[name] for name in labels if name.startswith(prefix)}


def test_it_runs_the_exporter_as_a_numeric_user(image: str) -> None:
    """Kubernetes can tell from the image that its user is not root; no shell is in between."""
    config = described(image)["Config"]
    assert "65532:65532" == config["User"]
    assert ["/opt/exporter/bin/llamacloud-batch-exporter"] == config["Entrypoint"]
    assert ["9910/tcp"] == list(config["ExposedPorts"])


def test_it_serves_without_any_right_and_stops_when_told(image: str) -> None:
    """On a read-only file system, without capabilities, it polls, is scraped, and ends with 0."""
    with running_image(image) as (running, name):
        metrics = running.wait_for_metric("llamacloud_batch_job_progress_ratio")
        assert 200 == running.get("/-/ready")[0]
        revision = described(image)["Config"]["Labels"]["org.opencontainers.image.revision"]
        assert f'revision="{revision}"' in metrics
        process = Path("/proc") / call("podman", "inspect", "--format={{.State.Pid}}", name).strip()
        status = dict(
            line.split(":\t", 1) for line in (process / "status").read_text().splitlines()
        )
        assert ["65532"] * 4 == status["Uid"].split()
        assert ["65532"] * 4 == status["Gid"].split()
        assert 0 == int(status["CapEff"], 16) == int(status["CapBnd"], 16)
        root = next(
            mount.split()
            for mount in (process / "mountinfo").read_text().splitlines()
            if mount.split()[4] == "/"
        )
        assert "ro" in root[5].split(",")

        ended, seconds = running.stop()
        assert 0 == ended
        assert seconds < DEADLINE_SECONDS / 2
        assert running.events("exporter.stopping")


def test_mistakes_in_the_settings_are_told(image: str) -> None:
    """Without a key it ends with exit status 2, as outside of a container."""
    command = ["podman", "run", "--rm", *HARDENED, image]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert 2 == ended.returncode
    assert "there is no API key" in ended.stderr


def test_it_holds_no_tools_and_no_caches(image: str) -> None:
    """Nothing in the image compiles, builds or installs, and pip left nothing behind."""
    assert "[]\n" == run_code(image, TOOLS)


def test_everything_is_compiled_beforehand(image: str) -> None:
    """A start on a read-only file system compiles no module that the exporter needs."""
    assert "[]\n" == run_code(image, UNCOMPILED)


def test_only_what_the_exporter_needs_is_installed(image: str) -> None:
    """What is installed is the lock, and the wheel."""
    names = (
        "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    )
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    locked = {line.partition("==")[0] for line in lock if "==" in line}
    assert {*locked, "llamacloud-batch-exporter"} == {
        name.replace("_", "-") for name in run_code(image, names).split()
    }
