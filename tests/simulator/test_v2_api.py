"""The four v2 endpoints: their responses, access rights and parameters."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal

import httpx
import pytest
from pydantic import BaseModel, ConfigDict

from exporter.simulator import (
    DEFAULT_PROJECT_ID,
    OMIT,
    Fault,
    RateLimit,
    SimulatedBatch,
    SimulatedFile,
    SimulatedFileJob,
    SimulatedJob,
    Simulator,
    V2Style,
    World,
    extract_result,
    files_of,
)
from tests.support.clients import tls_context

if TYPE_CHECKING:
    from collections.abc import Mapping

OTHER_PROJECT_ID = "7c1d6f1e-0000-4000-8000-000000000002"
STRANGE_PROJECT_ID = "7c1d6f1e-0000-4000-8000-000000000003"
BATCH_STATUSES = ("PENDING", "THROTTLED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED")
BatchStatus = Literal["PENDING", "THROTTLED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]
ANY_BATCH = "/batches/bat-1"


class Documented(BaseModel):
    """A row as the server's OpenAPI describes it, with all fields and no others."""

    model_config = ConfigDict(extra="forbid")


class JobConfig(Documented):
    """The configuration of the job for each file."""

    type: Literal["parse_v2", "extract_v2"]
    configuration_id: str


class BatchConfig(Documented):
    """The configuration of a batch."""

    job: JobConfig


class Reference(Documented):
    """The job of one file."""

    type: Literal["parse_v2", "extract_v2"]
    id: str


class Result(Documented):
    """The result of one file of a batch."""

    source_directory_file_id: str
    job_reference: Reference | None
    error_message: str | None


class BatchRow(Documented):
    """A batch."""

    id: str
    created_at: datetime | None
    updated_at: datetime | None
    project_id: str
    source_directory_id: str
    config: BatchConfig
    status: BatchStatus
    results: list[Result] | None


class ParseJobRow(Documented):
    """A parse job."""

    id: str
    created_at: datetime | None
    updated_at: datetime | None
    project_id: str
    status: Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]
    error_message: str | None
    name: str | None
    tier: str | None
    user_metadata: dict[str, str] | None
    usage: None


class ExtractJobRow(Documented):
    """An extract job."""

    file_input: str
    id: str
    project_id: str
    configuration_id: str | None
    configuration: None
    status: str
    error_message: str | None
    extract_result: dict[str, Any] | list[dict[str, Any]] | None
    extract_metadata: None
    metadata: None
    usage: None
    created_at: datetime
    updated_at: datetime


def rows(answer: httpx.Response) -> list[dict[str, Any]]:
    answer.raise_for_status()
    found = answer.json()["items"]
    assert isinstance(found, list)
    return found


def ids(answer: httpx.Response) -> set[str]:
    return {row["id"] for row in rows(answer)}


def results(answer: httpx.Response) -> list[dict[str, Any]] | None:
    answer.raise_for_status()
    found: list[dict[str, Any]] | None = answer.json()["results"]
    return found


def expanded(client: httpx.Client, batch_id: str) -> list[dict[str, Any]] | None:
    return results(client.get(f"/batches/{batch_id}", params={"expand": "results"}))


def test_a_batch_has_every_documented_field(world: World, v2_client: httpx.Client) -> None:
    """A row has all fields of the OpenAPI; the list has no results."""
    world.add_batch(
        SimulatedBatch(
            "bat-1",
            job_type="extract_v2",
            status="COMPLETED",
            files=files_of("bat-1", completed=1),
            source_directory_id="dir-9",
            configuration_id="cfg-9",
            created_at=1_700_000_000.0,
            updated_at=1_700_000_100.5,
        )
    )
    (row,) = rows(v2_client.get("/batches"))
    BatchRow.model_validate(row)
    assert row == v2_client.get(ANY_BATCH).json()
    assert row == {
        "id": "bat-1",
        "created_at": "2023-11-14T22:13:20.000000Z",
        "updated_at": "2023-11-14T22:15:00.500000Z",
        "project_id": f"prj-{DEFAULT_PROJECT_ID}",
        "source_directory_id": "dir-9",
        "config": {"job": {"type": "extract_v2", "configuration_id": "cfg-9"}},
        "status": "COMPLETED",
        "results": None,
    }


