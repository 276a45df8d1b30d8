"""Entries whose end cannot be known do not keep a batch active for long."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.responses import JSONResponse

from exporter.domain import CountLimits, ItemsCounted, NotCounted, NothingToCount, UncountedReason
from exporter.llamacloud.errors import BadResponse
from tests.llamacloud.v2.batches_server import BatchesServer, batch, file_job, result
from tests.llamacloud.v2.reading import LIMITS, CountAnswer, Reading, items, reading

pytestmark = pytest.mark.anyio

MINUTE = 60.0
DAY = 86_400.0
# The limit of fifteen minutes is reached at the third of these, and passed at the fourth.
LOOKS_EVERY = 7 * MINUTE


async def looks(
    api: Reading, number: int, *, every: float = LOOKS_EVERY, limits: CountLimits = LIMITS
) -> list[CountAnswer]:
    """Refresh the batch this number of times."""
    answers = []
    for _ in range(number):
        answers.append(await api.refresh(limits=limits))
        api.now += every
    return answers


def finals(answers: list[CountAnswer]) -> list[bool | None]:
    return [answer.is_over for answer in answers]


HOPELESS: dict[str, Any] = {
    "no reference": result(1, None),
    "not listed": result(1),
    "a type without a list": result(1, "classify_v2"),
    "a reference that cannot be read": result(1) | {"job_reference": 7},
    "a status that cannot be read": result(2),
}


@pytest.mark.parametrize("kind", HOPELESS)
async def test_an_entry_without_hope_is_unknown_and_has_ended_after_thirty_intervals(
    server: BatchesServer, kind: str
) -> None:
    """The results are then read once more before the batch is over."""
    server.batches = [batch(status="COMPLETED", results=[result(0), HOPELESS[kind]])]
    server.parse = [file_job(0, "COMPLETED"), file_job(2) | {"status": None}]
    async with reading(server) as api:
        answers = await looks(api, 5)
        assert [False, False, False, False, True] == finals(answers)
    before, after = answers[2], answers[3]
    assert isinstance(before, ItemsCounted)
    assert isinstance(after, ItemsCounted)
    assert ([1, 2], {"completed": 1, "unknown": 1}) == (
        [len(before.ended), len(after.ended)],
        items(after),
    )


@pytest.mark.parametrize(("number", "every", "ends"), [(2, DAY, False), (3, DAY, True)])
async def test_there_are_at_least_three_looks(
    server: BatchesServer, number: int, every: float, *, ends: bool
) -> None:
    """A batch with rare refreshes is not given up at the second one."""
    server.batches = [batch(status="COMPLETED", results=[result(0, None)])]
    async with reading(server) as api:
        answer = (await looks(api, number, every=every))[-1]
    assert isinstance(answer, ItemsCounted)
    assert ends is bool(answer.ended)


async def test_time_without_a_refresh_gives_up_nothing(server: BatchesServer) -> None:
    """As while LlamaCloud was away: of each such time half of the limit counts at most."""
    server.batches = [batch(status="COMPLETED", results=[result(0)])]
    async with reading(server) as api:
        await looks(api, 2, every=MINUTE / 2)
        api.now += DAY
        answers = await looks(api, 14, every=MINUTE / 2)
        assert [0] * 14 == [len(answer.ended) for answer in answers if hasattr(answer, "ended")]
        server.parse = [file_job(0, "FAILED")]
        assert {"failed": 1} == items(await api.refresh())


async def test_whatever_moves_in_the_batch_begins_the_time_anew(server: BatchesServer) -> None:
    """A reference that appears late is followed."""
    server.batches = [batch(status="COMPLETED", results=[result(0), result(1, None)])]
    server.parse = [file_job(0), file_job(1, "COMPLETED")]
    async with reading(server) as api:
        await looks(api, 3)
        server.parse[0]["status"] = "COMPLETED"
        (answer,) = await looks(api, 1)
        assert {"completed": 1, "pending": 1} == items(answer)
        assert not (await looks(api, 2))[-1].is_over
        # It is given up here, and the reference found when the results are read for the last time.
        (answer,) = await looks(api, 1)
        assert {"completed": 1, "unknown": 1} == items(answer)
        server.batches[0]["results"][1] = result(1)
        answers = await looks(api, 2)
    assert [{"completed": 2}] * 2 == [items(answer) for answer in answers]
    assert [False, True] == finals(answers)


async def test_file_jobs_that_run_are_never_given_up(server: BatchesServer) -> None:
    """However long they run."""
    server.batches = [batch(status="COMPLETED", results=[result(0), result(1)])]
    server.parse = [file_job(0, "RUNNING"), file_job(1, "PENDING")]
    async with reading(server) as api:
        answers = await looks(api, 5, every=DAY)
    assert {"processing": 1, "pending": 1} == items(answers[-1])
    assert [False] * 5 == finals(answers)


async def test_entries_of_a_batch_that_runs_are_never_given_up(server: BatchesServer) -> None:
    """They may be mapped yet: a throttled batch may wait for days."""
    server.batches = [batch(status="THROTTLED", results=[result(0, None), result(1)])]
    async with reading(server) as api:
        answers = await looks(api, 5, every=DAY)
    assert {"pending": 1, "unknown": 1} == items(answers[-1])


async def test_a_status_newer_than_this_exporter_is_given_up_after_a_day(
    server: BatchesServer,
) -> None:
    """A file job may wait in it for long."""
    server.batches = [batch(status="COMPLETED", results=[result(0)])]
    server.parse = [file_job(0, "PAUSED")]
    async with reading(server) as api:
        answers = await looks(api, 7, every=4 * 3600)
        assert [False] * 7 == finals(answers)
        assert [0] * 6 + [1] == [
            len(answer.ended) for answer in answers if isinstance(answer, ItemsCounted)
        ]
        assert [True] == finals(await looks(api, 1))


async def test_results_that_stay_null_leave_a_completed_batch_uncounted(
    server: BatchesServer,
) -> None:
    """It is over then; before, there is nothing to count yet."""
    server.batches = [batch(status="COMPLETED")]
    async with reading(server) as api:
        answers = await looks(api, 4)
    assert [NothingToCount] * 3 + [NotCounted] == [type(answer) for answer in answers]
    assert isinstance(answers[-1], NotCounted)
    assert UncountedReason.NO_RESULTS is answers[-1].reason
    assert [False] * 3 + [True] == finals(answers)


@pytest.mark.parametrize(
    ("status", "ends"), [("FAILED", True), ("CANCELLED", True), ("RUNNING", False)]
)
async def test_results_that_stay_null_are_no_fault_of_other_batches(
    server: BatchesServer, status: str, *, ends: bool
) -> None:
    """One that failed may have none, one that runs has none yet."""
    server.batches = [batch(status=status)]
    async with reading(server) as api:
        answer = (await looks(api, 5))[-1]
    assert isinstance(answer, NothingToCount)
    assert ends is answer.is_over


async def test_results_that_are_late_are_read(server: BatchesServer) -> None:
    """Even if they come just before the batch would be given up."""
    server.batches = [batch(status="COMPLETED")]
    server.parse = [file_job(0, "FAILED")]
    async with reading(server) as api:
        await looks(api, 3)
        server.batches[0]["results"] = [result(0)]
        answers = await looks(api, 2)
    assert [{"failed": 1}] * 2 == [items(answer) for answer in answers]
    assert [False, True] == finals(answers)


async def test_a_reference_that_comes_after_completed_is_followed_at_once(
    server: BatchesServer,
) -> None:
    """Whatever else moves in the batch; once there is one for each file, results are not read."""
    server.batches = [batch(status="COMPLETED", results=[result(0), result(1, None)])]
    server.parse = [file_job(0), file_job(1, "FAILED")]
    async with reading(server) as api:
        assert {"processing": 1, "pending": 1} == items(await api.refresh())
        server.batches[0]["results"][1] = result(1)
        assert {"processing": 1, "failed": 1} == items(await api.refresh())
        await api.refresh()
    received = [request for request in server.requests if request.endpoint == "batch"]
    assert [True, True, False] == ["expand" in request.params for request in received]


@pytest.mark.parametrize("late", [None, [], [result(0)]])
async def test_results_that_are_fewer_than_before_confirm_no_end(
    server: BatchesServer, late: list[Any] | None
) -> None:
    """Missing entries are kept; the results are accepted after thirty intervals without a move."""
    whole = [result(0), result(1)]
    server.batches = [batch(status="COMPLETED", results=whole)]
    server.parse = [file_job(0, "COMPLETED"), file_job(1)]
    async with reading(server) as api:
        assert {"completed": 1, "processing": 1} == items(await api.refresh())
        server.parse[1]["status"] = "FAILED"
        await looks(api, 1)
        server.batches[0]["results"] = late
        answers = await looks(api, 3)
        assert [False, False, True] == finals(answers)
        assert [{"completed": 1, "failed": 1}] * 3 == [items(answer) for answer in answers]


async def test_null_results_at_the_last_reading_lose_no_late_reference(
    server: BatchesServer,
) -> None:
    """Null says nothing: the results are read again, for thirty intervals more."""
    server.batches = [batch(status="COMPLETED", results=[result(0), result(1, None)])]
    server.parse = [file_job(0, "COMPLETED"), file_job(1, "FAILED")]
    async with reading(server) as api:
        assert {"completed": 1, "unknown": 1} == items((await looks(api, 4))[-1])
        server.batches[0]["results"] = None
        assert [False] * 3 == finals(await looks(api, 3))
        server.batches[0]["results"] = [result(0), result(1)]
        answers = await looks(api, 2)
    assert [{"completed": 1, "failed": 1}] * 2 == [items(answer) for answer in answers]
    assert [False, True] == finals(answers)


async def test_results_that_stay_null_at_the_last_reading_are_the_end(
    server: BatchesServer,
) -> None:
    """They do not keep the batch active for ever."""
    server.batches = [batch(status="COMPLETED", results=[result(0), result(1, None)])]
    server.parse = [file_job(0, "COMPLETED")]
    async with reading(server) as api:
        await looks(api, 4)
        server.batches[0]["results"] = None
        answers = await looks(api, 4)
    assert [False] * 3 + [True] == finals(answers)
    assert {"completed": 1, "unknown": 1} == items(answers[-1])


async def test_results_that_stay_empty_are_believed_after_thirty_intervals(
    server: BatchesServer,
) -> None:
    """An empty batch ends then."""
    server.batches = [batch(status="COMPLETED", results=[])]
    async with reading(server) as api:
        answers = await looks(api, 4)
    assert [False] * 3 + [True] == finals(answers)
    assert {} == items(answers[-1])


async def test_results_that_are_empty_at_first_are_read_again(server: BatchesServer) -> None:
    """LlamaCloud may not have written them all yet."""
    server.batches = [batch(status="COMPLETED", results=[])]
    server.parse = [file_job(0, "FAILED")]
    async with reading(server) as api:
        await looks(api, 3)
        server.batches[0]["results"] = [result(0)]
        answers = await looks(api, 2)
    assert [{"failed": 1}] * 2 == [items(answer) for answer in answers]
    assert [False, True] == finals(answers)


async def test_a_batch_that_runs_again_may_have_fewer_files(server: BatchesServer) -> None:
    """Those of its former run are not missed."""
    server.batches = [batch(status="COMPLETED", results=[result(0), result(1)])]
    server.parse = [file_job(n, "COMPLETED") for n in range(3)]
    async with reading(server) as api:
        await looks(api, 2)
        server.batches[0] |= {"status": "RUNNING", "results": None}
        await looks(api, 1)
        server.batches[0] |= {"status": "COMPLETED", "results": [result(2)]}
        answers = await looks(api, 2)
    assert [{"completed": 1}] * 2 == [items(answer) for answer in answers]
    assert [False, True] == finals(answers)


async def test_entries_without_a_usable_id_leave_a_completed_batch_uncounted(
    server: BatchesServer,
) -> None:
    """At last; until then each count fails."""
    server.batches = [batch(status="COMPLETED", results=[result(0), {}])]
    async with reading(server) as api:
        for _ in range(3):
            with pytest.raises(BadResponse):
                await api.refresh()
            api.now += LOOKS_EVERY
        answer = await api.refresh()
    assert isinstance(answer, NotCounted)
    assert (UncountedReason.UNREADABLE_ITEMS, True) == (answer.reason, answer.is_over)


async def test_counts_that_fail_are_no_looks(server: BatchesServer) -> None:
    """Nothing is known of what moved meanwhile."""
    server.batches = [batch(status="COMPLETED", results=[result(0), result(1, None)])]
    server.parse = [file_job(0)]
    async with reading(server) as api:
        await looks(api, 1)
        server.answer = lambda received: JSONResponse({}, 403) if received.job_ids else None
        for _ in range(3):
            await api.status()
            with pytest.raises(Exception, match="HTTP 403"):
                await api.count()
            api.now += LOOKS_EVERY
        server.answer = lambda _: None
        for answer in await looks(api, 2):
            assert {"processing": 1, "pending": 1} == items(answer)
        (answer,) = await looks(api, 1)
    assert {"processing": 1, "unknown": 1} == items(answer)


async def test_a_batch_that_runs_again_is_read_again(server: BatchesServer) -> None:
    """Its results are as open as at first."""
    server.batches = [batch(status="COMPLETED", results=[result(0)])]
    server.parse = [file_job(0, "COMPLETED"), file_job(1)]
    async with reading(server) as api:
        assert [False, True] == finals(await looks(api, 2))
        server.batches[0] |= {"status": "RUNNING"}
        assert [False] == finals(await looks(api, 1))
        server.batches[0] |= {"status": "COMPLETED", "results": [result(0), result(1)]}
        (answer,) = await looks(api, 1)
    assert {"completed": 1, "processing": 1} == items(answer)


async def test_a_batch_of_too_many_entries_is_over_once_nothing_has_changed_for_long(
    server: BatchesServer,
) -> None:
    """Also if each of them is an error, and its results are the same each time."""
    results = [result(number, None, message="no job") for number in range(1001)]
    server.batches = [batch(status="COMPLETED", results=results)]
    async with reading(server) as api:
        answers = await looks(api, 4, limits=CountLimits(max_requests=1))
    assert [False, False, False, True] == finals(answers)
