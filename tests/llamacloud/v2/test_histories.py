"""Whatever happens to a batch: its counts are those of its files, and its end is found."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.domain import ItemsCounted, ItemStatus
from exporter.llamacloud.errors import LlamaCloudError, NetworkFailed
from exporter.llamacloud.known_values import KnownValues
from exporter.llamacloud.left_out import Unreadable
from exporter.llamacloud.pages import Page
from exporter.llamacloud.requests import Endpoint
from exporter.llamacloud.v2.batches import file_job_of, job_of
from exporter.llamacloud.v2.counting import count_items
from exporter.llamacloud.v2.decoding import read_batch
from exporter.llamacloud.v2.entries import results_of
from exporter.llamacloud.v2.file_job_decoding import read_parse_jobs
from exporter.llamacloud.v2.ids_at_a_time import IdsAtATime
from exporter.llamacloud.v2.memory import BatchMemory
from exporter.llamacloud.v2.reader import BatchFetched
from tests.llamacloud.v2.batches_server import NOW, batch, file_job, result
from tests.llamacloud.v2.reading import LIMITS
from tests.support.properties import EFFORT, UNHURRIED

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.llamacloud.v2.batches import FileJob
    from exporter.llamacloud.v2.reader import Reader

FILES = 4
ENDED = {"COMPLETED": ItemStatus.COMPLETED, "FAILED": ItemStatus.FAILED}
ACTIVE = {"PENDING": ItemStatus.PENDING, "RUNNING": ItemStatus.PROCESSING}


@dataclass
class World:
    """A batch and its file jobs, in the place of a reader; ``hidden`` jobs are not listed."""

    status: str = "RUNNING"
    results: list[Any] | None = None
    file_jobs: dict[int, str] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    fails: bool = False
    known_values: KnownValues = field(
        default_factory=lambda: KnownValues(structlog.get_logger("exporter"))
    )
    ids_at_a_time: IdsAtATime = field(
        default_factory=lambda: IdsAtATime(
            structlog.get_logger("exporter"), dict.fromkeys(Endpoint, 3)
        )
    )

    async def file_jobs_page(
        self, _: Endpoint, ids: Sequence[str], __: str | None
    ) -> Page[FileJob]:
        """List file jobs, one page of them."""
        if self.fails:
            raise NetworkFailed("reset")
        numbers = [int(job_id.removeprefix("job-")) for job_id in ids]
        rows = [file_job(n, self.file_jobs[n]) for n in numbers if n not in self.hidden]
        read = read_parse_jobs(as_json({"items": rows})).rows
        file_jobs = [file_job_of(row, self.known_values, NOW) for row in read]
        return Page(file_jobs, len(read), Unreadable(), answered_at=NOW)

    def fetched(self, memory: BatchMemory) -> BatchFetched:
        """Return the batch, with its results if they are requested."""
        shown = self.results if memory.wants_results else None
        read = read_batch(as_json(batch(status=self.status, results=shown)))
        job = job_of(read.row, self.known_values, NOW, job_id="bat-1")
        results = None if read.results is None else results_of(read.results, self.known_values)
        return BatchFetched(job, results, 0, 0.0, NOW)

    def items(self) -> dict[ItemStatus, int]:
        """Count the files, by rules of this test's own."""
        counted: Counter[ItemStatus] = Counter()
        for entry in self.results or ():
            number = entry["job_reference"] and int(entry["job_reference"]["id"][4:])
            if number is not None:
                counted[(ENDED | ACTIVE)[self.file_jobs[number]]] += 1
            elif entry["error_message"]:
                counted[ItemStatus.FAILED] += 1
            else:
                counted[ItemStatus.PENDING] += 1
        return dict(counted)


def as_json(document: Any) -> bytes:
    return json.dumps(document).encode()


@st.composite
def changes(draw: st.DrawFn) -> tuple[str, int, str]:
    """Draw what happens between two refreshes: to what, which one, and to what it becomes."""
    what = draw(st.sampled_from(("file job", "hide", "show", "refer", "unmap", "fail", "nothing")))
    word = draw(st.sampled_from((*ACTIVE, *ENDED)))
    return what, draw(st.integers(0, FILES - 1)), word


def change(world: World, what: str, number: int, word: str) -> None:
    """Let something happen; a file job that has ended stays as it is, as those of LlamaCloud do."""
    results = world.results or [result(n, None) for n in range(FILES)]
    match what:
        case "file job" if world.file_jobs[number] in ACTIVE:
            world.file_jobs[number] = word
        case "hide":
            world.hidden.add(number)
        case "show":
            world.hidden.discard(number)
        case "refer":
            results[number] = result(number)
        case "unmap" if results[number]["job_reference"] is None:
            results[number] = result(number, None, message="no job")
    if what in {"refer", "unmap"}:
        world.results = results
    world.fails = what == "fail"


async def refreshed(world: World, memory: BatchMemory, now: float) -> ItemsCounted | None:
    """Refresh the batch; return its counts if it can be counted."""
    memory.apply_batch(world.fetched(memory))
    reader: Reader = world  # type: ignore[assignment]
    try:
        answer = await count_items(reader, "bat-1", memory, LIMITS, now=now)
    except LlamaCloudError:
        return None
    return answer if isinstance(answer, ItemsCounted) else None


def check(answer: ItemsCounted) -> None:
    """Check what holds of all counts."""
    counts = answer.counts
    assert FILES == counts.total
    assert counts.by_status[ItemStatus.FAILED] == sum(counts.failure_reasons.values())
    assert counts.by_status[ItemStatus.FAILED] == len(counts.failed)
    ended = Counter(item.status for item in answer.ended)
    assert all(ended[status] == counts.by_status[status] for status in ENDED.values())
    assert not answer.is_final or FILES == len(answer.ended)


@settings(UNHURRIED, max_examples=200 * EFFORT)
@given(history=st.lists(changes(), max_size=25), ends=st.lists(st.sampled_from((*ENDED,))))
def test_the_end_of_every_history_is_found(
    history: list[tuple[str, int, str]], ends: list[str]
) -> None:
    """Once every file job has ended and is listed, three refreshes are enough."""
    asyncio.run(history_of(history, ends))


async def history_of(history: list[tuple[str, int, str]], ends: list[str]) -> None:
    world, memory = World(file_jobs=dict.fromkeys(range(FILES), "PENDING")), BatchMemory()
    for now, step in enumerate(history):
        change(world, *step)
        answer = await refreshed(world, memory, float(now))
        if answer is not None:
            check(answer)
            if not world.hidden:
                assert world.items() == {
                    status: number for status, number in answer.counts.by_status.items() if number
                }
    world.status, world.fails, world.hidden = "COMPLETED", False, set()
    for number in range(FILES):
        change(world, "refer", number, "")
        change(world, "file job", number, ends[number] if number < len(ends) else "COMPLETED")
    last = [await refreshed(world, memory, 100.0) for _ in range(3)]
    answer = last[-1]
    assert answer is not None
    check(answer)
    assert answer.is_final
    assert world.items() == {
        status: number for status, number in answer.counts.by_status.items() if number
    }