def test_results_point_to_jobs_or_say_why_there_is_none(
    world: World, v2_client: httpx.Client
) -> None:
    """An entry has a reference, a mapping error, or neither; it never has a name."""
    files = files_of("1", completed=1, mapping_errors=1, unmapped=1)
    world.add_batch(SimulatedBatch("bat-1", status="COMPLETED", files=files))
    answer = v2_client.get(ANY_BATCH, params={"expand": "results"})
    BatchRow.model_validate(answer.json())
    job, message = {"type": "parse_v2", "id": "pjb-1-00001"}, "Could not create a job for this file"
    assert results(answer) == [
        {
            "source_directory_file_id": "dfl-1-00001",
            "job_reference": job,
            "error_message": None,
        },
        {
            "source_directory_file_id": "dfl-1-00002",
            "job_reference": None,
            "error_message": message,
        },
        {"source_directory_file_id": "dfl-1-00003", "job_reference": None, "error_message": None},
    ]


@pytest.mark.parametrize("status", BATCH_STATUSES)
def test_results_show_in_the_statuses_that_the_style_names(
    world: World, simulator: Simulator, v2_client: httpx.Client, status: str
) -> None:
    """By default these are COMPLETED and CANCELLED; in others, results are null."""
    files = files_of("bat-1", running=1)
    world.add_batch(SimulatedBatch("bat-1", status=status, files=files))
    assert (expanded(v2_client, "bat-1") is not None) == (status in {"COMPLETED", "CANCELLED"})
    simulator.v2 = V2Style(results_in=frozenset({status}))
    assert expanded(v2_client, "bat-1") is not None
    simulator.v2 = V2Style(results_in=frozenset())
    assert expanded(v2_client, "bat-1") is None


def test_a_reference_may_appear_late(world: World, v2_client: httpx.Client) -> None:
    """An entry with neither job nor message gets a job, which is listed from then on."""
    (file,) = files = files_of("bat-1", unmapped=1)
    world.add_batch(SimulatedBatch("bat-1", status="COMPLETED", files=files))
    assert [None] == [row["job_reference"] for row in expanded(v2_client, "bat-1") or []]
    file.job = world.add_file_job(SimulatedFileJob("pjb-late"))
    references = [row["job_reference"] for row in expanded(v2_client, "bat-1") or []]
    assert references == [{"type": "parse_v2", "id": "pjb-late"}]
    assert ids(v2_client.get("/parse")) == {"pjb-late"}


def test_a_parse_job_has_every_documented_field(world: World, v2_client: httpx.Client) -> None:
    """It has neither a started nor a completed time."""
    files = files_of("1", created_at=1_700_000_000.0, ended_at=1_700_000_100.0, failed=1)
    world.add_batch(SimulatedBatch("bat-1", files=files))
    (row,) = rows(v2_client.get("/parse"))
    ParseJobRow.model_validate(row)
    assert row == {
        "id": "pjb-1-00001",
        "created_at": "2023-11-14T22:13:20.000000Z",
        "updated_at": "2023-11-14T22:15:00.000000Z",
        "project_id": f"prj-{DEFAULT_PROJECT_ID}",
        "status": "FAILED",
        "error_message": "PDF_IS_BROKEN: the file could not be read",
        "name": "document-00001.pdf",
        "tier": "agentic",
        "user_metadata": None,
        "usage": None,
    }


