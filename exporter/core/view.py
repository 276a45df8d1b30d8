"""The published view of a project and its jobs."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

from exporter.domain import ApiStatus, ItemStatus, Job, JobView, ProjectStatus, ProjectView

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from exporter.core.job_table import JobTable
    from exporter.core.listings import Listings
    from exporter.core.tracked_job import TrackedJob
    from exporter.domain import ItemCounts

_FIELDS_OF_BOTH = {field.name for field in fields(Job)} & {field.name for field in fields(JobView)}
# All but these labels, which are empty where a job lacks them, are published as they are.
_PUBLISHED_AS_THEY_ARE = tuple(_FIELDS_OF_BOTH - {"directory_id", "configuration_id"})


def job_view(
    tracked: TrackedJob, last_progress_at: float | None, *, items_enabled: bool
) -> JobView:
    """Return the view of a job; ``last_progress_at`` is a Unix time."""
    job, counts = tracked.job, tracked.counts if items_enabled else None
    return JobView(
        job_id=job.id,
        directory_id=job.directory_id or "",
        configuration_id=job.configuration_id or "",
        progress_ratio=tracked.progress_ratio,
        item_failures=_item_failures(counts),
        items=counts.by_status if counts else None,
        last_progress_at=last_progress_at,
        last_refreshed_at=tracked.last_refreshed_at,
        items_last_counted_at=tracked.items_last_counted_at if items_enabled else None,
        **{name: getattr(job, name) for name in _PUBLISHED_AS_THEY_ARE},
    )


def _item_failures(counts: ItemCounts | None) -> Mapping[str, int] | None:
    if counts is None or ItemStatus.FAILED not in counts.by_status:
        return None
    return counts.failure_reasons


def project_view(table: JobTable, listings: Listings, number: int, now: float) -> ProjectView:
    """Return the view of a project at the monotonic moment ``now``."""
    rules, stale = table.rules, listings.stale(now)
    is_stale = listings.is_stale(now)
    has_counts = rules.items_enabled and not is_stale
    return ProjectView(
        project=rules.project,
        number=number,
        counters=table.counters.values.published(items_enabled=rules.items_enabled),
        gauges=None if is_stale else table.totals.gauges(rules, listings.seen_project_id, stale),
        jobs=table.views(stale),
        tracked_jobs=len(table),
        hidden_jobs=_hidden_jobs(table),
        uncounted_jobs=_uncounted_jobs(table, stale) if has_counts else None,
        listing_truncated=listings.is_truncated,
        last_listing_at=listings.last_listing_at,
        counting_since=table.history.baseline_at,
        apis=_apis(table, listings),
    )


def _hidden_jobs(table: JobTable) -> int:
    """Count the jobs hidden by the cap. A cap of 0 stands for totals only, and hides none."""
    return len(table) - len(table.shown()) if table.rules.max_jobs else 0


def project_status(table: JobTable, listings: Listings, waiting: int, now: float) -> ProjectStatus:
    """Return the status of a project; ``waiting`` jobs wait for a refresh."""
    rules = table.rules
    gauges = table.totals.gauges(rules, listings.seen_project_id, stale=())
    return ProjectStatus(
        project=rules.project,
        project_id=gauges.project_id,
        organization_id=gauges.organization_id,
        listing_was_tried=listings.was_tried,
        listing_failure=listings.failure,
        is_authenticated=listings.authentication.is_accepted,
        is_stale=listings.is_stale(now),
        is_truncated=bool(listings.is_truncated),
        last_listing_at=listings.last_listing_at,
        interval=rules.interval,
        stale_after=rules.stale_after,
        active_jobs=sum(gauges.active_jobs.values()),
        failing_jobs=sum(gauges.failing_jobs.values()),
        jobs_waiting_for_refresh=waiting,
        hidden_jobs=_hidden_jobs(table),
        uncounted_jobs=_uncounted_jobs(table, ()) if rules.items_enabled else None,
        apis=_apis(table, listings),
        jobs=tuple(table.job_views.values()),
        status_changes=dict(table.recent.status_changes),
        failed_items=dict(table.recent.failed_items),
    )


def _apis(table: JobTable, listings: Listings) -> tuple[ApiStatus, ...]:
    answered = table.history.answered
    return tuple(
        ApiStatus(api_version, of.last_answered_at, api_version in answered, of.set_aside_for)
        for api_version, of in listings.generations.items()
    )


def _uncounted_jobs(table: JobTable, stale: Collection[str]) -> int:
    return table.totals.uncounted_jobs(stale) + len(table.unread)
