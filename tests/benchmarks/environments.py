"""New environments with the packages that users install, and no others."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import venv
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

import exporter

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

_LOCK = Path(__file__).parents[2] / "requirements.lock"
_LOCKED_NAME = re.compile(r"^([a-z0-9-]+)==", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Environment:
    """A virtual environment without pip."""

    python: str
    site_packages: Path

    def command(self, *arguments: str) -> tuple[str, ...]:
        """Return a command of its Python, which imports nothing from the working directory."""
        return (self.python, "-P", *arguments)

    def installed_bytes(self) -> int:
        """Count the bytes of all installed files, including bytecode."""
        files = (path for path in self.site_packages.rglob("*") if path.is_file())
        return sum(path.stat().st_size for path in files)


@contextmanager
def exporter_environment() -> Iterator[Environment]:
    """Make an environment with the packages of ``requirements.lock`` and the exporter's wheel."""
    with _environment(_LOCKED_NAME.findall(_LOCK.read_text())) as environment:
        package = Path(exporter.__file__).parent
        shutil.copytree(
            package,
            environment.site_packages / package.name,
            ignore=shutil.ignore_patterns("__pycache__"),
        )
        _compile(environment)
        yield environment


@contextmanager
def environment_of(*distributions: str) -> Iterator[Environment]:
    """Make an environment with some distributions and their requirements."""
    with _environment(_with_requirements(distributions)) as environment:
        _compile(environment)
        yield environment


@contextmanager
def _environment(distributions: Iterable[str]) -> Iterator[Environment]:
    """Copy distributions from the current environment: no index is needed, and versions agree."""
    with tempfile.TemporaryDirectory() as folder:
        venv.create(folder, symlinks=True)
        places = sysconfig.get_paths("venv", {"base": folder, "platbase": folder})
        site_packages = Path(places["purelib"])
        for name in distributions:
            _copy(name, site_packages)
        yield Environment(str(Path(places["scripts"]) / "python"), site_packages)


def _copy(name: str, site_packages: Path) -> None:
    for file in distribution(name).files or ():
        source = Path(str(file.locate()))
        # Scripts are outside of site-packages.
        if ".." not in file.parts and source.is_file():
            target = site_packages / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)


def _with_requirements(names: Iterable[str]) -> set[str]:
    found: set[str] = set()
    left = list(names)
    while left:
        name = left.pop()
        if name not in found:
            found.add(name)
            requirements = map(Requirement, distribution(name).requires or ())
            left += [each.name for each in requirements if _is_needed(each)]
    return found


def _is_needed(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _compile(environment: Environment) -> None:
    """Write bytecode, as pip does when it installs."""
    command = [sys.executable, "-m", "compileall", "-q", str(environment.site_packages)]
    subprocess.run(command, check=True)
