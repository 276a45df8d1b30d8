"""Reading answers: at once where they are as documented, else field by field."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from msgspec import Struct

from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.fields import count, readers_of, text, time
from exporter.llamacloud.json_bounds import MOST_VALUES
from exporter.llamacloud.known_values import KnownValues
from exporter.llamacloud.v1beta.items import ItemRow, read_items
from exporter.llamacloud.v1beta.jobs import JobRow, job_of, read_jobs, read_status
from exporter.llamacloud.v2.models import BatchRow, JobConfig, ParseJobRow, ResultRow
from tests.llamacloud.documented import ITEM, JOB, page_of, with_json

AT_TEN = datetime(2026, 11, 23, 10, tzinfo=UTC)
HUGE = "9" * 5_000


def page(**facts: Any) -> bytes:
    return page_of(JOB | facts, JOB | {"id": "bjb-2"})


def altered(field: str, written: str) -> tuple[JobRow, list[str]]:
    """Read a job of which one field is written otherwise, and check that the other job is whole."""
    read = read_jobs(with_json(page(**{field: "put-here"}), "put-here", written))
    row, other = read.rows
    assert read_jobs(page_of(JOB | {"id": "bjb-2"})).rows == [other]
    assert 0 == read.unreadable.rows
    assert set(read.unreadable.first_rows.values()) <= {"bjb-1"}
    return row, list(read.unreadable.fields.elements())


def test_what_is_optional_may_be_missing_or_null() -> None:
    """It stays unknown: it is neither 0 nor unreadable."""
    optional = [name for name in JOB if name != "id"]
    (missing,) = read_jobs(page_of({"id": "bjb-1"})).rows
    read = read_jobs(page_of({"id": "bjb-1"} | dict.fromkeys(optional)))
    assert [missing] == read.rows
    assert {} == read.unreadable.fields
    assert {None} == {getattr(missing, name) for name in optional}


@pytest.mark.parametrize(
    ("kind", "others"),
    [
        (JobRow, {"id"}),
        (ItemRow, {"item_id"}),
        (BatchRow, {"id", "config"}),
        (JobConfig, set()),
        (ResultRow, {"source_directory_file_id", "job_reference"}),
        (ParseJobRow, {"id"}),
    ],
)
def test_every_field_has_a_type_that_can_be_read(kind: type[Struct], others: set[str]) -> None:
    """Ids and nested objects are read by other code."""
    assert set(kind.__struct_fields__) - others == readers_of(kind).keys()


def test_every_field_of_a_job_is_passed_on() -> None:
    """A field is read only if something uses it."""
    values: dict[object, Any] = {text: "parse", count: 7, time: AT_TEN}
    row = JobRow(id="bjb-1", **{name: values[read] for name, read in readers_of(JobRow).items()})
    job = job_of(row, KnownValues(structlog.get_logger()), AT_TEN.timestamp())
    assert [] == [name for name in JobRow.__struct_fields__ if getattr(job, name) is None]


def test_a_field_of_a_type_that_nothing_reads_is_refused() -> None:
    """It would be absent wherever an answer is read field by field."""

    class Row(Struct):
        id: str
        colours: list[str] | None = None

    with pytest.raises(KeyError):
        readers_of(Row)


@pytest.mark.parametrize(
    ("written", "moment"),
    [
        ("2026-11-23T10:00:00Z", AT_TEN),
        ("2026-11-23t10:00:00.250000z", AT_TEN.replace(microsecond=250_000)),
        ("2026-11-23 12:00:00+02:00", AT_TEN),
        ("2026-11-23T10:00:00", AT_TEN.replace(tzinfo=None)),
        ("2026-11-23T10:00:60Z", AT_TEN.replace(second=59)),
        ("2026-11-23T10:00:00.123456789Z", AT_TEN.replace(microsecond=123_457)),
        ("20261123T100000Z", AT_TEN),
    ],
)
def test_times_are_read_however_they_are_written(written: str, moment: datetime) -> None:
    """With any zone, with a leap second, with nanoseconds."""
    row, unreadable = altered("created_at", json.dumps(written))
    assert (moment, []) == (row.created_at, unreadable)


@pytest.mark.parametrize(
    ("written", "count"),
    [("12.0", 12), ("-0.0", 0), ("1e3", 1000), ("9007199254740992", 2**53), ("1E-0", 1)],
)
def test_a_count_may_be_written_as_json_writes_numbers(written: str, count: int) -> None:
    """As long as it is a whole one that a metric can carry."""
    row, unreadable = altered("failed_items", written)
    assert (count, []) == (row.failed_items, unreadable)


@pytest.mark.parametrize(
    ("field", "written"),
    [
        *(("error_message", text) for text in ('{"code": "E1"}', "[]", "7", "true", "NaN")),
        *(("completed_at", text) for text in ('""', '"soon"', "5", '"2026-02-30"', "{}")),
        ("created_at", "1795877185"),
        ("created_at", json.dumps("2026-11-23T10:00:60." + "0" * 81)),
        ("directory_id", "7"),
        *(("job_type", text) for text in ("7", '["parse"]')),
        *(("status", text) for text in ("false", "{}")),
        ("project_id", "1"),
        *(("processed_items", text) for text in ("-1", "1.5", "true", '"12"', "[1]", '{"n": 1}')),
        *(("total_items", text) for text in ("NaN", "Infinity", "1e400", "-1e300", HUGE)),
        *(("failed_items", text) for text in ("9007199254740993", "1e17", '"NaN"')),
    ],
)
def test_a_field_that_cannot_be_read_is_absent(field: str, written: str) -> None:
    """Its row and all others are read, and the field is recorded."""
    row, unreadable = altered(field, written)
    assert [field] == unreadable
    (documented,) = read_jobs(page_of(JOB | {field: None})).rows
    assert documented == row


@pytest.mark.parametrize(
    "field", ["error_message", "directory_id", "status", "job_type", "project_id"]
)
def test_a_lone_surrogate_takes_nothing_with_it(field: str) -> None:
    """JSON writers send them for file names that are not Unicode; UTF-8 cannot carry them."""
    row, unreadable = altered(field, '"caf\\udce9"')
    assert (r"caf\udce9", []) == (getattr(row, field), unreadable)


def test_a_byte_order_mark_is_ignored() -> None:
    """Some proxies and platforms write one."""
    read = read_jobs(b"\xef\xbb\xbf" + page())
    assert ["bjb-1", "bjb-2"] == [row.id for row in read.rows]


def test_a_text_that_is_no_utf_8_takes_nothing_with_it() -> None:
    """As a server sends it that does not know the encoding of its file names."""
    read = read_jobs(page(error_message="caf-").replace(b"caf-", b"caf\xe9"))
    assert ([r"caf\udce9", None], {}) == (
        [row.error_message for row in read.rows],
        read.unreadable.fields,
    )


@pytest.mark.parametrize(
    "row_id",
    [None, 7, "", ".", "..", "x" * 1001, "a\nb", "a\x00", "a\x7f", "a\x85", "\udce9", {}, ["a"]],
    ids=range(13),
)
def test_a_row_without_a_usable_id_is_left_out(row_id: Any) -> None:
    """And counted, whatever its list is of."""
    jobs = read_jobs(page_of(JOB, JOB | {"id": row_id}, JOB | {"id": "bjb-3"}))
    assert (["bjb-1", "bjb-3"], 1) == ([row.id for row in jobs.rows], jobs.unreadable.rows)
    assert 3 == jobs.sent
    items = read_items(page_of(ITEM, ITEM | {"item_id": row_id}))
    assert ([ITEM["item_id"]], 1) == ([row.item_id for row in items.rows], items.unreadable.rows)


@pytest.mark.parametrize("row", [None, 7, "bjb-2", [], {}], ids=range(5))
def test_a_row_that_is_no_object_is_left_out(row: Any) -> None:
    """It has no id."""
    jobs = read_jobs(page_of(JOB, row))
    assert (1, 1) == (len(jobs.rows), jobs.unreadable.rows)


@pytest.mark.parametrize(
    "row_id", ["x" * 1000, "\N{SOFT HYPHEN}\N{NO-BREAK SPACE}", "a/b?c#d", "é"]
)
def test_ids_may_hold_whatever_is_no_control_character(row_id: str) -> None:
    """As long as they are not too long for the labels of a thousand series."""
    assert [row_id] == [row.id for row in read_jobs(page_of(JOB | {"id": row_id})).rows]


def test_a_page_of_ten_rows_of_which_none_can_be_read_is_a_bad_response() -> None:
    """It is no list of jobs; nine may all be bad."""
    assert 9 == read_jobs(page_of(*[{}] * 9)).unreadable.rows
    with pytest.raises(BadResponse, match="none of 10 rows has a usable id"):
        read_jobs(page_of(*[{}] * 10))


def test_values_and_fields_that_are_newer_are_accepted() -> None:
    """The API may grow."""
    read = read_jobs(page_of(JOB | {"status": "throttled", "job_type": "split", "colour": "blue"}))
    assert ("throttled", "split", {}) == (
        read.rows[0].status,
        read.rows[0].job_type,
        read.unreadable.fields,
    )


def test_items_may_be_absent_from_a_page_of_items() -> None:
    """By the API's own description, which has no null there: a job would lose all its items."""
    for body in (b"{}", b'{"total_size": -1}'):
        assert [] == list(read_items(body).rows)
    with pytest.raises(BadResponse, match="items: not a list"):
        read_items(b'{"items": null}')


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the body: Expecting value at character 0"),
        (b"<html>", "the body: Expecting value at character 0"),
        (b"\xff\xfe", "the body: Expecting value at character 0"),
        (page()[:-9], "the body: "),
        (b"[]", "the body: not a JSON object"),
        (b"{}", "items: not a list"),
        (b'{"items": {}}', "items: not a list"),
        (b"[" * 90_000, "the body: nested too deeply"),
        (page_of(*[JOB] * 1001), "items: more than 1000 rows"),
        (b'{"items": [], "x": [' + b"0," * 10**6 + b"0]}", f"the body: more than {MOST_VALUES}"),
    ],
    ids=range(10),
)
def test_what_is_no_page_is_a_bad_response(body: bytes, message: str) -> None:
    """The error says where, in bounded words, and never quotes."""
    with pytest.raises(BadResponse) as raised:
        read_jobs(body)
    assert str(raised.value).startswith(message)
    assert len(str(raised.value)) < 310


