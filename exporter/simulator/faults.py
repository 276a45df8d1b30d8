"""Faults on demand: how they answer, and which requests get them."""

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
    """One way to answer wrongly, and the requests that get this answer.

    ``status`` answers with ``code`` and LlamaCloud's own JSON body, ``html`` with a gateway's page,
    ``not_json`` with text that claims to be JSON, ``wrong_shape`` with ``body`` as JSON, ``raw``
    with ``body`` as bytes. ``redirect`` points to the ``location`` among ``headers``, or back to
    the same URL. ``slow`` answers normally after ``seconds``, which delay all other kinds too.
    ``headers`` answers normally with these ``headers``, such as a wrong ``date``. ``hang`` never
    answers. ``cut_off`` closes the connection in the middle of the body, ``reset`` before the first
    byte. ``odd_row`` answers normally except for one row, at the share ``odd_row`` of the list:
    ``body`` replaces its ``odd_field``, or the row itself; a function is called with the old value.
    Three bodies never end: ``drip`` sends a byte at a time, ``endless`` sends as fast as the client
    reads, ``bomb`` does so with gzip that expands a thousandfold.

    The fault ends after this number of ``times``, never if ``None``; ``chance`` is the share of the
    matching requests that get it. ``retry_after`` is sent as it is.
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
        """Raise a ``ValueError`` for a fault that could change no answer."""
        if self.times is not None and self.times < 1:
            raise ValueError(f"a fault befalls at least one request, not times={self.times}")
        if self.kind == "status" and self.code == 200:  # noqa: PLR2004 - HTTP's own number
            raise ValueError('a fault of kind "status" needs a code, such as code=503')
        if not 0.0 <= self.odd_row < 1.0:
            raise ValueError(f"a row stands at a share below 1 of a list, not {self.odd_row}")

    def befalls(self, endpoint: Endpoint, job_id: str | None, project_id: str | None) -> bool:
        """Return whether this fault matches a request."""
        return (
            self.endpoint in {None, endpoint}
            and self.job_id in {None, job_id}
            and self.project_id in {None, project_id}
        )


class Faults:
    """The faults in force; a request gets the first that matches it.

    One thread may change them while the server uses them in another.
    """

    def __init__(self, *, seed: int = 0) -> None:
        self._lock = threading.Lock()
        self._random = Random(seed)  # noqa: S311 - it decides nothing secret
        self._pending: list[tuple[Fault, int | None]] = []

    def add(self, fault: Fault) -> None:
        """Add a fault after those in force."""
        with self._lock:
            self._pending.append((fault, fault.times))

    def clear(self) -> None:
        """Remove all faults; requests that already got one are not released."""
        with self._lock:
            self._pending.clear()

    def take(self, endpoint: Endpoint, job_id: str | None, project_id: str | None) -> Fault | None:
        """Return the fault for a request, if any, and count it."""
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
