"""The numbers at the top say 0 only where somebody counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml
from dashboard.reading import queries_of
from series import NOW, STEP, always, batch
from tools import promtool

if TYPE_CHECKING:
    from pathlib import Path


def active(status: str, count: int = 1) -> dict[str, str]:
    return {batch("active_jobs", job_type="parse", status=status): always(count)}


def job(status: str, **values: float) -> dict[str, str]:
    """Return the series of the one active job."""
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


@pytest.mark.parametrize(
    ("panel", "series", "shown"),
    [
        ("Items left", job("running", total_items=9, processed_items=2), 7),
        ("Items left", job("pending", total_items=9), 9),
        ("Items left", job("running", total_items=9), None),
        ("Items left", active("running"), None),
        ("Items left", active("running", 0), 0),
        ("Jobs at risk", job("dispatched", **QUIET), 1),
        ("Jobs at risk", job("running", **QUIET), 1),
        ("Jobs at risk", job("running"), 0),
        ("Jobs at risk", active("running"), None),
    ],
)
def test_a_total(panel: str, series: dict[str, str], shown: float | None, tmp_path: Path) -> None:
    """As Prometheus computes it."""
    samples = [] if shown is None else [{"labels": "{}", "value": shown}]
    query = queries_of(panel)[0].picking()
    case = {
        "interval": f"{STEP}s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [
            {"expr": query, "eval_time": f"{NOW}s", "exp_samples": samples},
        ],
    }
    file = tmp_path / "tests.yml"
    file.write_text(yaml.safe_dump({"tests": [case]}))
    tested = promtool("test", "rules", file)
    assert 0 == tested.returncode, tested.stdout + tested.stderr
