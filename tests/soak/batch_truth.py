"""What must be published for a v2 batch: only its files show its numbers."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Final

from tests.soak.history import ENDED_ITEM_STATUSES, ITEM_STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.soak.exposition import JobSamples
    from tests.soak.history import JobHistory, State

# Thirty intervals of a second, minus the fraction of a second that LlamaCloud's Date omits.
GIVES_UP_AFTER_SECONDS: Final = 29.0
GIVEN_UP_WITHIN_SECONDS: Final = 90.0
# Values that v2 does not have.
_ABSENT: Final = ("skipped_items", "started_timestamp_seconds")
TOLD_BY_ITEMS: Final = ("total_items", "processed_items", "failed_items", "progress_ratio")


def numbers_of(state: State) -> JobSamples:
    """Return the samples that follow from the files of a batch in a state."""
    if not state.has_results:
        return {}
    ended = state.items_given_up + sum(state.by_status.get(s, 0) for s in ENDED_ITEM_STATUSES)
    return {
        **{("items", status): float(state.by_status.get(status, 0)) for status in ITEM_STATUSES},
        **{("item_failures", reason): float(n) for reason, n in state.failure_reasons.items()},
        ("total_items", ""): float(state.total),
        ("processed_items", ""): float(ended),
        ("failed_items", ""): float(state.by_status.get("failed", 0)),
        ("progress_ratio", ""): ended / state.total,
    }


def contradictions_in(samples: JobSamples) -> list[str]:
    """Report contradictions between the samples of one batch, whatever its true state."""
    families = Counter(name for name, _ in samples)
    wrong = [f"{name} is there" for name in _ABSENT if families[name]]
    if ("items", "pending") not in samples:
        return wrong + [f"{n} without items" for n in TOLD_BY_ITEMS if families[n]]
    items = {status: samples["items", status] for status in ITEM_STATUSES}
    total = sum(items.values())
    ended = sum(items[status] for status in ENDED_ITEM_STATUSES)
    processed = samples.get(("processed_items", ""), -1.0)
    if not ended <= processed <= ended + items["unknown"]:
        wrong.append(f"{processed:g} are processed, of {items}")
    if samples.get(("total_items", "")) != total:
        wrong.append(f"total_items is not that of {items}")
    if samples.get(("failed_items", "")) != items["failed"]:
        wrong.append(f"failed_items is not that of {items}")
    if total and samples.get(("progress_ratio", "")) != processed / total:
        wrong.append(f"progress_ratio is not {processed:g}/{total:g}")
    if samples["status", "completed"] and processed != total:
        wrong.append(f"completed with {processed:g} of {total:g}")
    return wrong


def has_given_up(state: State, shown: JobSamples) -> bool:
    """Return whether a batch is shown in the state after giving up instead of the one before."""
    later = state.later
    if later is None:
        return False
    if later.status != state.status:
        return shown.get(("status", later.status)) == 1.0
    if not later.has_results:
        return ("completed_timestamp_seconds", "") in shown
    processed = numbers_of(later).get(("processed_items", ""))
    return processed is not None and shown.get(("processed_items", "")) == processed


def wrongly_waited(history: JobHistory, now: float) -> Iterator[str]:
    """Return whether the exporter waited too long for missing results of a batch."""
    state = history.latest
    if state.later is not None and now - state.put_at > GIVEN_UP_WITHIN_SECONDS:
        yield f"the outcome of {state.later.items_given_up} items is missing, but not given up"
