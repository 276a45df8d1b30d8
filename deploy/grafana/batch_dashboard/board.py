"""The whole dashboard."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import DashboardCursorSync

from batch_dashboard import durations, health, history, jobs, outlook, overview, progress
from batch_dashboard.links import UID, all_runbooks
from batch_dashboard.variables import variables

if TYPE_CHECKING:
    from collections.abc import Iterable

    from grafana_foundation_sdk.cog.builder import Builder
    from grafana_foundation_sdk.models import dashboard

# In the chart: Helm reads no file outside of it, and everybody else reads it there.
JSON_FILE: Final = (
    Path(__file__).parents[2]
    / "helm"
    / "llamacloud-batch-exporter"
    / "dashboards"
    / "llamacloud-batch.json"
)
_DESCRIPTION: Final = (
    "Batch jobs of LlamaCloud, as llamacloud-batch-exporter sees them: it needs the exporter's own"
    " metrics and its recording rules. What is not known is absent and never 0."
)
# Grafana migrates older ones as it loads them; this is the one of 11.0.
_SCHEMA_VERSION: Final = 39


def as_json() -> str:
    """Return the dashboard as Grafana imports it."""
    board = json.loads(json.dumps(_board(), cls=JSONEncoder))
    return json.dumps(board | _for_sharing(board["panels"]), indent=2, sort_keys=True) + "\n"


def _for_sharing(panels: list[dict[str, Any]]) -> dict[str, list[dict[str, str]]]:
    """Return what grafana.com wants to know of a dashboard.

    Nothing is asked for at an import, because a variable picks the data source: where the file is
    provisioned, nobody would be asked.
    """
    kinds = sorted({panel["type"] for panel in panels} - {"row"})
    needed = [
        {"type": "grafana", "id": "grafana", "name": "Grafana", "version": "11.0.0"},
        {"type": "datasource", "id": "prometheus", "name": "Prometheus", "version": "1.0.0"},
        *({"type": "panel", "id": kind, "name": kind, "version": ""} for kind in kinds),
    ]
    return {"__inputs": [], "__requires": needed}


def _board() -> dashboard.Dashboard:
    board = (
        Dashboard("LlamaCloud batch jobs")
        .uid(UID)
        .description(_DESCRIPTION)
        .tags(["llamacloud", "prometheus"])
        .readonly()
        .tooltip(DashboardCursorSync.CROSSHAIR)
        .timezone("browser")
        .time("now-3h", "now")
        .refresh("30s")
        .annotations([])
        .link(all_runbooks())
        .variables([*variables()])
    )
    _add(board, "Now", [*overview.panels(), *outlook.panels()])
    _add(board, "Jobs", jobs.panels())
    _add(board, "Jobs that ended", history.panels())
    _add(board, "Progress", progress.panels())
    _add(board, "Durations", durations.panels())
    _add(board, "The exporter itself", health.panels())
    return _numbered(board.build())


def _add(board: Dashboard, title: str, panels: Iterable[Builder[dashboard.Panel]]) -> None:
    board.with_row(Row(title))
    for panel in panels:
        board.with_panel(panel)


def _numbered(board: dashboard.Dashboard) -> dashboard.Dashboard:
    """Give panels ids that stay, so that links to one panel do."""
    board.schema_version = _SCHEMA_VERSION
    for number, panel in enumerate(board.panels or [], start=1):
        panel.id_val = number
    return board
