"""The log lines of a project: their texts, and those of a job's whole life."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from exporter.core.events import (
    ApiOfferedAgain,
    ApiSetAside,
    Event,
    ItemsFailed,
    ItemsFailedBeforeStart,
    JobAppeared,
    JobEnded,
    JobGivenUp,
    JobRecordsContradict,
    JobReturned,
    ListingFailed,
    ListingSucceeded,
    ListingTruncated,
    ListingWholeAgain,
    MoreItemsFailed,
    PollFinished,
    ProjectStale,
    RefreshFailed,
    RefreshRecovered,
)
from exporter.domain import ApiVersion, ErrorReason, FailedItem, JobStatus
from exporter.event_log import EventLog
from exporter.llamacloud.errors import NotFound, RequestTimedOut, ServerFailed, Unauthorized
from exporter.simulator import Fault, Paging, files_of, items_of
from tests.support.history import job
from tests.support.polling import eventually, polling

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

    from exporter.domain import Failure
    from tests.support.cloud import Cloud


def logged(*events: Event, shows_documents: bool = True) -> list[MutableMapping[str, Any]]:
    """Log events, and return the lines."""
    event_log = EventLog(
        "invoices", key_origin="LLAMA_CLOUD_API_KEY", shows_documents=shows_documents
    )
    with capture_logs() as logs:
        for event in events:
            event_log.log(event)
    assert all(line["project"] == "invoices" for line in logs)
    return logs


def named(logs: Iterable[Mapping[str, Any]], *prefixes: str) -> list[str]:
    """Return the events whose names begin so, in their order."""
    return [line["event"] for line in logs if line["event"].startswith(prefixes)]


def not_found() -> Failure:
    error = NotFound(404, "Not Found", from_api=True, answered_at=0.0, asked_monotonic=0.0)
    return error.failure()


def timed_out() -> Failure:
    return RequestTimedOut("no answer").failure()


class TestLines:
    """What each event says."""

    def test_a_refused_key_is_reported_with_where_it_came_from(self) -> None:
        """And with when a better one is looked for."""
        failure = Unauthorized(401, "").failure()
        (line,) = logged(ListingFailed(failure, is_new=True))
        assert ("project.listing_failed", "error") == (line["event"], line["log_level"])
        assert "LLAMA_CLOUD_API_KEY" == line["key"]
        assert (
            "the API key is wrong or revoked, or belongs to another region than the base URL; it is"
            " tried less and less often, in the end every five minutes; a new key in a key file is"
            " used within an interval, one in the settings file after a reload, one in a variable"
            " after a restart"
        ) == line["advice"]

    def test_what_is_no_news_is_not_logged(self) -> None:
        """The metrics count it."""
        assert [] == logged(
            ListingFailed(timed_out(), is_new=False),
            ListingSucceeded(1, 1, is_first=False, recovered=False),
            PollFinished("success", frozenset(), 1.0),
        )

    @pytest.mark.parametrize(
        ("is_first", "recovered", "name"),
        [
            (True, False, "project.listed"),
            (True, True, "project.listing_recovered"),
            (False, True, "project.listing_recovered"),
        ],
    )
    def test_a_listing_that_is_news_is_reported_with_its_jobs(
        self, *, is_first: bool, recovered: bool, name: str
    ) -> None:
        """The first, and each that ends trouble."""
        (line,) = logged(ListingSucceeded(7, 3, is_first=is_first, recovered=recovered))
        assert (name, 7, 3) == (line["event"], line["jobs"], line["active_jobs"])

    @pytest.mark.parametrize(
        ("listing_fails", "cause"),
        [
            (True, "see the last project.listing_failed"),
            (
                False,
                (
                    "a listing takes longer than poll.stale_after: raise api.requests_per_minute or"
                    " poll.stale_after, or limit the project with directory_ids or job_types"
                ),
            ),
        ],
    )
    def test_a_stale_project_is_reported_with_what_to_do(
        self, *, listing_fails: bool, cause: str
    ) -> None:
        """Where nothing failed, no line about a failure is to be looked for."""
        (line,) = logged(ProjectStale(300.0, listing_fails=listing_fails))
        assert ("project.stale", 300.0) == (line["event"], line["stale_after_seconds"])
        assert f"its active jobs are withdrawn until it is listed again; {cause}" == line["advice"]

    @pytest.mark.parametrize(
        ("failure", "had_answered", "level", "advice"),
        [
            (
                *(not_found(), False, "info"),
                (
                    "LlamaCloud does not offer this generation of its batch API to the project,"
                    " which is read without it; it is requested again with every full listing; to"
                    " stop that, set api.versions to the other generation"
                ),
            ),
            (
                *(not_found(), True, "warning"),
                (
                    "its jobs are no longer refreshed: series of active ones are withdrawn after"
                    " poll.stale_after, and all are removed after retention.failed, unless it"
                    " answers before; it is requested again with every full listing; if LlamaCloud"
                    " has withdrawn it, set api.versions to the other generation"
                ),
            ),
            (
                *(timed_out(), False, "info"),
                (
                    "the project is read without this generation of the batch API until it "
                    "answers; it is requested again after one interval, then two, four and so on; "
                )
                + timed_out().advice,
            ),
        ],
    )
    def test_a_generation_that_is_set_aside_is_reported_with_what_that_means(
        self, *, failure: Failure, had_answered: bool, level: str, advice: str
    ) -> None:
        """Most loudly where jobs are lost from sight."""
        aside, back = logged(
            ApiSetAside("v2", failure, had_answered=had_answered), ApiOfferedAgain("v2")
        )
        assert {
            "event": "api.set_aside",
            "log_level": level,
            "project": "invoices",
            "api_version": "v2",
            "reason": str(failure.reason),
            "detail": failure.detail,
            "advice": advice,
        } == aside
        assert {
            "event": "api.offered_again",
            "log_level": "info",
            "project": "invoices",
            "api_version": "v2",
        } == back

    def test_a_line_about_a_job_names_its_generation(self) -> None:
        """The same project may have jobs of both."""
        (line,) = logged(JobAppeared(replace(job(), api_version=ApiVersion.V2)))
        assert "v2" == line["api_version"]

    def test_truncation_and_its_end_are_reported(self) -> None:
        """With what to do about it."""
        truncated, whole = logged(ListingTruncated(1000), ListingWholeAgain(1100))
        assert ("project.listing_truncated", 1000) == (truncated["event"], truncated["jobs"])
        assert "poll.max_pages" in truncated["advice"]
        assert ("project.listing_whole_again", 1100) == (whole["event"], whole["jobs"])

    def test_a_job_that_cannot_be_refreshed_is_reported_with_its_reason(self) -> None:
        """Its end names the reason alone: it may have been that of many jobs."""
        failed, recovered = logged(
            RefreshFailed("job-1", timed_out()), RefreshRecovered(ErrorReason.TIMEOUT)
        )
        assert ("job.refresh_failed", "job-1", "timeout") == (
            *(failed["event"], failed["job_id"]),
            failed["reason"],
        )
        assert failed["advice"].startswith("its last values stay; ")
        assert ("job.refresh_recovered", "timeout") == (recovered["event"], recovered["reason"])

    def test_a_job_whose_items_are_given_up_is_reported_with_what_to_do(self) -> None:
        """The counters lack them for good."""
        ended = job(status=JobStatus.COMPLETED)
        line, other = logged(JobGivenUp(ended, None), JobGivenUp(ended, 3))
        assert ("job.given_up", "warning", "job-1", "completed") == (
            *(line["event"], line["log_level"]),
            *(line["job_id"], line["status"]),
        )
        assert "items_not_ended" not in line
        assert "raise api.requests_per_minute" in line["advice"]
        assert 3 == other["items_not_ended"]
        assert "look at the job" in other["advice"]

    def test_a_job_that_returns_is_reported_with_its_failed_items(self) -> None:
        """They were not known when it left."""
        (line,) = logged(JobReturned(job(status=JobStatus.COMPLETED, failed_items=3)))
        assert ("job.returned", "warning", "job-1", 3) == (
            *(line["event"], line["log_level"]),
            *(line["job_id"], line["failed_items"]),
        )

    def test_records_that_contradict_each_other_are_reported_with_what_is_published(self) -> None:
        """It is not known which of the two is right."""
        (line,) = logged(JobRecordsContradict("job-1"))
        assert ("job.contradicted", "warning", "job-1") == (
            *(line["event"], line["log_level"]),
            line["job_id"],
        )
        assert "the newer updated_at is published" in line["advice"]

    @pytest.mark.parametrize(
        ("status", "level"),
        [
            *[(JobStatus.COMPLETED, "info"), (JobStatus.CANCELLED, "info")],
            *[(JobStatus.FAILED, "warning"), (JobStatus.GONE, "warning")],
            (JobStatus.UNKNOWN, "warning"),
        ],
    )
    def test_an_end_that_is_not_known_to_be_good_is_a_warning(
        self, status: JobStatus, level: str
    ) -> None:
        """Nor is one in a status that this exporter does not know."""
        (line,) = logged(JobEnded(job(status=status)))
        assert ("job.ended", level) == (line["event"], line["log_level"])

    @pytest.mark.parametrize(
        ("shows_documents", "item_texts", "job_texts", "detail"),
        [
            (
                True,
                {"item_name": "a.pdf", "error_message": "EXPIRED: a.pdf"},
                {"error_message": "a.pdf is broken"},
                "HTTP 503: a.pdf is busy",
            ),
            (False, {}, {}, "HTTP 503"),
        ],
    )
    def test_texts_about_documents_can_be_left_out(
        self,
        *,
        shows_documents: bool,
        item_texts: dict[str, str],
        job_texts: dict[str, str],
        detail: str,
    ) -> None:
        """Ids, codes and counts stay."""
        failed_job = job(status=JobStatus.FAILED, error_message="a.pdf is broken")
        failed_item = FailedItem("item-1", "a.pdf", "EXPIRED: a.pdf", "expired")
        item, ended, refused = logged(
            ItemsFailed(failed_job, (failed_item,)),
            JobEnded(failed_job),
            RefreshFailed("job-1", ServerFailed(503, "a.pdf is busy").failure()),
            shows_documents=shows_documents,
        )
        assert {
            "event": "item.failed",
            "log_level": "warning",
            "project": "invoices",
            "job_id": "job-1",
            "job_type": "parse",
            "status": "failed",
            "item_id": "item-1",
            "reason": "expired",
        } | item_texts == item
        assert job_texts == {name: ended[name] for name in job_texts}
        assert shows_documents is ("error_message" in ended)
        assert ("job-1", "server", detail) == (
            *(refused["job_id"], refused["reason"]),
            refused["detail"],
        )

    def test_a_failure_without_llamaclouds_words_keeps_its_detail(self) -> None:
        """It is the exporter's own, and names no document."""
        (line,) = logged(RefreshFailed("job-1", timed_out()), shows_documents=False)
        assert "no answer" == line["detail"]

    def test_failed_items_that_are_too_many_are_reported_by_their_number(self) -> None:
        """The first of them have a line each."""
        (line,) = logged(MoreItemsFailed(job(), 480))
        assert ("items.more_failed", "job-1", 480) == (
            *(line["event"], line["job_id"]),
            line["not_shown"],
        )

    @pytest.mark.parametrize("shows_documents", [True, False])
    def test_history_is_one_line_a_job(self, *, shows_documents: bool) -> None:
        """At debug level its failed items have lines of their own."""
        item = FailedItem("item-1", "a.pdf", "EXPIRED: a.pdf", "expired")
        event = ItemsFailedBeforeStart(job(), 69, {"timeout": 60, "expired": 9}, (item,))
        line, detail = logged(event, shows_documents=shows_documents)
        assert ("items.failed_before_start", "warning", "job-1", 69, "timeout 60, expired 9") == (
            *(line["event"], line["log_level"], line["job_id"]),
            *(line["failed_items"], line["reasons"]),
        )
        assert ("item.failed", "debug", "item-1") == (
            *(detail["event"], detail["log_level"]),
            detail["item_id"],
        )
        assert shows_documents is ("item_name" in detail)


