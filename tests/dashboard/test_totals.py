"""The numbers at the top are 0 only if something was counted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.dashboard_queries import queries_of
from tests.support.deployed import needed_by, records
from tests.support.rule_series import NOW, STEP, always, answer, batch, from_minute
from tests.support.tools import promtool

if TYPE_CHECKING:
    from pathlib import Path


# Two samples of a quarter of an hour are the fewest that have a rate.
EVERY_MINUTES = 5


def active(status: str, count: int = 1) -> dict[str, str]:
    return {batch("active_jobs", job_type="parse", status=status): always(count)}


def job(status: str, **values: float) -> dict[str, str]:
    """Return the series of the only active job."""
    return (
        active(status)
        | {batch("job_info", job_id="a", job_type="parse"): always(1)}
        | {batch("job_status", job_id="a", status=status): always(1)}
        | {batch(f"job_{name}", job_id="a"): always(value) for name, value in values.items()}
    )


QUIET = {
    "last_refreshed_timestamp_seconds": NOW,
    "last_progress_timestamp_seconds": NOW - 1801,
}


def throttled_for(seconds: float) -> dict[str, str]:
    """Return the series of a job created a day ago, whose items moved before it was throttled."""
    known = {"created_timestamp_seconds": NOW - 86_400, "total_items": 9}
    return job("throttled", **known, last_progress_timestamp_seconds=NOW - seconds)


# A day old, and none of its items ever ran: a change of its status is progress.
FLIPPING = job(
    "throttled", created_timestamp_seconds=NOW - 86_400, last_progress_timestamp_seconds=NOW - 60
)
RAN_BEFORE = {batch("job_status", job_id="a", status="running"): from_minute(30, 0, before=1)}


def dispatched_for(seconds: float, **items: int) -> dict[str, str]:
    """Return the series of a batch without progress, whose items were counted."""
    quiet = QUIET | {"last_progress_timestamp_seconds": NOW - seconds}
    return job("dispatched", **quiet, created_timestamp_seconds=NOW - 86_400) | {
        batch("job_items", job_id="a", item_status=name): always(count)
        for name, count in items.items()
    }


ENDED_UNKNOWN = job(
    "unknown", total_items=9, processed_items=2, completed_timestamp_seconds=NOW - 60
)


@pytest.mark.parametrize(
    ("panel", "series", "shown"),
    [
        ("Items left", job("running", total_items=9, processed_items=2), 7),
        ("Items left", job("pending", total_items=9), 9),
        ("Items left", job("running", total_items=9), None),
        ("Items left", active("running"), None),
        ("Items left", active("running", 0), 0),
        ("Jobs at risk", job("dispatched", **QUIET), 1),
        ("Jobs at risk", job("running", **QUIET, total_items=9), 1),
        # The items of a running batch of v2 are not known.
        ("Jobs at risk", job("running", **QUIET), 0),
        ("Jobs at risk", job("running"), 0),
        # A throttled job may have processed items before.
        ("Items left", job("throttled", total_items=9), 9),
        ("Items left", job("throttled", total_items=9, processed_items=2), 7),
        ("Jobs at risk", job("pending", created_timestamp_seconds=NOW - 3601), 1),
        ("Jobs at risk", throttled_for(3599), 0),
        ("Jobs at risk", throttled_for(3601), 1),
        # A job whose items all wait is queued, and not stuck.
        ("Jobs at risk", dispatched_for(3599, processing=0, pending=5, failed=1), 0),
        ("Jobs at risk", dispatched_for(3601, processing=0, pending=5, failed=1), 1),
        ("Jobs at risk", dispatched_for(1801, processing=1, pending=5), 1),
        ("Jobs at risk", dispatched_for(1801, processing=0, pending=0, completed=6), 1),
        ("Jobs at risk", FLIPPING, 1),
        ("Jobs at risk", FLIPPING | RAN_BEFORE, 0),
        ("Jobs at risk", active("running"), None),
        # A job in an unknown status is active until it has a completion time.
        ("Items left", job("unknown", total_items=9, processed_items=2), 7),
        ("Items left", ENDED_UNKNOWN | active("unknown", 0), 0),
        ("Items left", ENDED_UNKNOWN, None),
        ("Jobs at risk", ENDED_UNKNOWN, None),
    ],
)
def test_a_total(panel: str, series: dict[str, str], shown: float | None, tmp_path: Path) -> None:
    """Each total is what Prometheus computes from these series."""
    samples = [] if shown is None else [{"labels": "{}", "value": shown}]
    check(queries_of(panel)[0].picking(), series, samples, tmp_path / "tests.yml")


def test_a_job_that_ended_in_an_unknown_status_has_no_age(tmp_path: Path) -> None:
    """It is no longer refreshed, so the table has -1 for it, as for other ended jobs."""
    (age,) = [query for query in queries_of("Jobs") if "- 1)" in query.expr]
    refreshed = {"last_refreshed_timestamp_seconds": NOW - 600}
    ended = refreshed | {"completed_timestamp_seconds": NOW - 60}
    of_job = answer(job_id="a")
    for values, shown in ((refreshed, 600), (ended, -1)):
        samples = [{"labels": of_job, "value": shown}]
        check(age.picking(), job("unknown", **values), samples, tmp_path / "tests.yml")


def test_a_job_has_one_row_with_its_generation(tmp_path: Path) -> None:
    """It has one row even if two exporters read it from different generations of the API."""
    (shown, *_) = queries_of("Jobs")
    listed = {
        version: batch("job_info", job_id="a", job_type="parse", api_version=version)
        for version in ("v1beta", "v2")
    }
    row = answer(job_id="a", job_type="parse", api_version="v2")
    check(
        shown.picking(),
        {listed["v2"]: always(1)},
        [{"labels": row, "value": 1}],
        tmp_path / "one.yml",
    )
    check(
        f"count by (project, job_id) ({shown.picking()})",
        dict.fromkeys(listed.values(), always(1)),
        [{"labels": answer(job_id="a"), "value": 1}],
        tmp_path / "both.yml",
    )


def check(query: str, series: dict[str, str], samples: list[dict[str, Any]], file: Path) -> None:
    """Compare the samples that Prometheus computes for a query."""
    case = {
        "interval": f"{STEP}s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": query, "eval_time": f"{NOW}s", "exp_samples": samples},
        ],
    }
    run(case, needed_by(query, records()), file)


def run(
    case: dict[str, Any], rules: list[dict[str, Any]], file: Path, *, evaluated_every: str = "1m"
) -> None:
    """Run a case with promtool and these rules."""
    beside = file.with_name(f"rules-of-{file.name}")
    beside.write_text(yaml.safe_dump({"groups": [{"name": "recorded", "rules": rules}]}))
    content = {"rule_files": [beside.name], "evaluation_interval": evaluated_every}
    file.write_text(yaml.safe_dump(content | {"tests": [case]}))
    tested = promtool("test", "rules", file)
    assert 0 == tested.returncode, tested.stdout + tested.stderr


@pytest.mark.parametrize("scraped_every", [15, 60])
@pytest.mark.parametrize("step", ["1m", "2m"])
def test_bars_add_up_to_what_happened(scraped_every: int, step: str, tmp_path: Path) -> None:
    """Ten jobs end at uneven moments, and hourly steps show ten at any scrape interval."""
    ended = [0, 130, 140, 150, 790, 1205, 1206, 1700, 2222, 2999, 3300]
    moments = range(0, NOW + 1, scraped_every)
    counts = [sum(0 < end <= moment for end in ended) for moment in moments]
    (query,) = queries_of("Jobs that ended")
    shown = f"sum(sum_over_time(({query.picking(__interval=step)})[{NOW}s:{step}]))"
    case = {
        "interval": f"{scraped_every}s",
        "input_series": [
            {
                "series": batch("jobs_finished_total", job_type="parse", status="completed"),
                "values": " ".join(map(str, counts)),
            }
        ],
        "promql_expr_test": [
            {"expr": shown, "eval_time": f"{NOW}s", "exp_samples": [{"labels": "{}", "value": 10}]}
        ],
    }
    run(case, [], tmp_path / "tests.yml")


def test_this_week_stands_beside_last(tmp_path: Path) -> None:
    """Nine of ten jobs completed this week, and half of them last week.

    Another exporter took over in the middle of this week, and starts from zero.
    """
    steps = 7 * 24 * 60 // EVERY_MINUTES
    half = steps // 2
    ends = {
        ("completed", "a"): f"0+5x{steps} {5 * steps + 9}+9x{half} stale",
        ("failed", "a"): f"0+5x{steps} {5 * steps + 1}+1x{half} stale",
        ("completed", "b"): f"_x{steps + half} 0+9x{half}",
        ("failed", "b"): f"_x{steps + half} 0+1x{half}",
    }
    series = {
        batch("jobs_finished_total", job_type="parse", status=name, instance=instance): values
        for (name, instance), values in ends.items()
    }
    queries = queries_of("Completed jobs: this week, last week")
    case = {
        "interval": f"{EVERY_MINUTES}m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {
                "expr": f"round({query.picking()}, 0.01)",
                "eval_time": f"{14 * 24}h",
                "exp_samples": [{"labels": "{}", "value": share}],
            }
            for query, share in zip(queries, (0.9, 0.5), strict=True)
        ],
    }
    rules = needed_by(queries[0].expr, records())
    run(case, rules, tmp_path / "tests.yml", evaluated_every=f"{EVERY_MINUTES}m")


def test_jobs_that_have_left_are_shown(tmp_path: Path) -> None:
    """They have their end and duration; jobs that continue are not shown."""
    left = {
        batch("job_info", job_id="a", job_type="parse"): "1x60 stale",
        batch("job_status", job_id="a", status="completed"): "0x30 1x29 stale",
        batch("job_status", job_id="a", status="failed"): "0x60 stale",
        batch("job_started_timestamp_seconds", job_id="a"): "60x60 stale",
        batch("job_completed_timestamp_seconds", job_id="a"): "_x31 930x28 stale",
    }
    (status, ended, took, *_, kind) = queries_of("Jobs that ended in the time range")
    series = left | job("running", created_timestamp_seconds=0) | left
    series |= {batch("job_status", job_id="b", status="running"): always(1)}
    series |= {batch("job_info", job_id="b", job_type="parse"): always(1)}
    for number, (query, value, labels) in enumerate(
        [
            (status, 1, {"status": "completed"}),
            (ended, 930_000, {}),
            (took, 870, {}),
            (kind, 1, {"job_type": "parse"}),
        ]
    ):
        samples = [{"labels": answer(job_id="a", **labels), "value": value}]
        check(query.picking(), series, samples, tmp_path / f"tests-{number}.yml")
