"""A real Prometheus that has scraped the exporter answers every query."""

from __future__ import annotations

import math
import re
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import DEFAULT_PROJECT_ID
from tests.dashboard.scenario import EMPTY_PROJECT_ID, STATES, Plan, Scene, scenes
from tests.support.dashboard_queries import (
    VARIABLES,
    Query,
    label_queries,
    queries,
    queries_of,
    with_variables,
)
from tests.support.reference import page
from tests.support.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.timeout(180)
TOTALS = ("Active jobs", "Failing jobs", "Items left", "Jobs at risk")
_SOON_STALE = {"LLAMACLOUD_EXPORTER_POLL__STALE_AFTER": "3s"}
_BOTH_PROJECTS = {"LLAMA_CLOUD_PROJECT_ID": f"{DEFAULT_PROJECT_ID},{EMPTY_PROJECT_ID}"}
PLANS = {
    "usual": Plan(),
    "replicas": Plan(exporters=2),
    "stale": Plan(settings=_SOON_STALE),
    "one-stale": Plan(settings=_SOON_STALE | _BOTH_PROJECTS),
}
# These have data only if a project is stale, or if there is data of the week before.
INCOMPLETE = {f"{name} B" for name in TOTALS} | {"Completed jobs: this week, last week B"}


@pytest.fixture(scope="module")
def every_scene() -> Iterator[dict[str, Scene]]:
    """Run all scenes for the tests of this file."""
    require_tool("prometheus")
    with scenes(PLANS) as started:
        yield started


def numbers(series: dict[str, Any]) -> list[float]:
    samples = series["values"] if "values" in series else [series["value"]]
    return [float(value) for _, value in samples]


def has_data(scene: Scene, query: Query) -> bool:
    """Return whether the answer to a query contains a number."""
    return any(map(math.isfinite, chain.from_iterable(map(numbers, scene.answer(query)))))


def wait_for_data(scene: Scene) -> None:
    """Wait until every query has returned data, which takes longer on a busy machine."""
    unanswered = [query for query in queries() if str(query) not in INCOMPLETE]

    def all_answered() -> bool:
        scene.move_on()
        unanswered[:] = [query for query in unanswered if not has_data(scene, query)]
        return not unanswered

    scene.prometheus.wait_for(
        all_answered, missing=lambda: list(map(str, unanswered)), within_seconds=90
    )


def values(scene: Scene, label: str, *, of: str) -> list[str]:
    """Return the values that a variable offers."""
    (series,) = (series for series, name in label_queries() if name == of)
    found: list[str] = scene.prometheus.request(
        f"/api/v1/label/{label}/values",
        **{"match[]": with_variables(series, cluster=scene.cluster)},
    )
    return found


def value(scene: Scene, panel: str, **picked: str) -> float | None:
    """Return the only number of a panel, or ``None`` if it has no data."""
    return one_number(scene, queries_of(panel)[0], **picked)


def incomplete(scene: Scene, panel: str) -> float | None:
    """Return how many projects a total reports as missing."""
    (_, query) = queries_of(panel)
    return one_number(scene, query)


def one_number(scene: Scene, query: Query, **picked: str) -> float | None:
    found = scene.answer(query, **picked)
    return numbers(found[0])[0] if found else None


def rows(scene: Scene, query: Query, **picked: str) -> Counter[str]:
    """Count the values in a column of the table, by job."""
    return Counter(series["metric"]["job_id"] for series in scene.answer(query, **picked))


def every_job_is_known(scene: Scene) -> bool:
    (types, *_) = queries_of("Jobs")
    return set(STATES) == set(rows(scene, types))


def test_every_query_has_data(every_scene: dict[str, Scene]) -> None:
    """Every query has data in a scene in which every kind of event happens."""
    watched = every_scene["usual"]
    watched.prometheus.wait_for(lambda: every_job_is_known(watched))
    watched.end_a_job()
    watched.fail_listings(times=3)
    wait_for_data(watched)
    assert ["usual"] == values(watched, "cluster", of="project")
    assert [] == values(watched, "namespace", of="namespace")
    assert ["default"] == values(watched, "project", of="project")
    assert ["classify", "extract", "parse"] == values(watched, "job_type", of="job_type")
    assert sorted(STATES) == values(watched, "job_id", of="job_id")
    assert 5 == len(list(label_queries())) == len(VARIABLES) - 2
    check_numbers(watched)
    check_rows(watched)
    check_picking(watched)
    check_recorded_series(watched)


