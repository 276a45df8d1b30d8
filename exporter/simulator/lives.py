"""The plans that are under way at a moment."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Planned(Protocol):
    """The plan of a job or a batch."""

    @property
    def id(self) -> str:
        """LlamaCloud's id."""

    @property
    def created_at(self) -> float:
        """When it appears."""

    @property
    def ended_at(self) -> float:
        """When it stops changing."""


Plan = TypeVar("Plan", bound=Planned)


class Lives(Generic[Plan]):
    """The plans under way, from endless streams, each in the order of creation."""

    def __init__(self, streams: Iterable[Iterator[Plan]], *, kept_seconds: float) -> None:
        self._arriving = heapq.merge(*streams, key=lambda plan: plan.created_at)
        self._next = next(self._arriving)
        self._kept_seconds = kept_seconds
        self._unfinished: dict[str, Plan] = {}

    def changing(self, now: float) -> list[Plan]:
        """Return the plans that may have changed since the last call, ended ones a last time.

        A plan that is due only ``kept_seconds`` or more after its end is left out.
        """
        while self._next.created_at <= now:
            if self._next.ended_at > now - self._kept_seconds:
                self._unfinished[self._next.id] = self._next
            self._next = next(self._arriving)
        plans = list(self._unfinished.values())
        self._unfinished = {plan.id: plan for plan in plans if plan.ended_at > now}
        return plans
