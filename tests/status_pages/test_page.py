"""The pages for people, as a browser without JavaScript gets them."""

from __future__ import annotations

import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from itertools import islice
from typing import Any
from urllib.parse import urlencode

import pytest

from exporter.domain import FailedItem, JobStatus
from exporter.logs.redaction import Secrets
from exporter.pages import PageSource
from exporter.pages.html import status_page
from exporter.pages.selection import Query
from exporter.texts import escaped
from tests.status_pages.golden_pages import FOLDER, written
from tests.status_pages.markup import Page
from tests.support.serving import DEADLINE_SECONDS, Answer, Exporter, request, served
from tests.support.status_reports import (
    NOW,
    SECRET,
    empty_status,
    failure,
    full_report,
    listed_status,
    report,
    running_job,
)

HOSTILE = (
    "\"><script>alert(1)</script>'<b onclick=x>&amp;{{7*7}}{% x %}</title>"
    "\n\x00\u202e\U0001f999\udc80"
)


def get(address: str, path: str = "/") -> Page:
    answer = request(address, path.partition("#")[0])
    assert (200, "text/html; charset=utf-8") == (answer.status, answer.headers["content-type"])
    return Page(answer.body)


def words_of(exporter: Exporter, address: str, **status: Any) -> str:
    exporter.reports = [report(replace(listed_status(), **status))]
    return get(address).words


def job_path(job_id: str, project: str = "default") -> str:
    return "/job?" + urlencode({"project": project, "job_id": job_id})


def test_every_link_leads_somewhere_and_stays_here(address: str) -> None:
    """All are relative, so that they work behind a path of a proxy."""
    seen: set[str] = set()
    for path in ("/", job_path("job-2")):
        for link in get(address, path).links:
            assert link.startswith("./")
            seen.add(link.removeprefix(".").partition("#")[0])
    assert {
        "/",
        "/metrics",
        "/status.css",
        "/status.js",
        "/api/v1/status",
        "/api/v1/openapi.yaml",
        "/-/healthy",
        job_path("job-2"),
    } <= seen
    assert {200} == {request(address, path).status for path in seen}


@pytest.mark.parametrize("path", ["/", job_path("job-2")])
def test_the_documentation_and_the_version_stand_below(address: str, path: str) -> None:
    """What the exporter itself serves is linked, and says what it is."""
    words = get(address, path).words
    assert "Documentation: the meaning of each metric and of each field of the JSON" in words
    assert words.endswith("llamacloud-batch-exporter 1.2.3")
    assert b"# HELP " in request(address, "/metrics").body
    assert b"description:" in request(address, "/api/v1/openapi.yaml").body


@pytest.mark.parametrize("path", ["/", job_path("job-2"), job_path("missing"), "/?page=x"])
def test_nothing_runs_and_nothing_frames_but_what_is_ours(address: str, path: str) -> None:
    """The policy allows no inline script and no inline style, and the pages hold none."""
    answer = request(address, path)
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src data:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    )
    assert ("nosniff", "DENY", "no-referrer", "no-cache") == tuple(
        answer.headers[name]
        for name in (
            *("x-content-type-options", "x-frame-options", "referrer-policy", "cache-control"),
        )
    )
    for tag, attrs in Page(answer.body).elements:
        assert tag != "style"
        assert tag != "script" or attrs.keys() == {"src", "defer"}
        assert not [name for name in attrs if name == "style" or name.startswith("on")]


def test_hostile_texts_are_shown_and_do_nothing(exporter: Exporter, address: str) -> None:
    """In every field that others write; what cannot be seen is made visible."""
    benign = Counter(
        tag for path in ("/", job_path("job-2")) for tag, _ in get(address, path).elements
    )
    exporter.reports = [full_report(HOSTILE, HOSTILE)]
    project = HOSTILE.replace("\udc80", "\\udc80")
    status, job = get(address), get(address, job_path("job-2", project))
    assert benign == Counter(tag for page in (status, job) for tag, _ in page.elements)
    shown = " ".join(escaped(HOSTILE).split())
    assert status.words.count(shown) > 4
    assert job.words.count(shown) > 4
    link = status.link(f"job {project} job-2")
    assert request(address, link.removeprefix(".")).status == 200


