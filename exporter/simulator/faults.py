"""What goes wrong on demand: faults and the queue from which requests draw them."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

Endpoint = Literal[
    "list_jobs",
    "job_status",
    "list_items",
    "list_batches",
    "batch",
    "list_parse_jobs",
    "list_extract_jobs",
]
FaultKind = Literal[
    "status",
    "html",
    "not_json",
    "wrong_shape",
    "odd_row",
    "raw",
    "redirect",
    "slow",
    "headers",
    "hang",
    "cut_off",
    "reset",
    "drip",
    "endless",
    "bomb",
]


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to answer badly, and the requests that it befalls.

    ``status`` answers with ``code`` and LlamaCloud's own JSON body, ``html`` with a gateway's page,
    ``not_json`` with text that claims to be JSON, ``wrong_shape`` with ``body`` as JSON, ``raw``
    with its bytes as they are. ``redirect`` points to the ``location`` among ``headers``, or back
    to itself. ``slow`` answers well after ``seconds``, which any other kind waits too; ``headers``
    answers well, with a wrong ``date`` among ``headers``, say; ``hang`` never answers; ``cut_off``
    closes the connection in the middle of the body, ``reset`` before the first byte. ``odd_row``
    answers well but for one row, which stands at the share ``odd_row`` of the list: ``body`` is the
    value of its ``odd_field``, or stands in its place, and may be a function of what was there.
    Three bodies never end: ``drip`` sends a byte at a time, ``endless`` as much as is taken,
    ``bomb`` likewise, and compressed a thousand to one.

    ``times`` is how many requests it befalls before it is over, for ever if ``None``; ``chance``
    is the share of those that match. ``retry_after`` is sent as it is written.
    """

    kind: FaultKind
    times: int | None = None
    endpoint: Endpoint | None = None
    job_id: str | None = None
    project_id: str | None = None
    code: int = 200
    retry_after: float | str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    body: Any = ("unexpected",)
    odd_field: str | None = None
    odd_row: float = 0.0
    chance: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a fault that would be none."""
        if self.times is not None and self.times < 1:
            raise ValueError(f"a fault befalls at least one request, not times={self.times}")
        if self.kind == "status" and self.code == 200:  # noqa: PLR2004 - HTTP's own number
            raise ValueError('a fault of kind "status" needs a code, such as code=503')
        if not 0.0 <= self.odd_row < 1.0:
            raise ValueError(f"a row stands at a share below 1 of a list, not {self.odd_row}")

    def befalls(self, endpoint: Endpoint, job_id: str | None, project_id: str | None) -> bool:
        """Whether this fault is meant for such a request."""
        return (
            self.endpoint in {None, endpoint}
            and self.job_id in {None, job_id}
            and self.project_id in {None, project_id}
        )


class Faults:
    """The faults in force; the first that matches a request befalls it.

    May be changed from one thread while a server draws from it in another.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = Random(seed)  # noqa: S311 - it decides nothing secret
        self._pending: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Put a fault in force, after those that already are."""
        with self._lock:
            self._pending.append((fault, fault.times))

    def clear(self) -> None:
        """End all faults; requests that already drew one are not released."""
        with self._lock:
            self._pending.clear()

    def take(self, endpoint: Endpoint, job_id: str | None, project_id: str | None) -> Fault | None:
        """Draw the fault that befalls a request, if any, and count it."""
        with self._lock:
            for index, (fault, times) in enumerate(self._pending):
                if fault.befalls(endpoint, job_id, project_id) and self._happens(fault):
                    self._count(index, fault, times)
                    return fault
        return None

    def _happens(self, fault: Fault) -> bool:
        return fault.chance >= 1.0 or self._random.random() < fault.chance

    def _count(self, index: int, fault: Fault, times: int | None) -> None:
        if times is None:
            return
        if times > 1:
            self._pending[index] = (fault, times - 1)
        else:
            del self._pending[index]
