"""What the README says, for tests that hold it to the code."""

from __future__ import annotations

from documentation import README


def readme() -> str:
    """Return the README."""
    return README.read_text()


def section(title: str) -> str:
    """Return what stands under a heading."""
    return readme().split(f"## {title}\n", 1)[1].split("\n## ", 1)[0]


def queries() -> dict[str, str]:
    """Return the PromQL by its question, as a person would copy it from the rendered page."""
    rows = [row for row in section("Read the numbers").splitlines() if row.startswith("| ")]
    cells = [row.removeprefix("| ").removesuffix(" |").split(" | ", 1) for row in rows]
    return {
        question: query.strip("`").replace("\\|", "|")
        for question, query in cells
        if query.startswith("`")
    }