def test_no_page_holds_a_key(address: str) -> None:
    """Whatever LlamaCloud repeats of it."""
    for path in ("/", job_path("job-2"), job_path("job-3")):
        body = request(address, path).body.decode()
        assert SECRET not in body
        assert ("[redacted]" in body) == (path != job_path("job-3"))


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ({}, "listed authenticated"),
        (
            {"last_listing_at": None, "listing_was_tried": False, "is_authenticated": None},
            "not listed yet Listed never",
        ),
        ({}, "It has no batch job that is active or ended recently."),
        (
            {"listing_failure": failure("unauthorized", "HTTP 401"), "is_authenticated": False},
            "not listed not authenticated",
        ),
        ({"listing_failure": failure("no_key")}, "Its jobs cannot be listed (no_key)"),
        (
            {"listing_failure": failure("payment_required", "HTTP 402: no credits left")},
            "HTTP 402: no credits left What to do: look at the project's members",
        ),
        ({"is_stale": True}, "It was not listed for too long What to do: its active jobs"),
        ({"is_truncated": True}, "What to do: jobs may be missing: raise poll.max_pages"),
        (
            {"apis": full_report().status.apis},
            "A generation of the API is set aside: v2 (not_found)",
        ),
        ({}, "7 in the last minute; 7.5 of 15 a minute are allowed now"),
        ({"failing_jobs": 7, "jobs_waiting_for_refresh": 1234}, "1,234 for their next refresh"),
    ],
)
def test_each_state_of_a_project_is_shown(
    exporter: Exporter, address: str, status: dict[str, Any], words: str
) -> None:
    """With what to do, in the words of the log."""
    assert words in words_of(exporter, address, **status)


def test_it_says_that_nothing_is_listed(exporter: Exporter, address: str) -> None:
    """Only where that is so for every project."""
    refused = report(empty_status("a", listing_was_tried=True, listing_failure=failure()))
    listed = report(listed_status("b", running_job()))
    seen = []
    for reports in ([refused], [refused, listed], [listed], [report(empty_status())], []):
        exporter.reports = reports
        seen.append("Nothing is listed." in get(address).words)
    assert seen == [True, False, False, False, False]


def test_jobs_are_filtered_sorted_and_paged_by_links_and_a_form(
    exporter: Exporter, address: str
) -> None:
    """Links keep what was chosen before."""
    many = [running_job(f"job-{n:03}", failed_items=n, created_at=NOW - n) for n in range(60)]
    ended = running_job("ended", status=JobStatus.COMPLETED)
    exporter.reports = [
        report(listed_status("a", *many, ended)),
        report(listed_status("b", running_job("other"))),
    ]
    first = get(address, "/?project=a&status=active&search=job")
    assert [job.job_id for job in many[1:51]] == first.jobs()
    assert "60 jobs, page 1 of 2" in first.words
    following = get(address, first.link("next").removeprefix("."))
    assert [*(job.job_id for job in many[51:]), "job-000"] == following.jobs()
    most = get(address, following.link("sort failed_items").removeprefix("."))
    assert [f"job-{n:03}" for n in range(59, 9, -1)] == most.jobs()
    least = get(address, most.link("sort failed_items").removeprefix("."))
    assert [f"job-{n:03}" for n in range(50)] == least.jobs()
    assert ["other"] == get(address, least.link("project b").removeprefix(".")).jobs()
    assert "No job matches." in get(address, "/?search=nothing").words
    assert following.jobs() == get(address, "/?project=a&search=job&page=99").jobs()
    sorted_by = [attrs["aria-sort"] for _, attrs in least.elements if "aria-sort" in attrs]
    assert ["ascending"] == sorted_by
    named = {attrs.get("name") for _, attrs in least.elements} & {
        "project",
        "status",
        "search",
        "sort",
    }
    assert {"project", "status", "search", "sort"} == named


def test_a_query_that_cannot_be_answered_is_refused(address: str) -> None:
    """In words that repeat nothing of it."""
    answer = request(address, "/?status=%3Cb%3E")
    assert (400, "text/plain; charset=utf-8") == (answer.status, answer.headers["content-type"])
    assert answer.body.startswith(b"status must be one of active, failing, pending")


def test_a_job_has_a_page(address: str) -> None:
    """With all that is known of it, the newest first."""
    words = get(address, job_path("job-2")).words
    for expected in (
        "job-2 Copy the id job-2",
        "Failed items 2",
        "failed 2 pending 0 processing 4 completed 30",
        "Why items failed Reason Items",
        "Last failed items item-2 Müller.pdf timeout item-1 TIMEOUT: Müller.pdf [redacted]",
        "Status changes running, seen 2026-09-21 14:24:10 : Müller.pdf [redacted]",
    ):
        assert expected in words


def test_a_job_that_is_not_followed_is_not_found(address: str) -> None:
    """Its page says why that may be."""
    for path in (job_path("missing"), job_path("job-2", "other"), "/job"):
        answer = request(address, path)
        assert 404 == answer.status
        assert "retention.failed" in Page(answer.body).words


def test_documents_are_left_out_where_the_log_leaves_them_out(
    exporter: Exporter, address: str
) -> None:
    """The page says so."""
    status = replace(full_report(text="Muster.pdf").status, project_id="", organization_id="")
    jobs = [replace(job, directory_id="", configuration_id="") for job in status.jobs]
    exporter.reports = [report(replace(status, jobs=tuple(jobs)), shows_documents=False)]
    for path in (job_path("job-2"), job_path("job-3")):
        assert "Muster" not in get(address, path).words
    words = get(address, job_path("job-2")).words
    assert "item-1 timeout Names and messages are left out: log.documents is false." in words


