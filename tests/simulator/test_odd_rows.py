"""Normal responses with one odd row, and jobs whose list and status contradict each other."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import (
    Fault,
    SimulatedBatch,
    SimulatedJob,
    Simulator,
    World,
    files_of,
    items_of,
)
from exporter.simulator.odd_rows import OddRow

if TYPE_CHECKING:
    import httpx


@pytest.fixture(autouse=True)
def four_jobs(world: World) -> None:
    """Add four jobs, listed newest first; one of them has four items."""
    for number in range(1, 5):
        job = SimulatedJob(f"job-{number}", created_at=world.clock() + number)
        world.add_job(job)
    job.items = items_of("job-4", completed=4)


def got(client: httpx.Client, path: str = "") -> Any:
    return client.get(f"/batch-processing{path}").json()


@pytest.mark.parametrize(("share", "place"), [(0.0, 0), (0.49, 1), (0.5, 2), (0.99, 3)])
@pytest.mark.parametrize(
    "odd",
    [
        OddRow("job", "error_message", {"code": "E1"}),
        OddRow("job", "processed_items", -1),
        OddRow("job", "id", ""),
        OddRow("job", "not_documented", [[["nested"]]]),
        OddRow("item", "item_name", None),
        OddRow("item", "item_name", "caf\udce9.pdf"),
    ],
)
def test_one_row_of_a_list_has_an_odd_value(
    simulator: Simulator, client: httpx.Client, odd: OddRow, share: float, place: int
) -> None:
    """The fault chooses its position, other rows are true, and the request records the value."""
    path, id_field = ("", "id") if odd.row_id == "job" else ("/job-4/items", "item_id")
    rows = got(client, path)["items"]
    fault = Fault("odd_row", odd_field=odd.field, body=odd.value, odd_row=share)
    simulator.faults.add(fault)
    expected = [dict(row) for row in rows]
    expected[place][str(odd.field)] = odd.value
    assert expected == got(client, path)["items"]
    assert replace(odd, row_id=rows[place][id_field]) == simulator.requests[-1].odd_row


@pytest.mark.parametrize("value", [None, 5, "row", [[]]])
def test_a_row_may_be_no_object(simulator: Simulator, client: httpx.Client, value: object) -> None:
    """This works in a list, and for the job in a status response."""
    simulator.faults.add(Fault("odd_row", body=value, odd_row=0.3))
    assert value == got(client)["items"][1]
    assert {"job": value, "progress_percentage": 0.0} == got(client, "/job-1")
    ids = [request.odd_row and request.odd_row.row_id for request in simulator.requests]
    assert ["job-3", "job-1"] == ids


@pytest.mark.parametrize(
    ("odd_field", "row_id"),
    [("status", "bat-1"), ("results.error_message", "dfl-bat-1-00002"), (None, "bat-1")],
)
def test_a_batch_or_an_entry_of_its_results_has_an_odd_value(
    world: World,
    simulator: Simulator,
    v2_client: httpx.Client,
    odd_field: str | None,
    row_id: str,
) -> None:
    """The response is the batch itself, which holds the entries."""
    files = files_of("bat-1", completed=2)
    world.add_batch(SimulatedBatch("bat-1", status="COMPLETED", files=files))
    parameters = {"expand": "results"}
    expected = v2_client.get("/batches/bat-1", params=parameters).json()
    simulator.faults.add(Fault("odd_row", odd_field=odd_field, body=7, odd_row=0.5))
    if odd_field is None:
        expected = 7
    elif odd_field == "status":
        expected["status"] = 7
    else:
        expected["results"][1]["error_message"] = 7
    assert expected == v2_client.get("/batches/bat-1", params=parameters).json()
    assert OddRow(row_id, odd_field, 7) == simulator.requests[-1].odd_row


def test_results_that_are_null_have_no_odd_entry(
    world: World, simulator: Simulator, v2_client: httpx.Client
) -> None:
    """Results are null unless they are requested."""
    world.add_batch(SimulatedBatch("bat-1", files=files_of("bat-1", completed=2)))
    simulator.faults.add(Fault("odd_row", odd_field="results.error_message", body=7))
    assert v2_client.get("/batches/bat-1").json()["results"] is None
    assert simulator.requests[-1].odd_row is None


def test_an_odd_value_may_be_computed_from_the_true_one(
    simulator: Simulator, client: httpx.Client
) -> None:
    """For example, a word can be changed to another case."""
    simulator.faults.add(Fault("odd_row", odd_field="status", body=str.upper))
    assert "RUNNING" == got(client, "/job-1")["job"]["status"]


def test_an_answer_stays_right_where_nothing_can_be_odd(
    simulator: Simulator, client: httpx.Client
) -> None:
    """This is so without rows, with the same value, and for unknown jobs."""
    simulator.faults.add(Fault("odd_row", odd_field="error_message", body=None))
    paths = ("/job-1", "/job-1/items", "/job-9")
    assert [200, 200, 404] == [client.get(f"/batch-processing{p}").status_code for p in paths]
    assert [None] * 3 == [request.odd_row for request in simulator.requests]
    assert ["odd_row"] * 3 == [r.fault.kind for r in simulator.requests if r.fault]


def test_a_row_beyond_the_list_is_refused() -> None:
    """Such a fault would have no effect."""
    with pytest.raises(ValueError, match=r"a share below 1 of a list, not 1\.0"):
        Fault("odd_row", odd_row=1.0)


def test_list_and_status_may_contradict_each_other(world: World, client: httpx.Client) -> None:
    """Only the status response differs."""
    world.jobs["job-1"].status_overrides = {"status": "pending"}
    assert "running" == got(client)["items"][3]["status"]
    assert "pending" == got(client, "/job-1")["job"]["status"]
