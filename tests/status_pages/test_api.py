"""The JSON for scripts, and the file that describes it."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
import yaml
from jsonschema import Draft202012Validator

from exporter.domain import ApiVersion, ErrorReason, ItemStatus, JobStatus, JobType
from exporter.exposition import FAMILIES as BATCH_FAMILIES
from exporter.pages.selection import SORTS, STATUSES
from exporter.telemetry import FAMILIES as EXPORTER_FAMILIES
from tests.support.serving import Exporter, request
from tests.support.status_reports import (
    NOW,
    SECRET,
    empty_status,
    failure,
    full_report,
    listed_status,
    report,
    running_job,
)

STATUS, JOBS, OPENAPI = "/api/v1/status", "/api/v1/jobs", "/api/v1/openapi.yaml"
HOSTILE = '</script><b>"\\\n\x00\u2028\U0001f999'


@pytest.fixture
def described(address: str) -> dict[str, Any]:
    """Return the description that the exporter serves."""
    answer = request(address, OPENAPI)
    assert (200, "application/yaml") == (answer.status, answer.headers["content-type"])
    description: dict[str, Any] = yaml.safe_load(answer.body)
    return description


def get(address: str, path: str) -> Any:
    answer = request(address, path)
    assert (200, "application/json") == (answer.status, answer.headers["content-type"])
    return json.loads(answer.body)


def check(described: dict[str, Any], schema: str, answer: object) -> None:
    """Check an answer against one of the schemas that are described."""
    whole = {"$ref": f"#/components/schemas/{schema}", "components": described["components"]}
    Draft202012Validator(whole).validate(answer)


def fields_in(value: object) -> set[str]:
    """Return the names of all fields in an answer."""
    if isinstance(value, list):
        return set().union(*map(fields_in, value))
    return set(value).union(*map(fields_in, value.values())) if isinstance(value, dict) else set()


def test_answers_are_as_described_whatever_is_known(
    exporter: Exporter, address: str, described: dict[str, Any]
) -> None:
    """Of a project in its first seconds, of a usual one, and of one that has it all."""
    usual = report(listed_status("usual", running_job()))
    refused = empty_status("refused", listing_was_tried=True, listing_failure=failure())
    exporter.reports = [report(empty_status()), usual, report(refused), full_report(text=HOSTILE)]
    status, jobs = get(address, STATUS), get(address, JOBS)
    check(described, "Status", status)
    check(described, "Jobs", jobs)
    assert (4, 4) == (len(status["projects"]), jobs["total"])


def test_every_field_that_is_described_is_answered(address: str, described: dict[str, Any]) -> None:
    """None of them is only promised."""
    answered = fields_in(get(address, STATUS)) | fields_in(get(address, JOBS))
    promised = {
        name
        for schema_name, schema in described["components"]["schemas"].items()
        if schema_name != "BadQuery"
        for name in schema.get("properties", ())
    }
    assert promised == answered - {*map(str, ItemStatus), "timeout", "other"}


def test_what_can_be_requested_is_described(described: dict[str, Any]) -> None:
    """Statuses and fields to sort by, and the words of the domain."""
    schemas, jobs = described["components"]["schemas"], described["paths"][JOBS]["get"]
    parameters = {each["name"]: each["schema"] for each in jobs["parameters"]}
    assert [*STATUSES] == parameters["status"]["enum"]
    assert [*SORTS] == re.findall(r"\w+", parameters["sort"]["pattern"])
    assert [*JobStatus] == schemas["JobStatus"]["enum"]
    assert [*JobType] == schemas["Job"]["properties"]["job_type"]["enum"]
    assert [*ItemStatus] == schemas["Job"]["properties"]["items"]["propertyNames"]["enum"]
    assert [*ErrorReason] == schemas["Problem"]["properties"]["reason"]["enum"]
    api_versions = {
        name: schema["properties"]["api_version"]["enum"]
        for name, schema in schemas.items()
        if "api_version" in schema.get("properties", ())
    }
    assert {name: [*ApiVersion] for name in ("Api", "Problem", "Job")} == api_versions


def test_fields_are_named_as_metrics_where_there_is_one(described: dict[str, Any]) -> None:
    """A client that knows one knows the other."""
    metrics = {family.name for family in (*BATCH_FAMILIES, *EXPORTER_FAMILIES)}
    schemas = described["components"]["schemas"]
    named = {
        prefix + name
        for prefix, schema in (
            ("llamacloud_batch_job_", "Job"),
            ("llamacloud_exporter_", "Project"),
            ("llamacloud_batch_", "Project"),
            ("llamacloud_exporter_", "Api"),
        )
        for name in schemas[schema]["properties"]
    }
    jobs = {m for m in metrics if m.startswith("llamacloud_batch_job_")}
    assert jobs - named == {"llamacloud_batch_job_info"}
    assert len(metrics & named) > 25


def test_the_status_says_what_is_wrong_and_what_to_do(address: str) -> None:
    """In the words of the log, and without the key."""
    answer = get(address, STATUS)
    (project,) = answer["projects"]
    assert ("1.2.3", True) == (answer["version"], answer["nothing_listed"])
    assert (False, False, True) == (
        project["project_up"],
        project["project_authenticated"],
        project["stale"],
    )
    listing, stale, truncated, aside = project["problems"]
    assert ("project.listing_failed", "unauthorized") == (listing["event"], listing["reason"])
    assert listing["detail"] == "HTTP 401: Müller.pdf [redacted]"
    assert listing["advice"].startswith("look at the project's members; it is tried less")
    assert stale["advice"].startswith("its active jobs are withdrawn until it is listed again;")
    assert truncated["advice"].startswith("jobs may be missing: raise poll.max_pages")
    assert ("api.set_aside", "v2", "not_found") == (
        aside["event"],
        aside["api_version"],
        aside["reason"],
    )
    assert (0.25, 0.125, 7) == (
        project["api_budget_limit_requests_per_second"],
        project["api_budget_requests_per_second"],
        project["requests_in_last_minute"],
    )


def test_a_job_has_its_numbers_its_changes_and_its_failed_items(address: str) -> None:
    """Nothing of it holds the key."""
    answer = request(address, f"{JOBS}?search=job-2")
    assert SECRET not in answer.body.decode()
    (job,) = json.loads(answer.body)["jobs"]
    assert (2, 2, {"timeout": 1, "other": 1}) == (
        job["failed_items"],
        job["items"]["failed"],
        job["item_failures"],
    )
    assert [
        {"status": "pending", "timestamp_seconds": NOW - 100},
        {
            "status": "running",
            "timestamp_seconds": NOW - 50,
            "error_message": "Müller.pdf [redacted]",
        },
    ] == job["status_changes"]
    assert [
        {
            "item_id": "item-1",
            "reason": "timeout",
            "item_name": "Müller.pdf",
            "error_message": "TIMEOUT: Müller.pdf [redacted]",
        },
        {"item_id": "item-2"},
    ] == job["last_failed_items"]


def test_documents_are_left_out_where_the_log_leaves_them_out(
    exporter: Exporter, address: str
) -> None:
    """Ids, codes and counts stay."""
    status = full_report(text="Muster.pdf").status
    refused = failure("bad_response", "HTTP 400: Muster.pdf", detail_without_texts="HTTP 400")
    known = listed_status(
        "default",
        *status.jobs,
        status_changes=status.status_changes,
        failed_items=status.failed_items,
        listing_failure=refused,
    )
    exporter.reports = [report(known, shows_documents=False)]
    answers = get(address, STATUS), get(address, JOBS)
    assert answers[0]["projects"][0]["problems"][0]["detail"] == "HTTP 400"
    (job,) = [job for job in answers[1]["jobs"] if job["job_id"] == "job-2"]
    assert [{"item_id": "item-1", "reason": "timeout"}, {"item_id": "item-2"}] == (
        job["last_failed_items"]
    )
    del job["directory_id"], job["configuration_id"]
    assert "Muster" not in json.dumps([answers[0], job])


def test_long_texts_are_cut(exporter: Exporter, address: str, described: dict[str, Any]) -> None:
    """As in the log."""
    exporter.reports = [full_report(text="x" * 5_000)]
    check(described, "Status", get(address, STATUS))
    (job, *_) = get(address, JOBS)["jobs"]
    assert 1_000 == len(job["last_failed_items"][0]["error_message"])


def test_a_job_that_hardly_began_is_answered(exporter: Exporter, address: str) -> None:
    """JSON has no infinity, and one odd number must not take the other jobs away."""
    exporter.reports = [report(listed_status("a", running_job(progress_ratio=1e-320)))]
    (job,) = get(address, JOBS)["jobs"]
    assert "estimated_end_timestamp_seconds" not in job


def test_nothing_is_stored_on_the_way(address: str) -> None:
    """What is old is worse than nothing."""
    for path in (STATUS, JOBS, f"{JOBS}?page=x"):
        headers = request(address, path).headers
        assert ("no-store", "nosniff") == (
            headers["cache-control"],
            headers["x-content-type-options"],
        )


def test_a_query_that_cannot_be_answered_is_refused(
    address: str, described: dict[str, Any]
) -> None:
    """The answer says which values are known."""
    answer = request(address, f"{JOBS}?per_page=1000")
    assert 400 == answer.status
    assert {"detail": "per_page must be a number from 1 to 500"} == json.loads(answer.body)
    check(described, "BadQuery", json.loads(answer.body))


def test_a_script_reads_all_jobs_page_by_page(exporter: Exporter, address: str) -> None:
    """Each once, whatever their ids are."""
    wanted = {f"job-{number}/?&=#\N{LLAMA}" for number in range(25)}
    exporter.reports = [report(listed_status("invoices", *map(running_job, wanted)))]
    seen: list[str] = []
    page, pages = 1, 1
    while page <= pages:
        answer = get(address, f"{JOBS}?per_page=10&page={page}")
        seen += [job["job_id"] for job in answer["jobs"]]
        page, pages = page + 1, answer["pages"]
    assert (3, 25, wanted) == (pages, len(seen), set(seen))
    assert [] == get(address, f"{JOBS}?per_page=10&page=4")["jobs"]


@pytest.mark.parametrize(
    ("failures", "words"),
    [
        ([failure(), failure("no_key")], "Ready, but no project could be listed: "),
        ([failure(), None], "ok\n"),
        ([None, None], "ok\n"),
        ([], "ok\n"),
    ],
)
def test_ready_says_whether_anything_is_listed(
    exporter: Exporter, address: str, failures: list[Any], words: str
) -> None:
    """An exporter whose projects are all refused is ready, and says that it shows nothing."""
    exporter.reports = [
        report(listed_status(f"p-{number}", listing_failure=each))
        for number, each in enumerate(failures)
    ]
    answer = request(address, "/-/ready")
    assert 200 == answer.status
    assert answer.body.decode().startswith(words)
    nothing_listed = get(address, STATUS)["nothing_listed"]
    assert nothing_listed == words.startswith("Ready, but")
