"""What a person reads at a terminal."""

from __future__ import annotations

import io
import re
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from exporter.core.events import (
    ItemsFailed,
    ItemsFailedBeforeStart,
    JobAppeared,
    JobChangedStatus,
    JobEnded,
    ListingFailed,
    ListingSucceeded,
)
from exporter.domain import FAILURE_REASONS, FailedItem, JobStatus
from exporter.event_log import EventLog
from exporter.llamacloud.errors import RequestTimedOut
from exporter.logs.processors import configure_logging
from tests.logs.test_logs import logging_as_it_was
from tests.support.history import job

if TYPE_CHECKING:
    from exporter.core.events import Event

__all__ = ["logging_as_it_was"]
JOB_ID = "bjb-a1c311b6-d8ed-41c3-9242-6e1e7fad6e49"
RUNNING = job(JOB_ID, total_items=12_345, processed_items=200, skipped_items=3)
OVER = job(
    JOB_ID,
    status=JobStatus.COMPLETED,
    total_items=12_345,
    failed_items=1_234,
    started_at=1_790_000_000.0,
    completed_at=1_790_086_400.5,
)
LONG = FailedItem("item-1", "Invoice of the year " * 9, "PDF_IS_BROKEN: the file " * 9, "timeout")


def lines(*events: Event, level: str = "info") -> list[str]:
    """Return the lines of a project's events, without the time."""
    stream = io.StringIO()
    configure_logging(level, "console", stream)
    log = EventLog("invoices", key_origin="LLAMA_CLOUD_API_KEY")
    for event in events:
        log.log(event)
    return [re.sub(r"^\d\d:\d\d:\d\d ", "", line) for line in stream.getvalue().splitlines()]


def line(event: str, **keys: Any) -> str:
    """Return what is written of one record, without the time."""
    stream = io.StringIO()
    configure_logging("info", "console", stream)
    structlog.get_logger("exporter").info(event, **keys)
    return stream.getvalue().partition(" ")[2]


def test_the_life_of_a_job_is_short_lines() -> None:
    """The event, which job, and the numbers that matter; no failure is not worth a word."""
    of_job = "invoices bjb-a1c311b6 parse"
    assert [
        f"info    job.appeared         {of_job} running items=12345",
        f"info    job.status_changed   {of_job} running before=pending items=12345",
        f"warning job.ended            {of_job} completed items=12345 failed=1234 seconds=86400.5",
        "info    project.listed       invoices jobs=7 active_jobs=3",
    ] == lines(
        JobAppeared(RUNNING),
        JobChangedStatus(RUNNING, JobStatus.PENDING),
        JobEnded(OVER),
        ListingSucceeded(7, 3, is_first=True, recovered=False),
    )


def test_a_line_begins_with_the_time_of_day() -> None:
    """By the clock on the wall."""
    stream = io.StringIO()
    configure_logging("info", "console", stream)
    structlog.get_logger("exporter").info("event")
    now, written = datetime.now().astimezone(), stream.getvalue()
    moments = [now - timedelta(seconds=ago) for ago in (0, 1, 2)]
    assert written[:9] in {f"{moment:%H:%M:%S} " for moment in moments}


@pytest.mark.parametrize("reason", FAILURE_REASONS)
def test_a_failed_item_has_one_line_of_at_most_120_columns(reason: str) -> None:
    """However long its name and message are: the reason stands in full."""
    stream = io.StringIO()
    configure_logging("info", "console", stream)
    item = FailedItem(LONG.item_id, LONG.item_name, LONG.error_message, reason)
    EventLog("invoices", key_origin="").log(ItemsFailed(RUNNING, (item,)))
    (written,) = stream.getvalue().splitlines()
    assert 80 < len(written) <= 120
    assert f'invoices bjb-a1c311b6 {reason} item="Invoice of' in written


def test_the_failures_of_a_job_that_had_ended_have_one_line_of_at_most_120_columns() -> None:
    """The most frequent reasons come first; those that have no room stand in JSON."""
    reasons = dict.fromkeys(FAILURE_REASONS, 1) | {"timeout": 60}
    stream = io.StringIO()
    configure_logging("info", "console", stream)
    event = ItemsFailedBeforeStart(OVER, 1_234, reasons, (LONG,))
    EventLog("invoices", key_origin="").log(event)
    (written,) = stream.getvalue().splitlines()
    assert 100 < len(written) <= 120
    assert 'bjb-a1c311b6 completed failed=1234 reasons="timeout 60, docum' in written


def test_a_short_name_and_message_are_not_cut() -> None:
    """They are what is looked for."""
    item = FailedItem("item-1", "a b.pdf", "It broke.", "other")
    assert [
        'warning item.failed          invoices bjb-a1c311b6 other item="a b.pdf" error="It broke."'
    ] == lines(ItemsFailed(RUNNING, (item,)))


def test_at_debug_level_everything_is_there() -> None:
    """Whole ids, every key, and texts that are not cut."""
    appeared, failed = lines(JobAppeared(RUNNING), ItemsFailed(RUNNING, (LONG,)), level="debug")
    assert f"invoices {JOB_ID} parse running api_version=v1beta items=12345" in appeared
    assert "processed_items=200 failed=0 skipped_items=3" in appeared
    assert "item-1" in failed
    assert str(LONG.error_message).strip() in failed


def test_what_happened_and_what_to_do_stand_below() -> None:
    """Indented, and no wider than the line itself."""
    first, *below = lines(ListingFailed(RequestTimedOut("no answer").failure(), is_new=True))
    assert "error   project.listing_failed invoices timeout" == first
    assert "    detail: no answer" == below[0]
    assert below[1].startswith("    advice: ")
    assert all(len(each) <= 120 and each.startswith("    ") for each in below)


def test_values_are_distinguishable() -> None:
    """What holds blanks, quotation marks or line breaks stands in quotation marks, escaped."""
    assert 'event a=b c="d e" f="g\\"h" i="j\\n08:00:00 error forged" k=""\n' == re.sub(
        " +", " ", line("event", a="b", c="d e", f='g"h', i="j\n08:00:00 error forged", k="")
    ).removeprefix("info ")


def test_the_page_to_open_is_what_a_start_shows() -> None:
    """The rest stands in JSON."""
    shown = line(
        "exporter.listening",
        open_in_browser="http://127.0.0.1:9910/",
        metrics="http://127.0.0.1:9910/metrics",
        version="0.1.0",
        projects=3,
    )
    assert (
        "info    exporter.listening   open_in_browser=http://127.0.0.1:9910/ projects=3\n" == shown
    )
