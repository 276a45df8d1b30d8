"""Handing the state of one project to a new core, after a change of settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.saved import restore, saved_project

if TYPE_CHECKING:
    from exporter.core.generations import Generations
    from exporter.core.listings import Listings
    from exporter.core.project import ProjectCore


def go_on_from(core: ProjectCore, former: ProjectCore, now: float) -> None:
    """Copy the state of ``former``, which has stopped, to a core that has not started.

    What is published stays as it is. The next listing is due now, and full for all API generations,
    because the filters or the generations may have changed.
    """
    restore(core.table, saved_project(former.table, now, now), now, now)
    core.table.recent = former.table.recent
    for job_id in former.table.job_views.keys() - core.table.job_views.keys():
        core.table.recent.forget(job_id)
    core.view_number, core.is_published_fresh = former.view_number, former.is_published_fresh
    _listings_go_on(core.listings, former.listings)
    _generations_go_on(core.listings.generations, former.listings.generations)


def _listings_go_on(listings: Listings, former: Listings) -> None:
    listings.number = former.number
    listings.authentication = former.authentication
    listings.was_tried, listings.failure = former.was_tried, former.failure
    listings.last_listing_at = former.last_listing_at
    listings.seen_project_id = former.seen_project_id


def _generations_go_on(generations: Generations, former: Generations) -> None:
    known = dict(former.items())
    for api_version, generation in generations.items():
        if (before := known.get(api_version)) is not None:
            generation.listed_at = before.listed_at
            generation.last_answered_at = before.last_answered_at
            generation.is_truncated = before.is_truncated
            generation.set_aside_for = before.set_aside_for
