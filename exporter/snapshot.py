"""What is published of the projects: replaced as a whole, never edited."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.exposition import Form, OpenMember, ProjectChunks, pieces, render_project

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from exporter.domain import ProjectView


class Published:
    """What was published at one moment.

    ``generations`` says which view of each project is in it.
    """

    def __init__(self, projects: Iterable[ProjectChunks] = ()) -> None:
        self.generations: Mapping[str, int] = MappingProxyType(
            {chunks.project: chunks.generation for chunks in projects}
        )
        self._pieces = {form: tuple(pieces(projects, form)) for form in Form}
        self._gzipped: dict[Form, OpenMember] = {}

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
        self.compress(form)
        return self._gzipped[form].followed_by(tail)

    def compress(self, form: Form) -> None:
        """Make ready what is asked for compressed."""
        if form not in self._gzipped:
            self._gzipped[form] = OpenMember.of(self._pieces[form])


class Snapshot:
    """Holds what is published now."""

    def __init__(self) -> None:
        self._projects: Mapping[str, ProjectChunks] = {}
        self._published = Published()

    def replace(self, view: ProjectView) -> None:
        """Publish ``view`` in the place of its project's earlier one."""
        self.show(self.render(view))

    def render(self, *views: ProjectView, without: Collection[str] = ()) -> Published:
        """Make ready what ``views`` change, for ``show``; projects ``without`` views are left out.

        One call after the other: this must not run twice at once. Readers may run beside it.
        """
        projects = {name: of for name, of in self._projects.items() if name not in without}
        for view in views:
            projects[view.project] = render_project(view, projects.get(view.project))
        published = Published(tuple(projects.values()))
        for form in self._published.forms_gzipped:
            published.compress(form)
        self._projects = projects
        return published

    def show(self, published: Published) -> None:
        """Let scrapes see what was rendered, in the order in which it was."""
        self._published = published

    def published(self) -> Published:
        """Return what is published now; later changes do not show in it."""
        return self._published
