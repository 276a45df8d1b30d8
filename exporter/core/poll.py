"""A poll, which is one listing and the refreshes until the next, and which failures are reported.

A lasting failure is reported once, and again when it is over. One that keeps coming back is over
after ten clean polls.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from exporter.core.events import PollFinished

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.domain import ErrorReason

_CLEAN_POLLS = 10


class Poll:
    """The current poll: its reasons for not being a success, and whether it is over."""

    def __init__(self) -> None:
        self.began = 0.0
        self.is_listed = False
        self.is_over = True
        self._reasons: set[ErrorReason] = set()

    def begin(self, now: float) -> None:
        """Begin a poll; its listing comes next."""
        self.began, self.is_listed, self.is_over, self._reasons = now, False, False, set()

    def failed(self, reason: ErrorReason) -> None:
        """Add a reason why the poll is not a success."""
        self._reasons.add(reason)

    def finish(self, now: float) -> PollFinished | None:
        """Finish the poll, and return its result, ``None`` if it was finished before."""
        if self.is_over:
            return None
        self.is_over = True
        return PollFinished(self._result(), frozenset(self._reasons), now - self.began)

    def _result(self) -> Literal["success", "partial", "error"]:
        if not self.is_listed:
            return "error"
        return "partial" if self._reasons else "success"


class ListingLatch:
    """Decides which failures of listings are reported, and when they are over."""

    def __init__(self) -> None:
        self._reported: set[ErrorReason] = set()
        self._lately: set[ErrorReason] = set()
        self._came_back = False
        self._clean_listings = _CLEAN_POLLS

    def failed(self, reason: ErrorReason) -> bool:
        """Add a failed listing, and return whether to report it."""
        self._clean_listings = 0
        if reason in self._reported:
            return False
        self._came_back |= reason in self._lately
        self._reported.add(reason)
        self._lately.add(reason)
        return True

    def succeeded(self, *, was_stale: bool) -> bool:
        """Add a successful listing, and return whether to report it as a recovery."""
        self._clean_listings += 1
        if self._clean_listings >= _CLEAN_POLLS:
            self._came_back = False
            self._lately.clear()
        recovered = was_stale or (bool(self._reported) and not self._came_back)
        if recovered:
            self._reported.clear()
        return recovered


@dataclass(slots=True)
class _RefreshLatch:
    failing: set[str] = field(default_factory=set)
    clean_polls: int = 0


class RefreshLatches:
    """Decides which failures of refreshes are reported, and when they are over."""

    def __init__(self) -> None:
        self._latches: dict[ErrorReason, _RefreshLatch] = {}

    def failed(self, job_id: str, reason: ErrorReason) -> bool:
        """Add a failed refresh, and return whether to report its reason."""
        is_new = reason not in self._latches
        self._latches.setdefault(reason, _RefreshLatch()).failing.add(job_id)
        return is_new

    def refreshed(self, job_id: str) -> None:
        """Add a successful refresh."""
        for latch in self._latches.values():
            latch.failing.discard(job_id)

    def poll_finished(self, is_unfinished: Callable[[str], bool]) -> list[ErrorReason]:
        """Return the reasons that are over; jobs that are finished no longer count."""
        for latch in self._latches.values():
            latch.failing = set(filter(is_unfinished, latch.failing))
            latch.clean_polls = 0 if latch.failing else latch.clean_polls + 1
        over = [r for r, latch in self._latches.items() if latch.clean_polls >= _CLEAN_POLLS]
        for reason in over:
            del self._latches[reason]
        return over
