"""A LlamaCloud that hangs: every wait is bounded, and the end waits for nothing."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

from exporter.simulator import Fault
from tests.support.exporter_process import environment, running, running_command
from tests.support.projects import project, project_id_of, scrape, settings_file
from tests.support.unreachable import address_that_takes_no_connection

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.simulator.faults import Endpoint
    from tests.support.cloud import Cloud
    from tests.support.exporter_process import Exporter

HANGING_ENDPOINTS: dict[str, Endpoint] = {
    "lists": "list_jobs",
    "refreshes": "job_status",
    "counts": "list_items",
}
# As where a name server never answers: the system's look-up cannot be cancelled.
HANGING_NAMES = """
import socket, sys, time
look_up = socket.getaddrinfo
def hang(host, *arguments, **options):
    if ".invalid" in str(host):
        time.sleep(60)
    return look_up(host, *arguments, **options)
socket.getaddrinfo = hang
from exporter.__main__ import main
"""
# A bug at the second listing of a project: the look-up of another one's name hangs.
BROKEN = (
    HANGING_NAMES
    + """
from exporter.llamacloud.v1beta import api
walk = api.list_jobs
calls = []
def broken(*arguments, **options):
    calls.append(arguments)
    if len(calls) > 4:
        raise LookupError("a bug")
    return walk(*arguments, **options)
api.list_jobs = broken
sys.exit(main())
"""
)
WITH_HANGING_NAMES = (sys.executable, "-c", f"{HANGING_NAMES}sys.exit(main())")
MORE_THAN_ANY_DEFAULT_POOL_OF_THREADS = 40


def test_every_wait_ends_and_a_signal_ends_all(cloud: Cloud, tmp_path: Path) -> None:
    """Connecting and each endpoint hang; SIGTERM meanwhile ends the exporter at once."""
    with address_that_takes_no_connection() as nowhere:
        entries = [project(cloud, name) for name in HANGING_ENDPOINTS]
        entries.append(project(cloud, "connects", base_url=nowhere))
        for name, endpoint in HANGING_ENDPOINTS.items():
            fault = Fault("hang", endpoint=endpoint, project_id=project_id_of(name))
            cloud.simulator.faults.add(fault)
        flag = settings_file(tmp_path, entries, api={"timeout": "500ms"})
        with running(flag) as exporter:
            for name, endpoint in (HANGING_ENDPOINTS | {"connects": "list_jobs"}).items():
                # Twice: the request that timed out was repeated.
                wait_for_timeouts(exporter, name, endpoint, least=2.0)
            status, seconds = exporter.stop()
            last = exporter.log()[-1]["event"]
    assert (0, True, "exporter.stopping") == (status, seconds < 2.0, last)


def test_names_that_cannot_be_looked_up_keep_no_other_from_it(cloud: Cloud, tmp_path: Path) -> None:
    """Many hanging look-ups delay neither other projects nor the end."""
    by_name = cloud.base_url.replace("127.0.0.1", "localhost")
    hanging = [
        project(cloud, f"hangs-{number}", base_url=f"http://hangs-{number}.invalid")
        for number in range(MORE_THAN_ANY_DEFAULT_POOL_OF_THREADS)
    ]
    flag = settings_file(tmp_path, [*hanging, project(cloud, "good", base_url=by_name)])
    with running_command(WITH_HANGING_NAMES, flag) as exporter:
        exporter.wait_for(lambda: 1 in scrape(exporter).own("project_up", project="good"))
        status, seconds = exporter.stop()
    assert (0, True) == (status, seconds < 2.0)


def test_a_bug_ends_all_while_the_look_up_of_a_name_hangs(cloud: Cloud, tmp_path: Path) -> None:
    """A bug ends it with its traceback and 1, without waiting for the look-up."""
    entries = [
        project(cloud, "hangs", base_url="http://hangs.invalid"),
        project(cloud, "breaks"),
    ]
    flag = settings_file(tmp_path, entries)
    with running_command((sys.executable, "-c", BROKEN), flag) as exporter:
        assert 1 == exporter.process.wait(20)
        (crash,) = exporter.events("exporter.crashed")
    assert "LookupError: a bug" in crash["exception"]


def test_once_ends_while_the_look_up_of_a_name_hangs(cloud: Cloud, tmp_path: Path) -> None:
    """The other projects are printed, and the exit status is 1."""
    by_name = cloud.base_url.replace("127.0.0.1", "localhost")
    entries = [
        project(cloud, "hangs", base_url="http://hangs.invalid"),
        project(cloud, "good", base_url=by_name),
    ]
    flag = settings_file(tmp_path, entries, api={"timeout": "500ms"})
    ended = subprocess.run(
        [*WITH_HANGING_NAMES, flag, "--once"],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert 1 == ended.returncode, ended.stderr
    assert 'llamacloud_exporter_project_up{project="good"} 1.0' in ended.stdout
    assert 'llamacloud_exporter_project_up{project="hangs"} 0.0' in ended.stdout


def test_once_ends_if_its_output_has_no_reader(cloud: Cloud, tmp_path: Path) -> None:
    """The reader leaves, as in ``--once | head``."""
    flag = settings_file(
        tmp_path,
        [project(cloud, "hangs", base_url="http://hangs.invalid")],
        api={"timeout": "500ms"},
    )
    with subprocess.Popen(
        [*WITH_HANGING_NAMES, flag, "--once"],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        process.stdout.close()
        try:
            assert 1 == process.wait(20)
        finally:
            process.kill()


def wait_for_timeouts(exporter: Exporter, name: str, endpoint: str, *, least: float) -> None:
    labels = {"project": name, "endpoint": endpoint, "code": "timeout"}
    exporter.wait_for(lambda: sum(scrape(exporter).own("api_requests_total", **labels)) >= least)
