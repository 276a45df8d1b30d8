"""The three v1beta endpoints: their responses, access rights and parameters."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import httpx
import pytest
from pydantic import BaseModel, ConfigDict

from exporter.simulator import (
    DEFAULT_PROJECT_ID,
    OMIT,
    RateLimit,
    SimulatedItem,
    SimulatedJob,
    Simulator,
    World,
    items_of,
)
from tests.support.clients import tls_context

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER_PROJECT_ID = "7c1d6f1e-0000-4000-8000-000000000002"
STRANGE_PROJECT_ID = "7c1d6f1e-0000-4000-8000-000000000003"


class JobRow(BaseModel):
    """A job as the server's OpenAPI describes it, with all fields and no others."""

    model_config = ConfigDict(extra="forbid")

    id: str
    job_type: Literal["parse", "extract", "classify"]
    project_id: str
    status: Literal["pending", "running", "dispatched", "completed", "failed", "cancelled"]
    total_items: int
    processed_items: int
    failed_items: int
    skipped_items: int
    completed_at: datetime | None
    created_at: datetime | None
    started_at: datetime | None
    updated_at: datetime | None
    effective_at: datetime
    directory_id: str | None
    error_message: str | None
    job_record_id: str | None
    workflow_id: str | None


class ItemRow(BaseModel):
    """An item as the server's OpenAPI describes it."""

    model_config = ConfigDict(extra="forbid")

    item_id: str
    item_name: str
    status: Literal["pending", "processing", "completed", "failed", "skipped", "cancelled"]
    completed_at: datetime | None
    started_at: datetime | None
    effective_at: datetime
    error_message: str | None
    job_id: str | None
    job_record_id: str | None
    skip_reason: str | None


def rows(answer: httpx.Response) -> list[dict[str, Any]]:
    answer.raise_for_status()
    found = answer.json()["items"]
    assert isinstance(found, list)
    return found


def ids(answer: httpx.Response) -> list[str]:
    return [row.get("id") or row["item_id"] for row in rows(answer)]


def add_three_kinds(world: World) -> None:
    world.add_job(SimulatedJob("a", job_type="parse", status="running", directory_id="dir-1"))
    world.add_job(SimulatedJob("b", job_type="extract", status="completed", directory_id="dir-1"))
    world.add_job(SimulatedJob("c", job_type="parse", status="failed", directory_id="dir-2"))


def test_a_listed_job_has_every_documented_field(world: World, client: httpx.Client) -> None:
    """A row carries all fields of the OpenAPI, its counts taken from the items."""
    world.add_job(
        SimulatedJob(
            "job-1",
            job_type="extract",
            status="failed",
            items=items_of("job-1", completed=3, failed=2, skipped=1, cancelled=4, pending=5),
            directory_id="dir-1",
            created_at=1_700_000_000.0,
            started_at=1_700_000_010.5,
            completed_at=1_700_000_100.0,
            error_message="out of credits",
        ),
    )
    (row,) = rows(client.get("/batch-processing"))
    JobRow.model_validate(row)
    assert row == {
        "id": "job-1",
        "job_type": "extract",
        "project_id": DEFAULT_PROJECT_ID,
        "status": "failed",
        "total_items": 15,
        "processed_items": 6,
        "failed_items": 2,
        "skipped_items": 1,
        "created_at": "2023-11-14T22:13:20.000000Z",
        "started_at": "2023-11-14T22:13:30.500000Z",
        "completed_at": "2023-11-14T22:15:00.000000Z",
        "updated_at": "2023-11-14T22:15:00.000000Z",
        "effective_at": "2023-11-14T22:15:00.000000Z",
        "directory_id": "dir-1",
        "error_message": "out of credits",
        "job_record_id": "record-job-1",
        "workflow_id": "workflow-job-1",
    }


def test_a_listed_item_has_every_documented_field(world: World, client: httpx.Client) -> None:
    """An item's row carries all fields of the OpenAPI, null where nothing is known."""
    begun = items_of("job-1", started_at=1.0, completed_at=2.5, failed=1, skipped=1)
    pending = [SimulatedItem("item-3", "three.pdf")]
    world.add_job(SimulatedJob("job-1", items=begun + pending))
    failed, skipped, waiting = (
        ItemRow.model_validate(row) for row in rows(client.get("/batch-processing/job-1/items"))
    )
    assert failed.started_at is not None
    assert failed.completed_at is not None
    assert (failed.completed_at - failed.started_at).total_seconds() == 1.5
    assert failed.error_message == "The document could not be read"
    assert skipped.skip_reason == "already_processed"
    assert (waiting.item_id, waiting.item_name, waiting.status) == (
        "item-3",
        "three.pdf",
        "pending",
    )
    assert (waiting.started_at, waiting.job_id) == (None, None)


