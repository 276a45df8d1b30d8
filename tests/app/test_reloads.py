"""Settings that are applied again while the exporter runs: on SIGHUP, or by POST."""

from __future__ import annotations

import threading
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest
from app.growing import GrowingJobs
from app.reloading import listings_of, reloadable
from app.test_restarts import completed, ended, failed
from projects import Scrape, key_of, project, project_id_of

from exporter.simulator import DEFAULT_PROJECT_ID

if TYPE_CHECKING:
    from pathlib import Path

    from cloud import Cloud

SUCCESSFUL = "config_last_reload_successful"
TIMESTAMP = "config_last_reload_success_timestamp_seconds"
FAILED_ITEMS = {"item_status": "failed", "job_type": "parse"}


def names(scraped: Scrape) -> set[str]:
    """Return the names of the projects that any series tells of."""
    return scraped.labels("llamacloud_exporter_project_up", "project") | scraped.labels(
        "llamacloud_batch_jobs_finished_total", "project"
    )


def more_fail(cloud: Cloud, name: str, number: int = 3) -> None:
    """Let the job of a project report more failed items."""
    cloud.world.jobs[f"job-of-{name}"].overrides["failed_items"] = number


def failed_of(scraped: Scrape, name: str) -> float:
    """Return the counter of a project's failed items."""
    return sum(scraped.batch("items_finished_total", project=name, **FAILED_ITEMS))


class TestSignal:
    """SIGHUP, which needs no setting."""

    def test_it_applies_what_the_file_says_now(self, cloud: Cloud, tmp_path: Path) -> None:
        """And says what changed; the gauges tell when."""
        one, two = project(cloud, "one"), project(cloud, "two")
        with reloadable(tmp_path, [one], web={}) as running:
            running.wait_for_job("one")
            (began,) = running.scrape().own(TIMESTAMP)
            running.write([one, two], poll={"interval": "2s"})
            running.hang_up()
            running.wait_for_job("two")
            scraped = running.scrape()
            (line,) = running.exporter.events("config.reloaded")
            assert (line["added"], line["settings"]) == ("two", "poll.interval")
            assert not {"removed", "changed"} & set(line)
            assert [1.0] == scraped.own(SUCCESSFUL)
            assert scraped.own(TIMESTAMP)[0] > began
            assert [2.0, 2.0] == scraped.own("poll_interval_seconds")
            assert 0 == running.exporter.stop()[0]

    def test_a_mistake_keeps_what_runs(self, cloud: Cloud, tmp_path: Path) -> None:
        """Every mistake is told at once, by the words of --config.check; then the next works."""
        one = project(cloud, "one")
        with reloadable(tmp_path, [one]) as running:
            running.wait_for_job("one")
            wrong = {"poll": {"interval": "soon"}, "jobs": {"max_per_project": -1}}
            running.write([one, {**one, "api_keys": "x"}], **wrong)
            running.hang_up()
            running.exporter.wait_for(
                lambda: len(running.exporter.events("config.reload_failed")) >= 4
            )
            told = [line["detail"] for line in running.exporter.events("config.reload_failed")]
            assert [0.0] == running.scrape().own(SUCCESSFUL)
            assert {"one"} == names(running.scrape())
            status, words = running.post()
            assert 400 == status
            assert words.startswith(f"The settings have {len(told)} mistakes:\n")
            assert [] == [problem for problem in told if f"  - {problem}\n" not in words]
            assert words.endswith("settings that were read before stay in force.\n")
            running.reload([one])
            assert [1.0] == running.scrape().own(SUCCESSFUL)

    @pytest.mark.parametrize("place", ["name", "poll"])
    def test_keys_stay_secret(self, cloud: Cloud, tmp_path: Path, place: str) -> None:
        """Those in force, and those of settings that are refused."""
        one, secret = project(cloud, "one"), "llx-Zq7Jw2Xr9Lk4Tn8Bv3Yd"
        with reloadable(tmp_path, [one]) as running:
            two = one | {"api_key": secret, "name": f"of {secret} and {key_of('one')}"}
            poll = {"interval": f"{secret}{key_of('one')}"}
            refused = [one, two] if place == "name" else [one, one | {"api_key": secret}]
            running.write(refused, **({"poll": poll} if place == "poll" else {}))
            status, words = running.post()
            log = running.exporter.log_file.read_text()
        assert (400, True) == (status, "config.reload_failed" in log)
        for key in (secret, key_of("one")):
            assert key[4:15] not in words + log


