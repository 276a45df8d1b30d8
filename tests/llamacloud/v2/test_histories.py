"""Whatever happens to a batch: its counts are those of its files, and its end is found."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.domain import ItemsCounted, ItemStatus
from exporter.llamacloud.errors import LlamaCloudError, NetworkFailed, UnexpectedStatus
from exporter.llamacloud.requests import Answer
from exporter.llamacloud.v2.api import V2Api
from tests.llamacloud.v2.batches_server import NOW, PATHS, batch, file_job, result
from tests.llamacloud.v2.reading import Reading
from tests.support.clients import Observer
from tests.support.properties import EFFORT, UNHURRIED

if TYPE_CHECKING:
    from exporter.llamacloud.requests import Query

FILES = 4
ENDED = {"COMPLETED": ItemStatus.COMPLETED, "FAILED": ItemStatus.FAILED}
ACTIVE = {"PENDING": ItemStatus.PENDING, "RUNNING": ItemStatus.PROCESSING}


MOST_IDS = 3


@dataclass
class World:
    """A batch and its file jobs, in the place of a client; ``hidden`` jobs are not listed."""

    status: str = "RUNNING"
    results: list[Any] | None = None
    file_jobs: dict[int, str] = field(default_factory=dict)
    hidden: set[int] = field(default_factory=set)
    fails: bool = False
    observer: Observer = field(default_factory=Observer)

    async def get(self, _: str, path: str, params: Query, *__: object, **___: object) -> Answer:
        """Answer a request for the batch, or for a page of file jobs."""
        ids = params.get("job_ids")
        if ids is None:
            shown = self.results if params.get("expand") == "results" else None
            return Answer(as_json(batch(status=self.status, results=shown)), 0.0, NOW)
        if self.fails:
            raise NetworkFailed("reset")
        if len(ids) > MOST_IDS:
            raise UnexpectedStatus(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too many")
        assert path == PATHS["parse"]
        numbers = [int(job_id.removeprefix("job-")) for job_id in ids]
        rows = [file_job(n, self.file_jobs[n]) for n in numbers if n not in self.hidden]
        return Answer(as_json({"items": rows}), 0.0, NOW)

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


async def refreshed(api: Reading, now: float) -> ItemsCounted | None:
    """Refresh the batch; return its counts if it can be counted."""
    api.now = now
    try:
        answer = await api.refresh()
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
    assert not answer.is_over or FILES == len(answer.ended)


@settings(UNHURRIED, max_examples=200 * EFFORT)
@given(history=st.lists(changes(), max_size=25), ends=st.lists(st.sampled_from((*ENDED,))))
def test_the_end_of_every_history_is_found(
    history: list[tuple[str, int, str]], ends: list[str]
) -> None:
    """Once every file job has ended and is listed, three refreshes are enough."""
    asyncio.run(history_of(history, ends))


async def history_of(history: list[tuple[str, int, str]], ends: list[str]) -> None:
    world = World(file_jobs=dict.fromkeys(range(FILES), "PENDING"))
    client: Any = world
    api = Reading(V2Api(client, clock=lambda: api.now))
    for now, step in enumerate(history):
        change(world, *step)
        answer = await refreshed(api, float(now))
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
    last = [await refreshed(api, 100.0) for _ in range(3)]
    answer = last[-1]
    assert answer is not None
    check(answer)
    assert answer.is_over
    assert world.items() == {
        status: number for status, number in answer.counts.by_status.items() if number
    }
