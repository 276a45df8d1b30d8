"""What the page shows of projects that a real poller could not list."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.status_pages.markup import Page
from tests.status_pages.troubled import refused
from tests.support.cloud import Cloud, running_cloud

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.exporter_process import Exporter


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """Run a simulated LlamaCloud."""
    with running_cloud() as cloud:
        yield cloud


@pytest.fixture(scope="module")
def exporter(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Exporter]:
    """Run an exporter with projects that are refused."""
    with refused(cloud, tmp_path_factory.mktemp("refused")) as exporter:
        yield exporter


def words_of(exporter: Exporter) -> str:
    return Page(exporter.get("/")[1].encode()).words


def what_to_do_about(exporter: Exporter, project: str) -> str:
    """Return what the log says of the project that cannot be listed."""
    (line,) = (e for e in exporter.events("project.listing_failed") if e["project"] == project)
    return f"({line['reason']}) {line['detail']} What to do: {line['advice']}"


def test_a_refused_key_is_shown_with_the_advice_of_the_log(exporter: Exporter) -> None:
    """On its project alone."""
    words = words_of(exporter)
    assert "contracts not listed not authenticated Listed never" in words
    assert "invoices listed authenticated Listed" in words
    assert what_to_do_about(exporter, "contracts") in words
    assert "Nothing is listed." not in words


def test_used_up_credits_are_shown_with_the_jobs_of_before(exporter: Exporter) -> None:
    """The key is not blamed, and the age of the data is shown."""
    words = words_of(exporter)
    assert "letters not listed authenticated Listed 20" in words
    assert what_to_do_about(exporter, "letters") in words
    assert "(payment_required) HTTP 402: Insufficient credits" in words
    jobs = json.loads(exporter.get("/api/v1/jobs?project=letters")[1])["jobs"]
    assert ["job-of-letters"] == [job["job_id"] for job in jobs]


def test_a_page_follows_a_project_that_recovers(exporter: Exporter, cloud: Cloud) -> None:
    """With its next listing."""
    cloud.simulator.faults.clear()
    exporter.wait_for(lambda: "letters listed authenticated" in words_of(exporter))
    assert "payment_required" not in words_of(exporter)
