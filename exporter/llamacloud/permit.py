"""Leave to send one request, which is waited for before it is decided what to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.llamacloud.budget import RequestBudget


class KeyReplaced(Exception):
    """The key was replaced while a request waited for its turn, and nothing was sent."""


class Permit:
    """Leave to send one request; whoever waited for it may find that there is nothing to ask.

    ``waited_seconds`` is how long it was waited for.
    """

    def __init__(
        self,
        budget: RequestBudget,
        waited_seconds: float,
        *,
        listing: bool,
        is_used: bool = False,
    ) -> None:
        self.waited_seconds = waited_seconds
        self._listing = listing
        self._budget = budget
        self._is_used = is_used

    @property
    def is_throttling(self) -> bool:
        """Whether other requests wait because they would be too many."""
        return self._budget.is_throttling

    def is_of(self, budget: RequestBudget) -> bool:
        """Tell whether this budget granted the permit."""
        return budget is self._budget

    @property
    def is_used(self) -> bool:
        """Whether a request was sent by this permit, or none may be."""
        return self._is_used

    def use_for(self, budget: RequestBudget, *, listing: bool) -> bool:
        """Use the permit for such a request, if it is for one and unused; tell whether it was."""
        if self._is_used or not self.is_of(budget) or listing is not self._listing:
            return False
        self._is_used = True
        return True