def test_an_item_of_no_known_time_has_no_effective_at(world: World, client: httpx.Client) -> None:
    """Its schema forbids null, so the field is left out."""
    item = SimulatedItem("item-1", "one.pdf")
    job = world.add_job(SimulatedJob("job-1", items=[item]))
    job.created_at = None
    (row,) = rows(client.get("/batch-processing/job-1/items"))
    assert "effective_at" not in row


@pytest.mark.parametrize(
    ("job", "progress"),
    [
        (SimulatedJob("j", items=items_of("j", completed=1, failed=1, pending=1)), 66.67),
        (SimulatedJob("j", status="pending"), 0.0),
        (SimulatedJob("j", status="completed"), 100.0),
        (SimulatedJob("j", progress_percentage=12.5), 12.5),
    ],
)
def test_a_status_answer_holds_the_row_and_the_progress(
    world: World, client: httpx.Client, job: SimulatedJob, progress: float
) -> None:
    """The job of a status answer is the row of the listing; progress follows from the items."""
    world.add_job(job)
    (row,) = rows(client.get("/batch-processing"))
    assert client.get("/batch-processing/j").json() == {"job": row, "progress_percentage": progress}


def test_overrides_are_laid_over_a_row(world: World, client: httpx.Client) -> None:
    """A test can send any value in any field, or leave a field out."""
    item = SimulatedItem("item-1", "one.pdf", overrides={"item_name": OMIT, "status": "new"})
    overrides = {"failed_items": None, "status": "brand_new", "skipped_items": OMIT}
    world.add_job(SimulatedJob("job-1", items=[item], overrides=overrides))
    job_row = client.get("/batch-processing/job-1").json()["job"]
    assert (job_row["failed_items"], job_row["status"]) == (None, "brand_new")
    assert "skipped_items" not in job_row
    (item_row,) = rows(client.get("/batch-processing/job-1/items"))
    assert item_row["status"] == "new"
    assert "item_name" not in item_row


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {"a", "b", "c"}),
        ({"status": "running"}, {"a"}),
        ({"status": "cancelled"}, set()),
        ({"job_type": "parse"}, {"a", "c"}),
        ({"directory_id": "dir-1"}, {"a", "b"}),
        ({"directory_id": "dir-1", "job_type": "parse"}, {"a"}),
        ({"organization_id": OTHER_PROJECT_ID, "unheard_of": "x"}, {"a", "b", "c"}),
    ],
)
def test_filters_narrow_the_listing(
    world: World, client: httpx.Client, params: Mapping[str, str], expected: set[str]
) -> None:
    """Filters can be combined, and unknown parameters change nothing."""
    add_three_kinds(world)
    answer = client.get("/batch-processing", params=params)
    assert set(ids(answer)) == expected
    assert answer.json()["total_size"] == len(expected)


def test_items_are_filtered_by_status(world: World, client: httpx.Client) -> None:
    """Only items of the requested status are listed and counted."""
    world.add_job(SimulatedJob("job-1", items=items_of("job-1", completed=3, failed=2)))
    answer = client.get("/batch-processing/job-1/items", params={"status": "failed"})
    assert ids(answer) == ["job-1-item-00004", "job-1-item-00005"]
    assert answer.json()["total_size"] == 2


def test_a_key_reads_its_own_projects_only(world: World, client: httpx.Client) -> None:
    """Without project_id, the key's default project is used; other projects answer 404."""
    world.add_key("llx-test", DEFAULT_PROJECT_ID, OTHER_PROJECT_ID)
    for number, project_id in enumerate((DEFAULT_PROJECT_ID, OTHER_PROJECT_ID, STRANGE_PROJECT_ID)):
        world.add_job(SimulatedJob(f"job-{number}", project_id=project_id))
    assert ids(client.get("/batch-processing")) == ["job-0"]
    assert ids(
        client.get("/batch-processing", params={"project_id": OTHER_PROJECT_ID.upper()})
    ) == ["job-1"]
    strange = client.get("/batch-processing", params={"project_id": STRANGE_PROJECT_ID})
    assert (strange.status_code, strange.json()) == (404, {"detail": "Project not found"})
    assert client.get("/batch-processing/job-1").status_code == 404
    assert (
        client.get("/batch-processing/job-1", params={"project_id": OTHER_PROJECT_ID}).status_code
        == 200
    )


@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}, {"authorization": "x"}])
@pytest.mark.parametrize("path", ["", "/job-1", "/job-1/items"])
def test_no_or_an_unknown_key_answers_401(
    base_url: str, path: str, headers: Mapping[str, str]
) -> None:
    """A client without a key cannot even find out that a job is unknown."""
    url = f"{base_url}/api/v1/beta/batch-processing{path}"
    answer = httpx.get(url, headers=headers, trust_env=False, verify=tls_context())
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


