"""Rows that cannot be read, that contradict the request, and page sizes that are refused."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import structlog
from structlog.testing import capture_logs

from exporter.domain import (
    CountLimits,
    ItemsCounted,
    ItemStatus,
    JobStatus,
    Listing,
    ListingPlan,
    NotCounted,
    UncountedReason,
)
from exporter.llamacloud.errors import BadResponse, Unprocessable
from exporter.llamacloud.page_sizes import PageSizes
from exporter.llamacloud.v1beta.api import V1BetaApi
from exporter.llamacloud.v1beta.endpoints import V1BetaEndpoint
from exporter.llamacloud.v1beta.reader import Reader
from exporter.simulator import DEFAULT_PROJECT_ID, Fault, Paging, items_of
from tests.support.clients import Observer, client_of
from tests.support.history import job as job_of

if TYPE_CHECKING:
    from exporter.simulator.faults import Endpoint
    from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio

OTHER_PROJECT = "0b9b8d5c-2f60-4f2c-8a3e-6a1c7e5d4f22"
# What LlamaCloud does not believe to be a time of a job.
NEVER = "0001-01-01T00:00:00Z"


async def listing_of(
    cloud: Cloud,
    observer: Observer | None = None,
    *,
    project_id: str | None = None,
    **plan: Any,
) -> Listing:
    async with client_of(cloud, observer) as client:
        api = V1BetaApi(client, project_id=project_id)
        return await api.list_jobs(ListingPlan(**({"max_requests": 100} | plan)))


async def read_twice(cloud: Cloud) -> tuple[Observer, list[Any]]:
    """List, fetch a status and count, twice; return the metrics and log lines."""
    observer = Observer()
    with capture_logs() as logs:
        async with client_of(cloud, observer) as client:
            reader = Reader(client, {})
            for _ in range(2):
                await reader.jobs_page(0, {})
                await reader.job_status("job-1")
                await reader.items_page("job-1", 0)
    return observer, list(logs)


async def test_unreadable_fields_are_counted_each_time_and_logged_once(cloud: Cloud) -> None:
    """With the field's name and the job's id, and without what stood there."""
    cloud.add_job("job-1", overrides={"error_message": {"code": "secret"}})
    cloud.add_job("job-2", overrides={"error_message": ["secret"], "total_items": -1})
    cloud.world.jobs["job-1"].items[0].overrides["item_name"] = 7
    observer, logs = await read_twice(cloud)
    assert {
        ("list_jobs", "error_message"): 4,
        ("list_jobs", "total_items"): 2,
        ("job_status", "error_message"): 2,
        ("list_items", "item_name"): 2,
    } == observer.unread_fields
    assert {} == observer.unread_rows
    assert {
        # The first of the two.
        ("list_jobs", "error_message", "job-2"),
        ("list_jobs", "total_items", "job-2"),
        ("job_status", "error_message", "job-1"),
        ("list_items", "item_name", "job-1"),
    } == {(line["endpoint"], line["field"], line["job_id"]) for line in logs}
    assert (4, {"api.unreadable_field"}) == (len(logs), {line["event"] for line in logs})
    assert "secret" not in json.dumps(logs)


async def test_a_page_of_odd_rows_is_logged_once_for_each_field(cloud: Cloud) -> None:
    """However many rows there are: one line for each would last longer than reading the page."""
    rows = [{"id": f"job-{n}", "status": 7, "created_at": 7, "failed_items": -1} for n in range(50)]
    cloud.simulator.faults.add(Fault("raw", body=json.dumps({"items": rows}).encode()))
    observer = Observer()
    async with client_of(cloud, observer) as client:
        await Reader(client, {}).jobs_page(0, {})
    assert [50] * 3 == list(observer.unread_fields.values())
    assert 3 == observer.reports_of_fields


async def test_unreadable_rows_are_counted_each_time_and_logged_once(cloud: Cloud) -> None:
    """Of an item, with the id of its job."""
    cloud.add_job("job-1")
    cloud.add_job("job-2", overrides={"id": ".."})
    cloud.add_job("job-3", overrides={"id": None})
    cloud.world.jobs["job-1"].items[0].overrides["item_id"] = "a\nb"
    observer, logs = await read_twice(cloud)
    assert {"list_jobs": 4, "list_items": 2} == observer.unread_rows
    assert [
        ("api.unreadable_row", "list_jobs", 2, None),
        ("api.unreadable_row", "list_items", 1, "job-1"),
    ] == [(line["event"], line["endpoint"], line["rows"], line.get("job_id")) for line in logs]


async def test_a_listing_reports_how_many_rows_it_lacks(cloud: Cloud) -> None:
    """All other jobs are there."""
    for number in range(20):
        cloud.add_job(f"job-{number}")
    cloud.add_job("bad", overrides={"id": "x" * 1001})
    listing = await listing_of(cloud)
    assert {f"job-{number}" for number in range(20)} == {job.id for job in listing.jobs}
    assert (1, False, True) == (listing.rows_left_out, listing.truncated, listing.reached_end)


@pytest.mark.parametrize("total_size", [True, False])
async def test_a_page_without_a_readable_row_does_not_end_a_listing(
    cloud: Cloud, *, total_size: bool
) -> None:
    """What it says of further pages counts, and rows that cannot be read have their place."""
    for number in range(9):
        cloud.add_job(f"job-{number}", created_at=cloud.world.clock() - number)
    for number in (3, 4, 5):
        cloud.world.jobs[f"job-{number}"].overrides["id"] = None
    cloud.simulator.jobs_paging = Paging(max_rows=3, total_size=total_size, page_token=True)
    listing = await listing_of(cloud)
    assert [0, 1, 2, 6, 7, 8] == sorted(int(job.id[-1]) for job in listing.jobs)
    assert (3, False) == (listing.rows_left_out, listing.truncated)


async def test_a_job_whose_item_has_no_usable_id_is_not_counted(cloud: Cloud) -> None:
    """The item could be counted twice."""
    cloud.add_job()
    cloud.world.jobs["job-1"].items[3].overrides["item_id"] = ""
    observer = Observer()
    async with client_of(cloud, observer) as client:
        answer, _ = await V1BetaApi(client).count_items(job_of(), None, CountLimits(10))
    assert isinstance(answer, NotCounted)
    assert UncountedReason.UNREADABLE_ITEMS is answer.reason
    assert {"list_items": 1} == observer.unread_rows


async def test_items_without_a_name_or_with_texts_that_are_no_unicode_are_counted(
    cloud: Cloud,
) -> None:
    """Failed items are reported as far as they can be read."""
    texts = {"item_name": "caf\udce9.pdf", "error_message": "no such file: caf\udce9.pdf"}
    rows = [
        {"item_id": "a", "item_name": None, "status": "failed"},
        {"item_id": "b", "status": "failed", **texts},
        {"item_id": "c", "item_name": "c.pdf", "status": "completed"},
    ]
    cloud.simulator.faults.add(Fault("raw", body=json.dumps({"items": rows}).encode()))
    cloud.add_job()
    async with client_of(cloud) as client:
        answer, _ = await V1BetaApi(client).count_items(
            job_of(total_items=3), None, CountLimits(10)
        )
    assert isinstance(answer, ItemsCounted)
    assert (3, 2) == (answer.counts.total, answer.counts.by_status[ItemStatus.FAILED])
    assert [
        ("a", None, None),
        ("b", r"caf\udce9.pdf", r"no such file: caf\udce9.pdf"),
    ] == [(item.item_id, item.item_name, item.error_message) for item in answer.counts.failed]


async def test_a_status_that_cannot_be_read_is_a_bad_response_of_that_job(cloud: Cloud) -> None:
    """It is counted as a row."""
    cloud.add_job()
    cloud.simulator.faults.add(Fault("raw", body=b'{"job": []}'))
    observer = Observer()
    async with client_of(cloud, observer) as client:
        with pytest.raises(BadResponse, match="job: no object with a usable id"):
            await Reader(client, {}).job_status("job-1")
    assert {"job_status": 1} == observer.unread_rows


class TestNotRequested:
    """Answers to another question."""

    @pytest.mark.parametrize(
        ("other", "plan", "named"),
        [
            ({"project_id": f"proj-{OTHER_PROJECT}"}, {}, "project_id"),
            ({"job_type": "extract"}, {"job_types": ("parse",)}, "job_type"),
            ({"job_type": "split"}, {"job_types": ("parse",)}, "job_type"),
            ({"directory_id": "dir-2"}, {"directory_ids": ("dir-1",)}, "directory_id"),
        ],
    )
    async def test_rows_that_contradict_a_filter_are_left_out_and_logged_once(
        self, cloud: Cloud, other: dict[str, Any], plan: dict[str, Any], named: str
    ) -> None:
        """They are no unreadable rows."""
        for number in range(3):
            cloud.add_job(f"job-{number}", directory_id="dir-1")
        for number in (1, 2):
            cloud.world.jobs[f"job-{number}"].overrides |= other
        observer = Observer()
        with capture_logs() as logs:
            async with client_of(cloud, observer) as client:
                api = V1BetaApi(client, project="invoices", project_id=DEFAULT_PROJECT_ID)
                for _ in range(2):
                    listing = await api.list_jobs(ListingPlan(max_requests=100, **plan))
        assert (["job-0"], 2) == ([job.id for job in listing.jobs], listing.rows_left_out)
        assert {} == observer.unread_rows
        (line,) = logs
        assert ("api.row_not_asked_for", "invoices", named) == (
            line["event"],
            line["project"],
            line["filter"],
        )

    @pytest.mark.parametrize(("listings_without", "lines"), [(9, 1), (10, 2)])
    async def test_rows_that_come_back_after_ten_listings_without_any_are_logged_again(
        self, cloud: Cloud, listings_without: int, lines: int
    ) -> None:
        """What comes and goes does not fill the log."""
        cloud.add_job("job-0")
        other = cloud.add_job("job-1").overrides
        with capture_logs() as logs:
            async with client_of(cloud) as client:
                api = V1BetaApi(client)
                for number in range(listings_without + 2):
                    comes_back = number in {0, listings_without + 1}
                    other["job_type"] = "extract" if comes_back else "parse"
                    await api.list_jobs(ListingPlan(max_requests=100, job_types=("parse",)))
        assert ["api.row_not_asked_for"] * lines == [line["event"] for line in logs]

    @pytest.mark.parametrize(
        "facts",
        [
            {"project_id": f"prj-{DEFAULT_PROJECT_ID.upper()}", "job_type": "PARSE"},
            {"project_id": "my-project", "job_type": None},
            {"project_id": None, "directory_id": None},
            {"project_id": 7, "directory_id": 7, "job_type": 7},
        ],
        ids=range(4),
    )
    async def test_what_a_row_does_not_say_or_says_otherwise_contradicts_nothing(
        self, cloud: Cloud, facts: dict[str, Any]
    ) -> None:
        """Prefixes and case make no other project, and no other type."""
        cloud.add_job(directory_id="dir-1", overrides=facts)
        listing = await listing_of(
            cloud, project_id=DEFAULT_PROJECT_ID, job_types=("parse",), directory_ids=("dir-1",)
        )
        assert (1, 0) == (len(listing.jobs), listing.rows_left_out)

    async def test_a_listing_of_another_project_failed(self, cloud: Cloud) -> None:
        """As where a proxy sends one answer twice: it says which project came."""
        for number in range(3):
            cloud.add_job(f"job-{number}", overrides={"project_id": OTHER_PROJECT})
        with pytest.raises(BadResponse) as raised:
            await listing_of(cloud, project_id=DEFAULT_PROJECT_ID)
        assert str(raised.value) == (
            f"project {DEFAULT_PROJECT_ID} was requested,"
            f" but the listed jobs are of {OTHER_PROJECT}"
        )

    async def test_a_status_of_another_project_is_a_bad_response(self, cloud: Cloud) -> None:
        """Numbers must not move from project to project."""
        cloud.add_job(overrides={"project_id": OTHER_PROJECT})
        async with client_of(cloud) as client:
            with pytest.raises(BadResponse, match="a job of another project"):
                await Reader(client, {"project_id": DEFAULT_PROJECT_ID}).job_status("job-1")

    async def test_a_server_that_repeats_other_projects_is_not_followed_for_ever(
        self, cloud: Cloud
    ) -> None:
        """What is left out counts as seen."""
        cloud.add_job("job-0")
        for number in range(1, 35):
            cloud.add_job(f"job-{number}", overrides={"project_id": OTHER_PROJECT})
        cloud.simulator.jobs_paging = Paging(max_rows=10, order="oldest", ignore_offset=True)
        listing = await listing_of(cloud, project_id=DEFAULT_PROJECT_ID)
        assert (True, 2) == (listing.truncated, cloud.requests()["list_jobs"])


def refused_limit(times: int, endpoint: Endpoint) -> Fault:
    mistake = {"loc": ["query", "limit"], "msg": "too large", "type": "less_than_equal"}
    body = json.dumps({"detail": [mistake]}).encode()
    return Fault("raw", code=422, times=times, endpoint=endpoint, body=body)


def requested_limits(cloud: Cloud) -> list[str | None]:
    return [request.params.get("limit") for request in cloud.simulator.requests]


class TestPageSizes:
    """A server that refuses the page size."""

    @pytest.mark.parametrize(
        ("refusals", "limits"),
        [
            (1, ["1000", "500"]),
            (2, ["1000", "500", "100", "100"]),
            (3, ["1000", "500", "100", None, None, None, None]),
        ],
    )
    async def test_smaller_pages_list_all_jobs_and_what_works_is_kept(
        self, cloud: Cloud, refusals: int, limits: list[str | None]
    ) -> None:
        """Without a limit, only an empty page is the end, as no page is known to be full."""
        for number in range(120):
            cloud.add_job(f"job-{number}", items=[])
        cloud.simulator.jobs_paging = Paging(total_size=False, page_token=False)
        cloud.simulator.faults.add(refused_limit(refusals, "list_jobs"))
        async with client_of(cloud) as client:
            api = V1BetaApi(client)
            listing = await api.list_jobs(ListingPlan(max_requests=100))
            assert (120, False) == (len(listing.jobs), listing.truncated)
            first = requested_limits(cloud)
            assert limits == first
            assert 120 == len((await api.list_jobs(ListingPlan(max_requests=100))).jobs)
        again = requested_limits(cloud)[len(first) :]
        assert {limits[-1]} == set(again)

    def test_a_larger_page_is_tried_again_after_an_hour(self) -> None:
        """The refusal may have been that of a gateway, for a while."""
        now = 0.0
        log = structlog.get_logger("exporter")
        sizes = PageSizes("limit", (1000, 500, 100), log, lambda: now)
        refusal = Unprocessable(422, "limit", parameters=frozenset({"limit"}))
        with capture_logs() as lines:
            for _ in range(2):
                requested: list[int | None] = []
                while (size := sizes.of(V1BetaEndpoint.LIST_JOBS)) is not None:
                    requested.append(size)
                    assert sizes.refused(V1BetaEndpoint.LIST_JOBS, size, refusal)
                assert [1000, 500, 100] == requested
                assert 1000 == sizes.of(V1BetaEndpoint.LIST_ITEMS)
                now += 3599.0
                assert sizes.of(V1BetaEndpoint.LIST_JOBS) is None
                now += 1.0
        assert 3 == len(lines)

    @pytest.mark.parametrize(
        "detail", ["limit must be <= 500", [{"loc": ["query", "limit", 0], "msg": "too large"}]]
    )
    async def test_a_refusal_names_the_limit_in_any_shape(self, cloud: Cloud, detail: Any) -> None:
        """In words, or as a location with a position at its end."""
        cloud.add_job()
        body = json.dumps({"detail": detail}).encode()
        cloud.simulator.faults.add(Fault("raw", code=422, times=1, body=body))
        assert 1 == len((await listing_of(cloud)).jobs)
        assert ["1000", "500"] == requested_limits(cloud)

    @pytest.mark.parametrize("refusals", [1, 2, 3])
    async def test_smaller_pages_count_all_items(self, cloud: Cloud, refusals: int) -> None:
        """Exactly as the larger ones; another list keeps its own page size."""
        cloud.add_job(items=items_of("job-1", completed=230, failed=20))
        cloud.simulator.items_paging = Paging(total_size=False, page_token=False)
        cloud.simulator.faults.add(refused_limit(refusals, "list_items"))
        async with client_of(cloud) as client:
            api = V1BetaApi(client)
            for _ in range(2):
                answer, _ = await api.count_items(job_of(total_items=250), None, CountLimits(10))
                assert isinstance(answer, ItemsCounted)
                assert 250 == answer.counts.total
            assert 1 == len((await api.list_jobs(ListingPlan(max_requests=100))).jobs)
        assert "1000" == requested_limits(cloud)[-1]
        assert 1 == requested_limits(cloud)[:-1].count("1000")

    async def test_one_page_without_a_limit_is_taken_as_it_is(self, cloud: Cloud) -> None:
        """The empty page after it makes no second one that would have to add up."""
        cloud.add_job(items=items_of("job-1", completed=30))
        cloud.simulator.faults.add(refused_limit(3, "list_items"))
        async with client_of(cloud) as client:
            answer, _ = await V1BetaApi(client).count_items(
                job_of(total_items=31), None, CountLimits(10)
            )
        assert isinstance(answer, ItemsCounted)
        assert 30 == answer.counts.total

    async def test_a_job_too_large_for_smaller_pages_is_known_as_such(self, cloud: Cloud) -> None:
        """The given number of pages hold fewer items then."""
        cloud.add_job(items=items_of("job-1", failed=3, completed=20))
        cloud.simulator.faults.add(refused_limit(2, "list_items"))
        async with client_of(cloud) as client:
            api = V1BetaApi(client)
            await api.count_items(job_of(total_items=23), None, CountLimits(10))
            answer, _ = await api.count_items(job_of(total_items=1_000), None, CountLimits(10))
        assert isinstance(answer, ItemsCounted)
        assert not answer.counts.whole

    async def test_what_is_refused_is_logged_once(self, cloud: Cloud) -> None:
        """With the page size from now on."""
        cloud.add_job()
        cloud.simulator.faults.add(refused_limit(1, "list_jobs"))
        with capture_logs() as logs:
            await listing_of(cloud)
        (line,) = logs
        assert ("api.page_size_refused", "list_jobs", 1000, 500) == (
            line["event"],
            line["endpoint"],
            line["refused"],
            line["page_size"],
        )

    async def test_other_parameters_and_a_limit_that_was_not_sent_are_refusals(
        self, cloud: Cloud
    ) -> None:
        """No smaller page helps against those."""
        for fault, requests in (
            (refused_limit(10, "list_jobs"), 4),
            (Fault("status", code=422), 1),
        ):
            cloud.simulator.faults.clear()
            cloud.simulator.faults.add(fault)
            before = cloud.requests()["list_jobs"]
            with pytest.raises(Unprocessable):
                await listing_of(cloud)
            assert requests == cloud.requests()["list_jobs"] - before


async def test_a_status_newer_than_this_exporter_with_an_end_has_ended(cloud: Cloud) -> None:
    """Without one, or with one that cannot be, it may go on."""
    ended_at = "2026-01-05T10:00:00Z"
    cloud.world.clock = lambda: 1_790_000_000.0
    for number, (status, completed_at) in enumerate(
        (
            ("completed_with_errors", ended_at),
            ("COMPLETED", ended_at),
            ("completed_with_errors", None),
            ("completed_with_errors", NEVER),
            (7, ended_at),
        )
    ):
        facts = {"status": status, "completed_at": completed_at, "created_at": None}
        cloud.add_job(f"job-{number}", overrides=facts)
    jobs = sorted((await listing_of(cloud)).jobs, key=lambda job: job.id)
    assert [False, False, True, True, False] == [job.active for job in jobs]
    assert JobStatus.COMPLETED is jobs[1].status


async def test_times_that_cannot_be_are_absent(cloud: Cloud) -> None:
    """A start in the year 1 would run for sixty billion seconds."""
    cloud.add_job(
        status="completed",
        overrides={
            "started_at": NEVER,
            "completed_at": "1970-01-01T00:00:00Z",
            "updated_at": NEVER,
        },
    )
    (job,) = (await listing_of(cloud)).jobs
    assert (None, None, None) == (job.started_at, job.ended_at, job.run_seconds)
    assert job.created_at is not None
