"""What is saved is written before the caller continues, at most once a second, or reported."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from exporter.domain import ItemStatus
from exporter.state import StateStore
from exporter.state.decoding import decode, decode_project
from exporter.state.encoding import Encoder
from exporter.state.file import StateFile, StateInUseError
from tests.support.saved_state import KEY, names_in, saved

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Mapping
    from pathlib import Path

pytestmark = pytest.mark.anyio
SOON_SECONDS = 10.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "exporter.state"


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture(autouse=True)
def quick_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the pause between two writes short, where it does not matter."""
    monkeypatch.setattr("exporter.state.store._LEAST_SECONDS_BETWEEN_WRITES", 0.05)


def failed_in(path: Path, key: str = KEY) -> int:
    """Return how many items of the active job had failed by what a file holds."""
    (counts,) = (
        tracked.counts
        for tracked in decode_project(decode(path.read_bytes())[key]).jobs.values()
        if tracked.job.active
    )
    assert counts is not None
    return counts.by_status[ItemStatus.FAILED]


def write(path: Path, **projects: Any) -> None:
    """Write a state file."""
    StateFile(path).replace(Encoder().encode(projects or {KEY: saved()}))


def remove(path: Path) -> None:
    """Remove a file."""
    path.unlink()


def content_of(path: Path) -> bytes:
    """Return what a file holds."""
    return path.read_bytes()


def spoil(path: Path, how: str) -> None:
    """Put what cannot be used where the file should be."""
    match how:
        case "circle":
            path.symlink_to(path.name)
        case "newer":
            write(path)
            path.write_bytes(path.read_bytes().replace(b'"version":1', b'"version":2'))
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()


def facts_of(path: Path) -> tuple[int, float]:
    """Return what changes if somebody replaces or writes a file."""
    facts = path.lstat()
    return facts.st_ino, facts.st_mtime


class Results(list[bool]):
    """The results of the writes of a store; each sets ``changed``."""

    def __init__(self) -> None:
        super().__init__()
        self.changed = asyncio.Event()

    def add(self, written: bool) -> None:  # noqa: FBT001 - the caller's signature
        """Add one."""
        self.append(written)
        self.changed.set()


def opened(
    path: Path, *keys: str, former: Mapping[str, str] = {}, **options: Any
) -> tuple[StateStore, Results]:
    """Open a state file, and record the results of its writes."""
    results = Results()
    return StateStore.open(path, keys or [KEY], former, written=results.add, **options), results


@asynccontextmanager
async def store_of(path: Path, **options: Any) -> AsyncIterator[tuple[StateStore, Results]]:
    """Open a state file, and write what is saved."""
    store, results = opened(path, **options)
    running = asyncio.create_task(store.run())
    await asyncio.sleep(0)
    try:
        async with asyncio.timeout(SOON_SECONDS):
            yield store, results
    finally:
        running.cancel()


async def written_by(store: StateStore, path: Path) -> set[str]:
    """Return the keys of the projects in a file once its store has written it."""
    await store.close({})
    return set(decode(content_of(path)))


async def test_what_is_saved_is_on_disk_when_the_caller_goes_on(path: Path) -> None:
    """It finds its own, whatever others save."""
    async with store_of(path) as (store, results):
        await store.save(KEY, saved(failed=3))
        assert 3 == failed_in(path)
        await asyncio.gather(store.save(KEY, saved(failed=5)), store.save("other", saved()))
        assert (5, 3) == (failed_in(path), failed_in(path, "other"))
    assert [True, True, True] == results
    assert {"exporter.state", "exporter.state.lock"} == names_in(path.parent)


async def test_before_it_runs_nothing_is_written(path: Path) -> None:
    """The file still holds what was loaded, and ``save`` returns at once."""
    store, _ = opened(path)
    async with asyncio.timeout(SOON_SECONDS):
        await store.save(KEY, saved())
    assert {"exporter.state.lock"} == names_in(path.parent)


async def test_what_others_left_is_known_and_kept(path: Path) -> None:
    """A project that is added later goes on from it; one that was renamed leaves none behind."""
    write(path, **{KEY: saved(), "other": saved(failed=5), "renamed": saved()})
    async with store_of(path) as (store, _):
        assert store.known("nobody") is None
        known = store.known("other")
        assert known is not None
        assert saved(failed=5).counters == known.counters
        store.forget("renamed")
        await store.save(KEY, saved(failed=4))
    assert {KEY, "other"} == set(decode(content_of(path)))


async def test_what_cannot_be_read_of_a_project_is_logged(path: Path, log: list[Any]) -> None:
    """The project starts from zero."""
    odd = b'{"saved_at": 2000000000.0}'
    StateFile(path).replace(Encoder().encode({KEY: saved(), "other": odd}))
    async with store_of(path) as (store, _):
        assert store.known("other") is None
    (line,) = (line for line in log if line["event"] == "state.damaged")
    assert "begin at zero" in line["advice"]


