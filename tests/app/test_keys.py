"""Keys that LlamaCloud refuses or that are replaced, as seen in metrics, log and requests."""

from __future__ import annotations

import os
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest

from exporter.simulator import Fault
from tests.support.exporter_process import run, running
from tests.support.projects import key_of, project, project_id_of, scrape, settings_file

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cloud import Cloud
    from tests.support.exporter_process import Exporter

WRONG = "llx-key-that-is-of-another-region"
OLD = "llx-key-that-is-old"
NEW = "llx-key-that-is-new"
NAMES = ("contracts", "invoices", "letters")
BUDGET = "api_budget_requests_per_second"


class MountedSecret:
    """A key file as Kubernetes mounts a secret: symbolic links, replaced by one rename."""

    def __init__(self, folder: Path, key: str) -> None:
        self._folder = folder
        self._versions = 0
        self.replace(key)
        self.path = folder / "key"
        self.path.symlink_to("..data/key")

    def replace(self, key: str) -> None:
        """Write another version beside the current one, and make it current."""
        self._versions += 1
        version = self._folder / f"..version-{self._versions}"
        version.mkdir()
        (version / "key").write_text(key + "\n")
        link = self._folder / "..data_tmp"
        link.symlink_to(version.name)
        link.replace(self._folder / "..data")


@pytest.fixture
def secret(tmp_path: Path) -> MountedSecret:
    """Mount a secret with a key that no project knows."""
    folder = tmp_path / "secret"
    folder.mkdir()
    return MountedSecret(folder, WRONG)


def listings(cloud: Cloud, name: str) -> list[float]:
    """Return the moments at which listings of a project arrived."""
    return [
        request.arrived_monotonic
        for request in cloud.simulator.requests
        if request.endpoint == "list_jobs" and request.params["project_id"] == project_id_of(name)
    ]


def test_a_bad_key_is_logged_once_used_seldom_and_replaced_without_a_restart(
    cloud: Cloud, tmp_path: Path, secret: MountedSecret
) -> None:
    """The other project is not affected."""
    bad = project(cloud, "bad", api_key_file=str(secret.path))
    with running(settings_file(tmp_path, [bad, project(cloud, "good")])) as exporter:
        exporter.wait_for(lambda: len(listings(cloud, "bad")) == 3)
        refused = listings(cloud, "bad")
        exporter.wait_for(lambda: bool(exporter.events("project.listing_failed")))
        authenticated = {
            name: scrape(exporter).own("project_authenticated", project=name)
            for name in ("bad", "good")
        }
        (line,) = exporter.events("project.listing_failed")

        secret.replace(key_of("bad"))
        exporter.wait_for(lambda: len(listings(cloud, "bad")) > 3)
        picked_up = listings(cloud, "bad")[3]
        exporter.wait_for(lambda: scrape(exporter).batch("job_items", project="bad") != [])
        assert [1.0] == scrape(exporter).own("project_authenticated", project="bad")
        (changed,) = exporter.events("key.changed")
        log = exporter.log_file.read_text()

    assert ("bad", "unauthorized") == (line["project"], line["reason"])
    assert "belongs to another region than the base URL" in line["advice"]
    assert f'file "{secret.path}"' == line["key"]
    assert {"bad": [0.0], "good": [1.0]} == authenticated
    first_wait, second_wait = (later - earlier for earlier, later in pairwise(refused))
    assert [True, True] == [first_wait >= 1.0, second_wait >= 2.0]
    # The wait that it was in is one of four seconds.
    assert picked_up - refused[-1] < 4.0
    assert len(listings(cloud, "good")) > 4
    assert ("bad", f'file "{secret.path}"') == (changed["project"], changed["key"])
    assert [False, False] == [key in log for key in (WRONG, key_of("bad"))]


