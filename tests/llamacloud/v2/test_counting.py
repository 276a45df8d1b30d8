"""Counting the files of a batch: which file jobs are requested, and the resulting counts."""

import pytest
from starlette.responses import JSONResponse

from exporter.domain import (
    CountLimits,
    ItemsCounted,
    JobStatus,
    NotCounted,
    NothingToCount,
    UncountedReason,
)
from exporter.llamacloud.errors import BadResponse
from tests.llamacloud.v2.batches_server import (
    NOW,
    PROJECT,
    BatchesServer,
    at,
    batch,
    file_job,
    result,
)
from tests.llamacloud.v2.reading import LIMITS, Reading, items, reading

pytestmark = pytest.mark.anyio


def one_batch(server: BatchesServer, *results: object, status: str = "COMPLETED") -> None:
    server.batches = [batch(status=status, results=list(results))]


async def test_each_file_has_the_status_of_its_file_job(server: BatchesServer) -> None:
    """Whatever else its entry says, and in any case of letters."""
    statuses = ("PENDING", "THROTTLED", "Running", "COMPLETED", "FAILED", "cancelled")
    one_batch(server, *(result(number, message="?") for number in range(len(statuses))))
    server.parse = [file_job(number, status) for number, status in enumerate(statuses)]
    async with reading(server) as api:
        answer = await api.counted()
    assert {
        "pending": 2,
        "processing": 1,
        "completed": 1,
        "failed": 1,
        "cancelled": 1,
    } == items(answer)
    assert not answer.is_over
    assert answer.counts.whole


async def test_entries_without_a_file_job_are_failed_pending_or_cancelled(
    server: BatchesServer,
) -> None:
    """By their mapping error, and by whether the batch was cancelled."""
    entries = (
        result(0, None, message="no such file"),
        result(1, None),
        result(2, None, message=""),
    )
    one_batch(server, *entries)
    async with reading(server) as api:
        answer = await api.counted()
        assert {"failed": 1, "pending": 2} == items(answer)
        assert {"not_mapped": 1} == answer.counts.failure_reasons
        (failed,) = answer.counts.failed
        assert ("dfl-0", None, "no such file") == (
            failed.item_id,
            failed.item_name,
            failed.error_message,
        )
        one_batch(server, *entries, status="CANCELLED")
        assert {"failed": 1, "cancelled": 2} == items(await api.counted())
    assert "parse" not in server.count()


async def test_failed_files_are_named_with_their_reason(server: BatchesServer) -> None:
    """The message is the file job's, the name the parse job's; texts are cut."""
    one_batch(server, result(0), result(1, "extract_v2"), result(2))
    server.parse = [
        file_job(0, "FAILED", error_message="PDF_IS_BROKEN: " + "x" * 1000),
        file_job(2, "FAILED"),
    ]
    server.extract = [file_job(1, "FAILED", error_message="llm_refusal", name="not ours to keep")]
    async with reading(server) as api:
        counts = (await api.counted()).counts
    assert {"pdf_is_broken": 1, "llm_refusal": 1, "none": 1} == counts.failure_reasons
    assert {
        "dfl-0": ("0.pdf", ("PDF_IS_BROKEN: " + "x" * 1000)[:500]),
        "dfl-1": (None, "llm_refusal"),
        "dfl-2": ("2.pdf", None),
    } == {item.item_id: (item.item_name, item.error_message) for item in counts.failed}


async def test_no_more_failed_files_are_kept_than_are_shown(server: BatchesServer) -> None:
    """All are counted."""
    one_batch(server, *(result(number) for number in range(50)))
    server.parse = [file_job(number, "FAILED") for number in range(50)]
    async with reading(server) as api:
        counts = (await api.counted()).counts
    assert ({"none": 50}, 20) == (counts.failure_reasons, len(counts.failed))


