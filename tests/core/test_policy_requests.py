"""What polling costs, in virtual time."""

from collections import Counter

from exporter.domain import JobStatus
from tests.support.history import EPOCH, HOUR, counts, job
from tests.support.virtual_time import Polling

INTERVAL = 30.0


def kinds_by_interval(project: Polling) -> list[Counter[str]]:
    """Count the requests of each interval, by kind."""
    intervals: dict[int, Counter[str]] = {}
    for request in project.requests:
        intervals.setdefault(int(request.moment // INTERVAL), Counter())[request.kind] += 1
    return [intervals[number] for number in sorted(intervals)]


def test_a_project_without_active_jobs_costs_one_request_an_interval() -> None:
    """Whatever else it lists."""
    ended_at = EPOCH - 9 * HOUR
    project = Polling(job(status=JobStatus.COMPLETED, created_at=ended_at, completed_at=ended_at))
    project.run_until(10 * INTERVAL - 1)
    assert [Counter(list=1)] * 10 == kinds_by_interval(project)


def test_n_active_jobs_cost_one_plus_two_n_requests_an_interval() -> None:
    """A listing, and a status and a count of each."""
    project = Polling(*(job(f"job-{number}") for number in range(5)))
    project.run_until(10 * INTERVAL - 1)
    assert [Counter(list=1, status=5, items=5)] * 10 == kinds_by_interval(project)


def test_without_counting_a_job_costs_one_request() -> None:
    """``items.enabled`` is false."""
    project = Polling(job("a"), job("b"), items_enabled=False)
    project.run_until(10 * INTERVAL - 1)
    assert [Counter(list=1, status=2)] * 10 == kinds_by_interval(project)


def test_a_job_that_ended_costs_two_more_requests_and_then_none() -> None:
    """These are its final status and its final count."""
    project = Polling(job())
    project.run_until(2 * INTERVAL - 1)
    project.cloud.items["job-1"] = counts(completed=10)
    project.cloud.change("job-1", status=JobStatus.COMPLETED, completed_at=EPOCH + project.now)
    project.run_until(6 * INTERVAL - 1)
    active, ended = Counter(list=1, status=1, items=1), Counter(list=1)
    assert [active] * 3 + [ended] * 3 == kinds_by_interval(project)
    assert JobStatus.COMPLETED is project.job().status


def test_an_end_that_a_status_shows_costs_no_second_status() -> None:
    """The answer that shows the end is the final one; the count follows at once."""
    project = Polling(job())
    project.cloud.seconds["list"] = 5.0
    project.run_until(INTERVAL + 1)
    # After the listing has read its row, before the status is requested.
    project.cloud.items["job-1"] = counts(completed=10)
    project.cloud.change("job-1", status=JobStatus.COMPLETED, completed_at=EPOCH + project.now)
    project.run_until(4 * INTERVAL - 1)
    active, ended = Counter(list=1, status=1, items=1), Counter(list=1)
    assert [active] * 2 + [ended] * 2 == kinds_by_interval(project)


def test_refreshes_run_beside_each_other_and_beside_the_listing() -> None:
    """As many at once as there are slots, and a job's count follows its status."""
    project = Polling(*(job(f"job-{number}") for number in range(6)), slots=3)
    project.cloud.seconds |= {"list": 1.0, "status": 10.0, "items": 10.0}
    project.run_until(61)
    moments = [(request.moment, request.kind) for request in project.requests_of("status", "items")]
    assert [(1.0, "status")] * 3 + [(11.0, "items")] * 3 + [(21.0, "status")] * 3 == moments[:9]
    assert [0.0, 30.0, 60.0] == [request.moment for request in project.requests_of("list")]
