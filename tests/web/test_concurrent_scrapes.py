"""Scrapes while polls publish: each shows one moment of each project, wholly."""

import gzip
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from typing import Any

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as _parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families as parse_text

from exporter.domain import ItemStatus, JobStatus, JobType, JobView, ProjectView
from exporter.exposition import JOB_FAMILIES, Form
from tests.support.serving import Exporter, request, served
from tests.support.views import NO_COUNTERS, empty_view, full_gauges, full_job

parse_openmetrics: Callable[[str], Iterable[Metric]] = _parse_openmetrics
PROJECTS = ("default", "other")
SCRAPERS, SCRAPES_EACH = 8, 6
MOST_JOBS = 12
FAMILIES_OF_A_JOB = Counter(family.name for family in JOB_FAMILIES) | Counter(
    {
        "llamacloud_batch_job_status": len(JobStatus),
        "llamacloud_batch_job_items": len(ItemStatus),
    }
)
# Their values say nothing of the generation.
WITHOUT_GENERATION = ("llamacloud_batch_job_info", "llamacloud_batch_job_status")


def _number_of_jobs(generation: int) -> int:
    return generation % (MOST_JOBS + 1)


def _job(job_id: str, generation: int) -> JobView:
    gauges: Any = {family.attribute: generation for family in JOB_FAMILIES if family.attribute}
    return replace(
        full_job(job_id, f"directory-{generation}"),
        item_failures={"timeout": generation},
        items=dict.fromkeys(ItemStatus, generation),
        **gauges,
    )


def _view(project: str, generation: int) -> ProjectView:
    """Return a view in which every number is its generation, and so is what jobs there are."""
    counters = replace(NO_COUNTERS, jobs_finished={(JobType.PARSE, JobStatus.FAILED): generation})
    gauges = replace(
        full_gauges(),
        active_jobs={(JobType.PARSE, JobStatus.RUNNING): generation},
        active_items=None,
        failing_jobs={JobType.PARSE: generation},
    )
    return replace(
        empty_view(project, generation),
        counters=counters,
        gauges=gauges,
        jobs=tuple(_job(f"job-{n}", generation) for n in range(_number_of_jobs(generation))),
    )


@contextmanager
def _polls(exporter: Exporter) -> Iterator[None]:
    """Publish a newer view of each project in turn, as fast as it goes."""
    enough = threading.Event()

    def publish(generation: int) -> None:
        for project in PROJECTS:
            exporter.snapshot.replace(_view(project, generation))

    def publish_again() -> None:
        for generation in count(2):
            if enough.is_set():
                return
            publish(generation)

    publish(1)
    publishing = threading.Thread(target=publish_again)
    publishing.start()
    try:
        yield
    finally:
        enough.set()
        publishing.join()


def _samples(body: bytes, form: Form) -> Iterator[tuple[str, dict[str, str], float]]:
    text = body.decode()
    for family in parse_text(text) if form is Form.TEXT else parse_openmetrics(text):
        for sample in family.samples:
            if "project" in sample.labels:
                yield sample.name, sample.labels, sample.value


def _generations(body: bytes, form: Form) -> dict[str, int]:
    """Return the generation of each project, having checked that there is one and all of it."""
    values: dict[str, set[float]] = defaultdict(set)
    families: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    directories: dict[str, set[str]] = defaultdict(set)
    for name, labels, value in _samples(body, form):
        project = labels["project"]
        if "job_id" in labels:
            families[project, labels["job_id"]][name] += 1
        if "directory_id" in labels:
            directories[project].add(labels["directory_id"])
        if name not in (*WITHOUT_GENERATION, "llamacloud_batch_project_info"):
            values[project].add(value)
    assert [1] * len(PROJECTS) == [len(values[project]) for project in PROJECTS]
    generations = {project: int(values[project].pop()) for project in PROJECTS}
    expected_jobs = {
        (project, f"job-{n}"): FAMILIES_OF_A_JOB
        for project, generation in generations.items()
        for n in range(_number_of_jobs(generation))
    }
    assert expected_jobs == families
    for project, named in directories.items():
        assert {f"directory-{generations[project]}"} == named
    return generations


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_every_scrape_shows_one_moment_of_each_project(form: Form, encoding: str) -> None:
    """A job is there with all its families or not at all, and time never runs backwards."""
    exporter = Exporter()
    headers = (("Accept", form.value), ("Accept-Encoding", encoding))

    def scrape_repeatedly(address: str) -> list[bytes]:
        answers = [request(address, "/metrics", *headers) for _ in range(SCRAPES_EACH)]
        assert {form.value} == {answer.headers["content-type"] for answer in answers}
        decode = gzip.decompress if encoding == "gzip" else bytes
        return [decode(answer.body) for answer in answers]

    own = {Form.TEXT: b"", Form.OPENMETRICS: b"# EOF\n"}
    with (
        ThreadPoolExecutor(SCRAPERS) as pool,
        served(exporter, own_metrics=own.__getitem__) as address,
        _polls(exporter),
    ):
        scraping = [pool.submit(scrape_repeatedly, address) for _ in range(SCRAPERS)]
        bodies = [scraped.result() for scraped in scraping]

    seen: set[int] = set()
    for of_one_scraper in bodies:
        generations = [_generations(body, form) for body in of_one_scraper]
        for project in PROJECTS:
            shown = [each[project] for each in generations]
            assert sorted(shown) == shown
            seen.update(shown)
    assert len(seen) > 1, "nothing was published between the scrapes"