async def test_a_thousand_files_cost_ten_requests_and_ended_ones_none(
    server: BatchesServer,
) -> None:
    """One for the batch, and one for each hundred that have not ended."""
    one_batch(server, *(result(number) for number in range(1000)), status="RUNNING")
    server.parse = [file_job(number) for number in range(1000)]
    async with reading(server, project_id=PROJECT) as api:
        await api.counted()
        assert {"100"} == {
            received.params["page_size"]
            for received in server.requests
            if received.endpoint == "parse"
        }
        assert {"batch": 1, "parse": 10} == server.count()
        for number in range(850):
            server.parse[number]["status"] = "COMPLETED"
        assert {"completed": 850, "processing": 150} == items(await api.counted())
        assert {"batch": 1, "parse": 10} == server.count()
        await api.counted()
        assert [100, 50] == [
            len(received.job_ids) for received in server.requests if received.endpoint == "parse"
        ]
        server.count()
        for job in server.parse:
            job["status"] = "COMPLETED"
        assert {"completed": 1000} == items(await api.counted())
        server.count()
        await api.counted()
    assert {"batch": 1} == server.count()


async def test_extract_file_jobs_are_requested_twenty_at_a_time(server: BatchesServer) -> None:
    """Their rows contain documents; the page size is the number of ids."""
    one_batch(server, *(result(number, "extract_v2") for number in range(45)))
    server.extract = [file_job(number, "COMPLETED") for number in range(45)]
    async with reading(server) as api:
        assert {"completed": 45} == items(await api.counted())
    received = [received for received in server.requests if received.endpoint == "extract"]
    assert [("20", 20), ("20", 20), ("5", 5)] == [
        (request.params["page_size"], len(request.job_ids)) for request in received
    ]


async def test_the_batch_has_no_results_yet(server: BatchesServer) -> None:
    """Then there is nothing to count, and no request is sent."""
    server.batches = [batch()]
    async with reading(server) as api:
        answer = await api.refresh()
    assert isinstance(answer, NothingToCount)
    assert not answer.is_over
    assert {"batch": 1} == server.count()


async def test_results_of_a_running_batch_are_used(server: BatchesServer) -> None:
    """LlamaCloud documents none before COMPLETED, and does not exclude them."""
    one_batch(server, result(0), result(1, None), status="RUNNING")
    server.parse = [file_job(0, "COMPLETED")]
    async with reading(server) as api:
        answer = await api.counted()
    assert ({"completed": 1, "pending": 1}, False) == (items(answer), answer.is_over)


async def test_results_are_read_until_completed_and_once_more_at_the_end(
    server: BatchesServer,
) -> None:
    """Only that last time makes the end final."""
    one_batch(server, result(0), status="RUNNING")
    server.parse = [file_job(0)]
    expanded: list[bool] = []

    async def refreshed(api: Reading) -> bool | None:
        server.requests.clear()
        answer = await api.counted()
        expanded.append("expand" in server.requests[0].params)
        return answer.is_over

    async with reading(server) as api:
        finals = [await refreshed(api), await refreshed(api)]
        server.batches[0]["status"] = "COMPLETED"
        finals += [await refreshed(api), await refreshed(api)]
        server.parse[0]["status"] = "COMPLETED"
        finals += [await refreshed(api), await refreshed(api)]
    assert [True, True, True, False, False, True] == expanded
    assert [False] * 5 + [True] == finals
    assert {"batch": 1} == server.count()


async def test_a_batch_whose_files_ended_before_it_is_final_with_one_more_reading(
    server: BatchesServer,
) -> None:
    """That reading is the last one: it came after the end of all files."""
    one_batch(server, result(0), status="RUNNING")
    server.parse = [file_job(0, "COMPLETED")]
    async with reading(server) as api:
        assert not (await api.counted()).is_over
        server.batches[0]["status"] = "COMPLETED"
        assert (await api.counted()).is_over
    assert {"batch": 2, "parse": 1} == server.count()


async def test_a_reference_that_changed_at_the_end_is_followed(server: BatchesServer) -> None:
    """The file seems to be processed again."""
    one_batch(server, result(0))
    server.parse = [file_job(0, "FAILED"), file_job(1)]
    async with reading(server) as api:
        assert {"failed": 1} == items(await api.counted())
        moved = result(1) | {"source_directory_file_id": "dfl-0"}
        one_batch(server, moved)
        answer = await api.counted()
        assert ({"processing": 1}, False) == (items(answer), answer.is_over)
        assert () == answer.counts.failed
        server.parse[1]["status"] = "COMPLETED"
        assert not (await api.counted()).is_over
        answer = await api.counted()
    assert ({"completed": 1}, True) == (items(answer), answer.is_over)


