"""The exporter as a process: started, scraped and stopped with real signals."""

import json
import signal
import socket
import subprocess
import sys
from pathlib import Path
from urllib.request import urlopen

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as strict
from prometheus_client.parser import text_string_to_metric_families as lenient

from exporter import __version__
from exporter.simulator import DEFAULT_PROJECT_ID, Fault
from tests.support.broken_tls import broken_tls_server, certificate
from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import environment, run, running, running_command
from tests.support.tools import check_metrics

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}


def of(cloud: Cloud, **more: str) -> dict[str, str]:
    """Return the variables that point the exporter to the simulator."""
    return {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url} | more


def quick(cloud: Cloud) -> dict[str, str]:
    """Return the same with a budget that lets jobs be refreshed at once."""
    return of(
        cloud,
        LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE="6000",
        LLAMACLOUD_EXPORTER_POLL__INTERVAL="1s",
    )


class TestServing:
    """From an API key to /metrics."""

    def test_it_listens_on_every_configured_address(self, cloud: Cloud) -> None:
        """IPv6 is among them, and each URL is logged."""
        with running("--web.listen-address=[::1]:0", **of(cloud)) as exporter:
            exporter.wait_for(lambda: len(exporter.events("exporter.listening")) == 2)
            pages = [line["open_in_browser"] for line in exporter.events("exporter.listening")]
            for page in pages:
                with urlopen(page) as answer:  # noqa: S310 - it is our own address
                    assert b"LlamaCloud batch exporter" in answer.read()
        assert ["http://127.0.0.1:", "http://[::1]:"] == [
            page.rstrip("/0123456789") for page in pages
        ]

    def test_it_names_the_page_again_when_there_is_something_to_see(self, cloud: Cloud) -> None:
        """Other lines have followed the first announcement by then."""
        cloud.add_job()
        with running(**quick(cloud)) as exporter:
            exporter.wait_for(lambda: bool(exporter.events("exporter.first_poll_ended")))
            (line,) = exporter.events("exporter.first_poll_ended")
            assert exporter.events("exporter.listening")[0]["metrics"] == line["metrics"]

    def test_a_key_is_all_it_takes(self, cloud: Cloud) -> None:
        """Jobs are on /metrics in both forms, and promtool reports nothing."""
        cloud.add_job()
        with running(**of(cloud)) as exporter:
            # As in its listing's row: the first listing uses the requests that may be sent at once.
            text = exporter.wait_for_metric("llamacloud_batch_job_processed_items{")
            _, openmetrics = exporter.get(headers=OPENMETRICS)
        (user_agent,) = {request.user_agent for request in cloud.simulator.requests}
        assert f"llamacloud-batch-exporter/{__version__}" == user_agent
        assert 'llamacloud_batch_job_processed_items{job_id="job-1",project="default"} 7.0' in text
        check_metrics(text.encode())
        names = {family.name for family in lenient(text)}
        assert names == {family.name for family in strict(openmetrics)}  # type: ignore[no-untyped-call]

    def test_health_and_readiness_never_look_upstream(self, cloud: Cloud) -> None:
        """A failed listing makes it ready as well."""
        cloud.simulator.faults.add(Fault("status", code=403))
        with running(**of(cloud)) as exporter:
            assert (200, "ok\n") == exporter.get("/-/healthy")
            exporter.wait_for(lambda: exporter.get("/-/ready")[0] == 200)

    def test_it_is_not_ready_before_the_first_listing(self, cloud: Cloud) -> None:
        """It is healthy all the same."""
        cloud.simulator.faults.add(Fault("hang"))
        with running(**of(cloud)) as exporter:
            assert (503, 200) == (exporter.get("/-/ready")[0], exporter.get("/-/healthy")[0])

    def test_the_demo_moves(self) -> None:
        """It needs no key, and its jobs make progress."""
        progress = "llamacloud_batch_active_items{"

        def processed(text: str) -> list[str]:
            return [line for line in text.splitlines() if line.startswith(progress)]

        with running("--demo") as exporter:
            first = processed(exporter.wait_for_metric(progress))
            exporter.wait_for(lambda: processed(exporter.get()[1]) != first)
            text = exporter.get()[1]
            assert (0, True) == stopped_in_time(exporter.stop())
        assert {
            ("contracts", "v1beta"),
            *(("invoices", "v1beta"), ("invoices", "v2")),
            ("reports", "v2"),
        } == {
            (sample.labels["project"], sample.labels["api_version"])
            for family in lenient(text)
            for sample in family.samples
            if family.name == "llamacloud_batch_job_info"
        }


