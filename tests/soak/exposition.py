"""A scrape parsed fast; ``strictness`` parses it strictly."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import NamedTuple

_SERIES = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})?")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_JOB_PREFIX = "llamacloud_batch_job_"

Series = tuple[str, frozenset[tuple[str, str]]]
# A job's samples, by family without its prefix and the label that distinguishes them.
JobSamples = dict[tuple[str, str], float]


@dataclass(slots=True)
class Exposition:
    """The samples of one scrape, made while LlamaCloud's clock showed ``read_at`` or earlier."""

    read_at: float = 0.0
    number: int = 0
    jobs: dict[str, JobSamples] = field(default_factory=dict)
    project_of: dict[str, str] = field(default_factory=dict)
    samples: dict[Series, float] = field(default_factory=dict)

    def value(self, name: str, **labels: str) -> float | None:
        """Return a sample that does not belong to a job."""
        return self.samples.get(series(name, **labels))


def series(name: str, **labels: str) -> Series:
    """Name a series."""
    return name, frozenset(labels.items())


class Reader:
    """Parses expositions; the text of a series is cached, which is much faster."""

    def __init__(self) -> None:
        self._known: dict[str, _Name] = {}

    def read(self, text: str, read_at: float) -> Exposition:
        """Read an exposition in either text form."""
        exposition = Exposition(read_at)
        for line in text.splitlines():
            if not line.startswith("#"):
                written, _, value = line.rpartition(" ")
                _take(exposition, self._known.get(written) or self._learn(written), float(value))
        return exposition

    def _learn(self, written: str) -> _Name:
        match = _SERIES.fullmatch(written)
        assert match, f"not a series: {written!r}"
        labels = dict(_LABEL.findall(match["labels"] or ""))
        name = self._known[written] = _name(match["name"], labels)
        return name


class _Name(NamedTuple):
    series: Series
    job_id: str = ""
    project: str = ""
    key: tuple[str, str] = ("", "")


def _name(name: str, labels: dict[str, str]) -> _Name:
    whole = series(name, **labels)
    if not name.startswith(_JOB_PREFIX):
        return _Name(whole)
    job_id, project = labels.pop("job_id"), labels.pop("project")
    key = name.removeprefix(_JOB_PREFIX), ",".join(labels[label] for label in sorted(labels))
    return _Name(whole, job_id, project, key)


def _take(exposition: Exposition, name: _Name, value: float) -> None:
    exposition.number += 1
    if not name.job_id:
        exposition.samples[name.series] = value
        return
    assert exposition.project_of.setdefault(name.job_id, name.project) == name.project, name
    samples = exposition.jobs.setdefault(name.job_id, {})
    assert name.key not in samples, name
    samples[name.key] = value
