"""What a state file holds is what was saved, or it is refused."""

from __future__ import annotations

import hashlib
import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.core.contradictions import NO_ANSWERS
from exporter.core.saved import restore, saved_project
from exporter.domain import ItemStatus, JobStatus
from exporter.exposition import Form
from exporter.exposition.snapshot import Snapshot
from exporter.state.decoding import DamagedStateError, NewerStateError, decode, decode_project
from exporter.state.encoding import Encoder
from tests.support.history import HOUR, History, counts, job
from tests.support.properties import EFFORT, UNHURRIED
from tests.support.saved_state import KEY, saved

SAVED = saved(unix_now=1_800_000_000.0)
CONTENT = b"".join(Encoder().encode({KEY: SAVED}))
OLD_FILE = Path(__file__).parent / "version_1.state"


def headed(body: bytes, **facts: Any) -> bytes:
    """Return a body after a head that fits it."""
    head = json.loads(CONTENT.partition(b"\n")[0])
    head |= {"sha256": hashlib.sha256(body).hexdigest(), **facts}
    return json.dumps(head).encode() + b"\n" + body


def changed(**facts: Any) -> bytes:
    """Return a file with other facts of the project."""
    body = json.loads(CONTENT.partition(b"\n")[2])
    body["projects"][KEY] |= facts
    return headed(json.dumps(body).encode())


def test_what_was_saved_is_read_again() -> None:
    """But for what is of a session alone."""
    of_session: dict[str, Any] = {"answers": NO_ANSWERS, "memory": None}
    kept = {job_id: replace(job, **of_session) for job_id, job in SAVED.jobs.items()}
    assert {"active", "ended"} == set(kept)
    assert replace(SAVED, jobs=kept) == decode_project(decode(CONTENT)[KEY])


def test_a_file_of_this_version_stays_readable() -> None:
    """Another name of a field would lose what is saved: that needs another version."""
    project = decode_project(decode(OLD_FILE.read_bytes())[KEY])
    assert {"active": 3, "ended": 0} == {
        job_id: job.counts.by_status[ItemStatus.FAILED]
        for job_id, job in project.jobs.items()
        if job.counts
    }
    assert {"active", "ended"} == set(project.marks)
    assert OLD_FILE.read_bytes().split() == CONTENT.split()


def test_what_an_older_exporter_did_not_write_may_be_missing() -> None:
    """It is as if nothing had happened of it."""
    project = {k: v for k, v in PROJECT.items() if k not in {"answered", "set_aside"}}
    found = decode_project(json.dumps(project).encode())
    assert not found.answered | found.set_aside
    assert SAVED.counters == found.counters


def test_what_is_encoded_already_stays_as_it_is() -> None:
    """It is that of a project which is not configured any more."""
    (kept,) = decode(CONTENT).values()
    again = b"".join(Encoder().encode({"other": SAVED, KEY: kept}))
    assert kept == decode(again)[KEY]


def test_a_job_that_did_not_change_is_not_encoded_again() -> None:
    """The pieces of before are used."""
    encoder = Encoder()
    first, second = encoder.encode({KEY: SAVED}), encoder.encode({KEY: SAVED})
    assert b"".join(first) == b"".join(second)
    same = [
        one is other for one, other in zip(first, second, strict=True) if b'"total_items"' in one
    ]
    assert same
    assert all(same)


@given(st.integers(0, len(CONTENT) - 1), st.integers(1, 255))
def test_a_file_in_which_a_byte_changed_is_damaged(place: int, change: int) -> None:
    """Wherever it is."""
    content = bytearray(CONTENT)
    content[place] ^= change
    with pytest.raises((DamagedStateError, NewerStateError)):
        decode(bytes(content))


@given(st.integers(0, len(CONTENT) - 1))
def test_a_file_that_is_cut_off_is_damaged(length: int) -> None:
    """So is an empty one."""
    with pytest.raises(DamagedStateError):
        decode(CONTENT[:length])


@pytest.mark.parametrize(
    "content",
    [
        b"\x00" * 4096,
        b"[" * 1_000_000,
        b"{}\n{}",
        b"\xff\xfe",
        headed(b'{"projects":' * 100_000),
        headed(b'{"projects":[]}'),
        headed(b"null"),
        headed(CONTENT.partition(b"\n")[2], format="another"),
    ],
)
def test_what_is_no_state_file_is_damaged(content: bytes) -> None:
    """Whatever it contains."""
    with pytest.raises(DamagedStateError):
        decode(content)


def test_a_file_of_a_newer_version_is_distinguished() -> None:
    """It is not damaged."""
    with pytest.raises(NewerStateError, match="newer exporter"):
        decode(headed(b"whatever", version=2))


@pytest.mark.parametrize(
    "facts",
    [
        {"saved_at": "yesterday"},
        {"saved_at": 1e400},
        {"jobs": []},
        {"jobs": {"active": {"job": {"id": 3}}}},
        {"marks": {"active": {"adds": 1}}},
        {"counters": {}},
        {"watermarks": {"v1beta": None}},
    ],
)
def test_a_project_of_another_shape_is_refused(facts: dict[str, Any]) -> None:
    """Although the checksum is right."""
    with pytest.raises(DamagedStateError):
        decode_project(decode(changed(**facts))[KEY])


ODD: tuple[Any, ...] = (
    None,
    "",
    "x",
    -1,
    0,
    10**19,
    10**400,
    1e308,
    -1e308,
    True,
    [],
    {},
    [[]],
    {"a": {}},
)


def leaves_of(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Return the paths to all values in a JSON document."""
    if not isinstance(value, dict | list):
        return [path]
    members: Any = value.items() if isinstance(value, dict) else enumerate(value)
    return [path, *(leaf for key, member in members for leaf in leaves_of(member, (*path, key)))]


PROJECT = json.loads(decode(CONTENT)[KEY])
LEAVES = [leaf for leaf in leaves_of(PROJECT) if leaf]


@pytest.mark.parametrize("number", [2**53 + 1, 10**19, 10**400, -(10**400)])
def test_a_number_that_no_sample_can_hold_is_refused(number: int) -> None:
    """Wherever it is; the largest one that a float holds exactly is not."""
    project = deepcopy(PROJECT)
    by_status = project["jobs"]["active"]["counts"]["by_status"]
    by_status["failed"] = 2**53
    decode_project(json.dumps(project).encode())
    by_status["failed"] = number
    with pytest.raises(DamagedStateError, match="a number is too large"):
        decode_project(json.dumps(project).encode())


@given(st.sampled_from(LEAVES), st.sampled_from(ODD))
@example(("jobs", "active", "counts", "by_status", "failed"), 10**400)
@example(("marks", "active", "items", "failed"), 10**400)
@settings(UNHURRIED, max_examples=300 * EFFORT)
def test_what_is_not_refused_can_be_gone_on_with(path: tuple[Any, ...], odd: Any) -> None:
    """It is polled, published and saved again."""
    project = deepcopy(PROJECT)
    place = project
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = odd
    try:
        found = decode_project(json.dumps(project).encode())
    except DamagedStateError:
        return
    history = History()
    restore(history.table, found, 0.0, 1_800_000_000.0)
    snapshot = Snapshot()
    for moment in (0.0, 30.0, 25 * HOUR):
        history.at(moment).listing(job("active"), job("new", status=JobStatus.COMPLETED))
        if "active" in {tracked.job.id for tracked in history.table}:
            history.count("active", counts(failed=4, completed=6))
        snapshot.replace(history.view())
        assert snapshot.published().lines(Form.TEXT)
    Encoder().encode({KEY: saved_project(history.table, history.moment, 1.0)})