class TestEndpoints:
    """POST /-/reload and /-/quit."""

    @pytest.mark.parametrize("path", ["/-/reload", "/-/quit"])
    def test_they_are_refused_unless_enabled(self, cloud: Cloud, tmp_path: Path, path: str) -> None:
        """In words that name the setting."""
        with reloadable(tmp_path, [project(cloud, "one")], web={}) as running:
            status, words = running.post(path)
            assert (403, True) == (status, "web.enable_lifecycle" in words)
            assert 405 == running.exporter.get(path)[0]
            assert "ok\n" == running.exporter.get("/-/healthy")[1]

    def test_quit_stops_as_sigterm_does(self, cloud: Cloud, tmp_path: Path) -> None:
        """With an answer, and exit status 0."""
        with reloadable(tmp_path, [project(cloud, "one")]) as running:
            assert 405 == running.exporter.get("/-/quit")[0]
            began = time.monotonic()
            assert (200, "Stopping.\n") == running.post("/-/quit")
            assert 0 == running.exporter.process.wait(10)
            assert time.monotonic() - began < 2.0
            (line,) = running.exporter.events("exporter.stopping")
            assert "SIGTERM" == line["signal"]

    def test_reloads_at_once_are_all_answered(self, cloud: Cloud, tmp_path: Path) -> None:
        """Each after one that began after it was asked for."""
        one = project(cloud, "one")
        with reloadable(tmp_path, [one]) as running:
            answers: list[int] = []
            threads = [
                threading.Thread(target=lambda: answers.append(running.post()[0]))
                for _ in range(20)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert [200] * 20 == answers

    def test_what_needs_a_restart_is_named(self, cloud: Cloud, tmp_path: Path) -> None:
        """At each reload until then; all else is applied."""
        one = project(cloud, "one")
        with reloadable(tmp_path, [one]) as running:
            other = {"web": {"telemetry_path": "/other"}, "state": {"file": "state"}}
            for _ in range(2):
                words = running.reload([one], poll={"interval": "2s"}, **other)
                fixed = "state.file, web.telemetry_path, web.enable_lifecycle"
                assert words.endswith(f"A restart is needed for: {fixed}.\n")
            assert [2.0] == running.scrape().own("poll_interval_seconds")
            lines = running.exporter.events("config.restart_needed")
            assert ["warning"] * 2 == [line["level"] for line in lines]
            assert fixed == lines[0]["settings"]
            assert not (tmp_path / "state").exists()


class TestProjects:
    """Projects that come, go, and change, beside one that stays."""

    def test_one_is_added_and_removed(self, cloud: Cloud, tmp_path: Path) -> None:
        """Its series come and go; those of the other are in every scrape."""
        one, two = project(cloud, "one"), project(cloud, "two")
        with reloadable(tmp_path, [one]) as running:
            running.wait_for_job("one")
            assert "added: two" in running.reload([one, two])
            assert {"one", "two"} == names(running.scrape())
            running.wait_for_job("two")
            assert "two" in running.exporter.get("/")[1]
            assert "removed: two" in running.reload([one])
            text = running.exporter.get()[1]
            assert 'project="one"' in text
            assert 'project="two"' not in text
            asked = len(listings_of(cloud, project_id_of("two")))
            listed = len(listings_of(cloud, project_id_of("one")))
            running.exporter.wait_for(
                lambda: len(listings_of(cloud, project_id_of("one"))) >= listed + 2
            )
            assert asked == len(listings_of(cloud, project_id_of("two")))

    def test_one_that_is_renamed_goes_on(self, cloud: Cloud, tmp_path: Path) -> None:
        """Under its new name alone, with its jobs at once, and counts nothing twice."""
        one, two = project(cloud, "one"), project(cloud, "two")
        with reloadable(tmp_path, [one, two]) as running:
            running.wait_for_job("two")
            more_fail(cloud, "two")
            running.exporter.wait_for(lambda: failed_of(running.scrape(), "two") == 2.0)
            words = running.reload([one, two | {"name": "second"}])
            assert "changed: second" in words
            scraped = running.scrape()
            assert {"one", "second"} == names(scraped)
            assert 2.0 == failed_of(scraped, "second")
            assert scraped.batch("job_items", project="second")
            more_fail(cloud, "two", 5)
            running.exporter.wait_for(lambda: failed_of(running.scrape(), "second") == 4.0)

    def test_names_that_are_swapped_stay_with_their_projects(
        self, cloud: Cloud, tmp_path: Path
    ) -> None:
        """No scrape shows a job twice."""
        one, two = project(cloud, "one"), project(cloud, "two")
        with reloadable(tmp_path, [one, two]) as running:
            for name in ("one", "two"):
                running.wait_for_job(name)
            running.reload([one | {"name": "two"}, two | {"name": "one"}])
            series = running.scrape().series("llamacloud_batch_job_info")
            shown = sorted((labels["project"], labels["job_id"]) for labels in series)
            assert [("one", "job-of-two"), ("two", "job-of-one")] == shown

    @pytest.mark.parametrize(
        "change",
        [
            {"job_types": ["parse"]},
            {"api_versions": ["v1beta"]},
            {"organization_id": DEFAULT_PROJECT_ID},
            {"api_key": "llx-another-key-of-the-project"},
        ],
        ids=lambda change: next(iter(change)),
    )
    def test_one_that_is_read_otherwise_goes_on(
        self, cloud: Cloud, tmp_path: Path, change: dict[str, Any]
    ) -> None:
        """No scrape lacks its job or its gauges, and no counter of it falls, own ones included."""
        entry = project(cloud, "one")
        cloud.world.add_key("llx-another-key-of-the-project", project_id_of("one"))
        with reloadable(tmp_path, [entry]) as running:
            running.wait_for_job("one")
            more_fail(cloud, "one")
            running.exporter.wait_for(lambda: failed_of(running.scrape(), "one") == 2.0)
            before = running.scrape()
            assert "changed: one" in running.reload([entry | change])
            after = running.scrape()
            assert before.batch("job_items") == after.batch("job_items")
            assert before.batch("active_jobs") == after.batch("active_jobs")
            assert 2.0 == failed_of(after, "one")
            for counter in ("polls_total", "api_requests_total"):
                assert sum(before.own(counter)) <= sum(after.own(counter))
            assert [1.0] == after.own("project_up")
            versions = set(change.get("api_versions", ["v1beta", "v2"]))
            assert versions == after.labels("llamacloud_exporter_api_offered", "api_version")
            if "api_key" in change:
                del cloud.world.keys[key_of("one")]
                listed = len(listings_of(cloud, project_id_of("one")))
                running.exporter.wait_for(
                    lambda: len(listings_of(cloud, project_id_of("one"))) >= listed + 2
                )
                assert [1.0] == running.scrape().own("project_authenticated")

    def test_a_name_that_another_project_gets_begins_anew(
        self, cloud: Cloud, tmp_path: Path
    ) -> None:
        """Nothing of the one before is left."""
        one, two = project(cloud, "one"), project(cloud, "two")
        with reloadable(tmp_path, [one]) as running:
            running.wait_for_job("one")
            more_fail(cloud, "one")
            running.exporter.wait_for(lambda: failed_of(running.scrape(), "one") == 2.0)
            running.reload([two | {"name": "one"}])
            assert 0.0 == failed_of(running.scrape(), "one")
            running.wait_for_job("one")
            assert {"job-of-two"} == running.scrape().labels("llamacloud_batch_job_info", "job_id")

    def test_one_that_was_removed_returns_from_its_state(
        self, cloud: Cloud, tmp_path: Path
    ) -> None:
        """It is kept in the state file meanwhile, also over a restart."""
        one, two = project(cloud, "one"), project(cloud, "two")
        state = {"state": {"file": str(tmp_path / "state")}}
        with reloadable(tmp_path, [one, two], **state) as running:
            running.wait_for_job("two")
            more_fail(cloud, "two")
            running.exporter.wait_for(lambda: failed_of(running.scrape(), "two") == 2.0)
            running.reload([one])
            running.reload([one, two])
            assert 2.0 == failed_of(running.scrape(), "two")
            running.reload([one])
            assert 0 == running.exporter.stop()[0]
        with reloadable(tmp_path, [one], **state) as running:
            running.reload([one, two])
            assert 2.0 == failed_of(running.scrape(), "two")


class TestUnderLoad:
    """A reload every 0.2 s, while jobs move."""

    def test_nothing_is_lost_counted_twice_or_asked_twice(
        self, cloud: Cloud, tmp_path: Path
    ) -> None:
        """Whatever changes beside a project that stays, and in how it is polled."""
        cloud.world.add_key(key_of("one"), DEFAULT_PROJECT_ID)
        entry = {
            "name": "one",
            "project_id": DEFAULT_PROJECT_ID,
            "api_key": key_of("one"),
            "base_url": cloud.base_url,
            "api_versions": ["v1beta"],
        }
        others = [project(cloud, name) for name in ("two", "three")]
        with reloadable(tmp_path, [entry]) as running:
            running.exporter.wait_for(
                lambda: bool(running.scrape().own("polls_total", result="success"))
            )
            # LlamaCloud's Date has whole seconds: what begins later is no history.
            time.sleep(1.1)
            jobs = GrowingJobs(cloud, seed=3)
            seen = 0.0
            for step in range(20):
                jobs.move()
                running.reload(
                    [entry, *others[: step % 3]],
                    retention={"finished": f"{1 + step % 2}h"},
                    log={"level": ("info", "debug")[step % 2]},
                )
                text = running.exporter.get()[1]
                mine = "".join(line + "\n" for line in text.splitlines() if '"one"' in line)
                assert seen <= failed(mine)
                seen = failed(mine)
                assert "llamacloud_batch_active_jobs{" in mine
                time.sleep(0.15)
            jobs.end()
            running.exporter.wait_for(
                lambda: ended(self._mine(running.exporter.get()[1])) >= jobs.ended
            )
            running.exporter.wait_for(
                lambda: completed(self._mine(running.exporter.get()[1])) >= jobs.completed
            )
            mine = self._mine(running.exporter.get()[1])
            assert (jobs.failed, jobs.completed, jobs.ended) == (
                failed(mine),
                completed(mine),
                ended(mine),
            )
        moments = [request.arrived_monotonic for request in listings_of(cloud, DEFAULT_PROJECT_ID)]
        # Every second, whatever was reloaded.
        assert len(moments) >= 4
        assert min(later - one for one, later in pairwise(moments)) > 0.5

    @staticmethod
    def _mine(text: str) -> str:
        """Return the samples of the project that stays."""
        return "".join(line + "\n" for line in text.splitlines() if 'project="one"' in line)

    def test_the_budget_of_a_key_holds(self, cloud: Cloud, tmp_path: Path) -> None:
        """Also of a project that is removed and added, renamed, or read otherwise, all the time."""
        entry = project(cloud, "one")
        changes: list[dict[str, Any] | None] = [
            {"job_types": ["parse"]},
            {"name": "first"},
            None,
            {},
        ]
        cloud.add_job("job-2", project_id=project_id_of("one"))
        other = project(cloud, "two")
        # Two at once, and one a second.
        limits = {"api": {"requests_per_minute": 4}, "poll": {"interval": "1s"}}
        with reloadable(tmp_path, [entry, other], **limits) as running:
            began = time.monotonic()
            for step in range(12):
                change = changes[step % 4]
                mine = [] if change is None else [entry | change]
                running.reload([*mine, other])
                time.sleep(0.1)
            lasted = time.monotonic() - began
        sent = [
            r
            for r in cloud.simulator.requests
            if r.params.get("project_id") == project_id_of("one")
        ]
        # Saved up for thirty seconds, earned while it started, and earned since.
        assert len(sent) <= 30 * 4 / 60 + 1 + lasted * 4 / 60
