"""What is published of the projects: replaced as a whole, never edited."""

from __future__ import annotations

import zlib
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.exposition import Form, ProjectChunks, join, render_project

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from exporter.domain import ProjectView

# The cheapest level already makes a thirtieth of a long exposition.
_COMPRESSION_LEVEL = 1
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS
# Enough that only readers who are slow ever meet the bound.
_MOST_BEING_READ = 4
# Prometheus, too, gives up after that unless told otherwise.
_TIME_TO_READ_SECONDS = 10.0


class Published:
    """What was published at one moment; its bytes are made when first asked for, then kept.

    ``generations`` says which view of each project is in it.
    """

    def __init__(self, projects: tuple[ProjectChunks, ...] = ()) -> None:
        self.generations: Mapping[str, int] = MappingProxyType(
            {chunks.project: chunks.generation for chunks in projects}
        )
        self._bodies = {form: _Body(projects, form) for form in Form}

    def body(self, form: Form) -> bytes:
        """Return the exposition in ``form``, in OpenMetrics without ``# EOF``."""
        return self._bodies[form].plain

    def gzipped(self, form: Form, tail: bytes) -> tuple[bytes, bytes]:
        """Return the exposition in ``form`` followed by ``tail``, as one gzip member in two pieces.

        The first, which is long, is the same bytes each time.
        """
        return self._bodies[form].gzipped(tail)


class Snapshot:
    """Holds what is published now."""

    def __init__(self) -> None:
        self._projects: Mapping[str, ProjectChunks] = {}
        self._published = Published()

    def replace(self, view: ProjectView) -> None:
        """Publish ``view`` in the place of its project's earlier one."""
        self._projects = {**self._projects, view.project: render_project(view)}
        self._published = Published(tuple(self._projects.values()))

    def published(self) -> Published:
        """Return what is published now; later changes do not show in it."""
        return self._published


@dataclass(slots=True)
class _Reading:
    last_began: float
    cuts: list[Callable[[], None]] = field(default_factory=list)


class Readers:
    """Those who are reading what was published: of few different moments at once.

    A slow reader keeps what it reads in memory. While there are as many moments as may be, the next
    readers get the newest of them, until those of the oldest had time enough: then they are cut.
    """

    def __init__(self, newest: Callable[[], Published], clock: Callable[[], float]) -> None:
        self._newest = newest
        self._clock = clock
        # The oldest first.
        self._being_read: dict[Published, _Reading] = {}

    def choose(self) -> Published:
        """Return what the next reader is to read."""
        newest = self._newest()
        if newest in self._being_read or len(self._being_read) < _MOST_BEING_READ:
            return newest
        oldest, reading = next(iter(self._being_read.items()))
        if self._clock() - reading.last_began < _TIME_TO_READ_SECONDS:
            return next(reversed(self._being_read))
        del self._being_read[oldest]
        for cut in reading.cuts:
            cut()
        return newest

    @contextmanager
    def reading(self, published: Published, cut: Callable[[], None]) -> Iterator[None]:
        """Count a reader of ``published`` until the end of the block; ``cut`` has it end soon."""
        began = self._clock()
        reading = self._being_read.setdefault(published, _Reading(began))
        reading.last_began = began
        reading.cuts.append(cut)
        try:
            yield
        finally:
            reading.cuts.remove(cut)
            if not reading.cuts and self._being_read.get(published) is reading:
                del self._being_read[published]


class _Body:
    def __init__(self, projects: tuple[ProjectChunks, ...], form: Form) -> None:
        self._projects = projects
        self._form = form

    @cached_property
    def plain(self) -> bytes:
        return join(self._projects, self._form)

    @cached_property
    def _compressed(self) -> tuple[bytes, zlib._Compress]:
        compressor = zlib.compressobj(_COMPRESSION_LEVEL, wbits=_GZIP_WINDOW_BITS)
        head = compressor.compress(self.plain) + compressor.flush(zlib.Z_FULL_FLUSH)
        return head, compressor

    def gzipped(self, tail: bytes) -> tuple[bytes, bytes]:
        # A copy of the compressor goes on where the kept bytes end, checksum included: clients
        # read one member, while several of them in a row break some.
        head, compressor = self._compressed
        end = compressor.copy()
        return head, end.compress(tail) + end.flush()
