"""The pages of ``deploy/``, for tests that follow them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tests.support.deployed import DEPLOY

if TYPE_CHECKING:
    from pathlib import Path

PAGES = DEPLOY / "docs"
INDEX = DEPLOY / "README.md"
_BLOCK = re.compile(r"^```(?P<language>\w*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")


def blocks(text: str, language: str) -> list[str]:
    """Return the blocks of code in a language, in order."""
    return [block["text"] for block in _BLOCK.finditer(text) if block["language"] == language]


def section(page: str, title: str) -> str:
    """Return the text under a heading of a page, which is named without its suffix."""
    _, *parts = _SECTION.split((PAGES / f"{page}.md").read_text())
    return dict(zip(parts[::2], parts[1::2], strict=True))[title]


def commands(page: str, title: str) -> list[str]:
    """Return the blocks of commands under a heading of a page."""
    return blocks(section(page, title), "sh")


def broken_links(page: Path) -> list[str]:
    """Return the links of a page that lead to no file and no heading of this repository."""
    return [link for link in _LINK.findall(_prose(page)) if not _leads_somewhere(page, link)]


def _leads_somewhere(page: Path, link: str) -> bool:
    name, _, anchor = link.partition("#")
    target = page.parent / name if name else page
    if re.match(r"https?:", link):
        return True
    return target.exists() and (not anchor or anchor in _anchors(target))


def _anchors(page: Path) -> set[str]:
    headings = _HEADING.findall(_prose(page))
    return {re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-") for title in headings}


def _prose(page: Path) -> str:
    return _BLOCK.sub("", page.read_text())