@pytest.mark.parametrize("depth", [90, 1_000, 40_000])
@pytest.mark.parametrize("field", ["directory_id", "a_new_field"])
def test_a_value_that_is_nested_deeply_takes_nothing_with_it(field: str, depth: int) -> None:
    """Neither its row nor another one; brackets in texts are none."""
    nested = '{"a": [' * depth + '"]}]}]}"' + "]}" * depth
    row, unreadable = altered(field, nested)
    assert "bjb-1" == row.id
    assert (field in JOB) == bool(unreadable)


@pytest.mark.parametrize(
    "message",
    [
        "," * 3_000_000,
        '{"code": [1, 2, {"a": "b"}]}, \\' * 100_000,
        '\\"[{,' * 500_000,
        "é,[" * 1_000_000,
    ],
    ids=range(4),
)
def test_what_texts_hold_is_no_value(message: str) -> None:
    """However many commas, brackets, quotes and backslashes there are in a message."""
    body = page_of(JOB | {"error_message": message})
    assert len(body) > 2 * 10**6
    assert message == read_jobs(body).rows[0].error_message


def test_a_thousand_failed_items_whose_messages_quote_json_are_read() -> None:
    """2.2 kB each, with many commas."""
    message = json.dumps({"errors": [{"code": n, "loc": ["a", "b"]} for n in range(70)]})
    assert 2_000 < len(message) < 2_400
    rows = [ITEM | {"item_id": f"item-{n}", "error_message": message} for n in range(1000)]
    assert 1000 == len(read_items(page_of(*rows)).rows)


