"""What is published of the projects: replaced as a whole, never edited."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.domain import at_once
from exporter.exposition import Form, ProjectChunks, deflate, pieces, render_project

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from exporter.domain import ProjectView, Steps
    from exporter.exposition import Chunk

# No name, no time, the fastest compression, an unknown system: RFC 1952.
_GZIP_HEADER = b"\x1f\x8b\x08\0\0\0\0\0\x04\xff"
_UINT32 = 2**32


class Published:
    """What was published at one moment.

    ``generations`` says which view of each project is in it.
    """

    def __init__(self, projects: Iterable[ProjectChunks] = ()) -> None:
        self.generations: Mapping[str, int] = MappingProxyType(
            {chunks.project: chunks.generation for chunks in projects}
        )
        self._pieces = {form: tuple(pieces(projects, form)) for form in Form}
        self._gzipped: dict[Form, _Gzipped] = {}

    @property
    def forms_gzipped(self) -> tuple[Form, ...]:
        """The forms that are ready compressed, for they were asked for here or before."""
        return tuple(self._gzipped)

    def lines(self, form: Form) -> tuple[bytes, ...]:
        """Return the exposition in ``form``, in OpenMetrics without ``# EOF``, piece by piece."""
        return tuple(chunk.lines for chunk in self._pieces[form])

    def gzipped(self, form: Form, tail: bytes) -> tuple[bytes, bytes]:
        """Return the exposition in ``form`` followed by ``tail``, as one gzip member in two pieces.

        The first, which is long, is the same bytes each time.
        """
        at_once(self.compress(form))
        return self._gzipped[form].followed_by(tail)

    def compress(self, form: Form) -> Steps[None]:
        """Make ready what is asked for compressed."""
        if form not in self._gzipped:
            self._gzipped[form] = yield from _gzip(self._pieces[form])


class Snapshot:
    """Holds what is published now."""

    def __init__(self) -> None:
        self._projects: Mapping[str, ProjectChunks] = {}
        self._published = Published()

    def replace(self, view: ProjectView) -> Steps[None]:
        """Publish ``view`` in the place of its project's earlier one, ready for those who ask.

        One view after the other: the steps of two must not mix.
        """
        before = self._projects.get(view.project)
        chunks = yield from render_project(view, before)
        self._projects = {**self._projects, view.project: chunks}
        published = Published(tuple(self._projects.values()))
        for form in self._published.forms_gzipped:
            yield from published.compress(form)
        self._published = published

    def published(self) -> Published:
        """Return what is published now; later changes do not show in it."""
        return self._published


@dataclass(frozen=True, slots=True)
class _Gzipped:
    """The beginning of a gzip member that goes on; ``crc`` and ``size`` are of what it holds."""

    head: bytes
    crc: int
    size: int

    def followed_by(self, tail: bytes) -> tuple[bytes, bytes]:
        # Clients read one member, while several of them in a row break some.
        end = deflate(tail, zlib.Z_FINISH)
        crc, size = zlib.crc32(tail, self.crc), (self.size + len(tail)) % _UINT32
        return self.head, end + crc.to_bytes(4, "little") + size.to_bytes(4, "little")


def _gzip(chunks: tuple[Chunk, ...]) -> Steps[_Gzipped]:
    crc = 0
    for chunk in chunks:
        crc = zlib.crc32(chunk.lines, crc)
        # The chunk keeps it: one that was there before is not compressed again.
        _ = chunk.deflated
        yield
    head = b"".join([_GZIP_HEADER, *(chunk.deflated for chunk in chunks)])
    return _Gzipped(head, crc, sum(len(chunk.lines) for chunk in chunks))
