"""A project with more jobs than a listing may read, in virtual time."""

from exporter.core.events import ListingTruncated, ListingWholeAgain
from exporter.domain import JobStatus
from tests.support.history import EPOCH, HOUR, job
from tests.support.virtual_time import Polling

INTERVAL = 30.0


def test_it_is_reported_once_and_its_end_too() -> None:
    """With the number of jobs that are listed."""
    project = Polling(*(job(f"job-{number}") for number in range(30)))
    project.cloud.most_rows = 10
    project.run_until(HOUR)
    assert project.view().listing_truncated
    project.cloud.most_rows = 100
    project.run_until(HOUR + 2 * INTERVAL)
    assert project.view().listing_truncated is False
    assert [ListingTruncated(10)] == project.events_of(ListingTruncated)
    assert [ListingWholeAgain(30)] == project.events_of(ListingWholeAgain)


def test_a_listing_that_stops_early_does_not_show_that_nothing_is_hidden() -> None:
    """It stops before the limit. Only the next full listing shows whether jobs are hidden."""
    ended_at = EPOCH - 9 * HOUR
    olds = (
        job(f"old-{n}", status=JobStatus.FAILED, created_at=ended_at, completed_at=ended_at)
        for n in range(30)
    )
    project = Polling(*olds)
    project.run_until(15 * INTERVAL)
    project.cloud.most_rows = 10
    project.run_until(4 * HOUR - 1)
    assert project.view().listing_truncated
    project.cloud.most_rows = 100
    project.run_until(5 * HOUR)
    assert [(900.1, ListingTruncated(10)), (14400.1, ListingWholeAgain(30))] == [
        (round(at, 3), event)
        for at, event in project.events
        if isinstance(event, ListingTruncated | ListingWholeAgain)
    ]
