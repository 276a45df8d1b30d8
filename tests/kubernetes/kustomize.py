"""Runs Kustomize, and reads the examples that it builds."""

from __future__ import annotations

import subprocess
from functools import cache
from typing import TYPE_CHECKING

from tests.kubernetes.helm import objects_in
from tests.support.deployed import DEPLOY
from tests.support.tools import require_tool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kubernetes.helm import Object

EXAMPLES = DEPLOY / "kustomize" / "examples"
NAMES = sorted(path.name for path in EXAMPLES.iterdir())


@cache
def built(example: str) -> list[Object]:
    """Return the objects of an example."""
    return build(EXAMPLES / example)


def build(folder: Path) -> list[Object]:
    """Return the objects of a kustomization."""
    command = (require_tool("kustomize"), "build", str(folder))
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (0, "") == (result.returncode, result.stderr)
    return objects_in(result.stdout)


def named(example: str, kind: str, name: str) -> Object:
    """Return one object of an example; kustomize may add a hash to its name."""
    (found,) = (
        each
        for each in built(example)
        if each["kind"] == kind and each["metadata"]["name"].startswith(name)
    )
    return found
