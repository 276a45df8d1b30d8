"""``--once``: poll every project once, print the metrics, and warn of jobs not reached."""

from __future__ import annotations

import asyncio
import os
import time
from typing import TYPE_CHECKING

import structlog

from exporter.app.assembly import assemble
from exporter.app.signal_handlers import fail_when_stopped
from exporter.app.upstream import open_upstream
from exporter.exposition import Form
from exporter.logs.standard_streams import write_output

if TYPE_CHECKING:
    from exporter.app.signals import Signals
    from exporter.config import Settings
    from exporter.logs.redaction import Secrets
    from exporter.logs.writer import LogWriter
    from exporter.poller import ProjectPoller

log = structlog.get_logger("exporter")

# A poll that ends this close to its interval counts as cut off by it.
_ROUNDING_INTERVALS = 0.05


async def print_once(
    settings: Settings, secrets: Secrets, signals: Signals, log_writer: LogWriter
) -> bool:
    """Poll every project once, print the exposition, and return whether all could be listed.

    Raises:
        StandardOutputError: the exposition was not printed, or not all of it.
    """
    fail_when_stopped(signals, log_writer)
    async with open_upstream(settings, os.environ) as connections:
        exporter = assemble(settings, connections, secrets, log_writer, once=True)
        pollers, interval = exporter.projects.pollers, settings.poll.interval
        began = exporter.started_monotonic
        async with asyncio.TaskGroup() as tasks:
            polls = {
                name: tasks.create_task(poll_once(poller, interval, began))
                for name, poller in pollers.items()
            }
        await exporter.projects.publish()
    for name, poll in polls.items():
        if not poll.result():
            warn_of_jobs_not_reached(name, pollers[name])
    published = exporter.snapshot.published()
    write_output([*published.lines(Form.TEXT), exporter.own_metrics(Form.TEXT)])
    return all(poller.status().listing_works for poller in pollers.values())


async def poll_once(poller: ProjectPoller, interval: float, began: float) -> bool:
    """Poll until all jobs were refreshed or the next listing is due; return whether all were.

    The first ``interval``, in seconds, begins at the monotonic moment ``began``. A bug raises.
    """
    async with asyncio.TaskGroup() as tasks:
        polling = tasks.create_task(poller.run())
        await poller.publisher.first_poll_is_over.wait()
        polling.cancel()
    return time.monotonic() - began < (1 - _ROUNDING_INTERVALS) * interval


def warn_of_jobs_not_reached(project: str, poller: ProjectPoller) -> None:
    """Log how many jobs were not refreshed because the next listing was due before."""
    status = poller.status()
    # None of these jobs waits for a refresh if the listing took the whole budget.
    view = poller.publisher.last_view
    jobs = view.jobs if view else ()
    never_refreshed = sum(job.active and job.last_refreshed_at is None for job in jobs)
    not_reached = max(status.jobs_waiting_for_refresh, never_refreshed)
    if not_reached and status.listing_works:
        log.warning(
            "budget.too_small",
            project=project,
            jobs_not_refreshed=not_reached,
            active_jobs=status.active_jobs,
            advice="raise api.requests_per_minute as far as your plan allows, or poll.interval:"
            " a poll takes at most that long",
        )
