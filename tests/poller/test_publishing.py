"""When the poller publishes, and what scrapes report to it, without any socket."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from exporter.core.actions import FetchStatus
from exporter.core.observations import Refreshed
from exporter.domain import JobRefreshed, JobStatus
from tests.support.history import EPOCH, HOUR, RULES, advance, job
from tests.support.polling import eventually
from tests.support.scripted_api import running, setup
from tests.support.virtual_time import list_now

pytestmark = pytest.mark.anyio


async def test_a_view_is_published_at_most_once_a_second() -> None:
    """However often something changes."""
    made = setup(interval=0.02)
    async with running(made.poller):
        await eventually(lambda: len(made.views) >= 4)
    assert len(made.api.requested) > len(made.views)
    gaps = [later - earlier for (earlier, _), (later, _) in pairwise(made.views)]
    assert min(gaps) >= 0.99
    assert [1, 2, 3, 4] == [view.number for _, view in made.views[:4]]


async def test_what_is_published_is_published_once() -> None:
    """It is published again when something has changed, also by time alone."""
    now = 0.0
    made = setup(clock=lambda: now)
    for _ in range(3):
        await made.poller.publisher.publish()
    assert 1 == len(made.views)
    list_now(made.core, now, job())
    for _ in range(3):
        await made.poller.publisher.publish()
    assert 2 == len(made.views)
    now = RULES.stale_after + 1
    for _ in range(3):
        await made.poller.publisher.publish()
    assert [1, 2, 3] == [view.number for _, view in made.views]
    assert ["ProjectStale"] == [type(event).__name__ for event in made.events]


async def test_a_scrape_reaches_the_core() -> None:
    """A job that has ended leaves once a scrape has shown it."""
    now = 0.0
    made = setup(clock=lambda: now)
    rules = replace(made.core.rules, items_enabled=False, retention_finished=0.0)
    made.core.change_rules(rules, now)
    list_now(made.core, now, job())
    now = HOUR
    list_now(made.core, now, job(status=JobStatus.COMPLETED))
    action = made.core.next_action(now, may_list=False)
    assert isinstance(action, FetchStatus)
    answer = JobRefreshed(action.job, 1.0, now, EPOCH + now)
    made.core.receive(Refreshed(action, answer, None), now)
    await made.poller.publisher.publish()
    assert 1 == advance(made.core, now).tracked_jobs
    made.poller.scraped(made.views[-1][1].number)
    assert 0 == advance(made.core, now).tracked_jobs
