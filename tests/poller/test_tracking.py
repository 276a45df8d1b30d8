"""What of one project is published, and when there is nothing new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from history import EPOCH, RULES, job

from exporter.domain import JobRefreshed, JobStatus, Listing, at_once
from exporter.poller.reports import Reports
from exporter.poller.tracking import Tracking

if TYPE_CHECKING:
    from exporter.domain import ProjectView, Steps


@dataclass
class Publisher:
    """Takes views, and holds the clock."""

    now: float = 0.0
    views: list[ProjectView] = field(default_factory=list)

    def publish(self, view: ProjectView) -> Steps[None]:
        """Take a view."""
        yield
        self.views.append(view)

    def tracking(self) -> Tracking:
        """Track a project of one job."""
        reports = Reports(RULES.project, key_origin="LLAMA_CLOUD_API_KEY")
        tracking = Tracking(
            RULES, reports=reports, publish_view=self.publish, clock=lambda: self.now
        )
        listing = Listing((job(),), asked_monotonic=0.0, began_at=EPOCH, ended_at=EPOCH)
        at_once(tracking.listed(listing))
        at_once(tracking.publish())
        return tracking


def test_where_nothing_changes_nothing_is_published_anew() -> None:
    """Readers of one moment share its bytes."""
    publisher = Publisher()
    tracking = publisher.tracking()

    at_once(tracking.publish_if_changed())

    assert len(publisher.views) == 1


def test_what_time_changes_is_published() -> None:
    """Here that the project is stale."""
    publisher = Publisher()
    tracking = publisher.tracking()
    publisher.now = RULES.stale_after + 1

    at_once(tracking.publish_if_changed())

    assert [view.gauges is None for view in publisher.views] == [False, True]
    assert publisher.views[1].generation == 2


def test_an_answer_that_comes_meanwhile_is_not_lost() -> None:
    """It is published next, with what time changed."""
    publisher = Publisher()
    tracking = publisher.tracking()
    publisher.now = RULES.stale_after + 1
    tracking.changed.clear()

    steps = tracking.publish_if_changed()
    next(steps)
    ended = job(status=JobStatus.FAILED)
    tracking.refreshed(JobRefreshed(ended, 0.5, publisher.now, EPOCH + publisher.now))
    at_once(steps)
    assert len(publisher.views) == 1
    assert tracking.changed.is_set()
    at_once(tracking.publish())

    assert [shown.status for shown in publisher.views[1].jobs] == [JobStatus.FAILED]
    assert publisher.views[1].gauges is None