def test_a_completed_extract_job_carries_its_whole_result(
    world: World, v2_client: httpx.Client
) -> None:
    """It may be megabytes; other extract jobs have no result."""
    completed, running = files_of("1", "extract_v2", completed=1, running=1)
    assert completed.job is not None
    assert running.job is not None
    completed.job.extract_result = running.job.extract_result = extract_result(2_000_000)
    world.add_batch(SimulatedBatch("bat-1", job_type="extract_v2", files=[completed, running]))
    answer = v2_client.get("/extract")
    shown = {row.id: row for row in map(ExtractJobRow.model_validate, rows(answer))}
    assert shown["ext-1-00001"].extract_result == completed.job.extract_result
    assert shown["ext-1-00001"].file_input == "dfl-1-00001"
    assert shown["ext-1-00002"].extract_result is None
    assert 1_900_000 < len(answer.content) < 2_300_000


def add_three_kinds(world: World) -> None:
    for number, (status, directory) in enumerate(
        [("RUNNING", "dir-1"), ("THROTTLED", "dir-1"), ("RUNNING", "dir-2")]
    ):
        name = "abc"[number]
        batch = SimulatedBatch(name, status=status, source_directory_id=directory)
        batch.created_at = 1_700_000_000.0 + number
        world.add_batch(batch)


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({}, {"a", "b", "c"}),
        ({"status": "THROTTLED"}, {"b"}),
        ({"status": "FAILED"}, set()),
        ({"source_directory_id": "dir-1"}, {"a", "b"}),
        ({"source_directory_id": "dir-1", "status": "RUNNING"}, {"a"}),
        ({"created_at_on_or_after": "2023-11-14T22:13:21Z"}, {"b", "c"}),
        ({"created_at_on_or_before": "2023-11-14T22:13:21Z"}, {"a", "b"}),
        ({"created_at_on_or_after": "2023-11-14T23:13:22+01:00"}, {"c"}),
        ({"created_at_on_or_after": "2023-11-14T22:13:22"}, {"c"}),
        ({"organization_id": OTHER_PROJECT_ID, "unheard_of": "x"}, {"a", "b", "c"}),
    ],
)
def test_filters_narrow_the_batches(
    world: World, v2_client: httpx.Client, params: Mapping[str, str], expected: set[str]
) -> None:
    """Filters can be combined, ranges include their limits, and times without a zone are UTC."""
    add_three_kinds(world)
    assert ids(v2_client.get("/batches", params=params)) == expected


@pytest.mark.parametrize("path", ["/parse", "/extract"])
def test_file_jobs_are_requested_by_ids(world: World, v2_client: httpx.Client, path: str) -> None:
    """Ids that are unknown, of the other type or of another project are left out."""
    for kind in ("parse_v2", "extract_v2"):
        for number in range(3):
            world.add_file_job(SimulatedFileJob(f"{kind}-{number}", kind))
        world.add_file_job(SimulatedFileJob(f"{kind}-3", kind, project_id=OTHER_PROJECT_ID))
    requested_ids = [f"{kind}-{n}" for kind in ("parse_v2", "extract_v2") for n in (0, 2, 3, 4)]
    own = f"{path[1:]}_v2"
    answer = v2_client.get(path, params={"job_ids": [*requested_ids, requested_ids[0]]})
    assert ids(answer) == {f"{own}-0", f"{own}-2"}
    assert len(rows(answer)) == 2
    assert ids(v2_client.get(path)) == {f"{own}-{n}" for n in (0, 1, 2)}
    world.remove_file_job(f"{own}-0")
    assert ids(v2_client.get(path, params={"job_ids": requested_ids})) == {f"{own}-2"}


