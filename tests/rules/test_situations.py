"""The alerts that fire for v2 jobs in rare or long situations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from exporter.domain import JobStatus
from tests.support.deployed import RULE_FILES
from tests.support.tools import promtool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

STEP_MINUTES = 5
INTERVAL_SECONDS = 30
OF_A_DAY = 24 * 60 // STEP_MINUTES
# Nothing else happens in the project meanwhile.
LONG = {"LlamaCloudBatchJobRunningTooLong": "warning", "LlamaCloudBatchProjectIdle": "info"}


@dataclass(frozen=True)
class Situation:
    """Events over a number of hours, and the alerts that fire at some moment in them."""

    name: str
    hours: int
    series: Mapping[str, str]
    alerts: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return its name."""
        return self.name


def steps(hours: float) -> int:
    """Return the number of samples in that many hours."""
    return int(hours * 60 / STEP_MINUTES)


def rising(each_minute: float = 60) -> str:
    """Return a series that rises for two days by an amount a minute; by default it is the time."""
    return f"0+{each_minute * STEP_MINUTES:g}x{2 * OF_A_DAY}"


def always(value: float) -> str:
    """Return a series that does not change for two days."""
    return f"{value:g}x{2 * OF_A_DAY}"


def own(name: str, **labels: str) -> str:
    """Name a series of the exporter's own about its project."""
    return series(f"llamacloud_exporter_{name}", project="p", **labels)


def of_job(name: str) -> str:
    """Name a series of the only job."""
    return series(f"llamacloud_batch_job_{name}", project="p", job_id="bat-1")


def series(name: str, **labels: str) -> str:
    """Name a series with the labels that Prometheus adds when scraping."""
    labels |= {"job": "llamacloud", "instance": "a"}
    return name + "{" + ",".join(f'{label}="{value}"' for label, value in labels.items()) + "}"


def status_series(name: str) -> str:
    """Name the status series of the only job."""
    return series("llamacloud_batch_job_status", project="p", job_id="bat-1", status=name)


def job(status: str, **values: str) -> dict[str, str]:
    """Return the series of a batch in one status, which is refreshed all the time."""
    statuses = {status_series(name): always(name == status) for name in JobStatus}
    usual = {"created_timestamp_seconds": always(0), "last_refreshed_timestamp_seconds": rising()}
    return statuses | {of_job(name): value for name, value in (usual | values).items()}


def items(**counts: str) -> dict[str, str]:
    """Return counted items of the batch."""
    return {
        series("llamacloud_batch_job_items", project="p", job_id="bat-1", item_status=name): value
        for name, value in counts.items()
    }


# An exporter that reads both generations for two days without any fault.
WELL = {
    series("up"): always(1),
    series("process_start_time_seconds"): always(0),
    series("llamacloud_exporter_build_info", version="0"): always(1),
    series("llamacloud_batch_project_info", project="p", project_id="1"): always(1),
    series("llamacloud_exporter_state_last_write_successful"): always(1),
    own("project_up"): always(1),
    own("project_authenticated"): always(1),
    own("polls_total", result="success"): rising(2),
    own("polls_total", result="error"): always(0),
    own("poll_interval_seconds"): always(INTERVAL_SECONDS),
    own("stale_after_seconds"): always(300),
    own("last_listing_timestamp_seconds"): rising(),
    own("listing_truncated"): always(0),
    own("hidden_jobs"): always(0),
    own("uncounted_jobs"): always(0),
    own("unreadable_rows_total", endpoint="list_batches"): always(0),
    own("api_requests_total", endpoint="list_batches", code="200"): rising(2),
    own("api_requests_total", endpoint="list_batches", code="429"): always(0),
    # As where the budget is used up.
    own("api_budget_wait_seconds_total"): rising(300),
    own("api_offered", api_version="v1beta"): always(1),
    own("api_offered", api_version="v2"): always(1),
    own("api_last_answered_timestamp_seconds", api_version="v1beta"): rising(),
    own("api_last_answered_timestamp_seconds", api_version="v2"): rising(),
}