@pytest.mark.parametrize(
    ("path", "detail"),
    [
        ("/gone", "Batch job not found"),
        ("/gone/items", "Batch job not found"),
        ("/gone/unheard-of", "Not Found"),
    ],
)
def test_unknown_jobs_and_paths_answer_404_in_json(
    world: World, client: httpx.Client, path: str, detail: str
) -> None:
    """A removed job answers like one that never existed."""
    world.add_job(SimulatedJob("gone"))
    world.remove_job("gone")
    answer = client.get(f"/batch-processing{path}")
    assert (answer.status_code, answer.json()) == (404, {"detail": detail})


@pytest.mark.parametrize(
    ("path", "params", "problem_type"),
    [
        ("", {"limit": "0"}, "greater_than_equal"),
        ("", {"limit": "1001"}, "less_than_equal"),
        ("", {"offset": "-1"}, "greater_than_equal"),
        ("", {"limit": "many"}, "int_parsing"),
        ("", {"status": "RUNNING"}, "literal_error"),
        ("", {"job_type": "translate"}, "literal_error"),
        ("", {"project_id": "mine"}, "uuid_parsing"),
        ("/job-1", {"organization_id": "ours"}, "uuid_parsing"),
        ("/job-1/items", {"status": "running"}, "literal_error"),
        ("/job-1/items", {"limit": "1001"}, "less_than_equal"),
    ],
)
def test_bad_parameters_answer_422(
    world: World, client: httpx.Client, path: str, params: Mapping[str, str], problem_type: str
) -> None:
    """The response names the parameter in FastAPI's format."""
    world.add_job(SimulatedJob("job-1"))
    answer = client.get(f"/batch-processing{path}", params=params)
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["query", *params]
    assert problem["type"] == problem_type
    assert problem["input"] == next(iter(params.values()))


@pytest.mark.parametrize(("path", "default_limit"), [("", 50), ("/job-000/items", 100)])
def test_pages_have_the_documented_default_size(
    world: World, client: httpx.Client, path: str, default_limit: int
) -> None:
    """Without a limit, 50 jobs and 100 items are served."""
    for number in range(120):
        job_id = f"job-{number:03d}"
        world.add_job(SimulatedJob(job_id, items=items_of(job_id, pending=120)))
    assert len(rows(client.get(f"/batch-processing{path}"))) == default_limit


def test_answers_carry_the_worlds_date(
    world: World, simulator: Simulator, client: httpx.Client
) -> None:
    """The Date header shows the world's clock, also on errors, and can be left out."""
    world.clock = lambda: 1_700_000_000.9
    assert client.get("/batch-processing").headers.get_list("date") == [
        "Tue, 14 Nov 2023 22:13:20 GMT"
    ]
    assert (
        client.get("/batch-processing/unknown").headers["date"] == "Tue, 14 Nov 2023 22:13:20 GMT"
    )
    simulator.send_date = False
    assert "date" not in client.get("/batch-processing").headers


def test_requests_are_recorded_without_their_key(
    world: World, simulator: Simulator, client: httpx.Client
) -> None:
    """A test can see each request, its key's project, and its response."""
    world.add_job(SimulatedJob("job-1"))
    client.get("/batch-processing", params={"limit": 7}, headers={"user-agent": "tester/1"})
    client.get("/batch-processing/job-1")
    client.get("/batch-processing/job-2/items")
    seen = [(one.endpoint, one.job_id, one.params, one.status) for one in simulator.requests]
    assert seen == [
        ("list_jobs", None, {"limit": "7"}, 200),
        ("job_status", "job-1", {}, 200),
        ("list_items", "job-2", {}, 404),
    ]
    assert simulator.requests[0].user_agent == "tester/1"
    arrivals = [one.arrived_monotonic for one in simulator.requests]
    assert arrivals == sorted(arrivals)
    assert "llx-test" not in repr(simulator.requests) + repr(world)


def test_the_rate_limit_holds_for_each_key(
    world: World, simulator: Simulator, client: httpx.Client
) -> None:
    """A key gets 429 without Retry-After for requests over the limit in any one minute."""
    now = [0.0]
    simulator.rate_limit = RateLimit(2, clock=lambda: now[0])
    world.add_key("llx-other", DEFAULT_PROJECT_ID)
    codes = [client.get("/batch-processing").status_code for _ in range(3)]
    other = client.get("/batch-processing", headers={"authorization": "Bearer llx-other"})
    now[0] = 59.9
    refused = client.get("/batch-processing")
    now[0] = 60.0
    codes += [other.status_code, refused.status_code, client.get("/batch-processing").status_code]
    assert codes == [200, 200, 429, 200, 429, 200]
    assert "retry-after" not in refused.headers
