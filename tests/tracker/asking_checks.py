"""What must be true of the jobs that are asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter import tracker

if TYPE_CHECKING:
    from tracker.entry import Entry
    from tracker.model import Ledger


def what_is_asked_for_has_news(
    ledger: Ledger, state: tracker.ProjectState, rules: tracker.TrackerRules, moment: float
) -> None:
    """Active jobs, and ended ones until their final state is known, as far as it can be."""
    due = tracker.due_for_refresh(state, rules, moment)
    asked_for = [*due.regular, *due.last_in_line]
    assert len(set(asked_for)) == len(asked_for)
    for job_id, entry in ledger.entries.items():
        if entry.left:
            assert job_id not in asked_for
            continue
        wants_count = _wants_count(entry, moment, items_enabled=rules.items_enabled)
        wants_status = entry.record.active or not entry.sight.final_status
        assert tracker.wants_status(state, job_id) == wants_status
        if wants_count is not None:
            assert tracker.wants_count(state, job_id, rules, moment) == wants_count
            # An active job is asked for its status however large it is.
            assert (job_id in asked_for) == (wants_status or wants_count)


def _wants_count(entry: Entry, moment: float, *, items_enabled: bool) -> bool | None:
    if not items_enabled:
        return False
    return entry.sight.wants_count(
        entry.total_items,
        moment,
        ended=not entry.record.active,
        ended_unseen=entry.ended_unseen,
    )
