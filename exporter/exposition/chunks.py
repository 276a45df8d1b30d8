"""Rendered samples in chunks: only changed chunks are rendered and compressed again."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cache, cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from exporter.exposition.gzip_member import deflate
from exporter.exposition.job_families import JOB_FAMILIES, job_samples
from exporter.exposition.project_families import PROJECT_FAMILIES, project_samples
from exporter.exposition.text import header

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from exporter.domain import JobView, ProjectView
    from exporter.exposition.text import Family, Form

# In the order in which they are exposed.
FAMILIES: tuple[Family, ...] = (*JOB_FAMILIES, *PROJECT_FAMILIES)
_MOST_JOBS_IN_A_SLICE = 256
_JOBS_IN_A_SLICE_ON_AVERAGE = 128


class Chunk:
    """Some lines of one family, the same bytes in both forms."""

    def __init__(self, lines: bytes) -> None:
        self.lines = lines

    @cached_property
    def deflated(self) -> bytes:
        """The lines as raw deflate, which can be joined with other such bytes."""
        return deflate(self.lines, zlib.Z_FULL_FLUSH)


@dataclass(frozen=True, slots=True)
class JobSlice:
    """Some jobs of a project, and their samples by family name."""

    jobs: tuple[JobView, ...]
    samples: Mapping[str, Chunk]


@dataclass(frozen=True, slots=True)
class ProjectChunks:
    """The samples of one view by family name, without families that have none."""

    project: str
    view_number: int
    slices: tuple[JobSlice, ...]
    samples: Mapping[str, tuple[Chunk, ...]]


def render_project(view: ProjectView, before: ProjectChunks | None = None) -> ProjectChunks:
    """Render the samples of ``view``, and reuse those of ``before`` that did not change."""
    known = {each.jobs[0].job_id: each for each in before.slices} if before else {}
    slices: list[JobSlice] = []
    for jobs in _cut(view.jobs):
        job_slice = known.get(jobs[0].job_id)
        if job_slice is None or job_slice.jobs != jobs:
            samples = {name: _chunk(lines) for name, lines in job_samples(view.project, jobs)}
            job_slice = JobSlice(jobs, MappingProxyType(samples))
        slices.append(job_slice)
    samples = {name: _chunk(lines) for name, lines in project_samples(view)}
    by_family = {
        family.name: tuple(
            each[family.name]
            for each in (*(job_slice.samples for job_slice in slices), samples)
            if family.name in each and each[family.name].lines
        )
        for family in FAMILIES
    }
    return ProjectChunks(
        view.project,
        view.number,
        tuple(slices),
        MappingProxyType({name: chunks for name, chunks in by_family.items() if chunks}),
    )


def pieces(projects: Iterable[ProjectChunks], form: Form) -> Iterator[Chunk]:
    """Return the exposition of ``projects``, sorted by name, with one HELP and TYPE a family.

    The OpenMetrics form has no ``# EOF``, because the exporter's own metrics follow.
    """
    by_name = sorted(projects, key=lambda chunks: chunks.project)
    for family in FAMILIES:
        chunks = [chunk for each in by_name for chunk in each.samples.get(family.name, ())]
        if chunks:
            yield _header(family, form)
            yield from chunks


def _cut(jobs: Sequence[JobView]) -> Iterator[tuple[JobView, ...]]:
    """Split jobs into slices that end at jobs chosen by a hash of their ids.

    A job that is added or removed then changes only its own slice.
    """
    start = 0
    for end, job in enumerate(jobs, start=1):
        chosen = hash(job.job_id) % _JOBS_IN_A_SLICE_ON_AVERAGE == 0
        if chosen or end - start == _MOST_JOBS_IN_A_SLICE or end == len(jobs):
            yield tuple(jobs[start:end])
            start = end


def _chunk(lines: Iterable[str]) -> Chunk:
    return Chunk("".join(lines).encode())


@cache
def _header(family: Family, form: Form) -> Chunk:
    return Chunk(header(family.name, family.type, family.help, form).encode())
