"""Publishing in a worker thread: in order, and beside the event loop."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from exporter.exposition.snapshot import Published, Snapshot
from tests.support.views import empty_view, full_job, full_view

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.domain import ProjectView

pytestmark = pytest.mark.anyio

MANY = tuple(full_job(f"job-{number:05}") for number in range(5_000))


async def test_a_view_that_was_published_is_what_scrapes_show() -> None:
    """As soon as the call returns."""
    snapshot = Snapshot()
    await snapshot.publish(full_view("a", number=3))
    assert {"a": 3} == snapshot.published().view_numbers


async def test_views_are_published_one_after_the_other() -> None:
    """Projects never overwrite each other, however long each needs."""
    snapshot = Snapshot()
    large = replace(full_view("large", number=1), jobs=MANY)
    views = [large, full_view("a", number=2), replace(large, number=3)]
    await asyncio.gather(*map(snapshot.publish, views))
    assert {"large": 3, "a": 2} == snapshot.published().view_numbers


async def test_a_view_becomes_visible_in_the_turn_in_which_its_publication_returns() -> None:
    """Not while the loop does something else, such as to answer a scrape with older metrics."""
    rendered = threading.Event()

    class Watched(Snapshot):
        def render(self, *views: ProjectView, without: Collection[str] = ()) -> Published:
            published = super().render(*views, without=without)
            rendered.set()
            return published

    snapshot = Watched()
    publishing = asyncio.create_task(snapshot.publish(full_view("a", number=3)))
    await asyncio.sleep(0)
    # The loop stands still until the worker is done.
    assert rendered.wait(timeout=10)
    assert {} == snapshot.published().view_numbers
    await publishing
    assert {"a": 3} == snapshot.published().view_numbers


async def test_the_loop_serves_others_while_a_large_view_is_rendered() -> None:
    """No turn of the loop waits for the end of rendering."""
    snapshot = Snapshot()
    publishing = asyncio.create_task(
        snapshot.publish(replace(empty_view(), project="large", jobs=MANY))
    )
    turns = 0
    while not publishing.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns > 10
    assert "publisher" in {thread.name.partition("_")[0] for thread in threading.enumerate()}
