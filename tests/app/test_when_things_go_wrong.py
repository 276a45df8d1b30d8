"""What users see of a LlamaCloud that refuses, fails, hangs or answers nonsense.

Of the table "When things go wrong": refused keys are in ``test_keys.py``, clocks in
``test_time.py``, hanging in ``test_hanging.py``, hostile texts in ``test_hostile_names.py``, bugs
in ``test_process.py``, secrets in ``test_secrets.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pytest

from exporter.simulator import Fault
from tests.support.cloud import running_cloud
from tests.support.exporter_process import running
from tests.support.projects import Scrape, project, project_id_of, scrape, settings_file

if TYPE_CHECKING:
    from tests.support.exporter_process import Exporter

GOOD = "good"
TLS = "tls"
COUNTED = 'llamacloud_batch_job_items{item_status="completed"'


@dataclass(frozen=True)
class Kind:
    """One way to go wrong, how it is counted, and the likely cause in words."""

    fault: Fault
    reason: str
    words: str

    @property
    def is_retried(self) -> bool:
        """Whether the same request may well succeed."""
        return self.reason in {"rate_limited", "server", "timeout", "network"}


KINDS = {
    "no-credits": Kind(Fault("status", code=402), "payment_required", "out of credits"),
    "no-role": Kind(Fault("status", code=403), "forbidden", "role"),
    "no-project": Kind(Fault("status", code=404), "not_found", "project_id is wrong"),
    "rate-limit": Kind(Fault("status", code=429), "rate_limited", "api.requests_per_minute"),
    "failing": Kind(Fault("status", code=500), "server", "LlamaCloud itself"),
    "gateway-401": Kind(Fault("html", code=401), "bad_response", "LlamaCloud did not send this"),
    "gateway": Kind(Fault("html", code=502), "server", "LlamaCloud itself"),
    "hanging": Kind(Fault("hang"), "timeout", "api.timeout"),
    "resetting": Kind(Fault("reset"), "network", "egress rules"),
    "cut-off": Kind(Fault("cut_off"), "network", "egress rules"),
    "login-page": Kind(Fault("html"), "bad_response", "login page or gateway"),
    "no-json": Kind(Fault("not_json"), "bad_response", "login page or gateway"),
    "no-list": Kind(Fault("wrong_shape"), "bad_response", "login page or gateway"),
    "wrong-types": Kind(
        Fault("wrong_shape", body={"items": [{"id": ["a"], "total_items": "all"}] * 10}),
        "bad_response",
        "login page or gateway",
    ),
}
EACH = pytest.mark.parametrize("name", KINDS)


@dataclass(frozen=True)
class Seen:
    """What the exporter served before and during the failure, and logged until it was over."""

    before: Scrape
    during: Scrape
    log: list[dict[str, Any]]

    def more(self, name: str, project: str, **labels: str) -> float:
        """Return by how much a counter grew during the failure."""
        before, during = (
            sum(scraped.own(name, project=project, **labels))
            for scraped in (self.before, self.during)
        )
        return during - before

    def lines(self, event: str, project: str) -> list[dict[str, Any]]:
        """Return the lines of one event of a project."""
        return [line for line in self.log if (line["event"], line["project"]) == (event, project)]


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Run one exporter with a project for each kind of failure, and one without."""
    folder = tmp_path_factory.mktemp("settings")
    with running_cloud() as cloud:
        projects = [project(cloud, name) for name in (GOOD, *KINDS)]
        projects.append(project(cloud, TLS, base_url=cloud.base_url.replace("http:", "https:")))
        with running(settings_file(folder, projects, api={"timeout": "3s"})) as exporter:
            exporter.wait_for(lambda: exporter.get()[1].count(COUNTED) == len({GOOD, *KINDS}))
            before = scrape(exporter)
            for name, kind in KINDS.items():
                cloud.simulator.faults.add(replace(kind.fault, project_id=project_id_of(name)))
            exporter.wait_for(lambda: reported(exporter, "project.listing_failed") >= {TLS, *KINDS})
            during = scrape(exporter)
            cloud.simulator.faults.clear()
            exporter.wait_for(
                lambda: reported(exporter, "project.listing_recovered") >= KINDS.keys()
            )
            return Seen(before, during, [line for line in exporter.log() if "project" in line])


def reported(exporter: Exporter, event: str) -> set[str]:
    return {line["project"] for line in exporter.events(event)}


@EACH
def test_one_line_names_the_project_and_the_likely_cause(seen: Seen, name: str) -> None:
    """One line for a lasting failure, and one when it is over."""
    (line,) = seen.lines("project.listing_failed", name)
    assert KINDS[name].reason == line["reason"]
    assert KINDS[name].words in line["advice"]
    assert 1 == len(seen.lines("project.listing_recovered", name))


@EACH
def test_failures_are_counted_by_their_reason(seen: Seen, name: str) -> None:
    """Polls count as errors, and the project is not up."""
    assert [0.0] == seen.during.own("project_up", project=name)
    assert 1 <= seen.more("polls_total", name, result="error")
    assert 1 <= seen.more("poll_errors_total", name, reason=KINDS[name].reason)


def test_a_gateways_401_says_nothing_of_the_key(seen: Seen) -> None:
    """The key is not blamed, and the project is listed as often as before."""
    assert [1.0] == seen.during.own("project_authenticated", project="gateway-401")
    (line,) = seen.lines("project.listing_failed", "gateway-401")
    assert "key" not in line


@EACH
def test_requests_are_tried_again_where_that_can_help(seen: Seen, name: str) -> None:
    """A failed request is sent twice more, and the retries are counted."""
    retries = seen.more("api_retries_total", name)
    if KINDS[name].is_retried:
        assert 2 <= retries
    else:
        # None but those that a machine too busy to answer may owe.
        assert retries <= sum(seen.during.own("api_requests_total", project=name, code="timeout"))


@EACH
def test_the_last_good_data_is_kept(seen: Seen, name: str) -> None:
    """The last data stays until the project is stale."""
    for series in ("job_items", "job_failed_items", "job_progress_ratio", "active_jobs"):
        kept = seen.during.batch(series, project=name)
        assert seen.before.batch(series, project=name) == kept != []


def test_other_projects_are_unharmed(seen: Seen) -> None:
    """Projects without a failure are listed and refreshed all the while."""
    assert 1 <= seen.more("polls_total", GOOD, result="success")
    assert [1.0] == seen.during.own("project_up", project=GOOD)
    assert 0 == seen.more("polls_total", GOOD, result="error")
    assert [] == seen.lines("project.listing_failed", GOOD)


def test_tls_that_fails_is_reported_without_a_traceback(seen: Seen) -> None:
    """A proxy may speak plain HTTP on the port; the reason is network."""
    (line,) = seen.lines("project.listing_failed", TLS)
    assert "network" == line["reason"]
    assert "TLS" in line["advice"]
    assert "SSL" in line["detail"]
    assert [True, True] == [
        1 <= sum(seen.during.own("poll_errors_total", project=TLS, reason="network")),
        2 <= sum(seen.during.own("api_retries_total", project=TLS)),
    ]