def check_recorded_series(watched: Scene) -> None:
    """Check that rules record no more series than the documentation states."""
    documented = re.search(
        r"(\d+) for each project at most, and (\d+) for each published job",
        page("cost-and-capacity"),
    )
    assert documented
    of_project, of_job = map(int, documented.groups())
    recorded = f'__name__=~".+:llamacloud.+", cluster="{watched.cluster}"'
    each = watched.prometheus.query(f'count by (job_id) ({{{recorded}, job_id!=""}})')
    assert 5 <= max(int(series["value"][1]) for series in each) <= of_job
    (project,) = watched.prometheus.query(f'count({{{recorded}, job_id=""}})')
    assert 20 <= int(project["value"][1]) <= of_project


def check_numbers(watched: Scene) -> None:
    """Check that the numbers at the top match the scene, once a listing succeeds again."""
    expected = {"Active jobs": 4, "Failing jobs": 3, "Jobs at risk": 2, "Projects not listed": 0}
    left = {"job-stuck": 10, "job-finished": 0}

    def shown() -> dict[str, float | None]:
        return {panel: value(watched, panel) for panel in expected} | {
            job_id: value(watched, "Items left", job_id=job_id) for job_id in left
        }

    watched.prometheus.wait_for(lambda: shown() == expected | left, missing=shown)


def check_rows(watched: Scene) -> None:
    """Check that each job is in the table once, with at most one value in each column."""
    (types, statuses, *columns) = queries_of("Jobs")
    assert Counter(list(STATES)) == rows(watched, types) == rows(watched, statuses)
    assert STATES == {
        series["metric"]["job_id"]: series["metric"]["status"]
        for series in watched.answer(statuses)
    }
    for column in columns:
        assert {1} == set(rows(watched, column).values()), column
        assert set(rows(watched, column)) <= set(STATES)


def check_picking(watched: Scene) -> None:
    """Check that selecting a job shows only that job, and selecting a type only its jobs."""
    for query in queries_of("Jobs"):
        assert {"job-running"} >= set(rows(watched, query, job_id="job-running"))
        assert {"job-stuck", "job-failed"} >= set(rows(watched, query, job_type="extract"))
    (types, *_) = queries_of("Jobs")
    assert Counter({"job-running": 1}) == rows(watched, types, job_id="job-running")
    assert {"job-stuck", "job-failed"} == set(rows(watched, types, job_type="extract"))
    assert 1 == value(watched, "Active jobs", job_type="extract")


def test_replicas_neither_double_nor_break_anything(every_scene: dict[str, Scene]) -> None:
    """Two exporters of one project show the same as one."""
    watched = every_scene["replicas"]
    up = 'llamacloud_exporter_project_up{cluster="replicas"} == 1'
    watched.prometheus.wait_for(lambda: len(watched.prometheus.query(up)) == 2)
    watched.prometheus.wait_for(lambda: every_job_is_known(watched))
    watched.end_a_job()
    watched.fail_listings(times=6)
    wait_for_data(watched)
    check_numbers(watched)
    check_rows(watched)


def test_what_is_withdrawn_has_no_data_rather_than_0(every_scene: dict[str, Scene]) -> None:
    """A project that can no longer be listed becomes stale, and keeps only its failures."""
    watched = every_scene["stale"]
    watched.prometheus.wait_for(lambda: None not in {value(watched, name) for name in TOTALS})
    watched.fail_listings()
    of_stale = dict.fromkeys(TOTALS) | {"Failing jobs": 1}
    watched.prometheus.wait_for(
        lambda: of_stale == {name: value(watched, name) for name in TOTALS},
        missing=lambda: {name: value(watched, name) for name in TOTALS},
    )
    assert {1} == {incomplete(watched, name) for name in TOTALS}
    assert 1 == value(watched, "Projects not listed")
    oldest = value(watched, "Oldest data")
    assert oldest is not None
    assert oldest > 2


def test_a_total_says_that_it_lacks_a_stale_project(every_scene: dict[str, Scene]) -> None:
    """Failures of the stale project still count, and the rest of it is reported as missing."""
    watched = every_scene["one-stale"]

    def shown() -> list[float | None]:
        return [value(watched, name) for name in ("Active jobs", "Failing jobs")]

    watched.prometheus.wait_for(
        lambda: shown() == [5, 2] and incomplete(watched, "Active jobs") is None, missing=shown
    )
    watched.fail_listings(project_id=DEFAULT_PROJECT_ID)
    watched.prometheus.wait_for(
        lambda: shown() == [0, 1] and value(watched, "Items left") == 0, missing=shown
    )
    assert {1} == {incomplete(watched, name) for name in TOTALS}
