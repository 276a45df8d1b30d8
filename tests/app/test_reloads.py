"""Settings that are reloaded while the exporter runs: by SIGHUP or POST."""

from __future__ import annotations

import signal
import sys
import threading
import time
from contextlib import ExitStack, closing
from typing import TYPE_CHECKING

import pytest

from tests.app.reloading import LIFECYCLE, names, reloadable
from tests.support.exporter_process import run, running_command
from tests.support.projects import key_of, project, settings_file
from tests.support.unreachable import address_that_takes_no_connection

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.cloud import Cloud

SUCCESSFUL = "config_last_reload_successful"
TIMESTAMP = "config_last_reload_success_timestamp_seconds"
# The disk of the settings hangs while a file says so.
HANGING_SETTINGS = """
import os, sys, time
from exporter.config import yamlfile
read, sign = yamlfile.read_text, sys.argv.pop(1)
def hang(*arguments, **options):
    while os.path.exists(sign):
        time.sleep(0.01)
    return read(*arguments, **options)
yamlfile.read_text = hang
from exporter.__main__ import main
sys.exit(main())
"""


class TestSignal:
    """SIGHUP, which needs no setting."""

    def test_it_applies_what_the_file_says_now(self, cloud: Cloud, tmp_path: Path) -> None:
        """The log names what changed, and the gauges the time."""
        one, two = project(cloud, "one"), project(cloud, "two")
        with reloadable(tmp_path, [one], web={}) as running:
            running.wait_for_job("one")
            (began,) = running.scrape().own(TIMESTAMP)
            running.write([one, two], poll={"interval": "2s"})
            running.send_sighup()
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
        """Every mistake is logged, in the words of --config.check, and the next reload works."""
        one = project(cloud, "one")
        with reloadable(tmp_path, [one]) as running:
            running.wait_for_job("one")
            wrong = {"poll": {"interval": "soon"}, "jobs": {"max_per_project": -1}}
            running.write([one, {**one, "api_keys": "x"}], **wrong)
            running.send_sighup()
            running.exporter.wait_for(
                lambda: len(running.exporter.events("config.reload_failed")) >= 4
            )
            lines = running.exporter.events("config.reload_failed")
            reported = [line["detail"] for line in lines][: lines[0]["mistakes"]]
            assert [0.0] == running.scrape().own(SUCCESSFUL)
            assert {"one"} == names(running.scrape())
            status, words = running.post()
            assert 400 == status
            assert words.startswith(f"The settings have {len(reported)} mistakes:\n")
            assert [] == [problem for problem in reported if f"  - {problem}\n" not in words]
            checked = run("--config.check", f"--config.file={running.file}").stderr
            assert words.splitlines()[:-1] == checked.splitlines()[:-1]
            assert words.endswith("the previous settings stay in force.\n")
            running.reload([one])
            assert [1.0] == running.scrape().own(SUCCESSFUL)

    @pytest.mark.parametrize("place", ["name", "poll"])
    def test_keys_stay_secret(self, cloud: Cloud, tmp_path: Path, place: str) -> None:
        """Neither current keys nor those of refused settings are shown."""
        one, secret = project(cloud, "one"), "llx-Zq7Jw2Xr9Lk4Tn8Bv3Yd"
        with reloadable(tmp_path, [one]) as running:
            two = one | {"api_key": secret, "name": f"of {secret} and {key_of('one')}"}
            poll = {"interval": f"{secret}{key_of('one')}"}
            refused = [one, two] if place == "name" else [one, one | {"api_key": secret}]
            running.write(refused, **({"poll": poll} if place == "poll" else {}))
            status, words = running.post()
            running.exporter.wait_for(lambda: bool(running.exporter.events("config.reload_failed")))
            assert 0 == running.exporter.stop()[0]
            log = running.exporter.log_file.read_text()
        assert 400 == status
        for key in (secret, key_of("one")):
            assert key[4:15] not in words + log


