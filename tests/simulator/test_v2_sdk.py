"""The vendor's newest SDK, in an environment of its own, reads the simulator without errors."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import (
    DEFAULT_PROJECT_ID,
    DEMO_PROJECTS,
    Fault,
    Scenario,
    SimulatedBatch,
    Simulator,
    TokenPaging,
    V2Style,
    World,
    extract_result,
    files_of,
)
from tests.support.tools import require_tool

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Call = Callable[..., Any]

ROOT = Path(__file__).parents[2]
PROGRAM = Path(__file__).with_name("sdk_calls.py")
# The Makefile, which builds it, passes its path to tests that run elsewhere.
SDK_PYTHON = os.environ.get("SDK_PYTHON", str(ROOT / ".venv-sdk" / "bin" / "python"))


class SdkError(Exception):
    """The SDK raised an error, with its class, status code and parsed body."""


class Sdk:
    """The process that runs the newest SDK."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.about = self._read()

    def call(self, name: str, base_url: str, *arguments: Any, key: str, **options: Any) -> Any:
        """Call a method of the SDK's client, and return its result as JSON."""
        order = {
            "base_url": base_url,
            "api_key": key,
            "call": name,
            "arguments": arguments,
            "options": options,
        }
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        outcome = self._read()
        if "error" in outcome:
            raise SdkError(outcome["error"], outcome["code"], outcome["body"])
        return outcome["returned"]

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        line = self._process.stdout.readline()
        assert line, self._process.stderr.read()
        words: dict[str, Any] = json.loads(line)
        return words


