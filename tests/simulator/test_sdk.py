"""The vendor's last SDK with the v1beta API reads the simulator without errors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import (
    DEMO_PROJECTS,
    Fault,
    Paging,
    Scenario,
    SimulatedJob,
    Simulator,
    World,
    items_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from llama_cloud import APIStatusError, LlamaCloud


def client(base_url: str, *, api_key: str = "llx-test", **settings: Any) -> LlamaCloud:
    # Imported here, because it takes most of a second in each process that collects tests.
    import llama_cloud  # noqa: PLC0415

    return llama_cloud.LlamaCloud(api_key=api_key, base_url=base_url, **settings)


def error_of_the_sdk(name: str) -> type[APIStatusError]:
    import llama_cloud  # noqa: PLC0415 - as above

    error: type[APIStatusError] = getattr(llama_cloud, name)
    return error


@pytest.fixture
def sdk(base_url: str) -> Iterator[LlamaCloud]:
    """The vendor's client, which checks every response and never retries."""
    with client(base_url, max_retries=0, timeout=10, _strict_response_validation=True) as sdk:
        yield sdk


def test_its_pager_lists_all_jobs(world: World, sdk: LlamaCloud) -> None:
    """It reads several pages to their end, and each job once."""
    for number in range(25):
        world.add_job(SimulatedJob(f"job-{number}", created_at=1000.0 + number))
    listed = [job.id for job in sdk.beta.batch.list(limit=10)]
    assert listed == [f"job-{number}" for number in reversed(range(25))]


def test_its_pager_stops_after_one_page_without_total_size(
    world: World, simulator: Simulator, sdk: LlamaCloud
) -> None:
    """The SDK works that way, so a test with it detects a paging style that it does not support."""
    simulator.jobs_paging = Paging(total_size=False, page_token=True)
    for number in range(25):
        world.add_job(SimulatedJob(f"job-{number}"))
    assert len(list(sdk.beta.batch.list(limit=10))) == 10


def test_it_filters_jobs(world: World, sdk: LlamaCloud) -> None:
    """The simulator supports the SDK's own parameters."""
    world.add_job(SimulatedJob("a", job_type="extract", status="failed", directory_id="dir-1"))
    world.add_job(SimulatedJob("b", job_type="parse", status="failed", directory_id="dir-1"))
    found = sdk.beta.batch.list(job_type="extract", status="failed", directory_id="dir-1")
    assert [job.id for job in found] == ["a"]


def test_it_reads_a_status(world: World, sdk: LlamaCloud) -> None:
    """Times, counts and progress arrive as they were added."""
    items = items_of("job-1", completed=2, failed=1, processing=1)
    world.add_job(SimulatedJob("job-1", items=items, created_at=5.5, started_at=9.25))
    answer = sdk.beta.batch.get_status("job-1")
    assert answer.progress_percentage == 75.0
    assert (answer.job.total_items, answer.job.processed_items) == (4, 3)
    assert answer.job.created_at is not None
    assert answer.job.created_at.timestamp() == 5.5
    assert answer.job.completed_at is None


def test_its_pager_lists_all_items(world: World, sdk: LlamaCloud) -> None:
    """Items are paged and filtered like jobs."""
    world.add_job(SimulatedJob("job-1", items=items_of("job-1", completed=12, skipped=11)))
    listed = [item.item_id for item in sdk.beta.batch.job_items.list("job-1", limit=5)]
    assert listed == [f"job-1-item-{number:05d}" for number in range(1, 24)]
    skipped = list(sdk.beta.batch.job_items.list("job-1", status="skipped", limit=5))
    assert {item.skip_reason for item in skipped} == {"already_processed"}
    assert len(skipped) == 11


def test_it_reads_all_of_the_demo(world: World, base_url: str) -> None:
    """Every job and every item of every demo project passes the SDK's own checks."""
    Scenario(world)
    for project in DEMO_PROJECTS:
        with client(base_url, api_key=project.key, _strict_response_validation=True) as sdk:
            jobs = list(sdk.beta.batch.list(project_id=project.project_id))
            expected = {project.project_id} if project.job_types else set()
            assert {job.project_id for job in jobs} == expected
            for job in jobs:
                items = list(sdk.beta.batch.job_items.list(job.id, limit=1000))
                assert len(items) == job.total_items


@pytest.mark.parametrize(
    ("code", "error"),
    [(401, "AuthenticationError"), (404, "NotFoundError"), (503, "APIStatusError")],
)
def test_it_understands_errors(
    simulator: Simulator, sdk: LlamaCloud, code: int, error: str
) -> None:
    """It raises its own kinds of errors, with LlamaCloud's body."""
    simulator.faults.add(Fault("status", code=code))
    with pytest.raises(error_of_the_sdk(error)) as caught:
        sdk.beta.batch.list()
    assert caught.value.status_code == code
    assert isinstance(caught.value.body, dict)
    assert "detail" in caught.value.body


def test_it_understands_bad_parameters(sdk: LlamaCloud) -> None:
    """A limit over the maximum is refused as by the real server."""
    with pytest.raises(error_of_the_sdk("UnprocessableEntityError")):
        sdk.beta.batch.list(limit=1001)


def test_it_retries_a_fault_that_passes(simulator: Simulator, world: World, base_url: str) -> None:
    """The SDK's own retries succeed."""
    world.add_job(SimulatedJob("job-1"))
    simulator.faults.add(Fault("status", times=1, code=429, headers={"retry-after-ms": "1"}))
    simulator.faults.add(Fault("reset", times=1))
    with client(base_url, max_retries=3) as sdk:
        assert sdk.beta.batch.get_status("job-1").job.id == "job-1"
    assert [request.status for request in simulator.requests] == [429, 499, 200]