@pytest.mark.anyio
class TestEndToEnd:
    """What a person reads."""

    @pytest.mark.parametrize("api_version", ["v1beta", "v2"])
    async def test_failed_items_from_before_the_start_are_one_line_a_job(
        self, cloud: Cloud, api_version: str
    ) -> None:
        """By each generation of the API."""
        if api_version == "v1beta":
            cloud.add_job(status="completed", items=items_of("job-1", failed=40, completed=2))
            cloud.world.jobs["job-1"].completed_at = cloud.world.clock() - 600
        else:
            now = cloud.world.clock()
            files = files_of("bat-1", failed=40, created_at=now - 900, ended_at=now - 600)
            cloud.add_batch(status="COMPLETED", files=files, created_at=now - 1000)
        with capture_logs() as logs:
            async with polling(cloud, api_versions=(api_version,)):
                await eventually(lambda: bool(named(logs, "items.")))
        assert ["items.failed_before_start"] == named(logs, "items.", "job.")
        (line,) = (line for line in logs if line["event"].startswith("items."))
        assert 40 == line["failed_items"]
        assert {"debug"} == {line["log_level"] for line in logs if line["event"] == "item.failed"}

    async def test_a_jobs_life_is_a_few_lines(self, cloud: Cloud) -> None:
        """Appearing, failed items, the end with counts and duration; none again."""
        items = items_of("job-1", failed=2, processing=1)
        job = cloud.add_job(items=items)
        with capture_logs() as logs:
            async with polling(cloud) as watch:
                await eventually(lambda: watch.polls("success") >= 2)
                items[2].status = "completed"
                job.status, job.completed_at = "failed", (job.started_at or 0) + 40
                await eventually(lambda: watch.job().status is JobStatus.FAILED)
                polls = watch.polls("success")
                await eventually(lambda: watch.polls("success") >= polls + 2)
        lines = [line for line in logs if line["event"] != "project.listed"]
        assert ["job.appeared", "item.failed", "item.failed", "job.ended"] == [
            line["event"] for line in lines
        ]
        assert ("document-00001.pdf", "The document could not be read") == (
            lines[1]["item_name"],
            lines[1]["error_message"],
        )
        assert ("failed", 3, 2, 40.0, "warning") == (
            lines[3]["status"],
            lines[3]["processed_items"],
            lines[3]["failed_items"],
            lines[3]["duration_seconds"],
            lines[3]["log_level"],
        )

    async def test_a_project_that_is_stale_after_failures_points_at_them(
        self, cloud: Cloud
    ) -> None:
        """They say what to do."""
        with capture_logs() as logs:
            async with polling(cloud, rules={"stale_after": 1.0}, interval=0.1) as watch:
                await eventually(lambda: bool(watch.views) and watch.views[-1].gauges is not None)
                cloud.simulator.faults.add(Fault("status", code=403))
                await eventually(lambda: "project.stale" in named(logs, "project."))
                assert watch.views[-1].gauges is None
                cloud.simulator.faults.clear()
                await eventually(lambda: "project.listing_recovered" in named(logs, "project."))
                await eventually(lambda: watch.views[-1].gauges is not None)
        assert [
            "project.listing_failed",
            "project.stale",
            "project.listing_recovered",
        ] == named(logs, "project.")[1:]
        (stale,) = (line for line in logs if line["event"] == "project.stale")
        assert (
            "its active jobs are withdrawn until it is listed again; see the last "
            "project.listing_failed"
        ) == stale["advice"]

    async def test_a_truncated_listing_is_reported_once_and_its_end_too(self, cloud: Cloud) -> None:
        """With what to do about it."""
        for number in range(30):
            cloud.add_job(f"job-{number}", status="completed", items=[], completed_at=1.0)
        cloud.simulator.jobs_paging = Paging(max_rows=10, ignore_offset=True)
        with capture_logs() as logs:
            async with polling(cloud, interval=0.1) as watch:
                await eventually(lambda: watch.polls("success") >= 2)
                cloud.simulator.jobs_paging = Paging()
                # Either may be first: what is published waits for its turn.
                await eventually(lambda: logs[-1]["event"] == "project.listing_whole_again")
                await eventually(lambda: watch.view.listing_truncated is False)
        assert ["project.listing_truncated", "project.listing_whole_again"] == [
            line["event"] for line in logs if line["event"] != "project.listed"
        ]
