"""The pages of deploy/docs, for tests that do what they say."""

from __future__ import annotations

import re

from deployed import DEPLOY

PAGES = DEPLOY / "docs"
_BLOCK = re.compile(r"^```(?P<language>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^## (.+)$", re.MULTILINE)


def blocks(text: str, language: str) -> list[str]:
    """Return the blocks of code in a language, in order."""
    return [block["text"] for block in _BLOCK.finditer(text) if block["language"] == language]


def section(page: str, title: str) -> str:
    """Return what stands under a heading of a page, its name given without the suffix."""
    _, *parts = _HEADING.split((PAGES / f"{page}.md").read_text())
    return dict(zip(parts[::2], parts[1::2], strict=True))[title]


def commands(page: str, title: str) -> list[str]:
    """Return the blocks of commands under a heading of a page."""
    return blocks(section(page, title), "sh")
