"""What is published of the projects: replaced as a whole, never edited."""

from __future__ import annotations

import zlib
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.exposition import Form, ProjectChunks, join, render_project

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import ProjectView

# The cheapest level already makes a thirtieth of a long exposition.
_COMPRESSION_LEVEL = 1
_GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS


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