@pytest.mark.parametrize("number", [MOST_VALUES, MOST_VALUES + 1])
def test_values_are_counted_exactly(number: int) -> None:
    """Whatever stands in texts; the rest of the document counts as four."""
    texts = json.dumps(['"\\,[{' * 5] * (number - 4)).encode()
    body = b'{"items": [], "x": ' + texts + b"}"
    if number <= MOST_VALUES:
        assert [] == list(read_jobs(body).rows)
    else:
        with pytest.raises(BadResponse, match="more than"):
            read_jobs(body)


def test_the_longest_page_is_read() -> None:
    """What is refused is one more than this."""
    rows = [JOB | {"id": f"bjb-{number}"} for number in range(1000)]
    assert 1000 == len(read_jobs(page_of(*rows)).rows)


def test_free_text_may_be_long() -> None:
    """It is cut where it is kept."""
    (row,) = read_jobs(
        page_of(JOB | {"status": "x" * 100_000, "error_message": "é" * 5_000_000})
    ).rows
    assert (100_000, 5_000_000) == (len(row.status or ""), len(row.error_message or ""))


@pytest.mark.parametrize(
    ("page_facts", "unreadable"),
    [
        ({"next_page_token": 7, "total_size": "2"}, ["next_page_token", "total_size"]),
        ({"total_size": -1}, ["total_size"]),
        ({"next_page_token": {}, "total_size": None}, ["next_page_token"]),
    ],
)
@pytest.mark.parametrize("read_page", [read_jobs, read_items])
def test_a_token_or_total_that_cannot_be_read_announces_more(
    read_page: Any, page_facts: dict[str, Any], unreadable: list[str]
) -> None:
    """The rows of the page are read all the same."""
    read = read_page(page_of(JOB | ITEM, **page_facts))
    assert (1, True, None) == (len(read.rows), read.announces_more, read.total_size)
    assert dict.fromkeys(unreadable, 1) == read.unreadable.fields


