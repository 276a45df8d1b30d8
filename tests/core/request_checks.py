"""The rules about which jobs are requested."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.core.due import due_jobs, wants_count, wants_status

if TYPE_CHECKING:
    from exporter.core.job_table import JobTable
    from tests.core.model import Ledger


def what_is_requested_has_news(ledger: Ledger, table: JobTable, moment: float) -> None:
    """Active jobs, and ended ones until their final state is known, as far as it can be."""
    rules = table.rules
    due = due_jobs(table, rules, moment, patience=0.0)
    requested = [*due.regular, *due.low_priority]
    assert len(set(requested)) == len(requested)
    for job_id, entry in ledger.entries.items():
        if entry.left:
            assert job_id not in requested
            continue
        tracked = table.get(job_id)
        assert tracked is not None
        wants_status_now = entry.record.active or not entry.sight.final_status
        assert wants_status(tracked) == wants_status_now
        counts = rules.items_enabled and entry.sight.wants_count(
            entry.total_items, moment, rules.interval, ended=not entry.record.active
        )
        assert wants_count(tracked, rules, moment) == counts
        # The status of an active job is requested however large the job is.
        assert (job_id in requested) == (wants_status_now or counts)
