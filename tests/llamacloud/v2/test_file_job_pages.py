"""Reading pages of file jobs: documents are skipped, and whatever is sent costs bounded memory."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import tracemalloc
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.llamacloud.bodies import LONGEST_ANSWER_BYTES
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.pages import read_at_once
from exporter.llamacloud.v2 import file_job_decoding
from exporter.llamacloud.v2.decoding import read_batch, read_batches
from exporter.llamacloud.v2.file_job_decoding import (
    MOST_FILE_JOBS,
    read_extract_jobs,
    read_parse_jobs,
)
from tests.llamacloud.documented import page_of, with_json
from tests.llamacloud.odd_json import ODD_JSON, json_values
from tests.llamacloud.v2.batches_server import batch, file_job, result
from tests.support.properties import UNHURRIED

DOCUMENT = {"lines": [{"id": n, "text": "private", "amount": n / 7} for n in range(15_000)]}
FIELDS = ("id", "project_id", "status", "error_message", "created_at", "updated_at", "name")
odd = st.sampled_from(ODD_JSON) | json_values.map(json.dumps)


def is_json(written: str) -> bool:
    try:
        json.loads(written, parse_int=str)
    except ValueError:
        return False
    return True


def extract_job(number: int, **facts: Any) -> dict[str, Any]:
    return file_job(number, "COMPLETED", extract_result=DOCUMENT, **facts)


def test_documents_are_skipped_and_not_built() -> None:
    """Not even for a moment: twenty of a megabyte cost a few kilobytes."""
    body = page_of(*(extract_job(n) for n in range(16)), next_page_token="t")
    assert 10**7 < len(body) < LONGEST_ANSWER_BYTES
    tracemalloc.start()
    page = read_extract_jobs(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert ([f"job-{n}" for n in range(16)], "t") == (
        [row.id for row in page.rows],
        page.next_token,
    )
    assert peak < 10**5
    assert "private" not in repr(page)


def test_an_odd_field_beside_a_document_takes_nothing_else_with_it() -> None:
    """Nor are the documents built; a slow decoder would refuse that many values."""
    rows = [extract_job(n) for n in range(8)]
    rows[3] |= {"error_message": ["private"], "updated_at": 7, "id": "caf\u00e9"}
    body = page_of(*rows, {"id": ["private"]}, "private")
    tracemalloc.start()
    page = read_extract_jobs(body)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (8, 10, 2) == (len(page.rows), page.sent, page.unreadable.rows)
    assert ["error_message", "updated_at"] == sorted(page.unreadable.fields)
    assert ("caf\u00e9", "COMPLETED", None) == (
        page.rows[3].id,
        page.rows[3].status,
        page.rows[3].error_message,
    )
    # A row is copied to be read.
    assert peak < 3 * len(body) / len(rows)
    assert "private" not in repr(page)


def test_only_parse_jobs_have_a_name() -> None:
    """What extract jobs hold under it may be of a document: it is skipped like all else in them."""
    row = extract_job(0, name={"private": ["document"]})
    page = read_extract_jobs(page_of(row))
    assert (["job-0"], []) == ([row.id for row in page.rows], [*page.unreadable.fields])
    assert ["name"] == [*read_parse_jobs(page_of(row)).unreadable.fields]


def test_json_that_only_python_reads_is_read_slowly() -> None:
    """NaN, and halves of characters, which a document may hold."""
    rows = [file_job(0, "FAILED", extract_result=float("nan")), file_job(1, "RUNNING", name="MARK")]
    body = with_json(page_of(*rows), "MARK", '"\\ud800"')
    page = read_parse_jobs(body)
    assert [("job-0", "FAILED"), ("job-1", "RUNNING")] == [(r.id, r.status) for r in page.rows]


def test_rows_beyond_those_that_may_be_requested_are_skipped() -> None:
    """They would be ignored anyway."""
    for field in ({}, {"status": 7}):
        rows = (file_job(n, "COMPLETED") | field for n in range(3 * MOST_FILE_JOBS))
        page = read_parse_jobs(page_of(*rows))
        assert MOST_FILE_JOBS == len(page.rows) == page.sent


def test_a_page_of_ten_rows_that_cannot_be_read_is_a_bad_answer() -> None:
    """Fewer may all be bad."""
    with pytest.raises(BadResponse, match="items: none of 10 rows has a usable id"):
        read_parse_jobs(page_of(*({"id": 7} for _ in range(10))))
    assert 9 == read_parse_jobs(page_of(*({"id": 7} for _ in range(9)))).unreadable.rows


@pytest.mark.parametrize("body", [b"", b"[]", b"<html>", b"{}", b'{"items":{}}', b'{"items":null}'])
@pytest.mark.parametrize("read", [read_parse_jobs, read_extract_jobs, read_batches])
def test_what_is_no_page_is_a_bad_answer(read: Any, body: bytes) -> None:
    """The message says where, not what."""
    with pytest.raises(BadResponse) as raised:
        read(body)
    assert "html" not in str(raised.value)


@UNHURRIED
@given(field=st.sampled_from((*FIELDS, "extract_result")), written=odd.filter(is_json))
def test_any_json_in_one_field_of_a_file_job_leaves_all_others_as_they_were(
    field: str, written: str
) -> None:
    """Its row is there, unless it has no usable id; other rows are untouched."""
    rows = [file_job(0), file_job(1) | {field: "MARK"}, file_job(2)]
    body = with_json(page_of(*rows), "MARK", written)
    page = read_parse_jobs(body)
    expected = read_parse_jobs(page_of(*rows)).rows
    by_id = {row.id: row for row in page.rows}
    assert (expected[0], expected[2]) == (by_id["job-0"], by_id["job-2"])
    assert 3 == len(page.rows) + page.unreadable.rows
    if field != "id":
        names = [name for name in FIELDS if name != field]
        assert [getattr(expected[1], name) for name in names] == [
            getattr(by_id["job-1"], name) for name in names
        ]


@UNHURRIED
@given(
    place=st.sampled_from(("row", "results", "entry", "config", "job", "job_reference", "status")),
    written=odd.filter(is_json),
)
def test_any_json_in_a_batch_is_read_as_far_as_it_can_be(place: str, written: str) -> None:
    """Or is a bad answer, where it is the batch itself."""
    entry: Any = result(0)
    row: Any = batch(results=[entry, result(1)])
    places = {"config": row["config"], "job": row["config"]["job"], "job_reference": entry}
    match place:
        case "row":
            row = "MARK"
        case "entry":
            row["results"][0] = "MARK"
        case "job":
            row["config"]["job"] = "MARK"
        case _:
            places.get(place if place == "job_reference" else "", row)[place] = "MARK"
    body = with_json(json.dumps(row).encode(), "MARK", written)
    if place == "row":
        with suppress(BadResponse):
            read_batch(body)
    else:
        read = read_batch(body)
        assert "bat-1" == read.row.id
        entries = [entry.source_directory_file_id for entry in read.results or ()]
        assert place == "results" or "dfl-1" == entries[-1]
    # A page of it, among others.
    page = read_batches(with_json(page_of(batch("a"), row), "MARK", written))
    assert 2 == len(page.rows) + page.unreadable.rows


@UNHURRIED
@given(field=st.sampled_from(FIELDS), written=odd.filter(is_json))
def test_field_by_field_the_same_is_read_as_at_once(field: str, written: str) -> None:
    """Wherever a page can be read at once, both slower readers agree."""
    body = with_json(page_of(file_job(0) | {field: "MARK"}, file_job(1)), "MARK", written)
    quickly = read_parse_jobs(body)
    for without in ({"_PARSE_PAGE"}, {"_PARSE_PAGE", "_RAW_PAGE"}):
        skipped = {getattr(file_job_decoding, name) for name in without}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(
                file_job_decoding,
                "read_at_once",
                lambda decoder, body, read=read_at_once, skipped=skipped: (
                    None if decoder in skipped else read(decoder, body)
                ),
            )
            slowly = read_parse_jobs(body)
        assert list(quickly.rows) == list(slowly.rows)
        assert quickly.unreadable == slowly.unreadable


BOUNDED = """
import sys
from pathlib import Path
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.v2.file_job_decoding import read_parse_jobs