async def test_ten_projects_are_written_at_once_and_once_a_second(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often they are saved."""
    monkeypatch.undo()
    async with store_of(path) as (store, results):
        began = time.monotonic()
        for _ in range(3):
            await asyncio.gather(*(store.save(str(number), saved()) for number in range(10)))
        assert time.monotonic() - began >= 2.0
    # One to say that there is a file at all.
    assert 3 + 1 == len(results)


async def test_the_last_write_does_not_wait(path: Path) -> None:
    """The process is about to end."""
    async with store_of(path) as (store, _):
        await store.save(KEY, saved(failed=3))
        began = time.monotonic()
        await store.close({KEY: saved(failed=4)})
        assert time.monotonic() - began < 1.0
        assert 4 == failed_in(path)


async def test_what_cannot_be_written_is_logged_once_until_it_can(
    path: Path, log: list[Any]
) -> None:
    """Publishing goes on meanwhile."""
    async with store_of(path.parent / "missing" / "state") as (store, results):
        for _ in range(2):
            await store.save(KEY, saved())
        (line,) = log
        assert ("state.write_failed", "error") == (line["event"], line["log_level"])
        assert "No such file" in line["detail"]
        (path.parent / "missing").mkdir()
        await store.save(KEY, saved(failed=6))
        assert 6 == failed_in(path.parent / "missing" / "state")
    assert ["state.write_failed", "state.write_recovered"] == [line["event"] for line in log]
    assert [True, False, False, True] == results


async def test_a_file_that_another_process_holds_is_left_alone(path: Path, log: list[Any]) -> None:
    """Neither read nor written."""
    write(path)
    before = content_of(path)
    other = StateFile(path)
    other.lock()
    async with store_of(path) as (store, results):
        await store.save(KEY, saved(failed=9))
    assert before == content_of(path)
    assert [False] == results
    (line,) = log
    assert "state.not_used" == line["event"]
    assert "locked" in line["detail"]


async def test_a_file_that_comes_from_elsewhere_meanwhile_is_left_alone(
    path: Path, log: list[Any]
) -> None:
    """For example if a volume is mounted late: its content was not read."""
    async with store_of(path) as (store, results):
        await store.save(KEY, saved(failed=3))
        write(path, **{KEY: saved(failed=100)})
        for _ in range(2):
            await store.save(KEY, saved(failed=4))
        assert 100 == failed_in(path)
    assert [True, True, False] == results
    assert ["state.not_used"] == [line["event"] for line in log]


async def test_a_file_that_was_removed_is_written_again(path: Path, log: list[Any]) -> None:
    """This is not logged, and does not mean that another process uses it."""
    async with store_of(path) as (store, results):
        await store.save(KEY, saved(failed=3))
        remove(path)
        await store.save(KEY, saved(failed=4))
        assert 4 == failed_in(path)
    assert ([True, True, True], []) == (results, log)


async def test_a_process_that_got_the_lock_keeps_the_file(path: Path, log: list[Any]) -> None:
    """The one whose lock was removed says so, and writes no more."""
    async with store_of(path) as (store, results):
        await store.save(KEY, saved(failed=3))
        remove(path.with_name("exporter.state.lock"))
        _, results_of_other = opened(path)
        for _ in range(2):
            await store.save(KEY, saved(failed=4))
        assert (3, [True]) == (failed_in(path), results_of_other)
    assert [True, True, False] == results
    (line,) = (line for line in log if line["event"] == "state.not_used")
    assert "its lock was removed, and another process has locked it" == line["detail"]


async def test_nobody_waits_for_a_disk_that_hangs(
    path: Path, log: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is saved meanwhile is written once it answers."""
    answers = threading.Event()
    sync = os.fsync

    def hang(descriptor: int) -> None:
        answers.wait(SOON_SECONDS)
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", hang)
    async with store_of(path, answers_within_seconds=0.2) as (store, results):
        began = time.monotonic()
        await asyncio.gather(store.save(KEY, saved(failed=3)), store.save("other", saved()))
        waited = time.monotonic()
        for failed in range(4, 8):
            await store.save(KEY, saved(failed=failed))
        assert 0.2 <= waited - began < SOON_SECONDS / 2
        assert time.monotonic() - waited < 0.5
        assert ([True, False], False) == (results, "exporter.state" in names_in(path.parent))
        results.changed.clear()
        answers.set()
        await results.changed.wait()
        assert (7, 3) == (failed_in(path), failed_in(path, "other"))
        await store.save(KEY, saved(failed=8))
        assert 8 == failed_in(path)
    assert [True, False, True, True] == results
    assert ["state.write_failed", "state.write_recovered"] == [line["event"] for line in log]
    assert "the disk has not answered for 0.2 s" == log[0]["detail"]
    assert "hangs" in log[0]["advice"]


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Return what a disk that hangs waits for."""
    answers = threading.Event()
    monkeypatch.setattr(os, "fsync", lambda _: answers.wait(SOON_SECONDS))
    return answers


async def test_a_write_that_hung_is_confirmed_once_the_disk_answers(
    path: Path, disk: threading.Event
) -> None:
    """Although nothing else was saved meanwhile."""
    async with store_of(path, answers_within_seconds=0.1) as (store, results):
        await store.save(KEY, saved())
        assert [True, False] == results
        results.changed.clear()
        disk.set()
        await results.changed.wait()
    assert [True, False, True] == results


async def test_the_last_write_does_not_wait_for_a_disk_that_hangs(
    path: Path, disk: threading.Event
) -> None:
    """The file stays locked, for it may yet be replaced."""
    async with store_of(path, answers_within_seconds=0.1) as (store, results):
        await store.save(KEY, saved())
        await store.close({})
        assert [True, False] == results
        with pytest.raises(StateInUseError):
            StateFile(path).lock()
        disk.set()


async def test_a_file_that_would_be_too_large_is_not_written(
    path: Path, log: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be called damaged when it is read."""
    async with store_of(path) as (store, results):
        await store.save(KEY, saved(failed=3))
        monkeypatch.setattr("exporter.state.file.LARGEST_BYTES", 100)
        await store.save(KEY, saved(failed=4))
        assert 3 == failed_in(path)
    assert [True, True, False] == results
    (line,) = log
    assert ("state.write_failed", "it would be larger than 512 MiB") == (
        line["event"],
        line["detail"],
    )
    assert "several exporters" in line["advice"]


async def test_a_state_is_read_by_the_keys_of_its_projects(path: Path, log: list[Any]) -> None:
    """Projects that are not configured are kept for a month."""
    old = saved(unix_now=time.time() - 40 * 86_400)
    write(path, here=saved(), away=saved(), long_away=old)
    store, _ = opened(path, "here", "new")
    assert store.known("here") is not None
    assert store.known("new") is None
    assert {"here", "away"} == await written_by(store, path)
    (line,) = log
    assert ("state.loaded", 1, 2) == (line["event"], line["projects"], line["jobs"])
    assert 0 <= line["age_seconds"] < SOON_SECONDS


async def test_a_project_is_found_by_its_former_key(path: Path, log: list[Any]) -> None:
    """Unless it has one of its own there; of two with the same former key, the first one is."""
    write(path, alone=saved(failed=1), known=saved(failed=2))
    former = dict.fromkeys(["known", "first", "second"], "alone")
    store, _ = opened(path, *former, former=former)
    first = store.known("first")
    assert first is not None
    assert saved(failed=1).counters == first.counters
    assert {"first", "known"} == await written_by(store, path)
    assert ["state.loaded"] == [line["event"] for line in log]


def test_there_may_be_no_file_yet(path: Path, log: list[Any]) -> None:
    """This is not logged."""
    store, results = opened(path)
    assert (None, [True], []) == (store.known(KEY), results, log)


def test_a_damaged_file_is_kept_and_logged(path: Path, log: list[Any]) -> None:
    """The exporter starts from zero."""
    path.write_bytes(b"garbage")
    store, results = opened(path)
    assert (None, [True]) == (store.known(KEY), results)
    (line,) = log
    assert ("state.damaged", f"{path}.damaged") == (line["event"], line["kept_as"])
    assert {"exporter.state.damaged", "exporter.state.lock"} == names_in(path.parent)


def test_one_damaged_project_leaves_the_others(path: Path, log: list[Any]) -> None:
    """The file is kept, for it holds what was lost."""
    write(path, here=saved(), bad=b"[]")
    store, _ = opened(path, "here", "bad")
    assert store.known("here") is not None
    assert store.known("bad") is None
    assert ["state.damaged", "state.loaded"] == [line["event"] for line in log]


@pytest.mark.parametrize("what", ["newer", "pipe", "folder", "circle"])
async def test_a_file_that_cannot_be_used_is_left_alone(
    path: Path, log: list[Any], what: str
) -> None:
    """The exporter runs without it, and another one may lock it."""
    spoil(path, what)
    before = facts_of(path)
    async with store_of(path) as (store, results):
        await store.save(KEY, saved())
        StateFile(path).lock()
    assert [False] == results
    assert before == facts_of(path)
    (line,) = log
    assert "state.not_used" == line["event"]
    assert line["advice"]