def test_the_exporter_waits_for_a_key_and_uses_it_when_it_appears(
    cloud: Cloud, tmp_path: Path
) -> None:
    """It is healthy and ready meanwhile, sends nothing for that project, and logs it once."""
    folder = tmp_path / "not-mounted-yet"
    late = project(cloud, "late", api_key_file=str(folder / "key"))
    flag = settings_file(tmp_path, [late, project(cloud, "good")], api={"wait_for_key": True})
    with running(flag) as exporter:
        exporter.wait_for(
            lambda: sum(scrape(exporter).own("polls_total", project="late", result="error")) >= 2
        )
        exporter.wait_for(lambda: scrape(exporter).own("project_up", project="good") == [1.0])
        states = [exporter.get(path) for path in ("/-/healthy", "/-/ready")]
        waiting = scrape(exporter)
        lines = [line for line in exporter.log() if line.get("project") == "late"]
        sent = len(listings(cloud, "late"))

        folder.mkdir()
        secret = MountedSecret(folder, key_of("late"))
        exporter.wait_for(lambda: scrape(exporter).batch("job_items", project="late") != [])
        served = scrape(exporter)
        later = [line["event"] for line in exporter.log() if line.get("project") == "late"][1:]
        secret.path.unlink()
        exporter.wait_for(lambda: bool(exporter.events("key.unreadable")))
        before = len(listings(cloud, "late"))
        exporter.wait_for(lambda: len(listings(cloud, "late")) > before)
        log = exporter.log_file.read_text()

    assert [(200, "ok\n")] * 2 == states
    assert 0 == sent
    assert [[0.0], [0.0]] == [
        waiting.own(name, project="late") for name in ("project_authenticated", "project_up")
    ]
    assert sum(waiting.own("poll_errors_total", project="late", reason="no_key")) >= 2
    assert [] == waiting.own("api_requests_total", project="late")
    (line,) = lines
    assert ("project.listing_failed", "warning", "no_key") == (
        line["event"],
        line["level"],
        line["reason"],
    )
    assert f'the file "{folder}/key"' in line["detail"]
    assert "it is read again within an interval" in line["advice"]
    assert [1.0] == served.own("project_authenticated", project="late")
    assert "key.readable" == later[0]
    assert "project.listing_recovered" in later
    assert key_of("late") not in log


def test_without_waiting_a_missing_key_file_is_a_mistake(tmp_path: Path) -> None:
    """Nothing is started."""
    ended = run(LLAMA_CLOUD_API_KEY_FILE=str(tmp_path / "key"))
    assert (2, "") == (ended.returncode, ended.stdout)
    assert "cannot be read: No such file or directory" in ended.stderr


def test_a_pipe_in_the_place_of_a_key_file_stops_nothing(cloud: Cloud, tmp_path: Path) -> None:
    """A named pipe without a writer does not block; the current key stays in use."""
    file = tmp_path / "key"
    file.write_text(key_of("piped"))
    entry = project(cloud, "piped", api_key_file=str(file))
    with running(settings_file(tmp_path, [entry])) as exporter:
        exporter.wait_for(lambda: scrape(exporter).own("project_up") == [1.0])
        file.unlink()
        os.mkfifo(file)
        exporter.wait_for(lambda: bool(exporter.events("key.unreadable")))
        before = len(listings(cloud, "piped"))
        exporter.wait_for(lambda: len(listings(cloud, "piped")) >= before + 2)
        assert (200, "ok\n") == exporter.get("/-/healthy")
        file.unlink()
        file.write_text(key_of("piped"))
        exporter.wait_for(lambda: bool(exporter.events("key.readable")))
        status, seconds = exporter.stop()
        (line,) = exporter.events("key.unreadable")

    assert (0, True) == (status, seconds < 2)
    assert "is no regular file" in line["detail"]


def test_projects_that_share_a_key_file_change_keys_and_budget_together(
    cloud: Cloud, tmp_path: Path, secret: MountedSecret
) -> None:
    """No request is refused: the new key shares a new budget, without the former one's 429."""
    for key in (OLD, NEW):
        cloud.world.add_key(key, *map(project_id_of, NAMES))
    secret.replace(OLD)
    entries = [project(cloud, name, api_key_file=str(secret.path)) for name in NAMES]
    with running(settings_file(tmp_path, entries)) as exporter:
        exporter.wait_for(lambda: scrape(exporter).own("project_up") == [1.0] * 3)
        budget_of_old_key = budget_after_a_429(cloud, exporter, NAMES[0])
        secret.replace(NEW)
        exporter.wait_for(lambda: len(exporter.events("key.changed")) == len(NAMES))
        budget_of_new_key = scrape(exporter).own(BUDGET)
        del cloud.world.keys[OLD]
        before = {name: len(listings(cloud, name)) for name in NAMES}
        exporter.wait_for(
            lambda: all(len(listings(cloud, name)) >= before[name] + 2 for name in NAMES)
        )
        reduced_budget_of_new_key = budget_after_a_429(cloud, exporter, NAMES[1])
        scraped = scrape(exporter)
        changed = {line["project"] for line in exporter.events("key.changed")}

    assert [1000.0] * 3 == budget_of_new_key
    for budget in (budget_of_old_key, reduced_budget_of_new_key):
        assert [True] * 3 == [500.0 <= rate < 700.0 for rate in budget]
    assert set(NAMES) == changed
    assert 0 == sum(scraped.own("api_requests_total", code="401"))
    assert 0 == sum(scraped.own("polls_total", result="error"))


def budget_after_a_429(cloud: Cloud, exporter: Exporter, name: str) -> list[float]:
    """Let one request of a project draw a 429, and return every project's budget then."""
    reported = len(exporter.events("budget.reduced"))
    fault = Fault("status", code=429, times=1, project_id=project_id_of(name))
    cloud.simulator.faults.add(fault)
    exporter.wait_for(lambda: len(exporter.events("budget.reduced")) > reported)
    return scrape(exporter).own(BUDGET)
