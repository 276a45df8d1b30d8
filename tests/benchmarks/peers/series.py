"""The series of an exposition, in the form that the peers use."""

from __future__ import annotations

from dataclasses import dataclass, field

import httpx
from prometheus_client.parser import text_string_to_metric_families

_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Series:
    """The samples of one name, each with its label values and its value."""

    name: str
    help: str
    label_names: tuple[str, ...]
    samples: list[tuple[tuple[str, ...], float]] = field(default_factory=list)


def scraped_series(url: str) -> list[Series]:
    """Scrape ``url`` and return every sample; a histogram has samples of three names."""
    series: dict[str, Series] = {}
    text = httpx.get(url, timeout=_SECONDS).raise_for_status().text
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            names = tuple(sorted(sample.labels))
            found = series.setdefault(sample.name, Series(sample.name, family.documentation, names))
            values = tuple(sample.labels[name] for name in found.label_names)
            found.samples.append((values, sample.value))
    return list(series.values())