@pytest.mark.parametrize("status", ["FAILED", "CANCELLED"])
async def test_file_jobs_of_a_batch_that_failed_are_counted_until_they_end(
    server: BatchesServer, status: str
) -> None:
    """They run on, and may fail."""
    one_batch(server, result(0), status=status)
    server.parse = [file_job(0)]
    async with reading(server) as api:
        assert {"processing": 1} == items(await api.counted())
        server.parse[0]["status"] = "FAILED"
        assert not (await api.counted()).is_over
        answer = await api.counted()
    assert ({"failed": 1}, True) == (items(answer), answer.is_over)


async def test_the_end_is_the_latest_of_the_file_jobs(server: BatchesServer) -> None:
    """Not of those that run, nor before the creation of the batch; progress likewise."""
    one_batch(server, *(result(number) for number in range(4)))
    server.parse = [
        file_job(0, "COMPLETED", updated_at=at(NOW - 20)),
        file_job(1, "RUNNING", updated_at=at(NOW - 5), created_at=at(NOW - 30)),
        file_job(2, "FAILED", updated_at=at(NOW - 10)),
        file_job(3, "COMPLETED", created_at=None, updated_at=at(NOW - 9000)),
    ]
    async with reading(server) as api:
        answer = await api.counted()
    assert answer.ended_at == pytest.approx(NOW - 10, abs=0.001)
    assert answer.counts.newest_at == pytest.approx(NOW - 10, abs=0.001)
    # A time before the creation of the batch is ignored.
    assert [True, True, False] == [item.ended_at is not None for item in answer.ended]


async def test_what_ended_after_a_moment_is_distinguished(server: BatchesServer) -> None:
    """As counters need it that begin in the middle of a batch."""
    one_batch(server, *(result(number) for number in range(4)), result(4, None, message="x"))
    server.parse = [
        file_job(0, "FAILED", updated_at=at(NOW - 40)),
        file_job(1, "COMPLETED", updated_at=at(NOW - 20)),
        file_job(2, "COMPLETED", updated_at=None),
        file_job(3, "RUNNING"),
    ]
    async with reading(server) as api:
        await api.counted()
        server.parse[3] |= {"status": "FAILED", "updated_at": at(NOW - 45)}
        answer = await api.counted()

    def after(*, was_mapped: bool) -> tuple[dict[str, int], object]:
        counts = answer.counts_after(NOW - 30, was_mapped=was_mapped)
        numbers = {str(status): number for status, number in counts.by_status.items() if number}
        return numbers, counts.failure_reasons

    # The job that was seen to run ended after that, whatever its time says.
    assert ({"completed": 2, "failed": 2}, {"none": 1, "not_mapped": 1}) == after(was_mapped=False)
    assert ({"completed": 1, "failed": 1}, {"none": 1}) == after(was_mapped=True)
    assert 5 == len(answer.ended)


async def test_file_jobs_that_two_files_share_are_requested_once(server: BatchesServer) -> None:
    """Both files have its status."""
    one_batch(server, result(0), result(0) | {"source_directory_file_id": "dfl-1"})
    server.parse = [file_job(0, "FAILED")]
    async with reading(server) as api:
        assert {"failed": 2} == items(await api.counted())
    assert [["job-0"]] == [received.job_ids for received in server.requests if received.job_ids]


@pytest.mark.parametrize("statuses", [("FAILED", "COMPLETED"), ("COMPLETED", "FAILED")])
async def test_a_file_that_comes_twice_is_counted_once(
    server: BatchesServer, statuses: tuple[str, str]
) -> None:
    """A failure is not hidden, in whatever order they come; the batch ends all the same."""
    entries = [result(0), result(1) | {"source_directory_file_id": "dfl-0"}]
    server.parse = [file_job(number, status) for number, status in enumerate(statuses)]
    answers = []
    async with reading(server) as api:
        for _ in range(2):
            one_batch(server, *entries)
            answers.append(await api.counted())
            entries.reverse()
    assert [({"failed": 1}, 1, False), ({"failed": 1}, 1, True)] == [
        (items(answer), len(answer.ended), answer.is_over) for answer in answers
    ]
    assert ["dfl-0"] == [item.item_id for item in answers[-1].counts.failed]
    assert {"none": 1} == answers[-1].counts.failure_reasons


