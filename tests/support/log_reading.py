"""Reads the log of a process that may still be writing it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path


def lines_of(log_file: Path) -> list[str]:
    """Return the complete lines, without a last one that is still being written."""
    *lines, _ = log_file.read_bytes().split(b"\n")
    return [line.decode() for line in lines]


def records_of(log_file: Path) -> list[dict[str, Any]]:
    """Return the complete lines that are JSON objects, parsed."""
    return [json.loads(line) for line in lines_of(log_file) if line.startswith("{")]
