"""The columns of numbers in the table of jobs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from grafana_foundation_sdk.models.dashboard import DynamicConfigValue

from batch_dashboard.colours import BAD, BUSY, GOOD, INDIFFERENT, WARNING, steps
from batch_dashboard.queries import (
    ACTIVE,
    DATA_AGE,
    FAILED,
    PROCESSED,
    SECONDS_LEFT,
    TOTAL,
    WITHOUT_PROGRESS,
    first_of,
    minus,
    of_jobs,
    of_jobs_in,
    where,
)

if TYPE_CHECKING:
    from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig

_FINAL: Final = -1


@dataclass(frozen=True)
class Column:
    """A column of numbers: its title, its query, and its field options."""

    title: str
    query: str
    look: tuple[DynamicConfigValue, ...]


def _look(unit: str, **more: object) -> tuple[DynamicConfigValue, ...]:
    names = {"no_value": "noValue", "cell": "custom.cellOptions", "width": "custom.width"}
    rest = (DynamicConfigValue(names.get(key, key), value) for key, value in more.items())
    return (DynamicConfigValue("unit", unit), *rest)


def _coloured_text(colours: ThresholdsConfig) -> dict[str, object]:
    return {"thresholds": colours.build(), "cell": {"type": "color-text"}}


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
_ENDED = first_of(of_jobs_in("completed|failed|cancelled|gone"), _ENDED_AT)
_AGE = first_of(DATA_AGE, f"(0 * {_ENDED} - 1)")

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
        WITHOUT_PROGRESS,
        _look("s", no_value="", decimals=1, **_coloured_text(steps(INDIFFERENT, (1800, WARNING)))),
    ),
    Column("Created", _CREATED, _look("dateTimeFromNow")),
    Column("Ended", f"1000 * {_ENDED_AT}", _look("dateTimeFromNow", no_value="")),
    Column("Duration", _TAKES, _look("s", no_value="", decimals=1)),
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