@pytest.fixture(scope="module")
def sdk() -> Iterator[Sdk]:
    """Start the SDK once, as that takes most of a second; at the end its log must be empty."""
    command = [require_tool(SDK_PYTHON), "-I", "-W", "error", str(PROGRAM)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Sdk(process)
            _, complaints = process.communicate(timeout=10)
            assert (0, "") == (process.returncode, complaints)
        finally:
            process.kill()


@pytest.fixture
def call(sdk: Sdk, base_url: str) -> Call:
    """Call the SDK's client of this test's simulator."""

    def call(name: str, *arguments: Any, key: str = "llx-test", **options: Any) -> Any:
        return sdk.call(name, base_url, *arguments, key=key, **options)

    return call


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [row["id"] for row in found]


def test_it_is_the_newest_release_and_has_v2_alone(sdk: Sdk) -> None:
    """It is the locked one; without v1beta in it, the v1beta tests use another."""
    locked = re.search(
        r"^llama-cloud==(\S+)", (ROOT / "requirements-sdk.lock").read_text(), re.MULTILINE
    )
    assert locked is not None
    assert {"version": locked[1], "has_v1beta": False} == sdk.about


@pytest.mark.parametrize("trailing_token", [False, True])
def test_its_pager_lists_all_batches(
    world: World, simulator: Simulator, call: Call, *, trailing_token: bool
) -> None:
    """It reads several pages to their end, which may be an empty one, and each batch once."""
    simulator.batches_paging = TokenPaging(trailing_token=trailing_token)
    for number in range(25):
        world.add_batch(SimulatedBatch(f"bat-{number}", created_at=1000.0 + number))
    listed = ids(call("batches.list", page_size=10))
    assert listed == [f"bat-{number}" for number in reversed(range(25))]


def test_it_filters_batches(world: World, call: Call) -> None:
    """The simulator supports the SDK's own parameters."""
    for name, status in (("a", "THROTTLED"), ("b", "RUNNING"), ("c", "THROTTLED")):
        world.add_batch(SimulatedBatch(name, status=status, source_directory_id=f"dir-{name}"))
    world.batches["c"].created_at = 1_700_000_000.0
    after = "2024-01-01T00:00:00Z"
    assert ids(call("batches.list", status="THROTTLED", created_at_on_or_after=after)) == ["a"]
    assert ids(call("batches.list", source_directory_id="dir-b")) == ["b"]
    assert ids(call("batches.list", project_id=DEFAULT_PROJECT_ID, created_at_on_or_before=after))


def test_it_reads_a_batch_and_its_file_jobs(world: World, call: Call) -> None:
    """Results refer to jobs, which are requested by id; everything arrives as it was added."""
    files = files_of("1", completed=2, failed=1, mapping_errors=1, unmapped=1)
    world.add_batch(SimulatedBatch("bat-1", status="COMPLETED", files=files, created_at=5.5))
    assert call("batches.get", "bat-1")["results"] is None
    batch = call("batches.get", "bat-1", expand=["results"])
    assert batch["created_at"] == "1970-01-01T00:00:05.500000Z"
    references = [entry["job_reference"] for entry in batch["results"]]
    requested_ids = [reference["id"] for reference in references if reference]
    assert requested_ids == ["pjb-1-00001", "pjb-1-00002", "pjb-1-00003"]
    jobs = call("parsing.list", job_ids=requested_ids[1:], page_size=1)
    assert {"pjb-1-00002": "COMPLETED", "pjb-1-00003": "FAILED"} == {
        job["id"]: job["status"] for job in jobs
    }


def test_it_reads_extract_jobs_with_their_results(world: World, call: Call) -> None:
    """One of them is throttled, a status that parse jobs do not have."""
    completed, throttled = files_of("1", "extract_v2", completed=1, throttled=1)
    assert completed.job is not None
    completed.job.extract_result = extract_result(100_000)
    world.add_batch(SimulatedBatch("bat-1", job_type="extract_v2", files=[completed, throttled]))
    jobs = {job["id"]: job for job in call("extract.list", expand=["configuration"])}
    assert jobs["ext-1-00001"]["extract_result"] == completed.job.extract_result
    assert jobs["ext-1-00002"]["status"] == "THROTTLED"
    assert ids(call("extract.list", status="THROTTLED", file_input="dfl-1-00002")) == [
        "ext-1-00002"
    ]


def test_it_reads_all_of_the_demo(world: World, call: Call) -> None:
    """Every batch and every file job of every demo project passes the SDK's own checks."""
    Scenario(world)
    for project in DEMO_PROJECTS:
        project_id = project.project_id
        batches = call("batches.list", key=project.key, project_id=project_id, page_size=100)
        assert len(batches) == len(world.batches_of(project_id))
        referenced = set()
        for batch in batches:
            batch_id = batch["id"]
            shown = call("batches.get", batch_id, key=project.key, expand=["results"])["results"]
            assert len(shown or []) in {0, len(world.batches[batch_id].files)}
            referenced |= {
                entry["job_reference"]["id"] for entry in shown or [] if entry["job_reference"]
            }
        lists = [
            call(f"{kind}.list", key=project.key, page_size=100) for kind in ("parsing", "extract")
        ]
        assert referenced <= {job["id"] for jobs in lists for job in jobs}
        assert bool(referenced) == bool(project.batch_types)


@pytest.mark.parametrize("method", ["batches.list", "parsing.list"])
def test_it_reports_what_is_not_documented(
    world: World, simulator: Simulator, call: Call, method: str
) -> None:
    """This shows that the other tests would detect deviations."""
    world.add_batch(SimulatedBatch("bat-1", files=files_of("1", running=1)))
    simulator.v2 = V2Style(lower_case_statuses=True)
    with pytest.raises(SdkError) as caught:
        call(method)
    assert ("APIResponseValidationError", 200) == caught.value.args[:2]


@pytest.mark.parametrize(
    ("code", "error"),
    [(401, "AuthenticationError"), (404, "NotFoundError"), (503, "InternalServerError")],
)
def test_it_understands_errors(simulator: Simulator, call: Call, code: int, error: str) -> None:
    """It raises its own kinds of errors, with LlamaCloud's body."""
    simulator.faults.add(Fault("status", code=code))
    with pytest.raises(SdkError) as caught:
        call("batches.list")
    assert (error, code) == caught.value.args[:2]
    assert "detail" in caught.value.args[2]


def test_it_understands_a_generation_that_has_vanished(simulator: Simulator, call: Call) -> None:
    """The error is that of a resource that was not found."""
    simulator.withdrawn["v2"] = 404
    with pytest.raises(SdkError) as caught:
        call("parsing.list")
    assert ("NotFoundError", 404, {"detail": "Not Found"}) == caught.value.args


def test_it_understands_bad_parameters(call: Call) -> None:
    """A page size over the maximum is refused as by the real server."""
    with pytest.raises(SdkError) as caught:
        call("extract.list", page_size=101)
    error, code, body = caught.value.args
    assert ("UnprocessableEntityError", 422) == (error, code)
    assert ["query", "page_size"] == body["detail"][0]["loc"]
