"""The dashboard as Grafana imports it: its panels and their queries."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from tests.support.deployed import DASHBOARD

if TYPE_CHECKING:
    from collections.abc import Iterator

BOARD: Final[dict[str, Any]] = json.loads(DASHBOARD.read_text())
ROWS: Final = [panel for panel in BOARD["panels"] if panel["type"] == "row"]
PANELS: Final = [panel for panel in BOARD["panels"] if panel["type"] != "row"]
VARIABLES: Final[dict[str, dict[str, Any]]] = {
    variable["name"]: variable for variable in BOARD["templating"]["list"]
}
# Grafana's own variables, with steps of a second.
BUILT_IN: Final = {"__rate_interval": "1m", "__interval": "1m", "__range": "1h"}
ALL: Final = ".*"


@dataclass(frozen=True)
class Query:
    """One query of one panel."""

    panel: str
    ref_id: str
    expr: str
    instant: bool

    def __str__(self) -> str:
        """Return the panel and the query's letter."""
        return f"{self.panel} {self.ref_id}"

    def picking(self, **values: str) -> str:
        """Return the PromQL with these values of variables, and All for the others."""
        return with_variables(self.expr, **values)


def queries() -> list[Query]:
    """Return every query of every panel."""
    return [
        Query(panel["title"], target["refId"], target["expr"], target["instant"])
        for panel in PANELS
        for target in panel["targets"]
    ]


def queries_of(panel: str) -> list[Query]:
    """Return the queries of one panel."""
    found = [query for query in queries() if query.panel == panel]
    assert found, panel
    return found


def label_queries() -> Iterator[tuple[str, str]]:
    """Return the series and the label that each variable is filled from."""
    for variable in VARIABLES.values():
        if variable["type"] == "query":
            label_values = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert label_values, variable
            yield label_values[1], label_values[2]


def variables_in(text: str) -> set[str]:
    """Return the names of the variables that a text refers to."""
    return {braced or bare for braced, bare in re.findall(r"\$(?:\{(\w+)[^}]*\}|(\w+))", text)}


def with_variables(promql: str, **values: str) -> str:
    """Return a query as Grafana sends it."""
    known = {name: ALL for name, v in VARIABLES.items() if v["type"] == "query"} | BUILT_IN
    return re.sub(r"\$(\w+)", lambda found: (known | values)[found[1]], promql)
