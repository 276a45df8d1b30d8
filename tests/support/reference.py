"""The text of README and reference."""

from __future__ import annotations

from tests.docs.documentation_tables import README
from tests.support.documents import PAGES, section


def readme() -> str:
    """Return the README."""
    return README.read_text()


def page(name: str) -> str:
    """Return a page of ``deploy/docs``, which is named without its suffix."""
    return (PAGES / f"{name}.md").read_text()


def queries() -> dict[str, str]:
    """Return the PromQL of each question, as a reader would copy it from the rendered page."""
    rows = [
        row for row in section("reading-the-numbers", "Queries").splitlines() if row[:2] == "| "
    ]
    cells = [row.removeprefix("| ").removesuffix(" |").split(" | ", 1) for row in rows]
    return {
        question: query.strip("`").replace("\\|", "|")
        for question, query in cells
        if query.startswith("`")
    }