def test_times_that_no_calendar_has_are_no_error(exporter: Exporter, address: str) -> None:
    """LlamaCloud's clock may be anything."""
    job = running_job(last_refreshed_at=1e18, created_at=-1e18, completed_at=1e300)
    exporter.reports = [report(listed_status("default", job, last_listing_at=1e15))]
    assert "Listed unknown" in get(address).words
    assert "Completed unknown" in get(address, job_path("job-1")).words


@pytest.mark.parametrize("path", ["/", job_path("job-2"), "/api/v1/status", "/api/v1/jobs"])
def test_a_crowd_that_asks_for_pages_is_bounded(path: str) -> None:
    """Each that waits holds memory, also when its client has left; scrapes go on meanwhile."""
    may_go_on = threading.Event()

    def clean_slowly(text: str) -> str:
        assert may_go_on.wait(DEADLINE_SECONDS)
        return text

    exporter = Exporter(reports=[full_report()], clean=clean_slowly)
    with served(exporter) as address, ThreadPoolExecutor(20) as crowd:
        asked = [crowd.submit(request, address, path) for _ in range(20)]
        try:
            refused = [each.result() for each in islice(as_completed(asked, DEADLINE_SECONDS), 4)]
            assert 200 == request(address, "/metrics").status
        finally:
            may_go_on.set()
        statuses = Counter(each.result().status for each in asked)
        assert 200 == request(address, path).status
    assert {503: 4, 200: 16} == statuses
    assert {"5"} == {answer.headers["retry-after"] for answer in refused}


class TestTags:
    """What did not change is not sent again."""

    @staticmethod
    def again(address: str, path: str, tag: str) -> Answer:
        """Request a page that was seen before."""
        return request(address, path, ("If-None-Match", tag))

    @pytest.mark.parametrize("path", ["/", job_path("job-2"), "/?sort=job_id"])
    def test_what_did_not_change_costs_nothing(
        self, exporter: Exporter, address: str, path: str
    ) -> None:
        """Also where the reports are others that say the same."""
        tag = request(address, path).headers["etag"]
        exporter.reports = [full_report()]
        answer = self.again(address, path, f'"other", W/{tag}')
        assert (304, b"", tag) == (answer.status, answer.body, answer.headers["etag"])
        assert "content-type" not in answer.headers

    def test_whatever_changes_gives_another_tag(self, exporter: Exporter, address: str) -> None:
        """A number of a job, a project's state, the budget, and what may be shown."""
        (first,) = exporter.reports
        jobs = (replace(first.status.jobs[0], failed_items=9), *first.status.jobs[1:])
        tags = [request(address, "/").headers["etag"]]
        for changed in (
            replace(first, status=replace(first.status, jobs=jobs)),
            replace(first, status=replace(first.status, is_stale=False)),
            replace(first, budget=0.1),
            replace(first, shows_documents=False),
        ):
            exporter.reports = [changed]
            answer = self.again(address, "/", tags[-1])
            assert 200 == answer.status
            tags.append(answer.headers["etag"])
        assert len(tags) == len(set(tags))

    def test_another_process_gives_another_tag(self, address: str) -> None:
        """A browser that kept a page gets the new one."""
        with served(Exporter(reports=[full_report()])) as other:
            assert 200 == self.again(other, "/", request(address, "/").headers["etag"]).status


@pytest.mark.parametrize(
    ("name", "content_type"), [("/status.css", "text/css"), ("/status.js", "text/javascript")]
)
def test_style_and_script_are_served(address: str, name: str, content_type: str) -> None:
    """By their types: browsers that do not sniff insist on them."""
    answer = request(address, name)
    assert (200, f"{content_type}; charset=utf-8") == (
        answer.status,
        answer.headers["content-type"],
    )
    assert "nosniff" == answer.headers["x-content-type-options"]


@pytest.mark.parametrize("name", ["status.html", "job.html"])
def test_pages_are_as_they_were(name: str) -> None:
    """A change of a template shows in them; `make tables` rewrites them."""
    assert (FOLDER / name).read_text() == written()[name]


def test_ten_thousand_jobs_take_less_than_a_tenth_of_a_second() -> None:
    """Of processor time, whatever the order; the best of some tries, as the machine is shared.

    Also where there are as many failed items with long texts as are kept, and some keys.
    """
    jobs = [running_job(f"job-{n}", failed_items=n % 7, created_at=NOW - n) for n in range(10_000)]
    item = FailedItem("item", "long " * 100, "TIMEOUT " * 60, "timeout")
    items = {job.job_id: (item,) * 20 for job in jobs[:100]}
    reports = [report(listed_status("default", *jobs, failed_items=items))]
    keys = Secrets(*(f"llx-{n:048}" for n in range(20)))
    source = PageSource(list, keys.redact, "1.2.3", "/metrics")
    # Each line takes several times as long while coverage is measured.
    limit_seconds = 0.1 if sys.gettrace() is None else 0.5
    for query in (Query(), Query(sort="-estimated_end_timestamp_seconds"), Query(search="9")):
        times = []
        for _ in range(3):
            began = time.thread_time()
            status_page(source, reports, query, "tag")
            times.append(time.thread_time() - began)
        assert min(times) < limit_seconds
