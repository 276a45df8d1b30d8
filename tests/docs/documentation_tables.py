"""The tables of the documentation, written by ``python -m tests.docs.documentation_tables``."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING

import exporter
from exporter.config.documentation import LLAMA_CLOUD_VARIABLES, documented_settings
from exporter.exposition import FAMILIES as BATCH_FAMILIES
from exporter.telemetry import FAMILIES as EXPORTER_FAMILIES
from tests.support.deployed import DEPLOY, alerts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.exposition import Family

ROOT = DEPLOY.parent
README = ROOT / "README.md"
# All documents except the changelog and the chart's README.
DOCUMENTS = (
    README,
    ROOT / "CONTRIBUTING.md",
    DEPLOY / "README.md",
    DEPLOY / "runbooks.md",
    *sorted((DEPLOY / "docs").glob("*.md")),
)
_BLOCK = re.compile(r"(<!-- (?P<name>[a-z ]+) -->\n)(?P<table>.*?)(<!-- end -->)", re.DOTALL)


def tables() -> Mapping[str, str]:
    """Return each table by the name that marks it in a document."""
    return {
        "batch metrics": _metrics(BATCH_FAMILIES),
        "exporter metrics": _metrics(EXPORTER_FAMILIES),
        "settings": _settings(),
        "alerts": _alerts(),
        "packages": _packages(),
        "variables": _table(
            ("variable", "meaning"),
            ((f"`{name}`", meaning) for name, meaning in LLAMA_CLOUD_VARIABLES.items()),
        ),
    }


def tables_in(document: str) -> Mapping[str, str]:
    """Return the tables of a document, by name."""
    return {block["name"]: block["table"] for block in _BLOCK.finditer(document)}


def with_tables(document: str) -> str:
    """Return a document with its tables replaced by those of the code."""
    written = tables()
    return _BLOCK.sub(lambda block: f"{block[1]}{written[block['name']]}{block[4]}", document)


def _metrics(families: Iterable[Family]) -> str:
    rows = (
        (
            f"`{family.name}`",
            family.type,
            ", ".join(f"`{label}`" for label in family.labels),
            family.help,
        )
        for family in families
    )
    return _table(("metric", "type", "labels", "meaning"), rows)


def _settings() -> str:
    rows = (
        (
            f"`{doc.setting}`",
            f"`{doc.flag}`" if doc.flag else "",
            f"`{doc.env}`",
            doc.default,
            doc.help,
        )
        for doc in documented_settings()
    )
    return _table(("setting", "flag", "variable", "default", "meaning"), rows)


def _alerts() -> str:
    rows = (
        (
            f"[`{alert['alert']}`](../{_within_deploy(alert['annotations']['runbook_url'])})",
            alert["labels"]["severity"],
            alert.get("for", ""),
            alert["annotations"]["summary"],
        )
        for alert in alerts()
    )
    return _table(("alert", "severity", "`for`", "meaning"), rows)


def _packages() -> str:
    """Return the packages of ``exporter/``, by the layers of the import contract."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    rows = (
        (str(number), f"`{name}`", _purpose(name))
        for number, layer in enumerate(layers, start=1)
        for name in layer.split(" | ")
    )
    return _table(("layer", "module of `exporter/`", "what it is for"), rows)


def _purpose(module: str) -> str:
    """Return the first line of a module's docstring, as Markdown."""
    folder = Path(exporter.__file__).parent
    file = folder / f"{module}.py"
    if not file.exists():
        file = folder / module / "__init__.py"
    described = ast.get_docstring(ast.parse(file.read_text()))
    assert described is not None, file
    return described.splitlines()[0].replace("``", "`")


def _within_deploy(path: str) -> str:
    return path.removeprefix("deploy/")


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    titles = list(head)
    lines = [_line(titles), "|" + "---|" * len(titles) + "\n", *map(_line, rows)]
    return "".join(lines)


def _line(cells: Iterable[str]) -> str:
    return "".join(f"| {_escaped(cell)} " for cell in cells) + "|\n"


def _escaped(cell: str) -> str:
    return cell.replace("|", "\\|")


if __name__ == "__main__":
    for document in DOCUMENTS:
        text = document.read_text()
        if tables_in(text):
            document.write_text(with_tables(text))