@pytest.mark.parametrize(
    ("path", "params", "expected"),
    [
        ("/parse", {"status": "FAILED"}, {"pjb-1-00002"}),
        ("/extract", {"status": "THROTTLED"}, {"ext-2-00002"}),
        ("/extract", {"file_input": "dfl-2-00001"}, {"ext-2-00001"}),
        ("/extract", {"document_input_value": "dfl-2-00001"}, {"ext-2-00001"}),
        ("/extract", {"document_input_type": "file_id"}, {"ext-2-00001", "ext-2-00002"}),
        ("/extract", {"document_input_type": "parse_job_id"}, set()),
        ("/extract", {"configuration_id": "cfg-other"}, set()),
        ("/parse", {"created_at_on_or_after": "2027-01-15T08:00:01Z"}, set()),
    ],
)
def test_filters_narrow_the_file_jobs(
    world: World,
    v2_client: httpx.Client,
    path: str,
    params: Mapping[str, str],
    expected: set[str],
) -> None:
    """Each list has its own parameters."""
    world.add_batch(SimulatedBatch("bat-1", files=files_of("1", completed=1, failed=1)))
    files = files_of("2", "extract_v2", completed=1, throttled=1)
    world.add_batch(SimulatedBatch("bat-2", job_type="extract_v2", files=files))
    assert ids(v2_client.get(path, params=params)) == expected


def test_a_list_may_ignore_the_ids(
    world: World, simulator: Simulator, v2_client: httpx.Client
) -> None:
    """Then it contains rows that were not requested."""
    world.add_batch(SimulatedBatch("bat-1", files=files_of("1", completed=2)))
    simulator.v2 = V2Style(ignore_job_ids=True)
    answer = v2_client.get("/parse", params={"job_ids": "pjb-1-00001"})
    assert ids(answer) == {"pjb-1-00001", "pjb-1-00002"}


@pytest.mark.parametrize("path", ["/batches", ANY_BATCH, "/parse", "/extract"])
@pytest.mark.parametrize("headers", [{}, {"authorization": "Bearer wrong"}])
def test_no_or_an_unknown_key_answers_401(
    base_url: str, path: str, headers: Mapping[str, str]
) -> None:
    """A client without a key learns nothing."""
    url = f"{base_url}/api/v2{path}"
    answer = httpx.get(url, headers=headers, trust_env=False, verify=tls_context())
    assert (answer.status_code, answer.json()) == (401, {"detail": "Not authenticated"})


def test_a_key_reads_its_own_projects_only(world: World, v2_client: httpx.Client) -> None:
    """Without project_id, the key's default project is used; other projects answer 404."""
    world.add_key("llx-test", DEFAULT_PROJECT_ID, OTHER_PROJECT_ID)
    for number, project_id in enumerate((DEFAULT_PROJECT_ID, OTHER_PROJECT_ID)):
        files = files_of(f"{number}", running=1)
        world.add_batch(SimulatedBatch(f"bat-{number}", project_id=project_id, files=files))
    other = {"project_id": OTHER_PROJECT_ID}
    assert ids(v2_client.get("/batches")) == {"bat-0"}
    assert ids(v2_client.get("/batches", params=other)) == {"bat-1"}
    assert ids(v2_client.get("/parse", params=other)) == {"pjb-1-00001"}
    assert v2_client.get("/batches/bat-1", params=other).status_code == 200
    hidden = v2_client.get("/batches/bat-1")
    assert (hidden.status_code, hidden.json()) == (404, {"detail": "Batch not found"})
    strange = v2_client.get("/batches", params={"project_id": STRANGE_PROJECT_ID})
    assert (strange.status_code, strange.json()) == (404, {"detail": "Project not found"})


def test_a_removed_batch_answers_404_and_its_file_jobs_stay(
    world: World, v2_client: httpx.Client
) -> None:
    """In LlamaCloud, too, file jobs are independent resources."""
    world.add_batch(SimulatedBatch("bat-1", files=files_of("1", completed=1)))
    world.remove_batch("bat-1")
    assert ids(v2_client.get("/batches")) == set()
    assert v2_client.get(ANY_BATCH).status_code == 404
    assert ids(v2_client.get("/parse")) == {"pjb-1-00001"}