SITUATIONS = [
    Situation(
        "throttled for ten hours",
        10,
        job("throttled", last_progress_timestamp_seconds=always(0)),
        {"LlamaCloudBatchJobQueuedTooLong": "warning"},
    ),
    Situation(
        "throttled for ten hours, while its files get on",
        10,
        job("throttled", last_progress_timestamp_seconds=rising(), total_items=always(9)),
    ),
    Situation(
        "pending and throttled by turns of ten minutes for ten hours",
        10,
        job("pending", last_progress_timestamp_seconds=rising())
        | {
            status_series("pending"): f"1 1 0 0 {'1 1 0 0 ' * steps(2.5)}",
            status_series("throttled"): f"0 0 1 1 {'0 0 1 1 ' * steps(2.5)}",
        },
        {"LlamaCloudBatchJobQueuedTooLong": "warning"},
    ),
    Situation(
        "running for two hours without results",
        2,
        job("running", last_progress_timestamp_seconds=always(0)),
    ),
    Situation(
        "running for two hours, with items that do not move",
        2,
        job("running", last_progress_timestamp_seconds=always(0), total_items=always(9))
        | items(completed=always(0), processing=always(9)),
        {"LlamaCloudBatchJobStuck": "warning"},
    ),
    Situation(
        "dispatched for thirty hours, and moving",
        30,
        job("dispatched", last_progress_timestamp_seconds=rising(), total_items=always(1000))
        | items(completed=rising(0.2), processing=always(5)),
        LONG,
    ),
    Situation(
        "dispatched for thirty hours, and not moving for the last six",
        30,
        job(
            "dispatched",
            last_progress_timestamp_seconds=f"0+300x{OF_A_DAY} 86400x{OF_A_DAY}",
            total_items=always(1000),
        )
        | items(completed=f"0+1x{OF_A_DAY} {OF_A_DAY}x{OF_A_DAY}", processing=always(5)),
        {"LlamaCloudBatchJobStuck": "warning"} | LONG,
    ),
    Situation(
        "dispatched for an hour behind another batch",
        1,
        job("dispatched", last_progress_timestamp_seconds=always(0), total_items=always(1000))
        | items(completed=always(0), processing=always(0), pending=always(1000)),
    ),
    Situation(
        "dispatched for ten hours behind another batch",
        10,
        job("dispatched", last_progress_timestamp_seconds=always(0), total_items=always(1000))
        | items(completed=always(0), processing=always(0), pending=always(1000)),
        {"LlamaCloudBatchJobQueuedTooLong": "warning"},
    ),
    # One is read with each refresh of the live batch, so two a minute.
    Situation(
        "300 unread batches at a start",
        12,
        job("dispatched", last_progress_timestamp_seconds=rising(), total_items=always(1000))
        | items(completed=rising(0.2), processing=always(5))
        | {own("uncounted_jobs"): f"300-10x{steps(2.5)} 0x{2 * OF_A_DAY}"},
        {"LlamaCloudExporterJobsUncounted": "info"},
    ),
]


def fired(situation: Situation) -> list[dict[str, Any]]:
    """Return the alerts of a situation, in the form in which promtool compares them."""
    labels = {
        "LlamaCloudBatchProject": "",
        "LlamaCloudBatch": ',job_id="bat-1"',
        "LlamaCloudExporter": "",
    }
    return [
        {
            "labels": f'{{alertname="{alert}",alertstate="firing",project="p",severity="{severity}"'
            f"{next(more for prefix, more in labels.items() if alert.startswith(prefix))}}}",
            "value": 1,
        }
        for alert, severity in situation.alerts.items()
    ]


@pytest.mark.parametrize("situation", SITUATIONS, ids=str)
def test_these_alerts_fire_and_no_others(situation: Situation, tmp_path: Path) -> None:
    """This holds at any moment, for a healthy exporter that uses all of its budget."""
    case = {
        "interval": f"{STEP_MINUTES}m",
        "input_series": [
            {"series": name, "values": values}
            for name, values in (WELL | dict(situation.series)).items()
        ],
        "promql_expr_test": [
            {
                "expr": f'max_over_time(ALERTS{{alertstate="firing"}}[{situation.hours}h])',
                "eval_time": f"{situation.hours}h",
                "exp_samples": fired(situation),
            }
        ],
    }
    tests = {
        "rule_files": list(map(str, RULE_FILES)),
        "evaluation_interval": f"{STEP_MINUTES}m",
        "tests": [case],
    }
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump(tests))
    tested = promtool("test", "rules", file)
    assert 0 == tested.returncode, tested.stdout + tested.stderr