@pytest.mark.parametrize("page_facts", [{}, {"next_page_token": None}, {"next_page_token": ""}])
def test_a_token_that_is_absent_null_or_empty_announces_nothing(page_facts: dict[str, Any]) -> None:
    """Also on a page that is read field by field."""
    read = read_jobs(page_of(JOB | {"failed_items": "odd"}, total_size=None, **page_facts))
    assert (1, False, None) == (len(read.rows), read.announces_more, read.total_size)


def status(progress: str) -> bytes:
    return f'{{"job": {json.dumps(JOB)}, "progress_percentage": {progress}}}'.encode()


@pytest.mark.parametrize(
    "number", ["NaN", "Infinity", "-Infinity", "1e400", HUGE, '"half"', '"50"', "true", "[50]"]
)
def test_progress_is_a_finite_number(number: str) -> None:
    """What is none is absent; the job is read all the same."""
    read = read_status(status(number))
    assert (None, "bjb-1") == (read.progress_percentage, read.job and read.job.id)
    assert {"progress_percentage": 1} == read.unreadable.fields


@pytest.mark.parametrize(
    ("written", "number"), [("50", 50.0), ("-5", -5.0), ("1e300", 1e300), ("null", None)]
)
def test_progress_may_be_any_number(written: str, number: float | None) -> None:
    """It is brought between 0 and 1 where it is published."""
    assert number == read_status(status(written)).progress_percentage


@pytest.mark.parametrize("job", [None, 7, [], {}, JOB | {"id": ".."}], ids=range(5))
def test_a_status_without_a_job_has_none(job: Any) -> None:
    """The caller decides what that means."""
    read = read_status(json.dumps({"job": job}).encode())
    assert (None, 1) == (read.job, read.unreadable.rows)


@pytest.mark.parametrize("body", [b"", b"[]", b"null", b'{"job": '])
def test_a_status_that_is_no_object_is_a_bad_response(body: bytes) -> None:
    """Like a list."""
    with pytest.raises(BadResponse):
        read_status(body)


def test_an_item_is_read_field_by_field() -> None:
    """Without a name, or with texts that cannot be published, it is counted as what it is."""
    odd = ITEM | {"item_name": None, "error_message": {"code": 1}, "started_at": 5}
    read = read_items(page_of(odd, ITEM | {"item_id": "\N{SNOWMAN}", "item_name": "\udce9.pdf"}))
    assert [
        ItemRow(
            item_id="item-1",
            status="failed",
            error_message=None,
            completed_at=AT_TEN.replace(minute=1),
        ),
        ItemRow(
            item_id="\N{SNOWMAN}",
            item_name="\\udce9.pdf",
            status="failed",
            error_message="unreadable",
            started_at=AT_TEN,
            completed_at=AT_TEN.replace(minute=1),
        ),
    ] == read.rows
    assert {"error_message": 1, "started_at": 1} == read.unreadable.fields
    assert {"error_message": "item-1", "started_at": "item-1"} == read.unreadable.first_rows