def peak_mib():
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:")) // 1024

for line in sys.stdin.buffer:
    body = line.rstrip()
    del line
    try:
        read_parse_jobs(body)
    except BadResponse as error:
        assert len(str(error)) < 310
    print(peak_mib())
"""


def huge_pages() -> dict[str, bytes]:
    """Write 16 MiB of what is small and costs much."""
    bound = LONGEST_ANSWER_BYTES

    def filled(begin: bytes, part: bytes, end: bytes) -> bytes:
        return begin + part * ((bound - len(begin) - len(end)) // len(part)) + end

    return {
        "documents": filled(b'{"items":[{"id":"a","r":[', b'{"b":1},', b"0]}]}"),
        "rows": filled(b'{"items":[', b'{"id":"a"},', b'{"id":"b"}]}'),
        "odd rows": filled(b'{"items":[', b"{},", b"0]}"),
        "deep": filled(b'{"items":[{"id":"a","r":', b"[" * 64, b""),
        "an odd field": filled(b'{"items":[{"id":"a","status":[', b'{"b":1},', b"0]}]}"),
        "an id": filled(b'{"items":[{"id":"', b"x", b'"}]}'),
    }


def test_whatever_is_sent_costs_bounded_memory() -> None:
    """A few times the largest body."""
    huge = huge_pages()
    ended = subprocess.run(
        [sys.executable, "-c", BOUNDED],
        input=b"\n".join(huge.values()),
        capture_output=True,
        timeout=50,
        check=False,
    )
    assert 0 == ended.returncode, ended.stderr[-500:]
    peaks = dict(zip(huge, map(int, ended.stdout.split()), strict=True))
    assert {} == {name: peak for name, peak in peaks.items() if peak > 200}


def test_a_page_of_a_hundred_file_jobs_is_read_in_well_under_a_millisecond() -> None:
    """A whole request may last four; the best of several runs counts, as the machine is shared."""
    body = page_of(*(file_job(n, "COMPLETED", user_metadata={"k": "v"}) for n in range(100)))
    taken = []
    for _ in range(20):
        began = time.process_time()
        read_parse_jobs(body)
        taken.append(time.process_time() - began)
    assert min(taken) < 0.001
