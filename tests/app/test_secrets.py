"""No key is in anything that the exporter writes or serves, whatever LlamaCloud answers."""

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.simulator import DEMO_PROJECTS
from tests.app.leaking import ECHO, KEYS, REVEALING, Configured, echo_in_batches, leaks
from tests.support.cloud import Cloud
from tests.support.exporter_process import COMMAND, DEADLINE_SECONDS, environment, run, running
from tests.support.serving import wait_until

OPENMETRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}
JOBS, JOB = "/api/v1/jobs?per_page=500", "/job?project=by-yaml&job_id=job-1"
PAGES = (
    *("/", "/metrics", "/-/healthy", "/-/ready", "/nothing"),
    *("/api/v1/status", JOBS, JOB, "/job?project=yaml&job_id=bat-1"),
)
FORMATS = pytest.mark.parametrize("log_format", ["json", "console"])


def exporter_lines(log: str, event: str) -> list[dict[str, str]]:
    """Return the lines of one event."""
    return [line for line in map(json.loads, log.splitlines()) if line["event"] == event]


@contextmanager
def unreachable_servers() -> Iterator[tuple[str, str]]:
    """Hold a port that refuses connections, and one that takes them and never answers."""
    with socket.socket() as closed, socket.create_server(("127.0.0.1", 0)) as hanging:
        closed.bind(("127.0.0.1", 0))
        closed_port, hanging_port = closed.getsockname()[1], hanging.getsockname()[1]
        yield f"127.0.0.1:{closed_port}", f"127.0.0.1:{hanging_port}"


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_every_revealing_part_of_a_key_is_searched_for(key: str) -> None:
    """From the part that is no word of this test to the last character."""
    parts = [key[at : at + REVEALING] for at in range(4, len(key) - REVEALING + 1)]
    assert key.endswith(parts[-1])
    assert [1] * len(parts) == [len(leaks(f"a {part.upper()} b")) for part in parts]
    assert [] == leaks("a " + key[-REVEALING + 1 :])


def test_serving_shows_no_key(configured: Configured) -> None:
    """No log line at debug level and no page shows a key, even if errors and texts repeat it."""
    with running(**configured.variables()) as exporter:
        wanted = {"by-variable", "by-file", "by-yaml"}
        exporter.wait_for(
            lambda: wanted <= {line["project"] for line in exporter.events("item.failed")}
        )
        exporter.wait_for(lambda: bool(exporter.events("api.unknown_value")))
        exporter.wait_for(lambda: bool(exporter.events("exporter.first_poll_ended")))
        # What is logged is published within a second.
        exporter.wait_for(lambda: 'job_id="job-1",project="by-yaml"' in exporter.get()[1])
        pages = [exporter.get(path)[1] for path in PAGES]
        pages.append(exporter.get(headers=OPENMETRICS)[1])
        odd = exporter.events("api.unreadable_field")
        exporter.stop()
        log = exporter.log_file.read_text()

    assert "[redacted]" in log
    assert {True} == {"[redacted]" in pages[PAGES.index(page)] for page in (JOBS, JOB)}
    assert {("list_jobs", "created_at")} == {(line["endpoint"], line["field"]) for line in odd}
    assert [] == leaks(log, *pages)


def test_serving_batches_shows_no_key(cloud: Cloud) -> None:
    """Names and errors of file jobs of v2 show no key either."""
    echo_in_batches(cloud)
    projects = json.dumps([{"name": name, "api_key": key} for name, key in KEYS.items()])
    variables = Configured(cloud, Path("none")).as_json() | {
        "LLAMACLOUD_EXPORTER_PROJECTS": projects,
        "LLAMACLOUD_EXPORTER_API__VERSIONS": "v2",
    }
    failed = 'llamacloud_batch_job_items{item_status="failed",job_id="bat-1",project="yaml"} 2.0'
    with running(**variables) as exporter:
        exporter.wait_for(
            lambda: set(KEYS) <= {i["project"] for i in exporter.events("item.failed")}
        )
        exporter.wait_for(lambda: bool(exporter.events("job.refresh_failed")))
        exporter.wait_for(lambda: failed in exporter.get()[1])
        pages = [exporter.get(path)[1] for path in PAGES]
        exporter.stop()
        log = exporter.log_file.read_text()

    assert {"job status", "job type", "item status", "job reference type"} == {
        line["kind"] for line in exporter_lines(log, "api.unknown_value")
    }
    assert "[redacted]" in log
    assert [] == leaks(log, *pages)


