"""A project is rendered once for each change; a family's chunks of all projects stand together."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.exposition.families import FAMILIES
from exporter.exposition.jobs import job_samples
from exporter.exposition.projects import project_samples

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.domain import ProjectView
    from exporter.exposition.text import Form


@dataclass(frozen=True, slots=True)
class ProjectChunks:
    """The samples of one view, by family name: the same bytes in both forms.

    A family without samples is not in it.
    """

    project: str
    generation: int
    samples: Mapping[str, bytes]


def render_project(view: ProjectView) -> ProjectChunks:
    """Render all samples of ``view``."""
    rendered = (
        (name, "".join(lines).encode())
        for name, lines in chain(job_samples(view), project_samples(view))
    )
    samples = {name: chunk for name, chunk in rendered if chunk}
    return ProjectChunks(view.project, view.generation, MappingProxyType(samples))


def join(projects: Sequence[ProjectChunks], form: Form) -> bytes:
    """Join the chunks of ``projects``, by name, under one HELP and TYPE a family.

    The OpenMetrics form lacks its ``# EOF``: the exporter's own metrics follow.
    """
    by_name = sorted(projects, key=lambda chunks: chunks.project)
    parts: list[bytes] = []
    for family in FAMILIES:
        chunks = [each.samples[family.name] for each in by_name if family.name in each.samples]
        if chunks:
            parts += [family.header(form), *chunks]
    return b"".join(parts)
