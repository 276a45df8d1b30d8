"""Whatever a server answers: a model or the declared exception."""

import copy
import json
import math
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from llamacloud.odd_json import ODD_JSON, json_values
from properties import EFFORT, UNHURRIED
from pydantic import BaseModel

from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.v1beta.models import (
    ItemPage,
    ItemRow,
    JobPage,
    JobRow,
    JobStatusAnswer,
    parse,
)

JOB = {
    "id": "bjb-1",
    "job_type": "parse",
    "project_id": "p-1",
    "status": "running",
    "total_items": 10,
    "processed_items": 3,
    "failed_items": 1,
    "skipped_items": 0,
    "directory_id": "dir-1",
    "error_message": None,
    "created_at": "2026-11-23T10:00:00Z",
    "started_at": "2026-11-23T10:00:00.25+02:00",
    "completed_at": None,
    "updated_at": "2026-11-23T10:00:00",
}
ITEM = {
    "item_id": "item-1",
    "item_name": "a.pdf",
    "status": "failed",
    "skip_reason": None,
    "error_message": "unreadable",
    "started_at": "2026-11-23T10:00:00Z",
    "completed_at": "2026-11-23T10:01:00Z",
}
PAGE = {"next_page_token": "t", "total_size": 2}
Answers = type[JobPage] | type[JobStatusAnswer] | type[ItemPage]
VALID: dict[Answers, dict[str, Any]] = {
    JobPage: {"items": [JOB, JOB | {"id": "bjb-2"}], **PAGE},
    JobStatusAnswer: {"job": JOB, "progress_percentage": 42.5},
    ItemPage: {"items": [ITEM, ITEM | {"item_id": "item-2"}], **PAGE},
}
MARK = "put-here-"
answers = st.sampled_from(list(VALID))


def _places(document: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    if isinstance(document, dict | list):
        keys = document if isinstance(document, dict) else range(len(document))
        for key in keys:
            yield (*path, key)
            yield from _places(document[key], (*path, key))


@st.composite
def mutated(draw: st.DrawFn) -> tuple[Answers, bytes]:
    """Draw a valid answer of which one to three places were altered, or taken away."""
    model = draw(answers)
    document = copy.deepcopy(VALID[model])
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
            put.append(draw(st.sampled_from(ODD_JSON) | json_values.map(json.dumps)))
    text = json.dumps(document)
    for number, odd in enumerate(put):
        text = text.replace(f'"{MARK}{number}"', odd)
    body = text.encode("utf-8", "surrogatepass")
    return model, draw(st.just(body) | st.integers(0, len(body)).map(lambda end: body[:end]))


def _floats_are_finite(row: BaseModel) -> bool:
    values = [getattr(row, name) for name in type(row).model_fields]
    return all(math.isfinite(value) for value in values if isinstance(value, float))


def _check_job(row: JobRow) -> None:
    assert row.id not in {"", ".", ".."}
    assert _floats_are_finite(row)
    counts = (row.total_items, row.processed_items, row.failed_items, row.skipped_items)
    assert all(0 <= count <= 2**53 for count in counts if count is not None)


def _check_item(row: ItemRow) -> None:
    assert row.item_id
    assert _floats_are_finite(row)


def _check(model: Answers, body: bytes) -> None:
    try:
        answer = parse(model, body)
    except BadResponse as error:
        words = str(error)
    else:
        _check_model(answer)
        return
    assert words.isprintable()
    assert len(words) < 310


def _check_model(answer: JobPage | JobStatusAnswer | ItemPage) -> None:
    match answer:
        case JobPage(items=jobs):
            for job in jobs:
                _check_job(job)
        case JobStatusAnswer(job=job):
            _check_job(job)
            assert _floats_are_finite(answer)
        case ItemPage(items=items):
            for item in items:
                _check_item(item)


@pytest.mark.parametrize("model", VALID)
def test_what_is_mutated_is_valid_at_first(model: Answers) -> None:
    """Or the fuzzing would test nothing but refusals."""
    assert isinstance(parse(model, json.dumps(VALID[model]).encode()), model)


@settings(UNHURRIED, max_examples=400 * EFFORT)
@given(case=mutated())
def test_an_altered_answer_is_a_model_or_a_bad_response(case: tuple[Answers, bytes]) -> None:
    """And what is accepted holds nothing that could not be published."""
    _check(*case)


@settings(UNHURRIED, max_examples=150 * EFFORT)
@given(model=answers, document=json_values)
def test_any_json_is_a_model_or_a_bad_response(model: Answers, document: Any) -> None:
    """Also where it looks nothing like the documented shape."""
    _check(model, json.dumps(document).encode())


@settings(UNHURRIED, max_examples=150 * EFFORT)
@given(model=answers, body=st.binary(max_size=200))
def test_any_bytes_are_a_model_or_a_bad_response(model: Answers, body: bytes) -> None:
    """Also where they are no text."""
    _check(model, body)


def test_a_time_that_is_none_is_not_quoted() -> None:
    """A server may send anything there, our own key too."""
    body = json.dumps({"items": [JOB | {"created_at": "llx-key"}]}).encode()
    with pytest.raises(BadResponse) as raised:
        parse(JobPage, body)
    assert "items.0.created_at: Value error, a time is an RFC 3339 string" == str(raised.value)
