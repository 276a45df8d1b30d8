"""What the API answers: strict about what it requires, tolerant of the rest."""

import json
from typing import Any

import pytest

from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.models import ItemPage, JobPage, JobStatusAnswer, parse

REQUIRED = {
    "id": "bjb-1",
    "job_type": "parse",
    "project_id": "p-1",
    "status": "running",
    "total_items": 10,
}


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
    ],
    ids=range(16),
)
def test_what_is_not_of_the_documented_shape_is_a_bad_response(body: bytes, message: str) -> None:
    """The error says where, in bounded words."""
    with pytest.raises(BadResponse) as raised:
        parse(JobPage, body)
    assert str(raised.value).startswith(message)
    assert len(str(raised.value)) < 310


@pytest.mark.parametrize("number", ["NaN", "Infinity", '"half"'])
def test_progress_is_a_number(number: str) -> None:
    """NaN is none."""
    body = f'{{"job": {json.dumps(REQUIRED)}, "progress_percentage": {number}}}'
    with pytest.raises(BadResponse):
        parse(JobStatusAnswer, body.encode())
