"""Whatever a server answers: what can be read of it, or the declared exception."""

import copy
import json
import math
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.domain import ItemCounts, ItemStatus, Job
from exporter.llamacloud import pages
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.fields import is_usable_id
from exporter.llamacloud.known_values import KnownValues
from exporter.llamacloud.pages import Page, read_at_once
from exporter.llamacloud.v1beta import jobs
from exporter.llamacloud.v1beta.counting import ItemCounter
from exporter.llamacloud.v1beta.items import ITEM_STATUSES, ItemRow, read_items
from exporter.llamacloud.v1beta.jobs import JobRow, StatusRow, job_of, read_jobs, read_status
from tests.llamacloud.documented import ITEM, JOB, page_of, with_json
from tests.llamacloud.odd_json import ODD_JSON, json_values
from tests.support.properties import EFFORT, UNHURRIED

ANSWERED_AT = datetime(2026, 11, 28, tzinfo=UTC).timestamp()
PAGE = {"next_page_token": "t", "total_size": 2}
Read = Callable[[bytes], Page[JobRow] | Page[ItemRow] | StatusRow]
VALID: dict[Read, dict[str, Any]] = {
    read_jobs: {"items": [JOB, JOB | {"id": "bjb-2"}], **PAGE},
    read_status: {"job": JOB, "progress_percentage": 42.5},
    read_items: {"items": [ITEM, ITEM | {"item_id": "item-2"}], **PAGE},
}
MARK = "put-here-"
answers = st.sampled_from(list(VALID))
# All that JSON can say, and what Python's writer adds to it: NaN, and halves of characters.
odd_texts = st.text(st.characters(), max_size=20)
odd_values = json_values | odd_texts


def _is_json(written: str) -> bool:
    try:
        json.loads(written, parse_int=str)
    except ValueError:
        return False
    return True


odd_json = st.sampled_from(list(filter(_is_json, ODD_JSON))) | odd_values.map(json.dumps)


def _places(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(document, dict | list):
        keys = document if isinstance(document, dict) else range(len(document))
        for key in keys:
            yield (*path, key)
            yield from _places(document[key], (*path, key))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Read, bytes]:
    """Draw a valid answer in which one to three places were altered or removed."""
    read = draw(answers)
    document = copy.deepcopy(VALID[read])
    put: list[str] = []
    for _ in range(min(draw(st.integers(1, 3)), len(document))):
        *path, last = draw(st.sampled_from(list(_places(document))))
        parent: Any = document
        for key in path:
            parent = parent[key]
        if draw(st.integers(0, 5)) == 0:
            del parent[last]
        else:
            parent[last] = f"{MARK}{len(put)}"
            put.append(draw(st.sampled_from(ODD_JSON) | odd_values.map(json.dumps)))
    text = json.dumps(document)
    for number, odd in enumerate(put):
        text = text.replace(f'"{MARK}{number}"', odd)
    body = text.encode("utf-8", "surrogatepass")
    return read, draw(st.just(body) | st.integers(0, len(body)).map(lambda end: body[:end]))


def _can_be_published(job: Job) -> bool:
    values = [getattr(job, name) for name in Job.__dataclass_fields__]
    counts = [job.total_items, job.processed_items, job.failed_items, job.skipped_items]
    json.dumps(values, ensure_ascii=False).encode()
    return all(0 <= count <= 2**53 for count in counts if count is not None)


def _check(read: Read, body: bytes) -> None:
    try:
        answer = read(body)
    except BadResponse as error:
        words = str(error)
    else:
        _check_answer(answer)
        return
    assert words.isprintable()
    assert len(words) < 310


def _check_answer(answer: Page[JobRow] | Page[ItemRow] | StatusRow) -> None:
    rows = list(answer.rows) if isinstance(answer, Page) else [answer.job]
    for row in rows:
        if isinstance(row, JobRow):
            assert is_usable_id(row.id)
            assert _can_be_published(job_of(row, KnownValues(structlog.get_logger()), ANSWERED_AT))
    if isinstance(answer, StatusRow) and answer.progress_percentage is not None:
        assert math.isfinite(answer.progress_percentage)
    items = [row for row in rows if isinstance(row, ItemRow)]
    assert all(is_usable_id(row.item_id) for row in items)
    counts = _counted(items)
    assert counts.total == len({row.item_id for row in items})
    assert math.isfinite(counts.durations.sum)


