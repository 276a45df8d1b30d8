"""Whatever a server answers: a model or the declared exception, in bounded time and memory."""

import copy
import json
import math
import resource
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from properties import UNHURRIED
from pydantic import BaseModel

from exporter.llamacloud.errors import BadResponse, StatusRefused, retry_after_seconds
from exporter.llamacloud.headers import answered_at
from exporter.llamacloud.models import ItemPage, ItemRow, JobPage, JobRow, JobStatusAnswer, parse
from exporter.llamacloud.refusals import refusal

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
# As JSON, which can say what Python's writer would not.
ODD_JSON = (
    *("null", "true", "[]", "{}", '""', '"."', '".."', "-1", "-0", "-0.0", "1.5", "12.0"),
    *("1e400", "-1e400", "1e-400", "9007199254740993", "9" * 4_000, "9" * 5_000, "1e" + "9" * 400),
    *("NaN", "Infinity", "-Infinity", '"NaN"', "0x10", "01", "1_0"),
    *('"\\ud800"', '"\\u0000"', '"\ud83d\ude00"', '"\\ud83d\\ude00"', '"unended', '"\\x"'),
    *('"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:60-23:59"', '"2026-02-30"', '"2026-W53-7"'),
    *('"2026-11-23T10:00:00+99:99"', '"2026-11-23T10:00:00 UTC"', '"\u0661"', "1763892000"),
    "[" * 200 + "]" * 200,
    '{"a":' * 200 + "1" + "}" * 200,
    '"' + "x" * 10_000 + '"',
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
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


@settings(UNHURRIED, max_examples=400)
@given(case=mutated())
def test_an_altered_answer_is_a_model_or_a_bad_response(case: tuple[Answers, bytes]) -> None:
    """And what is accepted holds nothing that could not be published."""
    _check(*case)


@settings(UNHURRIED, max_examples=150)
@given(model=answers, document=json_values)
def test_any_json_is_a_model_or_a_bad_response(model: Answers, document: Any) -> None:
    """Also where it looks nothing like the documented shape."""
    _check(model, json.dumps(document).encode())


@settings(UNHURRIED, max_examples=150)
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


dates = st.builds(
    "{}{} {} {} {} {}".format,
    st.sampled_from(["Mon, ", "", "Mon ", ","]),
    st.integers(-1, 99),
    st.sampled_from(["Nov", "nov", "11", "", "-"]),
    st.sampled_from(["0", "1", "69", "1969", "2026", "9999", "10000", "9" * 30, "-1"]),
    st.sampled_from(["10:00:00", "24:00:00", "23:59:60", "10", "1:1", "::", "10.00.00", ""]),
    st.sampled_from(["GMT", "-0000", "+2359", "-9999", "+99999999999", "EST", "", "ZZZ"]),
)
numbers = st.floats().map(str) | st.sampled_from(["1_0", "\u0661", "1e400", "-1", "9" * 5_000, ""])
headers = st.dictionaries(
    st.sampled_from(["date", "retry-after", "retry-after-ms"]),
    dates | numbers | st.text(st.characters(max_codepoint=255), max_size=30),
)


@settings(UNHURRIED, max_examples=300)
@given(
    code=st.integers(100, 599),
    headers=headers,
    body=st.binary(max_size=60)
    | json_values.map(lambda detail: json.dumps({"detail": detail}).encode())
    | st.sampled_from(ODD_JSON).map(
        lambda odd: f'{{"detail":{odd}}}'.encode("utf-8", "surrogatepass")
    ),
)
@example(429, {"retry-after": "Mon, 23 Nov 9999 10:00:00 GMT", "date": "1 Jan 1 0:0:0 +0000"}, b"")
def test_any_refusal_is_named(code: int, headers: dict[str, str], body: bytes) -> None:
    """In bounded words, with a wait of a minute at most and a time that is one."""
    error = refusal(code, headers, body)

    assert isinstance(error, StatusRefused)
    assert error.code == code
    assert len(str(error)) <= len(f"HTTP {code}: ") + 300
    wait = retry_after_seconds(error)
    assert wait is None or 0 <= wait <= 60
    assert math.isfinite(answered_at(headers))


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_date_without_zone_is_utc_wherever_we_are(zone: str) -> None:
    """As in the oldest of HTTP's three forms (RFC 9110, 5.6.7)."""
    code = (
        "from exporter.llamacloud.headers import answered_at;"
        "print(answered_at({'date': 'Sun Nov  6 08:49:37 1994'}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env={"TZ": zone}, capture_output=True, text=True, check=True
    )
    assert "784111777.0\n" == ended.stdout


# Ten megabytes each: a hundred times a full page of jobs.
MEGABYTES = 10 * 1_000_000
HUGE = {
    "a string": '{"items":[],"x":"' + "x" * MEGABYTES + '"}',
    "a time": '{"items":[{"created_at":"' + "T00:00:60" * (MEGABYTES // 9) + '"}]}',
    "a whole number": '{"items":[],"total_size":' + "9" * MEGABYTES + "}",
    "a fraction": '{"items":[],"total_size":0.' + "9" * MEGABYTES + "}",
    "an exponent": '{"items":[],"total_size":1e' + "9" * MEGABYTES + "}",
    "open brackets": "[" * MEGABYTES,
    "open objects": '{"items":' * (MEGABYTES // 9),
    "empty rows": '{"items":[' + "{}," * (MEGABYTES // 3) + "{}]}",
    "a long list": '{"items":[],"x":[' + "0," * (MEGABYTES // 2) + "0]}",
    "many names": '{"items":[],' + ",".join(f'"{n}":0' for n in range(MEGABYTES // 11)) + "}",
}
BOUNDED = """
import resource, sys, time
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.models import ItemPage, JobPage, parse
from exporter.llamacloud.refusals import refusal

def answered(body):
    for model in (JobPage, ItemPage):
        try:
            parse(model, body)
        except BadResponse as error:
            assert len(str(error)) < 310
    assert len(str(refusal(500, {}, b'{"detail":' + body + b'}'))) <= 310

resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
for body in sys.stdin.buffer:
    began = time.process_time()
    answered(body.rstrip())
    print(time.process_time() - began)
"""


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS"), reason="the system knows no such limit")
def test_ten_megabytes_of_anything_take_less_than_a_gigabyte() -> None:
    """And ten seconds of processor time for all answers that they could be sent for."""
    ended = subprocess.run(
        [sys.executable, "-c", BOUNDED],
        input="\n".join(HUGE.values()).encode(),
        capture_output=True,
        timeout=50,
        check=False,
    )

    seconds = [float(line) for line in ended.stdout.split()]
    assert 0 == ended.returncode, (list(HUGE)[len(seconds)], ended.stderr[-500:])
    assert {} == {name: took for name, took in zip(HUGE, seconds, strict=True) if took > 10}
