"""The soak knows what must be left out of odd answers, and detects if it is not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from starlette.responses import JSONResponse

from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.left_out import Unreadable
from exporter.llamacloud.v1beta.items import read_items
from exporter.llamacloud.v1beta.jobs import read_jobs, read_status
from exporter.llamacloud.v2.decoding import read_batch, read_batches
from exporter.llamacloud.v2.file_job_decoding import read_extract_jobs, read_parse_jobs
from exporter.simulator import (
    Fault,
    Paging,
    RecordedRequest,
    SimulatedBatch,
    SimulatedJob,
    Simulator,
    V2Style,
    World,
    files_of,
    items_of,
)
from exporter.simulator.endpoints import PATHS
from exporter.simulator.listings import items_listing, jobs_listing
from exporter.simulator.odd_rows import OddRow, with_odd_row
from exporter.simulator.queries import ItemsQuery, JobsQuery
from exporter.simulator.rows import status_answer
from exporter.simulator.v2.rows import batch_row, extract_job_row, parse_job_row
from tests.soak import oddities
from tests.soak.births import seeded
from tests.soak.exposition import Exposition, series
from tests.soak.ledger import Ledger
from tests.soak.log_truth import Log, wrong_left_out_lines
from tests.soak.oddities import ROW
from tests.soak.poll_truth import not_partial
from tests.soak.projects import PROJECTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.simulator.faults import Endpoint

PROJECT = PROJECTS[0]
ENDPOINTS: tuple[Endpoint, ...] = tuple(PATHS)


def request(endpoint: Endpoint, odd_row: OddRow | None, **facts: Any) -> RecordedRequest:
    params = {"project_id": PROJECT.project_id, "offset": "0"}
    facts = {"job_id": None, "status": 200, **facts}
    return RecordedRequest(
        endpoint=endpoint, params=params, user_agent="", odd_row=odd_row, **facts
    )


def right_answer(endpoint: Endpoint) -> dict[str, Any]:
    items = items_of("job-1", completed=1, failed=1)
    job = SimulatedJob("job-1", items=items, created_at=1_790_000_000.0)
    if endpoint == "list_jobs":
        return jobs_listing([job], JobsQuery(), Paging())
    if endpoint == "list_items":
        return items_listing(job, ItemsQuery(), Paging(order="oldest"))
    if endpoint == "job_status":
        return status_answer(job)
    return right_answer_of_v2(endpoint)


def right_answer_of_v2(endpoint: Endpoint) -> dict[str, Any]:
    """Return an answer whose second row is a failed one."""
    kind: Any = "extract_v2" if endpoint == "list_extract_jobs" else "parse_v2"
    files = files_of("bat-1", kind, completed=1, failed=1)
    mapped = files_of("bat-1", completed=1, mapping_errors=1)
    batch = SimulatedBatch("bat-1", status="COMPLETED", files=mapped, created_at=1_790_000_000.0)
    if endpoint == "batch":
        return batch_row(batch, V2Style(), expanded=True)
    if endpoint == "list_batches":
        return {"items": [batch_row(batch, V2Style())] * 2}
    row = extract_job_row if endpoint == "list_extract_jobs" else parse_job_row
    return {"items": [row(file.job, V2Style()) for file in files if file.job]}


READERS: dict[Endpoint, Callable[[bytes], Any]] = {
    "list_jobs": read_jobs,
    "job_status": read_status,
    "list_items": read_items,
    "list_batches": read_batches,
    "batch": read_batch,
    "list_parse_jobs": read_parse_jobs,
    "list_extract_jobs": read_extract_jobs,
}


def unreadable_of(endpoint: Endpoint, body: bytes) -> Unreadable:
    try:
        unreadable: Unreadable = READERS[endpoint](body).unreadable
    except BadResponse:
        # A single batch is then a bad answer, and does not count as left out.
        assert "batch" == endpoint
        return Unreadable()
    return unreadable


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_what_is_left_out_of_each_odd_value_is_known(endpoint: Endpoint) -> None:
    """This is at most one field, or the row."""
    for odd_field, value in oddities.all_values(endpoint):
        answer, odd = with_odd_row(
            JSONResponse(right_answer(endpoint)),
            Fault("odd_row", odd_field=odd_field, body=value, odd_row=0.6),
        )
        unreadable = unreadable_of(endpoint, bytes(answer.body))
        left_out = [*[ROW] * unreadable.rows, *unreadable.fields.elements()]
        expected = oddities.left_out(request(endpoint, odd))
        assert ([] if expected is None else [expected]) == left_out, (odd_field, value)


@pytest.mark.parametrize(
    ("endpoint", "body", "expected"),
    [
        ("list_jobs", {"items": [{"id": 1}]}, ROW),
        ("list_items", {"items": [{"id": 1}]}, ROW),
        ("list_items", {"items": None}, None),
        ("job_status", {"items": None}, ROW),
        ("job_status", [], None),
        ("list_batches", {"items": [{"id": 1}]}, ROW),
        ("list_parse_jobs", {"items": [{"id": 1}]}, ROW),
        ("list_extract_jobs", {"items": None}, None),
        ("batch", {"items": [{"id": 1}]}, None),
    ],
)
def test_an_object_of_another_shape_may_lack_a_row(
    endpoint: Endpoint, body: object, expected: str | None
) -> None:
    """A status answer lacks its job, a list may hold non-rows, and nothing is left of a batch."""
    fault = Fault("wrong_shape", body=body)
    assert expected == oddities.left_out(request(endpoint, None, fault=fault))


def test_odd_values_are_drawn_for_every_field_and_endpoint() -> None:
    """The seed alone decides."""
    drawn = [oddities.draw(seeded(1, "odd")) for _ in range(3)]
    assert drawn[0] == drawn[1]
    random = seeded(1, "odd")
    faults = [oddities.draw(random, may_be_slow=True) for _ in range(3000)]
    fields = {(fault.endpoint, fault.odd_field) for fault in faults}
    assert fields == {(e, field) for e in ENDPOINTS for field, _ in oddities.all_values(e)}


UNREADABLE = OddRow("job-1", "processed_items", -1)
NO_ROW = OddRow("job-1", None, 5)


def ledger_of(*requests: RecordedRequest) -> Ledger:
    simulator = Simulator(World())
    simulator.requests = list(requests)
    ledger = Ledger(simulator)
    ledger.drain()
    return ledger


def counted(rows: float = 0.0, fields: float = 0.0) -> Exposition:
    """Return the exporter's counts for one project's listings."""
    listing = {"project": PROJECT.name, "endpoint": "list_jobs"}
    fields_key = series(
        "llamacloud_exporter_unreadable_fields_total", **listing, field="processed_items"
    )
    return Exposition(
        samples={
            series("llamacloud_exporter_unreadable_rows_total", **listing): rows,
        }
        | ({fields_key: fields} if fields else {})
    )


def test_a_row_or_field_that_is_not_counted_is_seen() -> None:
    """So is one that is counted twice, or although nothing was odd."""
    ledger = ledger_of(request("list_jobs", UNREADABLE), request("list_jobs", NO_ROW))
    before = ledger.left_out_by_now()
    assert {"processed_items"} == ledger.odd_fields("job-1")
    assert [] == ledger.wrong_left_out(before, counted(rows=1, fields=1))
    for rows, fields in ((0, 1), (1, 0), (2, 1), (1, 2)):
        assert 1 == len(ledger.wrong_left_out(before, counted(rows, fields)))
    assert 1 == len(ledger_of().wrong_left_out(ledger_of().left_out, counted(rows=1)))


def test_an_odd_answer_that_was_lost_need_not_be_counted() -> None:
    """Connections may break beyond those that faults broke."""
    of = {"project": PROJECT.name, "endpoint": "list_jobs"}
    shown = counted()
    shown.samples[series("llamacloud_exporter_api_requests_total", **of, code="network")] = 1.0
    odd, reset = request("list_jobs", NO_ROW), request("list_jobs", None, fault=Fault("reset"))
    ledger = ledger_of(odd)
    assert [] == ledger.wrong_left_out(ledger.left_out_by_now(), shown)
    ledger = ledger_of(odd, reset)
    assert 1 == len(ledger.wrong_left_out(ledger.left_out_by_now(), shown))


def test_what_is_left_out_is_logged_once_a_project() -> None:
    """Missing, repeated and other lines are reported."""
    of_row = {("invoices", "list_jobs", ROW): 2.0}
    of_both = of_row | {("invoices", "list_items", "item_name"): 3.0}
    of = {"project": "invoices"}
    row = {"event": "api.unreadable_row", "endpoint": "list_jobs", **of}
    items = {"endpoint": "list_items", "field": "item_name", **of}
    field = {"event": "api.unreadable_field", **items}
    assert [] == wrong_left_out_lines(Log([row, field], []), of_both)
    assert 1 == len(wrong_left_out_lines(Log([row], []), of_both))
    assert 1 == len(wrong_left_out_lines(Log([row, field, field], []), of_both))
    assert 1 == len(wrong_left_out_lines(Log([row, field], []), of_row))


def test_a_poll_that_is_not_partial_is_seen() -> None:
    """Its listing lacked a row; a project without jobs has no row that could be odd."""
    key = series("llamacloud_exporter_polls_total", project=PROJECT.name, result="partial")
    before, after = Exposition(samples={key: 3.0}), Exposition(samples={key: 4.0})
    assert [] == not_partial(before, after, [PROJECT])
    (wrong,) = not_partial(before, before, [PROJECT])
    assert f"{PROJECT.name}: 3 polls were partial before a row was odd, and 3 after it" == wrong
    assert [] == not_partial(before, before, [])