@pytest.mark.parametrize(
    ("path", "params", "problem_type"),
    [
        ("/batches", {"page_size": "0"}, "greater_than_equal"),
        ("/batches", {"page_size": "101"}, "less_than_equal"),
        ("/parse", {"page_size": "1000"}, "less_than_equal"),
        ("/extract", {"page_size": "many"}, "int_parsing"),
        ("/batches", {"status": "running"}, "literal_error"),
        ("/parse", {"status": "THROTTLED"}, "literal_error"),
        ("/batches", {"created_at_on_or_after": "yesterday"}, "datetime_from_date_parsing"),
        ("/batches", {"project_id": f"prj-{DEFAULT_PROJECT_ID}"}, "uuid_parsing"),
        (ANY_BATCH, {"organization_id": "ours"}, "uuid_parsing"),
    ],
)
def test_bad_parameters_answer_422(
    world: World, v2_client: httpx.Client, path: str, params: Mapping[str, str], problem_type: str
) -> None:
    """The response names the parameter in FastAPI's format."""
    world.add_batch(SimulatedBatch("bat-1"))
    answer = v2_client.get(path, params=params)
    assert answer.status_code == 422
    (problem,) = answer.json()["detail"]
    assert problem["loc"] == ["query", *params]
    assert (problem["type"], problem["input"]) == (problem_type, next(iter(params.values())))


def test_too_many_ids_are_refused(simulator: Simulator, v2_client: httpx.Client) -> None:
    """The status is 422, or 414 for a URL that is too long; the maximum is accepted."""
    simulator.v2 = V2Style(max_job_ids=2)
    refused = v2_client.get("/parse", params={"job_ids": ["a", "b", "c"]})
    (problem,) = refused.json()["detail"]
    assert (refused.status_code, problem["loc"]) == (422, ["query", "job_ids"])
    assert problem["msg"] == "List should have at most 2 items after validation, not 3"
    assert v2_client.get("/parse", params={"job_ids": ["a", "b"]}).status_code == 200
    simulator.v2.too_many_job_ids_code = 414
    assert v2_client.get("/extract", params={"job_ids": ["a", "b", "c"]}).status_code == 414


def test_the_style_shapes_statuses_and_project_ids(
    world: World, simulator: Simulator, v2_client: httpx.Client
) -> None:
    """As in v1beta, they are in lower case and without prefix; filters still accept upper case."""
    simulator.v2 = V2Style(lower_case_statuses=True, project_id_prefix="")
    world.add_batch(SimulatedBatch("bat-1", files=files_of("1", failed=1)))
    upper_case = ({"status": "RUNNING"}, {"status": "FAILED"})
    (batch,) = rows(v2_client.get("/batches", params=upper_case[0]))
    (job,) = rows(v2_client.get("/parse", params=upper_case[1]))
    assert (batch["status"], job["status"]) == ("running", "failed")
    assert {batch["project_id"], job["project_id"]} == {DEFAULT_PROJECT_ID}


def test_overrides_are_laid_over_every_row(world: World, v2_client: httpx.Client) -> None:
    """A test can send any value in any field, or leave a field out."""
    job = SimulatedFileJob("pjb-1", overrides={"status": "NEW", "updated_at": OMIT})
    reference = {"type": "translate_v9", "id": "tra-1"}
    file = SimulatedFile("dfl-1", job, overrides={"job_reference": reference})
    overrides = {"config": None, "created_at": OMIT}
    world.add_batch(SimulatedBatch("bat-1", status="COMPLETED", files=[file], overrides=overrides))
    batch = v2_client.get(ANY_BATCH, params={"expand": "results"}).json()
    assert (batch["config"], "created_at" in batch) == (None, False)
    assert [row["job_reference"] for row in batch["results"]] == [reference]
    (row,) = rows(v2_client.get("/parse"))
    assert (row["status"], "updated_at" in row) == ("NEW", False)


