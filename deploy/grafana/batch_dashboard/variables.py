"""The variables at the top of the dashboard."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import (
    DatasourceVariable,
    QueryVariable,
    TextBoxVariable,
)
from grafana_foundation_sdk.models.dashboard import (
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from batch_dashboard.panels import SOURCE
from batch_dashboard.queries import OF_CLUSTERS, OF_PROJECTS, OF_TYPES

# A placeholder: deploy/docs/dashboard.md says how to set the address of your copy.
RUNBOOKS: Final = "https://git.example.org/llamacloud-batch-exporter/blob/main/deploy/runbooks.md"
_ALL: Final = VariableOption(selected=True, text=["All"], value=["$__all"])


def variables() -> list[DatasourceVariable | QueryVariable | TextBoxVariable]:
    """Return them in an order in which each narrows the next."""
    return [
        DatasourceVariable("datasource").label("Data source").type("prometheus"),
        _label("cluster", "Cluster", "llamacloud_exporter_project_up"),
        _label("namespace", "Namespace", 'llamacloud_exporter_project_up{cluster=~"$cluster"}'),
        _label("project", "Project", f"llamacloud_exporter_project_up{{{OF_CLUSTERS}}}"),
        _label("job_type", "Job type", f"llamacloud_batch_job_info{{{OF_PROJECTS}}}"),
        _label("job_id", "Job", f"llamacloud_batch_job_info{{{OF_TYPES}}}"),
        TextBoxVariable("runbooks")
        .label("Runbooks")
        .description("Address of deploy/runbooks.md in your copy of the repository.")
        .hide(VariableHide.HIDE_VARIABLE)
        .default_value(RUNBOOKS),
    ]


def _label(name: str, label: str, series: str) -> QueryVariable:
    query = f"label_values({series}, {name})"
    return (
        QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query({"query": query, "refId": name, "qryType": 1})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_ASC)
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(".*")
        .current(_ALL)
    )