async def test_of_a_file_that_comes_twice_both_file_jobs_are_followed(
    server: BatchesServer,
) -> None:
    """It has ended once both have; two failures are one failed file."""
    one_batch(server, result(0), result(1) | {"source_directory_file_id": "dfl-0"})
    server.parse = [file_job(0, "COMPLETED"), file_job(1)]
    async with reading(server) as api:
        answer = await api.counted()
        assert ({"processing": 1}, ()) == (items(answer), answer.ended)
        server.parse[1]["status"] = "FAILED"
        assert {"failed": 1} == items(await api.counted())
    server.parse[0]["status"] = "FAILED"
    async with reading(server) as api:
        counts = (await api.counted()).counts
    assert (1, 1) == (counts.total, len(counts.failed))


async def test_an_entry_that_says_nothing_hides_no_other_of_its_file(
    server: BatchesServer,
) -> None:
    """Nor does an entry that comes twice as it is."""
    nothing = result(0, None)
    one_batch(server, nothing, result(0), nothing, result(0), result(1, None), result(1, None))
    server.parse = [file_job(0, "COMPLETED")]
    async with reading(server) as api:
        assert {"completed": 1, "pending": 1} == items(await api.counted())


async def test_a_file_job_that_is_listed_twice_is_as_the_last_row_says(
    server: BatchesServer,
) -> None:
    """Nothing is left of the other row: the list moved while it was read."""
    one_batch(server, result(1))
    server.parse = [
        file_job(1, "FAILED", error_message="TIMEOUT", updated_at=at(NOW - 25)),
        file_job(1, "RUNNING"),
    ]
    server.answer = lambda received: (
        JSONResponse({"items": server.parse}) if received.job_ids else None
    )
    async with reading(server) as api:
        answer = await api.counted()
        assert ({"processing": 1}, {}, (), ()) == (
            items(answer),
            answer.counts.failure_reasons,
            answer.counts.failed,
            answer.ended,
        )
        server.parse = [file_job(1, "COMPLETED", updated_at=None)]
        (ended,) = (await api.counted()).ended
    assert (None, None) == (ended.failure_reason, ended.ended_at)


async def test_two_batches_that_share_a_file_job_both_count_it(server: BatchesServer) -> None:
    """Each has its own memory."""
    server.batches = [batch(f"bat-{n}", status="COMPLETED", results=[result(0)]) for n in (1, 2)]
    server.parse = [file_job(0, "FAILED")]
    async with reading(server) as first:
        second = Reading(first.api)
        assert {"failed": 1} == items(await first.counted("bat-1"))
        assert {"failed": 1} == items(await second.counted("bat-2"))


async def test_entries_that_are_too_many_leave_the_batch_uncounted(server: BatchesServer) -> None:
    """Without a request for its file jobs."""
    one_batch(server, *(result(number) for number in range(1001)))
    async with reading(server) as api:
        answer = await api.refresh(limits=CountLimits(max_requests=1))
    assert isinstance(answer, NotCounted)
    assert (UncountedReason.TOO_MANY_ITEMS, False) == (answer.reason, answer.is_over)
    assert {"batch": 1} == server.count()


async def test_an_entry_without_a_usable_id_leaves_the_batch_uncounted(
    server: BatchesServer,
) -> None:
    """Its status is read all the same, and the results are read again."""
    one_batch(server, result(0), {"source_directory_file_id": "."})
    server.parse = [file_job(0)]
    async with reading(server) as api:
        assert JobStatus.DISPATCHED is (await api.status()).status
        with pytest.raises(BadResponse, match="results: 1 without a usable id"):
            await api.count()
        one_batch(server, result(0))
        assert {"processing": 1} == items(await api.counted())


async def test_a_memory_that_was_lost_is_built_anew(server: BatchesServer) -> None:
    """As after a restart."""
    one_batch(server, result(0))
    async with reading(server) as api:
        assert isinstance(await api.count(), NothingToCount)
        assert isinstance(await api.refresh(limits=LIMITS), ItemsCounted)
