"""The table of jobs: one row for each, joined from one query for each column."""

from __future__ import annotations

from dataclasses import dataclass
from string import ascii_uppercase
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.common import TableCellHeight
from grafana_foundation_sdk.models.dashboard import (
    DataTransformerConfig,
    DynamicConfigValue,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from batch_dashboard.colours import (
    BAD,
    BUSY,
    GOOD,
    INDIFFERENT,
    JOB_STATUS,
    WARNING,
    by_thresholds,
    mapped,
    steps,
)
from batch_dashboard.links import as_value, only_this_job, runbook
from batch_dashboard.panels import SOURCE, now
from batch_dashboard.queries import (
    ACTIVE,
    ENDED,
    FAILED,
    JOB,
    OF_TYPES,
    PROCESSED,
    QUIET,
    REFRESHED,
    SECONDS_LEFT,
    TOTAL,
    first_of,
    minus,
    of_jobs,
    where,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig

_FINAL: Final = -1


@dataclass(frozen=True)
class Column:
    """A column of numbers: its heading, its query, and how it looks."""

    title: str
    query: str
    look: tuple[DynamicConfigValue, ...]


def panels() -> list[table.Panel]:
    """Return the table."""
    return [_table().height(11).span(24)]


def _look(unit: str, **more: object) -> tuple[DynamicConfigValue, ...]:
    names = {"no_value": "noValue", "cell": "custom.cellOptions", "width": "custom.width"}
    rest = (DynamicConfigValue(names.get(key, key), value) for key, value in more.items())
    return (DynamicConfigValue("unit", unit), *rest)


def _coloured_text(colours: ThresholdsConfig) -> dict[str, object]:
    return {"thresholds": colours.build(), "cell": {"type": "color-text"}}


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
_PROGRESS = first_of(
    of_jobs("llamacloud_batch_job_progress_ratio"),
    f"({PROCESSED} / on (cluster, namespace, project, job_id) ({TOTAL} > 0))",
)
_CREATED = f"1000 * {of_jobs('llamacloud_batch_job_created_timestamp_seconds')}"
_ENDED_AT = of_jobs("llamacloud_batch_job_completed_timestamp_seconds")
# v2 tells no start.
_BEGAN_AT = first_of(
    of_jobs("llamacloud_batch_job_started_timestamp_seconds"),
    of_jobs("llamacloud_batch_job_created_timestamp_seconds"),
)
_TAKES = first_of(minus(_ENDED_AT, _BEGAN_AT), where(f"(time() - {_BEGAN_AT})", ACTIVE))
_AGE = first_of(where(f"(time() - {REFRESHED})", ACTIVE), f"(0 * {ENDED} - 1)")

COLUMNS: Final = (
    Column(
        "Progress",
        _PROGRESS,
        _look(
            "percentunit",
            min=0,
            max=1,
            thresholds=steps(BUSY, (1, GOOD)).build(),
            cell={"type": "gauge", "mode": "basic", "valueDisplayMode": "text"},
            width=200,
        ),
    ),
    Column("Items", TOTAL, _look("short")),
    Column("Processed", PROCESSED, _look("short")),
    Column("Failed", FAILED, _look("short", **_coloured_text(steps(INDIFFERENT, (1, BAD))))),
    Column(
        "Failed share",
        of_jobs("project_job_id:llamacloud_batch_job_failed_items_per_handled_items:ratio"),
        _look("percentunit", decimals=1, **_coloured_text(steps(INDIFFERENT, (0.1, BAD)))),
    ),
    Column("Skipped", of_jobs("llamacloud_batch_job_skipped_items"), _look("short")),
    Column("Done in", SECONDS_LEFT, _look("s", no_value="", decimals=1)),
    Column(
        "No progress for",
        QUIET,
        _look("s", no_value="", decimals=1, **_coloured_text(steps(INDIFFERENT, (1800, WARNING)))),
    ),
    Column("Created", _CREATED, _look("dateTimeFromNow")),
    Column("Ended", f"1000 * {_ENDED_AT}", _look("dateTimeFromNow", no_value="")),
    Column("Takes", _TAKES, _look("s", no_value="", decimals=1)),
    Column(
        "Data age",
        _AGE,
        _look(
            "s",
            no_value="never refreshed",
            decimals=0,
            mappings=[{"type": "value", "options": {str(_FINAL): {"text": "final"}}}],
        ),
    ),
)


def _table() -> table.Panel:
    queries = [_TYPE, _STATUS, *(column.query for column in COLUMNS)]
    panel = (
        table.Panel()
        .title("Jobs")
        .description(
            "The jobs that have series of their own, most failed items first. 'API' is the"
            " generation of LlamaCloud's API that lists a job. Progress is what v1beta computes, or"
            " else processed of all items; in v2 both are counted, and unknown while a batch has no"
            " results. 'Failed share' is of the items that were handled, or of all items where"
            " fewer than five failed. 'Takes' runs from the start, in v2 from the creation. 'Done"
            " in' is extrapolated from the last 15 minutes, and empty where nothing moves. 'Data"
            " age' is the age of progress and counted items; what has ended is final."
            " Click a job for a view of it alone."
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