def test_the_console_shows_no_key(configured: Configured, tmp_path: Path) -> None:
    """While it serves, as in front of a person."""
    log = tmp_path / "log"
    flags = ("--web.listen-address=127.0.0.1:0", "--log.format=console")
    with log.open("wb") as stream:
        process = subprocess.Popen(
            [*COMMAND, *flags], env=environment(**configured.variables()), stderr=stream
        )
    try:
        wait_until(lambda: log.read_text().count("item.failed") >= len(KEYS))
        wait_until(lambda: "exporter.first_poll_ended" in log.read_text())
        process.terminate()
        assert 0 == process.wait(DEADLINE_SECONDS)
    finally:
        process.kill()
        process.wait()

    assert "[redacted]" in log.read_text()
    assert [] == leaks(log.read_text())


def test_the_demo_shows_no_key(configured: Configured) -> None:
    """The demo shows neither the keys of the settings nor its own."""
    with running(
        "--demo", **configured.variables(LLAMACLOUD_EXPORTER_API__VERSIONS="v1beta,v2")
    ) as exporter:
        exporter.wait_for_metric("llamacloud_batch_job_progress_ratio{")
        pages = [exporter.get(path)[1] for path in PAGES]
        exporter.stop()
        outputs = [*pages, exporter.log_file.read_text()]

    assert [] == leaks(*outputs)
    assert [] == [demo.name for demo in DEMO_PROJECTS if demo.key in "".join(outputs)]


@FORMATS
def test_a_server_that_does_not_answer_is_reported_without_a_key(
    configured: Configured, log_format: str
) -> None:
    """A closed port, a TLS port that is none, and a server that takes its time for ever."""
    with unreachable_servers() as (closed, hanging):
        servers = {
            "closed": f"http://{closed}",
            "plain": configured.cloud.base_url.replace("http:", "https:"),
            "hanging": f"http://{hanging}",
        }
        projects = [
            {"name": f"{name}-{number}", "api_key": key, "base_url": url}
            for name, url in servers.items()
            for number, key in enumerate(KEYS.values())
        ]
        ended = run(
            *("--once", "--api.timeout=1s", "--poll.interval=10s", f"--log.format={log_format}"),
            **configured.as_json() | {"LLAMACLOUD_EXPORTER_PROJECTS": json.dumps(projects)},
        )

    assert 1 == ended.returncode
    assert len(projects) == ended.stderr.count("project.listing_failed")
    assert 'project="hanging-3"' in ended.stdout
    for words in ("Connect call failed", "SSL", f"no answer from {hanging} within 1 s"):
        assert words in ended.stderr
    assert [] == leaks(ended.stdout, ended.stderr)


@FORMATS
def test_once_shows_no_key(configured: Configured, log_format: str) -> None:
    """Both formats of the log, and keys from a JSON variable, are covered."""
    configured.cloud.simulator.faults.clear()

    # A poll ends when the next is due, whatever a busy machine has done by then.
    patient = {"LLAMACLOUD_EXPORTER_POLL__INTERVAL": "20s"}
    ended = run("--once", f"--log.format={log_format}", **configured.as_json() | patient)

    assert 0 == ended.returncode
    assert "item.failed" in ended.stderr
    assert "[redacted]" in ended.stderr
    assert 'project="by-json-yaml"' in ended.stdout
    assert [] == leaks(ended.stdout, ended.stderr)


@FORMATS
def test_a_crash_shows_no_key(configured: Configured, log_format: str) -> None:
    """A traceback may hold a key."""
    broken = (
        "import sys; from exporter.__main__ import main\n"
        "from exporter.llamacloud.v1beta import api\n"
        f"def broken(*_): raise RuntimeError({ECHO!r}) from ValueError({{'k': {ECHO!r}}})\n"
        "api.list_jobs = broken; sys.exit(main())"
    )
    ended = subprocess.run(
        [sys.executable, "-c", broken, "--once", f"--log.format={log_format}"],
        env=environment(**configured.as_json()),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )

    assert 1 == ended.returncode
    assert "RuntimeError: [redacted] [redacted]" in ended.stderr
    assert [] == leaks(ended.stdout, ended.stderr)
