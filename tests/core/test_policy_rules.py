"""Settings that are replaced while a project is polled, in virtual time."""

from dataclasses import replace

from core.fake_cloud import failure
from core.virtual import Polling
from history import EPOCH, HOUR, counts, job

from exporter.domain import JobStatus


def test_another_interval_applies_from_the_next_listing_on() -> None:
    """The one that is due stays where it is."""
    project = Polling(job())
    project.run_until(31)
    project.core.rules = replace(project.core.rules, interval=10.0)
    project.run_until(91)
    moments = [request.moment for request in project.asked("list")]
    assert [0.0, 30.0, 60.0, 70.0, 80.0, 90.0] == moments


def test_another_retention_lets_jobs_go_at_once() -> None:
    """Also where it is shorter than what was waited for."""
    ended_at = EPOCH - 100
    project = Polling(job(status=JobStatus.COMPLETED, completed_at=ended_at, created_at=0.0))
    project.cloud.items["job-1"] = counts(completed=10)
    project.run_until(1000)
    assert 1 == project.view().tracked_jobs
    rules = project.core.rules
    project.core.rules = replace(rules, retention_finished=600.0, min_scrapes=0)
    project.run_until(1032)
    assert 0 == project.view().tracked_jobs


def test_another_cap_shows_other_jobs() -> None:
    """Fewer or more."""
    project = Polling(*(job(f"job-{number}") for number in range(5)), max_jobs=3)
    for most, number in ((2, 2), (4, 4), (10, 5)):
        project.run_until(project.now + 29)
        project.core.rules = replace(project.core.rules, max_jobs=most)
        project.run_until(project.now + 31)
        view = project.view()
        assert (number, 5 - number) == (len(view.jobs), view.hidden_jobs)


def test_counting_can_be_turned_off_and_on() -> None:
    """Nothing is counted meanwhile."""
    project = Polling(job())
    project.run_until(59)
    for enabled, items in ((False, 2), (True, 4)):
        project.core.rules = replace(project.core.rules, items_enabled=enabled)
        project.run_until(project.now + 60)
        assert items == len(project.asked("items"))


def test_a_longer_staleness_brings_active_jobs_back() -> None:
    """They were only withdrawn."""
    project = Polling(job())
    project.run_until(29)
    project.cloud.failing["list"] = failure()
    project.run_until(400)
    assert () == project.view().jobs
    project.core.rules = replace(project.core.rules, stale_after=HOUR)
    project.run_until(406)
    assert ["job-1"] == [shown.job_id for shown in project.view().jobs]
