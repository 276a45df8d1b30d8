"""The contents of the image, searched from outside and checked by the Python in it."""

import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.image.building import BASE_IMAGE, HARDENED, PYTHON, ROOT, call

pytestmark = pytest.mark.timeout(900)

MODULES = re.compile(r"(pip|ensurepip|setuptools|wheel|hatchling)(-[0-9].*)?")
PROGRAMS = re.compile(
    r"([a-z0-9_]+-linux-gnu-)?"
    r"(pip|cc|c\+\+|cpp|gcc|g\+\+|clang|as|ld|make|cargo|rustc|git)[0-9]*([-.][0-9.]+)?"
)
PROGRAM_FOLDERS = {"bin", "sbin", "libexec"}
CACHES = re.compile(r"\.cache|.*\.whl|.*\.deb|.*\.tar\.gz|pip-.*")
# These commands fail without a server, but import all that the exporter and health check need.
START = ("-v", "/opt/exporter/bin/llamacloud-batch-exporter")
UNREACHABLE = (
    "--env=LLAMA_CLOUD_API_KEY=llx-of-nobody",
    "--env=LLAMA_CLOUD_BASE_URL=http://127.0.0.1:9",
    "--env=LLAMACLOUD_EXPORTER_WEB__LISTEN_ADDRESS=127.0.0.1:9",
)


@contextmanager
def mounted(image: str) -> Iterator[Path]:
    """Mount the whole file system of an image."""
    folder = call("podman", "image", "mount", image).strip()
    try:
        yield Path(folder)
    finally:
        call("podman", "image", "unmount", image)


def found(image: str, wanted: Callable[[Path, Path], bool]) -> set[str]:
    """Return the paths in an image for which ``wanted`` is true, relative to the image's root."""
    with mounted(image) as root:
        return {f"/{p.relative_to(root)}" for p in root.rglob("*") if wanted(p, root)}


def is_installer(path: Path, _: Path) -> bool:
    return bool(MODULES.fullmatch(path.name)) and path.is_dir() and not path.is_symlink()


def is_tool(path: Path, root: Path) -> bool:
    if path.parent.name not in PROGRAM_FOLDERS or not PROGRAMS.fullmatch(path.name):
        return False
    while path.is_symlink():
        # Absolute links are resolved by the host's root, which is wrong here.
        target = path.readlink()
        path = root / target.relative_to("/") if target.is_absolute() else path.parent / target
    return path.exists()


def is_cache(path: Path, _: Path) -> bool:
    return bool(CACHES.fullmatch(path.name))


@pytest.mark.parametrize("wanted", [is_installer, is_tool])
def test_nothing_in_it_installs_or_compiles(
    image: str, wanted: Callable[[Path, Path], bool]
) -> None:
    """It has neither such Python modules nor such programs; the base image has both."""
    assert found(BASE_IMAGE, wanted)
    assert set() == found(image, wanted)


def test_building_leaves_no_caches(image: str) -> None:
    """It has no downloads either; the base image's own files do not count."""
    assert set() == found(image, is_cache) - found(BASE_IMAGE, is_cache)


@pytest.mark.parametrize(
    ("mode", "output"),
    [("--once", "project.listing_failed"), ("--healthcheck", "/-/healthy cannot be requested")],
)
def test_everything_is_compiled_beforehand(image: str, mode: str, output: str) -> None:
    """On a read-only file system nothing can be compiled, so all bytecode must be up to date."""
    command = ["podman", "run", "--rm", *HARDENED, *UNREACHABLE, "--entrypoint", PYTHON, image]
    ended = subprocess.run([*command, *START, mode], capture_output=True, text=True, check=False)
    seen = ended.stderr
    assert output in seen, seen[-2000:]
    ready = re.findall(r"^# code object from '.*\.pyc'$", seen, re.MULTILINE)
    assert len(ready) > 50
    assert [] == re.findall(r"^# code object from [^'].*$", seen, re.MULTILINE)


def test_only_what_the_exporter_needs_is_installed(image: str) -> None:
    """The installed packages are those of the lock, and the wheel."""
    names = (
        "import importlib.metadata as m; print(*sorted(d.name.lower() for d in m.distributions()))"
    )
    lock = (ROOT / "requirements.lock").read_text().splitlines()
    locked = {line.partition("==")[0] for line in lock if "==" in line}
    printed = call("podman", "run", "--rm", *HARDENED, "--entrypoint", PYTHON, image, "-c", names)
    assert {*locked, "llamacloud-batch-exporter"} == {
        name.replace("_", "-") for name in printed.split()
    }
