"""What came of each poll: a listing, and the refreshes until the next."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.domain import ErrorReason
    from exporter.telemetry import ProjectTelemetry


class Polls:
    """Keeps the account of the current poll, and reports it when it is over.

    ``listing_worked`` says whether the last listing that came to its end succeeded.
    """

    def __init__(self, telemetry: ProjectTelemetry, clock: Callable[[], float]) -> None:
        self._telemetry = telemetry
        self._clock = clock
        self._began: float | None = None
        self._listed = False
        self.listing_worked = False
        self._reasons: set[ErrorReason] = set()

    def begin(self) -> None:
        """Begin a poll; its listing comes next."""
        self._began = self._clock()
        self._listed = False
        self._reasons = set()

    def listed(self, *, worked: bool) -> None:
        """Take note of what came of the poll's listing."""
        self._listed = self.listing_worked = worked

    def failed(self, reason: ErrorReason) -> None:
        """Take note of a reason why the poll is not a success."""
        self._reasons.add(reason)

    @property
    def may_end(self) -> bool:
        """Whether the poll has its listing, so that it is over when no refresh is left."""
        return self._began is not None and self._listed

    def end(self) -> bool:
        """Report the poll, unless that was done; tell whether it was."""
        if self._began is None:
            return False
        listed_result = "partial" if self._reasons else "success"
        result = listed_result if self._listed else "error"
        self._telemetry.poll_finished(result, sorted(self._reasons), self._clock() - self._began)
        self._began = None
        return True
