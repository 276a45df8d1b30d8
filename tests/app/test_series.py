"""How many series a project and a job cost Prometheus, as documented."""

from __future__ import annotations

import re
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families

from exporter.exposition import JOB_FAMILIES
from exporter.simulator import SimulatedJob, items_of
from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import running
from tests.support.reference import page, readme

START = 1_790_000_000.0


def costs(exposition: str) -> Counter[str]:
    """Count the series of each job by its id, and those of the project as a whole."""
    return Counter(
        sample.labels.get("job_id", "the project")
        for family in text_string_to_metric_families(exposition)
        for sample in family.samples
        if "project" in sample.labels
    )


def families_of_job(exposition: str) -> set[str]:
    """Return the families that have a series of a job."""
    return {
        family.name
        for family in text_string_to_metric_families(exposition)
        if any("job_id" in sample.labels for sample in family.samples)
    }


def stated(words: str, text: str = "") -> int:
    """Return the number that the documentation states before ``words``."""
    text = text or page("cost-and-capacity")
    (number,) = re.findall(rf"(\d+) {words}", " ".join(text.split()))
    return int(number)


def test_a_project_and_a_job_cost_what_the_documentation_says(cloud: Cloud) -> None:
    """A project without jobs, the first job of a type, and a job of which all is known."""
    cloud.world.clock = lambda: START
    with running(
        LLAMA_CLOUD_API_KEY=KEY,
        LLAMA_CLOUD_BASE_URL=cloud.base_url,
        LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE="6000",
        LLAMACLOUD_EXPORTER_POLL__INTERVAL="1s",
    ) as exporter:
        # Once a generation of the API answered, the counters of its endpoints start.
        both = re.compile(r'(?s)endpoint="list_extract_jobs".*endpoint="list_items"')
        exporter.wait_for(lambda: both.search(exporter.get()[1]) is not None)
        idle = costs(exporter.get()[1])
        items = items_of("job", started_at=START - 80, completed_at=START - 70, completed=3)
        cloud.world.add_job(
            SimulatedJob(
                id="job",
                status="completed",
                directory_id="dir-1",
                created_at=START - 100,
                started_at=START - 90,
                completed_at=START - 60,
                items=items,
            )
        )
        counted = 'llamacloud_batch_job_items{item_status="completed",job_id="job"'
        exporter.wait_for(lambda: counted in exporter.get()[1])
        exposition = exporter.get()[1]
    with_job = costs(exposition)
    # Reasons of failures come on top: the documentation says so.
    of_jobs = {family.name for family in JOB_FAMILIES}
    assert of_jobs - {"llamacloud_batch_job_item_failures"} == families_of_job(exposition)
    assert {"the project": stated("series without jobs")} == idle
    assert stated("series at most") == with_job["job"]
    # README.md says so, too.
    assert {"the project": stated(r"series\. A published job", readme())} == idle
    assert stated("series at most", readme()) == with_job["job"]
    of_endpoints = 2 * stated("for each endpoint that is requested")
    of_type = with_job["the project"] - idle["the project"] - of_endpoints
    assert stated("for each job type of `v1beta`") == of_type
