"""Where the version stands, and whether it is the same everywhere."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PACKAGE = "exporter/__init__.py"
CHANGELOG = "CHANGELOG.md"
CHART = "deploy/helm/llamacloud-batch-exporter"
_PACKAGE_VERSION = re.compile(r'^__version__ = "(.*)"$', re.MULTILINE)
_CHANGELOG_HEADING = re.compile(r"^## (?P<version>\S+)(?: - (?P<day>.*))?$", re.MULTILINE)
# Images, wheels, packages of the chart, and the tag that a kustomization puts in.
_REFERENCE = re.compile(
    r"(?:llamacloud[-_]batch[-_]exporter(?::|-|==)v?|\bnewTag: \"?)(\d+\.\d+\.\d+)"
)
_SUFFIXES = {".md", ".yaml", ".yml"}


class Versions:
    """What the files of a tree say of its version."""

    def __init__(self, root: Path) -> None:
        self._root = root
        #: The version of the Python package, which the image takes over.
        self.package = _first(_PACKAGE_VERSION, self._text(PACKAGE))

    def problems(self) -> list[str]:
        """Return what must be mended before a release, in words."""
        if not re.fullmatch(r"\d+\.\d+\.\d+", self.package):
            return [f"{PACKAGE}: the version {self.package!r} is not three numbers, such as 1.2.3"]
        found = [
            f"{place} says {version!r}, but the package is {self.package} ({PACKAGE})"
            for place, version in self.stated()
            if version != self.package
        ]
        if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", self._released_on()):
            found.append(
                f"{CHANGELOG}: write the day of the release, such as 2026-01-31,"
                f" in place of {self._released_on()!r}"
            )
        return found

    def stated(self) -> Iterator[tuple[str, str]]:
        """Yield each place that names the version, with the version that it names."""
        yield CHANGELOG, _first(_CHANGELOG_HEADING, self._text(CHANGELOG))
        chart = yaml.safe_load(self._text(f"{CHART}/Chart.yaml"))
        for field in ("version", "appVersion"):
            yield f"{CHART}/Chart.yaml ({field})", str(chart[field])
        for path in sorted((self._root / "deploy").rglob("*")):
            if path.suffix in _SUFFIXES:
                for version in _REFERENCE.findall(path.read_text()):
                    yield str(path.relative_to(self._root)), version

    def _released_on(self) -> str:
        heading = _CHANGELOG_HEADING.search(self._text(CHANGELOG))
        return (heading and heading["day"]) or ""

    def _text(self, path: str) -> str:
        return (self._root / path).read_text()


def _first(pattern: re.Pattern[str], text: str) -> str:
    found = pattern.search(text)
    return found[1] if found else ""
