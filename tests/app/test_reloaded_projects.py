"""Projects that are added, removed and changed by a reload, beside one that stays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import DEFAULT_PROJECT_ID
from tests.app.reloading import failed_of, listings_of, more_fail, names, reloadable
from tests.support.projects import key_of, project, project_id_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cloud import Cloud


def test_one_is_added_and_removed(cloud: Cloud, tmp_path: Path) -> None:
    """Its series appear and disappear, and every scrape has those of the other project."""
    one, two = project(cloud, "one"), project(cloud, "two")
    with reloadable(tmp_path, [one]) as running:
        running.wait_for_job("one")
        assert "added: two" in running.reload([one, two])
        assert {"one", "two"} == names(running.scrape())
        running.wait_for_job("two")
        assert "two" in running.exporter.get("/")[1]
        assert "removed: two" in running.reload([one])
        text = running.exporter.get()[1]
        assert 'project="one"' in text
        assert 'project="two"' not in text
        requested = len(listings_of(cloud, project_id_of("two")))
        listed = len(listings_of(cloud, project_id_of("one")))
        running.exporter.wait_for(
            lambda: len(listings_of(cloud, project_id_of("one"))) >= listed + 2
        )
        assert requested == len(listings_of(cloud, project_id_of("two")))


def test_one_that_is_renamed_continues(cloud: Cloud, tmp_path: Path) -> None:
    """Its jobs are published under the new name alone, and nothing counts twice."""
    one, two = project(cloud, "one"), project(cloud, "two")
    with reloadable(tmp_path, [one, two]) as running:
        running.wait_for_job("two")
        more_fail(cloud, "two")
        running.exporter.wait_for(lambda: failed_of(running.scrape(), "two") == 2.0)
        words = running.reload([one, two | {"name": "second"}])
        assert "changed: second" in words
        scraped = running.scrape()
        assert {"one", "second"} == names(scraped)
        assert 2.0 == failed_of(scraped, "second")
        assert scraped.batch("job_items", project="second")
        more_fail(cloud, "two", 5)
        running.exporter.wait_for(lambda: failed_of(running.scrape(), "second") == 4.0)


def test_names_that_are_swapped_stay_with_their_projects(cloud: Cloud, tmp_path: Path) -> None:
    """No scrape shows a job twice."""
    one, two = project(cloud, "one"), project(cloud, "two")
    with reloadable(tmp_path, [one, two]) as running:
        for name in ("one", "two"):
            running.wait_for_job(name)
        running.reload([one | {"name": "two"}, two | {"name": "one"}])
        series = running.scrape().series("llamacloud_batch_job_info")
        shown = sorted((labels["project"], labels["job_id"]) for labels in series)
        assert [("one", "job-of-two"), ("two", "job-of-one")] == shown


@pytest.mark.parametrize(
    "change",
    [
        {"job_types": ["parse"]},
        {"api_versions": ["v1beta"]},
        {"organization_id": DEFAULT_PROJECT_ID},
        {"api_key": "llx-another-key-of-the-project"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_one_that_is_read_otherwise_continues(
    cloud: Cloud, tmp_path: Path, change: dict[str, Any]
) -> None:
    """Every scrape has its job and its gauges, and none of its counters falls."""
    entry = project(cloud, "one")
    cloud.world.add_key("llx-another-key-of-the-project", project_id_of("one"))
    with reloadable(tmp_path, [entry]) as running:
        running.wait_for_job("one")
        more_fail(cloud, "one")
        running.exporter.wait_for(lambda: failed_of(running.scrape(), "one") == 2.0)
        before = running.scrape()
        assert "changed: one" in running.reload([entry | change])
        after = running.scrape()
        assert before.batch("job_items") == after.batch("job_items")
        assert before.batch("active_jobs") == after.batch("active_jobs")
        assert 2.0 == failed_of(after, "one")
        for counter in ("polls_total", "api_requests_total"):
            assert sum(before.own(counter)) <= sum(after.own(counter))
        assert [1.0] == after.own("project_up")
        versions = set(change.get("api_versions", ["v1beta", "v2"]))
        assert versions == after.labels("llamacloud_exporter_api_offered", "api_version")
        if "api_key" in change:
            del cloud.world.keys[key_of("one")]
            listed = len(listings_of(cloud, project_id_of("one")))
            running.exporter.wait_for(
                lambda: len(listings_of(cloud, project_id_of("one"))) >= listed + 2
            )
            assert [1.0] == running.scrape().own("project_authenticated")


def test_a_name_that_another_project_gets_begins_anew(cloud: Cloud, tmp_path: Path) -> None:
    """No series of the former project are left."""
    one, two = project(cloud, "one"), project(cloud, "two")
    with reloadable(tmp_path, [one]) as running:
        running.wait_for_job("one")
        more_fail(cloud, "one")
        running.exporter.wait_for(lambda: failed_of(running.scrape(), "one") == 2.0)
        running.reload([two | {"name": "one"}])
        assert 0.0 == failed_of(running.scrape(), "one")
        running.wait_for_job("one")
        assert {"job-of-two"} == running.scrape().labels("llamacloud_batch_job_info", "job_id")


def test_one_that_was_removed_returns_from_its_state(cloud: Cloud, tmp_path: Path) -> None:
    """The state file keeps it while it is removed, also over a restart."""
    one, two = project(cloud, "one"), project(cloud, "two")
    state = {"state": {"file": str(tmp_path / "state")}}
    with reloadable(tmp_path, [one, two], **state) as running:
        running.wait_for_job("two")
        more_fail(cloud, "two")
        running.exporter.wait_for(lambda: failed_of(running.scrape(), "two") == 2.0)
        running.reload([one])
        running.reload([one, two])
        assert 2.0 == failed_of(running.scrape(), "two")
        running.reload([one])
        assert 0 == running.exporter.stop()[0]
    with reloadable(tmp_path, [one], **state) as running:
        running.reload([one, two])
        assert 2.0 == failed_of(running.scrape(), "two")


def test_one_that_is_joined_by_another_entry_at_a_restart_continues(
    cloud: Cloud, tmp_path: Path
) -> None:
    """It continues when the other entry is removed as well, and each counts its own jobs."""
    one = project(cloud, "one")
    other = one | {"name": "other", "job_types": ["extract"]}
    state = {"state": {"file": str(tmp_path / "state")}}
    with reloadable(tmp_path, [one], **state) as running:
        running.wait_for_job("one")
        more_fail(cloud, "one")
        running.exporter.wait_for(lambda: failed_of(running.scrape(), "one") == 2.0)
        assert 0 == running.exporter.stop()[0]
    for entries in ([one, other], [one]):
        with reloadable(tmp_path, entries, **state) as running:
            assert 2.0 == failed_of(running.scrape(), "one")
            assert 0.0 == failed_of(running.scrape(), "other")
            assert 0 == running.exporter.stop()[0]
