"""Fifty projects with their own keys: those that fail delay none of the others."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise
from statistics import median
from typing import TYPE_CHECKING

from exporter.simulator import Fault
from tests.support.exporter_process import running
from tests.support.projects import project, project_id_of, scrape, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.simulator import RecordedRequest
    from tests.support.cloud import Cloud

TROUBLE = {
    "lists-nothing": Fault("hang", endpoint="list_jobs"),
    "shows-no-status": Fault("hang", endpoint="job_status"),
    "fails": Fault("status", code=500),
    "has-a-bad-key": Fault("status", code=401),
}
GOOD = [f"good-{number}" for number in range(30)]
BAD = {f"{kind}-{number}": fault for kind, fault in TROUBLE.items() for number in range(5)}
# A small machine is busy with starting fifty projects at once.
WARM_UP_SECONDS = 3.0
WATCHED_INTERVALS = 4


def seconds_of(requests: list[RecordedRequest]) -> float:
    """Return the seconds that the record of requests covers."""
    return requests[-1].arrived_monotonic - requests[0].arrived_monotonic if requests else 0.0


def waits_of(cloud: Cloud) -> dict[str, list[float]]:
    """Return the seconds between listings of each good project, after the warm-up."""
    requests = list(cloud.simulator.requests)
    begin = requests[0].arrived_monotonic + WARM_UP_SECONDS
    moments: dict[str, list[float]] = {project_id_of(name): [] for name in (*BAD, *GOOD)}
    for request in requests:
        if request.endpoint == "list_jobs" and request.arrived_monotonic >= begin:
            moments[request.params["project_id"]].append(request.arrived_monotonic)
    return {
        name: [later - earlier for earlier, later in pairwise(moments[project_id_of(name)])]
        for name in GOOD
    }


def test_projects_in_trouble_delay_no_other(cloud: Cloud, tmp_path: Path) -> None:
    """Each of the others is listed every interval, and its data is current."""
    for name, fault in BAD.items():
        cloud.simulator.faults.add(replace(fault, project_id=project_id_of(name)))
    # Those in trouble come first wherever the order of projects counts.
    entries = [project(cloud, name) for name in (*BAD, *GOOD)]
    flag = settings_file(tmp_path, entries, api={"requests_per_minute": 90})
    with running(flag) as exporter:
        exporter.wait_for(lambda: seconds_of(cloud.simulator.requests) >= WARM_UP_SECONDS)
        for name in GOOD:
            cloud.world.jobs[f"job-of-{name}"].overrides["skipped_items"] = 4711
        exporter.wait_for(lambda: min(map(len, waits_of(cloud).values())) >= WATCHED_INTERVALS)
        took = waits_of(cloud)
        exporter.wait_for(lambda: jobs_with_news(exporter.get()[1]) == len(GOOD))
        scraped = scrape(exporter)

    # A request hangs for thirty seconds, three times. A busy machine may add some seconds.
    assert 0.5 < median(seconds for waits in took.values() for seconds in waits) < 5.0
    assert [] == [name for name, waits in took.items() if median(waits) > 10.0]
    assert [1.0] * len(GOOD) == [
        up for name in GOOD for up in scraped.own("project_up", project=name)
    ]
    for name in BAD:
        up = 1.0 if name.startswith("shows-no-status") else 0.0
        assert [up] == scraped.own("project_up", project=name)


def jobs_with_news(text: str) -> int:
    samples = (line for line in text.splitlines() if line.endswith("} 4711.0"))
    return sum(line.startswith("llamacloud_batch_job_skipped_items{") for line in samples)
