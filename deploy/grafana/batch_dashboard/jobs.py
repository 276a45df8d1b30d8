"""The table of jobs: one row for each, joined from one query for each column."""

from __future__ import annotations

from string import ascii_uppercase

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.common import TableCellHeight
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from batch_dashboard.colours import JOB_STATUS, by_thresholds, mapped
from batch_dashboard.job_columns import COLUMNS
from batch_dashboard.links import as_value, only_this_job, runbook
from batch_dashboard.panels import SOURCE, now
from batch_dashboard.queries import JOB, OF_TYPES, of_jobs


def panels() -> list[table.Panel]:
    """Return the table."""
    return [_table().height(11).span(24)]


# Two exporters may see a job in two statuses for a moment, or by both generations of the API: it
# has one row all the same.
_STATUS = (
    "topk by (cluster, namespace, project, job_id) (1, "
    f"{of_jobs('llamacloud_batch_job_status', by=f'{JOB}, status')} == 1)"
)
_TYPE = (
    f"topk by ({JOB}) (1, max by ({JOB}, job_type, api_version, directory_id) "
    f'(llamacloud_batch_job_info{{{OF_TYPES}, job_id=~"$job_id"}}))'
)


def _table() -> table.Panel:
    queries = [_TYPE, _STATUS, *(column.query for column in COLUMNS)]
    panel = (
        table.Panel()
        .title("Jobs")
        .description(
            "Jobs that have series of their own, most failed items first. Click a job to see it"
            " alone. 'API' is the generation of LlamaCloud's API that lists the job. 'Progress' is"
            " LlamaCloud's value in v1beta, and otherwise the share of processed items. In v2 items"
            " are counted, and unknown until the batch has results. 'Failed share' is the share of"
            " failed items among the handled items, or among all items if fewer than five failed."
            " 'Done in' extrapolates the last 15 minutes, and is empty without progress. 'Duration'"
            " counts from the start, in v2 from the creation. 'Data age' is the age of progress and"
            " counted items; data of ended jobs is final."
        )
        .datasource(SOURCE)
        .unit("short")
        .color_scheme(by_thresholds())
        .no_value("-")
        .cell_height(TableCellHeight.SM)
        .sort_by([common.TableSortByFieldState().display_name("Failed").desc(desc=True)])
    )
    for ref_id, query in zip(ascii_uppercase, queries, strict=False):
        panel.with_target(now(query, ref_id).format(PromQueryFormat.TABLE))
    for transformation in _joined():
        panel.with_transformation(transformation)
    return _with_looks(panel)


def _joined() -> list[DataTransformerConfig]:
    """Join the answers by project and job, and order and name the columns."""
    values = [f"Value #{ref_id}" for ref_id in ascii_uppercase[2 : 2 + len(COLUMNS)]]
    titles = {"project": "Project", "job_id": "Job", "job_type": "Type", "api_version": "API"}
    titles |= {"status": "Status"}
    titles |= dict(zip(values, (column.title for column in COLUMNS), strict=True))
    titles |= {"directory_id": "Directory", "cluster": "Cluster", "namespace": "Namespace"}
    left_out = ("Time", "Value #A", "Value #B")
    return [
        DataTransformerConfig(id_val="merge", options={}),
        DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": dict.fromkeys(left_out, True),
                "indexByName": {name: index for index, name in enumerate([*titles, *left_out])},
                "renameByName": titles,
            },
        ),
    ]


def _with_looks(panel: table.Panel) -> table.Panel:
    links = [only_this_job(), runbook("LlamaCloudBatchItemsFailed")]
    job = DynamicConfigValue("links", [as_value(link) for link in links])
    panel.override_by_name("Job", [job, DynamicConfigValue("custom.width", 330)])
    background = DynamicConfigValue("custom.cellOptions", {"type": "color-background"})
    panel.override_by_name("Status", [mapped(JOB_STATUS), background])
    for column in COLUMNS:
        panel.override_by_name(column.title, list(column.look))
    return panel