class TestLeaving:
    """Exit statuses, and the time until the end."""

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_during_start_up_ends_it_with_0(self, number: signal.Signals) -> None:
        """A signal during the imports ends it with 0."""
        command = [sys.executable, "-X", "importtime", "-m", "exporter", "--demo"]
        with subprocess.Popen(
            command, env=environment(), stderr=subprocess.PIPE, text=True
        ) as starting:
            assert starting.stderr is not None
            try:
                next(line for line in starting.stderr if "structlog" in line)
                starting.send_signal(number)
                assert 0 == starting.wait(10)
                rest = starting.stderr.read()
            finally:
                starting.kill()
        assert f"stopped by {number.name}" in rest
        assert "Traceback" not in rest

    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
    def test_a_signal_ends_it_with_0(self, cloud: Cloud, number: signal.Signals) -> None:
        """Within two seconds."""
        with running(**quick(cloud)) as exporter:
            exporter.wait_for_metric("llamacloud_exporter_last_listing_timestamp_seconds{")
            assert (0, True) == stopped_in_time(exporter.stop(number))
            assert ["exporter.stopping"] == [line["event"] for line in exporter.log()][-1:]

    def test_a_signal_ends_it_while_a_request_hangs(self, cloud: Cloud) -> None:
        """Clients that keep connections open do not delay the end."""
        cloud.simulator.faults.add(Fault("hang"))
        with running(**of(cloud)) as exporter:
            exporter.wait_for(lambda: bool(cloud.simulator.requests))
            port = exporter.events("exporter.listening")[0]["open_in_browser"].split(":")[2]
            with socket.create_connection(("127.0.0.1", int(port.rstrip("/")))) as idle:
                idle.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
                assert (0, True) == stopped_in_time(exporter.stop())

    def test_a_signal_ends_it_while_projects_queue_for_one_key(
        self, cloud: Cloud, tmp_path: Path
    ) -> None:
        """Requests that wait for their turn do not delay the end."""
        for number in range(40):
            cloud.add_job(f"job-{number}")
        file = tmp_path / "exporter.yml"
        projects = "".join(
            f"  - {{name: p{number}, project_id: {DEFAULT_PROJECT_ID}}}\n" for number in range(3)
        )
        file.write_text(
            f"projects:\n{projects}api: {{requests_per_minute: 100000, concurrency: 4}}\n"
        )
        with running(f"--config.file={file}", **of(cloud)) as exporter:
            exporter.wait_for(lambda: cloud.requests()["job_status"] >= 10)
            assert (0, True) == stopped_in_time(exporter.stop())
            assert [] == exporter.events("exporter.crashed")

    def test_tls_that_breaks_does_not_end_it(self, tmp_path: Path) -> None:
        """Broken TLS is reported as a network failure."""
        file = certificate(tmp_path)
        with (
            broken_tls_server(file) as base_url,
            running(
                LLAMA_CLOUD_API_KEY=KEY,
                LLAMA_CLOUD_BASE_URL=base_url,
                LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE="6000",
                SSL_CERT_FILE=str(file),
            ) as exporter,
        ):
            exporter.wait_for(lambda: bool(exporter.events("project.listing_failed")))
            (line,) = exporter.events("project.listing_failed")
            assert "network" == line["reason"]
            assert "SSL" in line["detail"]
            assert (0, True) == stopped_in_time(exporter.stop())

    def test_a_taken_port_is_reported_without_a_traceback(self, cloud: Cloud) -> None:
        """The log names the port and what to do, without a traceback."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            address = f"127.0.0.1:{taken.getsockname()[1]}"
            ended = run(f"--web.listen-address={address}", **of(cloud))
        assert (1, "") == (ended.returncode, ended.stdout)
        assert "is taken" in ended.stderr
        assert "--web.listen-address" in ended.stderr
        assert "Traceback" not in ended.stderr

    def test_addresses_that_exclude_each_other_are_reported_without_a_traceback(
        self, cloud: Cloud
    ) -> None:
        """The log says that the exporter itself uses the port."""
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        addresses = (f"--web.listen-address=:{port}", f"--web.listen-address=127.0.0.1:{port}")
        ended = run(*addresses, "--log.format=json", **of(cloud))
        assert 1 == ended.returncode
        line = json.loads(ended.stderr.splitlines()[-1])
        assert ("exporter.cannot_listen", f"127.0.0.1:{port}") == (line["event"], line["address"])
        assert "each needs its own" in line["detail"]

    def test_a_host_without_an_address_is_reported_without_a_traceback(self, cloud: Cloud) -> None:
        """Without a traceback."""
        ended = run("--web.listen-address=no-such-host.invalid:9910", **of(cloud))
        assert 1 == ended.returncode
        assert "check its name" in ended.stderr
        assert "Traceback" not in ended.stderr

    def test_a_bug_ends_it_with_a_traceback_and_1(self, cloud: Cloud) -> None:
        """A project that is no longer polled is not served."""
        broken = (
            "import sys; from exporter.__main__ import main;"
            "from exporter.llamacloud.v1beta import api; api.list_jobs = None; sys.exit(main())"
        )
        with running_command((sys.executable, "-c", broken), **of(cloud)) as exporter:
            assert 1 == exporter.process.wait(10)
            (crash,) = exporter.events("exporter.crashed")
        assert "Traceback" in crash["exception"]
        assert "'NoneType' object is not callable" in crash["exception"]
        assert 1 == crash["exception"].count("Traceback")

    def test_a_mistake_in_the_settings_ends_it_with_2(self) -> None:
        """The message names the mistake and what to write."""
        ended = run("--poll.interval=soon", LLAMA_CLOUD_API_KEY=KEY)
        assert (2, "") == (ended.returncode, ended.stdout)
        assert "--poll.interval" in ended.stderr
        assert "Traceback" not in ended.stderr


class TestModes:
    """What it does besides serving."""

    def test_once_prints_the_exposition(self, cloud: Cloud) -> None:
        """Jobs refreshed and items counted, and nothing but metrics on standard output."""
        cloud.add_job()
        ended = run("--once", "--poll.interval=20s", **quick(cloud))
        assert 0 == ended.returncode, ended.stderr
        assert 'llamacloud_batch_job_items{item_status="completed",job_id="job-1"' in ended.stdout
        check_metrics(ended.stdout.encode())
        # A full listing of v2: recent batches, and active ones by each of three statuses.
        assert {"list_batches": 4, "list_jobs": 1, "job_status": 1, "list_items": 1} == (
            cloud.requests()
        )

    def test_once_fails_if_a_project_could_not_be_listed(self, cloud: Cloud) -> None:
        """The metrics show which project failed."""
        ended = run("--once", **of(cloud, LLAMA_CLOUD_API_KEY="llx-wrong"))
        assert 1 == ended.returncode
        assert 'llamacloud_exporter_project_authenticated{project="default"} 0.0' in ended.stdout
        assert "unauthorized" in ended.stderr
        assert "llx-wrong" not in ended.stderr + ended.stdout

    def test_build_info_shows_the_revision_of_the_image(self, cloud: Cloud) -> None:
        """The build of the image sets it in the environment."""
        ended = run(
            *("--once", "--poll.interval=20s"),
            LLAMACLOUD_BATCH_EXPORTER_REVISION="abc123",
            **quick(cloud),
        )
        assert 'revision="abc123"' in ended.stdout

    def test_config_check_reports_and_sends_nothing(self, cloud: Cloud) -> None:
        """No request is sent."""
        ended = run("--config.check", **of(cloud))
        assert (0, "") == (ended.returncode, ended.stderr)
        assert cloud.base_url in ended.stdout
        assert KEY not in ended.stdout
        assert [] == cloud.simulator.requests

    def test_the_version_is_printed(self) -> None:
        """On standard output."""
        ended = run("--version")
        assert (0, f"llamacloud-batch-exporter {__version__}\n") == (
            ended.returncode,
            ended.stdout,
        )


def stopped_in_time(stop: tuple[int, float]) -> tuple[int, bool]:
    status, seconds = stop
    return status, seconds < 2.0
