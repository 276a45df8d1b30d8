"""Jobs that ended in the time range, including those that have left."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.common import TableCellHeight
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from batch_dashboard.colours import JOB_STATUS, mapped
from batch_dashboard.panels import SOURCE, now
from batch_dashboard.queries import JOB, OF_JOBS, OF_TYPES, minus, where

if TYPE_CHECKING:
    from collections.abc import Iterator


def _last(metric: str, by: str = JOB, selector: str = OF_JOBS) -> str:
    """Return the last value of each job in the time that is shown."""
    return f"max by ({by}) (last_over_time({metric}{{{selector}}}[$__range]))"


_ENDED_AS: Final = (
    f"topk by ({JOB}) (1, "
    + _last(
        "llamacloud_batch_job_status",
        f"{JOB}, status",
        f'{OF_JOBS}, status=~"completed|failed|cancelled|gone"',
    )
    + " == 1)"
)
_TYPE: Final = (
    f"topk by ({JOB}) (1, "
    + _last("llamacloud_batch_job_info", f"{JOB}, job_type", f'{OF_TYPES}, job_id=~"$job_id"')
    + ")"
)
_ENDED_AT: Final = _last("llamacloud_batch_job_completed_timestamp_seconds")
# v2 tells no start.
_BEGAN_AT: Final = (
    f"({_last('llamacloud_batch_job_started_timestamp_seconds')} or"
    f" {_last('llamacloud_batch_job_created_timestamp_seconds')})"
)
COLUMNS: Final = {
    "Ended": (f"1000 * {_ENDED_AT}", "dateTimeAsIso"),
    "Duration": (minus(_ENDED_AT, _BEGAN_AT), "s"),
    "Items": (_last("llamacloud_batch_job_total_items"), "short"),
    "Failed": (_last("project_job_id:llamacloud_batch_job_failed_items:max"), "short"),
    "Skipped": (_last("llamacloud_batch_job_skipped_items"), "short"),
}


def panels() -> Iterator[table.Panel]:
    """Return the table."""
    panel = (
        table.Panel()
        .title("Jobs that ended in the time range")
        .description(
            "How last night went, job by job: jobs whose last status in the time range is an end,"
            " even if they have left since. 'Duration' counts from the start, in v2 from the"
            " creation. Jobs without series of their own are missing."
        )
        .datasource(SOURCE)
        .unit("short")
        .no_value("-")
        .cell_height(TableCellHeight.SM)
        .sort_by([common.TableSortByFieldState().display_name("Ended").desc(desc=True)])
    )
    queries = [_ENDED_AS, *(where(query, _ENDED_AS) for query, _ in COLUMNS.values())]
    queries.append(where(_TYPE, _ENDED_AS))
    for ref_id, query in zip("ABCDEFG", queries, strict=True):
        panel.with_target(now(query, ref_id).format(PromQueryFormat.TABLE))
    for transformation in _joined():
        panel.with_transformation(transformation)
    background = DynamicConfigValue("custom.cellOptions", {"type": "color-background"})
    panel.override_by_name("Status", [mapped(JOB_STATUS), background])
    for title, (_, unit) in COLUMNS.items():
        panel.override_by_name(title, [DynamicConfigValue("unit", unit)])
    yield panel.height(9).span(24)


def _joined() -> list[DataTransformerConfig]:
    """Join the answers by project and job, and order and name the columns."""
    titles = {"project": "Project", "job_id": "Job", "job_type": "Type", "status": "Status"}
    titles |= {f"Value #{ref_id}": title for ref_id, title in zip("BCDEF", COLUMNS, strict=True)}
    titles |= {"cluster": "Cluster", "namespace": "Namespace"}
    left_out = ("Time", "Value #A", "Value #G")
    options = {
        "excludeByName": dict.fromkeys(left_out, True),
        "indexByName": {name: index for index, name in enumerate([*titles, *left_out])},
        "renameByName": titles,
    }
    return [
        DataTransformerConfig(id_val="merge", options={}),
        DataTransformerConfig(id_val="organize", options=options),
    ]
