"""Permission to send one request, obtained before it is decided what to request."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from exporter.llamacloud.budget import RequestBudget


class KeyReplaced(Exception):
    """The key was replaced while a request waited for its turn, and nothing was sent."""


@dataclass(slots=True, eq=False)
class Permit:
    """Permission to send one request by a ``budget``, after waiting for it.

    ``listing`` permits a listing, and nothing else. ``is_used`` is true once a request was sent, or
    if none may be sent any more.
    """

    budget: RequestBudget
    waited_seconds: float
    listing: bool
    is_used: bool = False

    def use_for(self, budget: RequestBudget, *, listing: bool) -> bool:
        """Use the permit for such a request, if it is unused and permits that; tell if it was."""
        if self.is_used or budget is not self.budget or listing is not self.listing:
            return False
        self.is_used = True
        return True