class TestEndpoints:
    """POST /-/reload and /-/quit."""

    @pytest.mark.parametrize("path", ["/-/reload", "/-/quit"])
    def test_they_are_refused_unless_enabled(self, cloud: Cloud, tmp_path: Path, path: str) -> None:
        """The response names the setting."""
        with reloadable(tmp_path, [project(cloud, "one")], web={}) as running:
            status, words = running.post(path)
            assert (403, True) == (status, "web.enable_lifecycle" in words)
            assert 405 == running.exporter.get(path)[0]
            assert "ok\n" == running.exporter.get("/-/healthy")[1]

    @pytest.mark.parametrize("path", ["/-/reload", "/-/quit"])
    def test_pages_of_other_sites_are_refused(
        self, cloud: Cloud, tmp_path: Path, path: str
    ) -> None:
        """A browser that remembers the password would send it for them too."""
        with reloadable(tmp_path, [project(cloud, "one")]) as running:
            host = running.exporter.events("exporter.listening")[0]["open_in_browser"].split("/")[2]
            for foreign in (
                {"Origin": "https://elsewhere.example"},
                {"Origin": "null"},
                # A page of another program on the same machine.
                {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
                {"Origin": f"http://{host}", "Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "cross-site"},
            ):
                status, words = running.exporter.get(path, method="POST", headers=foreign)
                assert (403, True) == (
                    status,
                    words.startswith("Refused: the page of another site"),
                )
            assert "ok\n" == running.exporter.get("/-/healthy")[1]
            own = {"Origin": f"http://{host.upper()}", "Sec-Fetch-Site": "same-origin"}
            assert 200 == running.exporter.get(path, method="POST", headers=own)[0]

    def test_quit_stops_as_sigterm_does(self, cloud: Cloud, tmp_path: Path) -> None:
        """The client gets a response, and the exit status is 0."""
        with reloadable(tmp_path, [project(cloud, "one")]) as running:
            assert 405 == running.exporter.get("/-/quit")[0]
            began = time.monotonic()
            assert (200, "Stopping.\n") == running.post("/-/quit")
            assert 0 == running.exporter.process.wait(10)
            assert time.monotonic() - began < 2.0
            (line,) = running.exporter.events("exporter.stopping")
            assert "SIGTERM" == line["signal"]

    def test_reloads_at_once_are_all_answered(self, cloud: Cloud, tmp_path: Path) -> None:
        """Each POST is answered by a reload that began after it."""
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
        """Each reload names these settings until a restart, and applies the others."""
        one = project(cloud, "one")
        with reloadable(tmp_path, [one]) as running:
            other = {"web": {"telemetry_path": "/other"}, "state": {"file": "state"}}
            for _ in range(2):
                words = running.reload([one], poll={"interval": "2s"}, **other)
                fixed = "state.file, web.telemetry_path, web.enable_lifecycle"
                assert words.endswith(f"A restart is needed for: {fixed}.\n")
            assert [2.0] == running.scrape().own("poll_interval_seconds")
            running.exporter.wait_for(
                lambda: len(running.exporter.events("config.restart_needed")) == 2
            )
            lines = running.exporter.events("config.restart_needed")
            assert ["warning"] * 2 == [line["level"] for line in lines]
            assert fixed == lines[0]["settings"]
            assert not (tmp_path / "state").exists()


def test_a_stop_answers_all_who_wait_for_a_reload(cloud: Cloud, tmp_path: Path) -> None:
    """Both running and waiting reloads are answered when the exporter stops."""
    sign = tmp_path / "hangs"
    flag = settings_file(tmp_path, [project(cloud, "one")], **LIFECYCLE)
    with running_command((sys.executable, "-c", HANGING_SETTINGS, str(sign)), flag) as exporter:
        sign.touch()
        with ExitStack() as opened:
            waiting = []
            for _ in range(2):
                waiting.append(opened.enter_context(closing(exporter.connection())))
                waiting[-1].request("POST", "/-/reload")
                # An answer to a later request shows that it has arrived.
                assert 200 == exporter.get("/-/healthy")[0]
            exporter.process.send_signal(signal.SIGTERM)
            assert [503, 503] == [connection.getresponse().status for connection in waiting]
        assert 0 == exporter.process.wait(10)


def test_the_end_of_the_first_poll_is_logged_for_current_projects(
    cloud: Cloud, tmp_path: Path
) -> None:
    """Pollers that a reload replaced while LlamaCloud hung do not count."""
    entries = [project(cloud, "one"), project(cloud, "two")]
    with address_that_takes_no_connection() as nowhere:
        hanging = [entry | {"base_url": nowhere} for entry in entries]
        with reloadable(tmp_path, hanging[:1]) as running:
            running.reload([hanging[0] | {"job_types": ["parse"]}])
            running.reload(hanging)
            running.reload(entries)
            running.exporter.wait_for(
                lambda: bool(running.exporter.events("exporter.first_poll_ended"))
            )
            assert {"one", "two"} == running.scrape().labels("llamacloud_batch_job_info", "project")
            (line,) = running.exporter.events("exporter.first_poll_ended")
            assert 2 == line["projects"]