def _counted(rows: list[ItemRow]) -> ItemCounts:
    counter = ItemCounter(
        lambda word: KnownValues(structlog.get_logger()).read(ITEM_STATUSES, word)
    )
    counter.add(rows, ANSWERED_AT)
    return counter.counts(ItemStatus)


@pytest.mark.parametrize("read", VALID)
def test_what_is_mutated_is_valid_at_first(read: Read) -> None:
    """Or the fuzzing would test nothing but refusals."""
    answer = read(json.dumps(VALID[read]).encode())
    assert (0, {}) == (answer.unreadable.rows, answer.unreadable.fields)


@settings(UNHURRIED, max_examples=400 * EFFORT)
@given(case=mutated())
def test_an_altered_answer_is_read_or_a_bad_response(case: tuple[Read, bytes]) -> None:
    """And what is read holds nothing that could not be published."""
    _check(*case)


@settings(UNHURRIED, max_examples=150 * EFFORT)
@given(read=answers, document=odd_values)
def test_any_json_is_read_or_a_bad_response(read: Read, document: Any) -> None:
    """Even if it has nothing of the documented shape."""
    _check(read, json.dumps(document).encode())


@settings(UNHURRIED, max_examples=150 * EFFORT)
@given(read=answers, body=st.binary(max_size=200))
def test_any_bytes_are_read_or_a_bad_response(read: Read, body: bytes) -> None:
    """Also where they are no text."""
    _check(read, body)


@st.composite
def rows_and_an_odd_one(draw: st.DrawFn, row: dict[str, Any], id_field: str) -> list[Any]:
    """Draw documented rows, of which the first is another value or has one to three odd fields."""
    others = [row | {id_field: f"id-{number}"} for number in range(draw(st.integers(1, 12)))]
    if draw(st.booleans()):
        return [draw(odd_json), *others]
    fields = draw(st.sets(st.sampled_from(sorted(row)), min_size=1, max_size=3))
    marked = row | {field: f"{MARK}{field}" for field in fields}
    written = json.dumps(marked)
    for field in fields:
        written = written.replace(f'"{MARK}{field}"', draw(odd_json))
    return [written, *others]


def _page_with(odd: str, others: list[Any]) -> bytes:
    return with_json(page_of(MARK, *others), MARK, odd)


@settings(UNHURRIED, max_examples=300 * EFFORT)
@given(rows=rows_and_an_odd_one(JOB, "id"))
def test_whatever_one_job_holds_every_other_job_is_as_without_it(rows: list[Any]) -> None:
    """All that is published of it."""
    odd, *others = rows
    without = [_job(row) for row in read_jobs(page_of(*others)).rows]
    assert len(others) == len(without)
    read = read_jobs(_page_with(odd, others))
    assert without == [_job(row) for row in read.rows][-len(others) :]
    assert len(others) + 1 == read.sent == len(read.rows) + read.unreadable.rows


def _job(row: JobRow) -> Job:
    return job_of(row, KnownValues(structlog.get_logger()), ANSWERED_AT)


@settings(UNHURRIED, max_examples=300 * EFFORT)
@given(rows=rows_and_an_odd_one(ITEM, "item_id"))
def test_whatever_one_item_holds_every_other_item_is_counted_as_without_it(
    rows: list[Any],
) -> None:
    """In its status; an item without a usable id is reported."""
    odd, *others = rows
    without = _counted(list(read_items(page_of(*others)).rows)).by_status
    read = read_items(_page_with(odd, others))
    assert len(others) + 1 == len(read.rows) + read.unreadable.rows
    counted = _counted(list(read.rows)).by_status
    more = {status: counted[status] - without[status] for status in ItemStatus}
    assert {0} >= {number for number in more.values() if number} - {1}
    assert len(read.rows) - len(others) == sum(more.values())


@settings(UNHURRIED, max_examples=200 * EFFORT)
@given(case=mutated())
def test_field_by_field_the_same_is_read_as_at_once(case: tuple[Read, bytes]) -> None:
    """Wherever an answer can be read at once."""
    read, body = case
    at_once: list[object] = []

    def spied(decoder: Any, body: bytes) -> Any:
        at_once.append(read_at_once(decoder, body))
        return at_once[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pages, "read_at_once", spied)
        patch.setattr(jobs, "read_at_once", spied)
        try:
            quickly = read(body)
        except BadResponse:
            quickly = None
        patch.setattr(pages, "read_at_once", lambda *_: None)
        patch.setattr(jobs, "read_at_once", lambda *_: None)
        if at_once == [None] or quickly is None:
            return
        slowly = read(body)
    assert quickly == slowly
