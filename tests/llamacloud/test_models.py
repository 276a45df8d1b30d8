"""What the API answers: strict about what it requires, tolerant of the rest."""

import json
from typing import Any

import pytest

from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.v1beta.models import ItemPage, JobPage, JobStatusAnswer, parse

REQUIRED = {
    "id": "bjb-1",
    "job_type": "parse",
    "project_id": "p-1",
    "status": "running",
    "total_items": 10,
}


TIME = "2026-11-23T10:00:00."


def rows(number: int) -> bytes:
    return json.dumps({"items": [REQUIRED] * number}).encode()


def page(**facts: Any) -> bytes:
    return json.dumps({"items": [REQUIRED | facts]}).encode()


def test_what_is_optional_may_be_missing_or_null() -> None:
    """And stays unknown: it is not taken for 0."""
    optional = ("processed_items", "failed_items", "skipped_items", "created_at", "directory_id")
    (missing,) = parse(JobPage, page()).items
    (null,) = parse(JobPage, page(**dict.fromkeys(optional))).items
    assert missing == null
    assert (None, None, None) == (null.processed_items, null.failed_items, null.created_at)


def test_whole_numbers_may_be_floats() -> None:
    """JSON knows only numbers."""
    (row,) = parse(JobPage, page(total_items=12.0, failed_items=3.0)).items
    assert (12, 3) == (row.total_items, row.failed_items)


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-11-23T10:00:00Z", 1795428000.0),
        ("2026-11-23T10:00:00.250000+00:00", 1795428000.25),
        ("2026-11-23T12:00:00+02:00", 1795428000.0),
        ("2026-11-23T10:00:00", 1795428000.0),
    ],
)
def test_times_are_read_whatever_their_zone(written: str, seconds: float) -> None:
    """Without one they are UTC."""
    (row,) = parse(JobPage, page(created_at=written)).items
    assert seconds == row.created_at


def test_unknown_values_and_fields_are_accepted() -> None:
    """The API may grow."""
    (row,) = parse(JobPage, page(status="throttled", job_type="split", colour="blue")).items
    assert ("throttled", "split") == (row.status, row.job_type)


def test_items_may_be_absent_from_a_page_of_items() -> None:
    """By the API's own description."""
    assert [] == parse(ItemPage, b"{}").items


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body: Invalid JSON"),
        (b"<html>", "the body: Invalid JSON"),
        (b"\xff\xfe", "the body: Invalid JSON"),
        (b"[]", "the body: Input should be an object"),
        (b"{}", "items: Field required"),
        (b"[" * 100_000, "the body: Invalid JSON: recursion limit"),
        (page(id=""), "items.0.id: String should have at least 1 character"),
        (page(id=".."), "items.0.id: Value error, an id must not be a path"),
        (page(status=None), "items.0.status: Input should be a valid string"),
        (page(total_items=None), "items.0.total_items: Input should be a valid integer"),
        (page(total_items=True), "items.0.total_items: Input should be a valid integer"),
        (page(total_items=1.5), "items.0.total_items: Input should be a valid integer"),
        (page(failed_items=-1), "items.0.failed_items: Input should be greater"),
        (page(failed_items=2**60), "items.0.failed_items: Input should be less"),
        (page(created_at="soon"), "items.0.created_at: Value error"),
        (page(created_at=5), "items.0.created_at: Value error, a time is an RFC 3339 string"),
        (page(created_at=TIME + "0" * 81), "items.0.created_at: Value error, a time is an RFC"),
        (page(id="x" * 1001), "items.0.id: String should have at most 1000 characters"),
        (page(id=7), "items.0.id: Input should be a valid string"),
        (page(project_id="x" * 1001), "items.0.project_id: String should have at most 1000"),
        (page(directory_id="x" * 1001), "items.0.directory_id: String should have at most 1000"),
        (rows(1001), "items: List should have at most 1000 items"),
        (b'{"items": [], "x": [' + b"0," * 500_000 + b"0]}", "the body: more than 500000 values"),
    ],
    ids=range(23),
)
def test_what_is_not_of_the_documented_shape_is_a_bad_response(body: bytes, message: str) -> None:
    """The error says where, in bounded words."""
    with pytest.raises(BadResponse) as raised:
        parse(JobPage, body)
    assert str(raised.value).startswith(message)
    assert len(str(raised.value)) < 310


@pytest.mark.parametrize(
    ("written", "count"),
    [("12.0", 12), ("-0.0", 0), ("1e3", 1000), ("9007199254740992", 2**53), ("1E-0", 1)],
)
def test_a_count_may_be_written_as_json_writes_numbers(written: str, count: int) -> None:
    """As long as it is a whole one that a metric can carry."""
    (row,) = parse(JobPage, page(total_items=0).replace(b": 0}", f": {written}}}".encode())).items
    assert count == row.total_items


@pytest.mark.parametrize(
    "written",
    [
        *("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "0.5", "-1", "-1e300"),
        *("9007199254740993", "1e17", "1" + "0" * 400, '"12"', '"NaN"', "true", "[1]", '{"n": 1}'),
    ],
)
def test_a_count_is_a_whole_number_that_a_metric_can_carry(written: str) -> None:
    """No infinity, no part, no text, no yes."""
    body = page(total_items=0).replace(b": 0}", f": {written}}}".encode())
    with pytest.raises(BadResponse):
        parse(JobPage, body)


def test_the_longest_page_ids_and_times_are_read() -> None:
    """What is refused is one more than these."""
    assert 1000 == len(parse(JobPage, rows(1000)).items)
    (row,) = parse(JobPage, page(id="x" * 1000, created_at="2026-11-23T10:00:00.123456789Z")).items
    assert ("x" * 1000, 1795428000.123456) == (row.id, row.created_at)


def test_what_is_free_text_may_be_long() -> None:
    """It is cut where it is kept."""
    (row,) = parse(JobPage, page(status="x" * 100_000, error_message="x" * 10_000_000)).items
    assert (100_000, 10_000_000) == (len(row.status), len(row.error_message or ""))


def status(progress: str) -> bytes:
    return f'{{"job": {json.dumps(REQUIRED)}, "progress_percentage": {progress}}}'.encode()


@pytest.mark.parametrize(
    "number",
    ["NaN", "Infinity", "-Infinity", "1e400", "1" + "0" * 400, '"half"', '"50"', "true", "[50]"],
)
def test_progress_is_a_number(number: str) -> None:
    """NaN is none, nor is a text that looks like one."""
    with pytest.raises(BadResponse):
        parse(JobStatusAnswer, status(number))


@pytest.mark.parametrize(
    ("written", "number"), [("50", 50.0), ("-5", -5.0), ("1e300", 1e300), ("null", None)]
)
def test_progress_may_be_any_number(written: str, number: float | None) -> None:
    """It is brought between 0 and 1 where it is published."""
    assert number == parse(JobStatusAnswer, status(written)).progress_percentage
