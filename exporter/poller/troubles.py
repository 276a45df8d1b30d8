"""What trouble is news: it is told once where it lasts, and also where it comes and goes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.domain import ErrorReason

# What fails in every second poll is not over in between.
_QUIET_POLLS = 10


class ListingTrouble:
    """Why jobs cannot be listed; its end waits where a reason came back soon after it."""

    def __init__(self) -> None:
        self._told: set[ErrorReason] = set()
        self._lately: set[ErrorReason] = set()
        self._came_back = False
        self._quiet_polls = _QUIET_POLLS

    @property
    def failing(self) -> bool:
        """Whether the last listing failed."""
        return self._quiet_polls == 0

    def failed(self, reason: ErrorReason) -> bool:
        """Take in a listing that failed, and tell whether that is news."""
        self._quiet_polls = 0
        if reason in self._told:
            return False
        self._came_back |= reason in self._lately
        self._told.add(reason)
        self._lately.add(reason)
        return True

    def listed(self, *, at_once: bool) -> bool:
        """Take in a listing that worked, and tell whether that is news; ``at_once`` it is."""
        self._quiet_polls += 1
        if self._quiet_polls >= _QUIET_POLLS:
            self._came_back = False
            self._lately.clear()
        over = at_once or (bool(self._told) and not self._came_back)
        if over:
            self._told.clear()
        return over


@dataclass(slots=True)
class RefreshTrouble:
    """One reason why jobs cannot be refreshed: those that fail, and the polls since the last."""

    failing: set[str] = field(default_factory=set)
    quiet_polls: int = 0

    @property
    def over(self) -> bool:
        """Whether it stayed away for long enough."""
        return self.quiet_polls >= _QUIET_POLLS

    def poll_ended(self, is_due: Callable[[str], bool]) -> None:
        """Take in that a poll ended; jobs that are not due are not waited for."""
        self.failing = set(filter(is_due, self.failing))
        self.quiet_polls = 0 if self.failing else self.quiet_polls + 1
