"""The figures that a soak prints at its end."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from tests.soak.history import API_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Collection

    from tests.soak.history import JobHistory
    from tests.soak.ledger import Ledger
    from tests.soak.watching import Watch
    from tests.soak.weather import CountedFaults


def of_jobs(every: Collection[JobHistory], watch: Watch) -> dict[str, object]:
    """Summarise the jobs: their number, their ends, and how many ends were seen."""
    histories = [history for history in every if history.kind != "long_over"]
    return {
        "jobs": len(histories),
        **{f"jobs of {version} by kind": _by_kind(every, version) for version in API_VERSIONS},
        "states of jobs": sum(len(history.states) for history in histories),
        "items": sum(history.latest.total for history in histories),
        "failed items at the end": sum(len(h.latest.failed_ids) for h in histories),
        "batches given up to wait for": sum(any(s.items_given_up for s in h.states) for h in every),
        "batches that were old before they were read": sum(h.may_be_past for h in every),
        "jobs that left": len(watch.left),
        "jobs that left and returned": sum(h.returned_at is not None for h in histories),
        "jobs given up": len(watch.given_up),
        "jobs not seen counted to their end": len(watch.inexact()),
    }


def _by_kind(every: Collection[JobHistory], api_version: str) -> str:
    return one_line(Counter(one.kind for one in every if one.api_version == api_version))


def of_requests(ledger: Ledger, faults: CountedFaults) -> dict[str, object]:
    """Summarise the requests that arrived, their faults, and the content of their answers."""
    requests = ledger.by_endpoint_and_code()
    left_out: Counter[tuple[str, str]] = Counter()
    for (_, endpoint, what), number in ledger.left_out.items():
        left_out[endpoint, what] += number
    return {
        "requests": requests.total(),
        "requests by endpoint and code": one_line(requests),
        "faults": faults.drawn.total(),
        "faults by kind": one_line(faults.drawn),
        "left out of answers": one_line(left_out),
    }


def one_line(counts: Counter[str] | Counter[tuple[str, str]]) -> str:
    """Format counts in one line."""
    return ", ".join(
        f"{key if isinstance(key, str) else ' '.join(key)}: {number}"
        for key, number in sorted(counts.items())
    )