@pytest.mark.parametrize("code", [404, 410, 501])
@pytest.mark.parametrize("gone", ["v1beta", "v2"])
def test_a_generation_vanishes_and_returns(
    world: World,
    simulator: Simulator,
    client: httpx.Client,
    v2_client: httpx.Client,
    *,
    gone: Literal["v1beta", "v2"],
    code: int,
) -> None:
    """All its endpoints answer with the code, and the other generation is not affected."""
    world.add_job(SimulatedJob("job-1"))
    world.add_batch(SimulatedBatch("bat-1"))
    ways = {
        "v1beta": (client, ("/batch-processing", "/batch-processing/job-1")),
        "v2": (v2_client, ("/batches", ANY_BATCH, "/parse", "/extract")),
    }

    def codes() -> dict[str, set[int]]:
        return {
            version: {asking.get(path).status_code for path in paths}
            for version, (asking, paths) in ways.items()
        }

    simulator.withdrawn[gone] = code
    assert codes() == {"v1beta": {200}, "v2": {200}} | {gone: {code}}
    del simulator.withdrawn[gone]
    assert codes() == {"v1beta": {200}, "v2": {200}}


@pytest.mark.parametrize(
    ("path", "endpoint"),
    [
        ("/batches", "list_batches"),
        (ANY_BATCH, "batch"),
        ("/parse", "list_parse_jobs"),
        ("/extract", "list_extract_jobs"),
    ],
)
def test_faults_hit_one_endpoint(
    world: World, simulator: Simulator, v2_client: httpx.Client, path: str, endpoint: Any
) -> None:
    """As in v1beta, a fault may also be limited to one batch."""
    world.add_batch(SimulatedBatch("bat-1"))
    job_id = "bat-1" if endpoint == "batch" else None
    simulator.faults.add(Fault("status", code=503, endpoint=endpoint, job_id=job_id))
    for requested in ("/batches", ANY_BATCH, "/parse", "/extract"):
        assert v2_client.get(requested).status_code == (503 if requested == path else 200)


def test_requests_are_recorded_with_the_requested_ids(
    world: World, simulator: Simulator, v2_client: httpx.Client
) -> None:
    """A test can see each request, its key's project, and its response."""
    world.add_batch(SimulatedBatch("bat-1"))
    v2_client.get(ANY_BATCH, params={"expand": "results"})
    v2_client.get("/parse", params={"job_ids": ["pjb-1", "pjb-2"], "page_size": 2})
    v2_client.get("/extract")
    v2_client.get("/batches", params={"page_size": 0})
    seen = [
        (one.endpoint, one.job_id, one.params, one.job_ids, one.status)
        for one in simulator.requests
    ]
    assert seen == [
        ("batch", "bat-1", {"expand": "results"}, [], 200),
        ("list_parse_jobs", None, {"page_size": "2"}, ["pjb-1", "pjb-2"], 200),
        ("list_extract_jobs", None, {}, [], 200),
        ("list_batches", None, {"page_size": "0"}, [], 422),
    ]


def test_both_generations_share_a_keys_limit(
    simulator: Simulator, client: httpx.Client, v2_client: httpx.Client
) -> None:
    """A plan limits all requests of a key together."""
    simulator.rate_limit = RateLimit(2, clock=lambda: 0.0)
    answers = [
        client.get("/batch-processing"),
        v2_client.get("/parse"),
        v2_client.get("/batches"),
        client.get("/batch-processing"),
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 429, 429]


def test_a_hundred_file_jobs_are_found_among_thousands(
    world: World, simulator: Simulator, v2_client: httpx.Client
) -> None:
    """One page contains them all."""
    for name in ("a", "b", "c"):
        world.add_batch(SimulatedBatch(f"bat-{name}", files=files_of(name, running=1000)))
    requested_ids = [f"pjb-b-{number:05d}" for number in range(1, 101)]
    answer = v2_client.get("/parse", params={"job_ids": requested_ids, "page_size": 100})
    assert ids(answer) == set(requested_ids)
    assert requested_ids == simulator.requests[0].job_ids
