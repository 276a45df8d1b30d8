"""Below the large numbers: firing alerts, completed jobs and the end of all jobs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import common, stat, table
from grafana_foundation_sdk.models import common as choices
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from batch_dashboard.colours import BAD, BUSY, GOOD, INDIFFERENT, WARNING, mapped, steps
from batch_dashboard.panels import SOURCE, now, number
from batch_dashboard.queries import (
    ACTIVE,
    LEFT,
    OF_PROJECTS,
    OF_TYPES,
    SPEED,
    where,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEVERITY: Final = {"critical": BAD, "warning": WARNING, "info": INDIFFERENT}
_FIRING: Final = (
    'ALERTS{alertname=~"LlamaCloud.*", alertstate="firing", '
    # The alert about an exporter that was never seen has none of these labels.
    + re.sub(r"\$\w+", r"(\g<0>)?", OF_PROJECTS)
    + "}"
)

_ENDED_PER_SECOND: Final = "project_job_type_status:llamacloud_batch_jobs_finished:rate15m"


def panels() -> Iterator[stat.Panel | table.Panel]:
    """Return a line of a table and two numbers."""
    yield _alerts().height(7).span(16)
    yield _success().height(7).span(4)
    yield _backlog().height(7).span(4)


def _alerts() -> table.Panel:
    titles = {"severity": "Severity", "alertname": "Alert", "project": "Project", "job_id": "Job"}
    titles |= {"api_version": "API", "cluster": "Cluster", "namespace": "Namespace"}
    options = {
        "excludeByName": dict.fromkeys(("Time", "Value", "__name__", "alertstate"), True),
        "indexByName": {name: index for index, name in enumerate(titles)},
        "renameByName": titles,
    }
    return (
        table.Panel()
        .title("Firing alerts")
        .description(
            "The alerts of the exporter's rules, as Prometheus evaluates them now. The table is"
            " empty if none fires, or if the rules are not loaded."
        )
        .datasource(SOURCE)
        .unit("short")
        .no_value("-")
        .cell_height(choices.TableCellHeight.SM)
        .sort_by([common.TableSortByFieldState().display_name("Severity").desc(desc=False)])
        .with_target(now(_FIRING).format(PromQueryFormat.TABLE))
        .with_transformation(DataTransformerConfig(id_val="organize", options=options))
        .override_by_name(
            "Severity",
            [
                mapped(_SEVERITY),
                DynamicConfigValue("custom.cellOptions", {"type": "color-background"}),
            ],
        )
    )


def _success() -> stat.Panel:
    panel = number(
        "Completed jobs: this week, last week",
        "Share of completed jobs among all jobs that ended in the last seven days, beside the"
        " seven days before. A completed job may have failed items. Filtered by project and job"
        " type.",
        _completed(""),
        unit="percentunit",
        colours=steps(BAD, (0.9, WARNING), (0.99, GOOD)),
    )
    return (
        panel.with_target(now(_completed(" offset 7d"), "B").legend_format("last week"))
        .text_mode(choices.BigValueTextMode.VALUE_AND_NAME)
        .override_by_query("A", [DynamicConfigValue("displayName", "this week")])
        .override_by_query("B", [DynamicConfigValue("displayName", "last week")])
    )


def _completed(offset: str) -> str:
    def ended(*matchers: str) -> str:
        selector = ", ".join((OF_TYPES, *matchers))
        return f"sum(avg_over_time({_ENDED_PER_SECOND}{{{selector}}}[7d]{offset}))"

    completed = 'status="completed"'
    return f"{ended(completed)} / ({ended()} > 0)"


def _backlog() -> stat.Panel:
    return number(
        "All jobs done in",
        "Items of active jobs that are not processed yet, divided by the speed of all running jobs"
        " in the last 15 minutes. No data if no job makes progress. Batches of v2 whose items are"
        " not known are not included.",
        f"sum({where(LEFT, ACTIVE)}) / (sum({SPEED}) > 0)",
        unit="s",
        colours=steps(BUSY),
    )
