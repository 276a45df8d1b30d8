"""Links to runbooks and within the dashboard."""

from __future__ import annotations

from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

UID: Final = "llamacloud-batch"


def runbook(alert: str) -> DashboardLink:
    """Return a link to the runbook of an alert."""
    return (
        DashboardLink(f"Runbook: {alert}")
        .type(DashboardLinkType.LINK)
        .url(f"${{runbooks:raw}}#{alert.lower()}")
        .target_blank(target_blank=True)
    )


def all_runbooks() -> DashboardLink:
    """Return a link to all runbooks, for the top of the dashboard."""
    return (
        DashboardLink("Runbooks")
        .type(DashboardLinkType.LINK)
        .icon("doc")
        .tooltip("What each alert means, and what to do")
        .url("${runbooks:raw}")
        .target_blank(target_blank=True)
    )


def only_this_job() -> DashboardLink:
    """Return a link from a row of the table to this dashboard, of that job alone."""
    return (
        DashboardLink("Only this job")
        .type(DashboardLinkType.LINK)
        .url(
            f"/d/{UID}?var-datasource=${{datasource}}"
            "&${cluster:queryparam}&${namespace:queryparam}"
            "&var-project=${__data.fields.project:percentencode}&var-job_type=$__all"
            "&var-job_id=${__data.fields.job_id:percentencode}&${__url_time_range}"
        )
    )


def as_value(link: DashboardLink) -> dict[str, object]:
    """Return a link in the form that a column of a table needs."""
    built = link.build()
    return {"title": built.title, "url": built.url, "targetBlank": built.target_blank}
