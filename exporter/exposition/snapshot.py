"""The published state of all projects: replaced as a whole, never edited."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.exposition import Form, OpenMember, ProjectChunks, pieces, render_project

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from exporter.domain import ProjectView


class Published:
    """The state published at one moment; ``view_numbers`` are those of the projects' views."""

    def __init__(self, projects: Iterable[ProjectChunks] = ()) -> None:
        self.view_numbers: Mapping[str, int] = MappingProxyType(
            {chunks.project: chunks.view_number for chunks in projects}
        )
        self._pieces = {form: tuple(pieces(projects, form)) for form in Form}
        self._gzipped: dict[Form, OpenMember] = {}

    @property
    def forms_gzipped(self) -> tuple[Form, ...]:
        """The forms that are compressed, because a client requested them compressed before."""
        return tuple(self._gzipped)

    def lines(self, form: Form) -> tuple[bytes, ...]:
        """Return the exposition in ``form``, in OpenMetrics without ``# EOF``, piece by piece."""
        return tuple(chunk.lines for chunk in self._pieces[form])

    def gzipped(self, form: Form, tail: bytes) -> tuple[bytes, bytes]:
        """Return the exposition in ``form`` followed by ``tail``, as one gzip member in two pieces.

        The first and long piece is the same each time.
        """
        self.compress(form)
        return self._gzipped[form].followed_by(tail)

    def compress(self, form: Form) -> None:
        """Compress a form, unless it is compressed already."""
        if form not in self._gzipped:
            self._gzipped[form] = OpenMember.of(self._pieces[form])


class Snapshot:
    """Owns the published state of all projects."""

    def __init__(self) -> None:
        self._projects: Mapping[str, ProjectChunks] = {}
        self._published = Published()
        # One thread keeps publications in order.
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="publisher")

    async def publish(self, *views: ProjectView, without: Collection[str] = ()) -> None:
        """Render views in a worker thread, and publish them all at once.

        The projects named by ``without`` are removed at the same moment. No scrape runs between the
        replacement and the return, so the caller can update its own metrics first.
        """
        loop = asyncio.get_running_loop()
        render = partial(self.render, *views, without=without)
        self._published = await loop.run_in_executor(self._worker, render)

    def replace(self, *views: ProjectView, without: Collection[str] = ()) -> None:
        """Render views in the calling thread, and publish them all at once."""
        self._published = self.render(*views, without=without)

    def render(self, *views: ProjectView, without: Collection[str] = ()) -> Published:
        """Render what ``views`` change; projects ``without`` views are left out.

        Only one call may run at a time. Scrapes may run concurrently.
        """
        projects = {name: of for name, of in self._projects.items() if name not in without}
        for view in views:
            projects[view.project] = render_project(view, projects.get(view.project))
        published = Published(tuple(projects.values()))
        for form in self._published.forms_gzipped:
            published.compress(form)
        self._projects = projects
        return published

    def published(self) -> Published:
        """Return what is published now; later changes do not show in it."""
        return self._published
