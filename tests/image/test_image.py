"""The container image, built by `make image` and run with the restrictions of a cluster."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import uuid
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import exporter
from tests.image.building import HARDENED, WITH_HEALTH_CHECK, call
from tests.support.cloud import KEY, running_cloud
from tests.support.documents import commands
from tests.support.exporter_process import DEADLINE_SECONDS, running_command

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tests.image.conftest import Built
    from tests.support.exporter_process import Exporter

pytestmark = pytest.mark.timeout(900)


def described(image: str) -> dict[str, Any]:
    """Return the configuration of the image."""
    description: dict[str, Any] = json.loads(call("podman", "image", "inspect", image))[0]
    return description


def health_command(image: str) -> list[str]:
    """Return the image's health check command."""
    kind, *command = described(image)["Healthcheck"]["Test"]
    assert "CMD" == kind
    return list(map(str, command))


@contextmanager
def running_image(
    image: str, *flags: str, options: Sequence[str] = HARDENED, mode: Sequence[str] = ("--demo",)
) -> Iterator[tuple[Exporter, str]]:
    """Run the image, by default as a demo, on a read-only file system and without capabilities."""
    name = f"exporter-{uuid.uuid4().hex[:8]}"
    command = ("podman", "run", "--rm", "--name", name, *options, image)
    try:
        with running_command(command, *mode, *flags) as running:
            yield running, name
    finally:
        subprocess.run(["podman", "rm", "--force", name], capture_output=True, check=False)


def test_it_says_what_it_is(image: str) -> None:
    """Labels name the version of the code and the revision from which it was built."""
    labels = described(image)["Config"]["Labels"]
    revision = call("git", "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
    prefix = "org.opencontainers.image."
    expected = {
        f"{prefix}title": "llamacloud-batch-exporter",
        f"{prefix}description": "Prometheus exporter for the progress, failures and item counts "
        "of LlamaCloud batch-processing jobs.",
        f"{prefix}licenses": "Apache-2.0",
        f"{prefix}version": exporter.__version__,
        f"{prefix}revision": revision.strip(),
    }
    assert expected == {name: labels[name] for name in labels if name.startswith(prefix)}


def test_it_runs_the_exporter_as_a_numeric_user(image: str) -> None:
    """A numeric user shows Kubernetes that it is not root; no shell runs in between."""
    config = described(image)["Config"]
    assert "65532:65532" == config["User"]
    assert ["/opt/exporter/bin/llamacloud-batch-exporter"] == config["Entrypoint"]
    assert ["9910/tcp"] == list(config["ExposedPorts"])


def test_make_states_its_size(built: Built) -> None:
    """The size is on a line of its own, so that growth is noticed."""
    line = rf"^{built.image}, version {exporter.__version__}: [0-9.]+ ?[KMG]B$"
    # A nested make also prints its working directory.
    assert re.search(line, built.printed, flags=re.MULTILINE), built.printed


def test_its_health_check_reports_whether_the_exporter_is_healthy(image: str) -> None:
    """It uses the address in the container's variables."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = "{}:{}".format(*taken.getsockname())
    variable = f"LLAMACLOUD_EXPORTER_WEB__LISTEN_ADDRESS={address}"
    flag = f"--web.listen-address={address}"
    options = (*WITH_HEALTH_CHECK, f"--env={variable}")
    with running_image(image, flag, options=options) as (_, name):
        call("podman", "healthcheck", "run", name)
        check = ["podman", "exec", "--env", f"{variable[:-1]}x", name, *health_command(image)]
        ended = subprocess.run(check, capture_output=True, text=True, timeout=60, check=False)
    assert 1 == ended.returncode
    assert "must be written host:port" in ended.stderr


def test_it_serves_without_any_right_and_stops_on_a_signal(image: str) -> None:
    """On a read-only file system without capabilities it polls, serves, and exits with 0."""
    with running_image(image) as (running, name):
        metrics = running.wait_for_metric("llamacloud_batch_job_progress_ratio")
        assert 200 == running.get("/-/ready")[0]
        revision = described(image)["Config"]["Labels"]["org.opencontainers.image.revision"]
        assert f'revision="{revision}"' in metrics
        process = Path("/proc") / call("podman", "inspect", "--format={{.State.Pid}}", name).strip()
        status = dict(
            line.split(":\t", 1) for line in (process / "status").read_text().splitlines()
        )
        assert ["65532"] * 4 == status["Uid"].split()
        assert ["65532"] * 4 == status["Gid"].split()
        assert 0 == int(status["CapEff"], 16) == int(status["CapBnd"], 16)
        root = next(
            mount.split()
            for mount in (process / "mountinfo").read_text().splitlines()
            if mount.split()[4] == "/"
        )
        assert "ro" in root[5].split(",")

        ended, seconds = running.stop()
        assert 0 == ended
        assert seconds < DEADLINE_SECONDS / 2
        assert running.events("exporter.stopping")


def test_it_may_write_its_state_to_a_new_volume(image: str) -> None:
    """The commands are those of the page, and the next container continues from the state."""
    volume = f"state-{uuid.uuid4().hex[:8]}"
    (run,) = (text for text in commands("container", "Keep the counters") if "docker run" in text)
    (mount,) = re.findall(r"--volume llamacloud-state:\S+", run)
    (setting,) = re.findall(r"--env (LLAMACLOUD_EXPORTER_STATE__FILE=\S+)", run)
    try:
        with running_cloud() as cloud:
            cloud.add_job()
            options = [
                *HARDENED,
                mount.replace("llamacloud-state", volume).replace(" ", "="),
                f"--env={setting}",
                f"--env=LLAMA_CLOUD_API_KEY={KEY}",
                f"--env=LLAMA_CLOUD_BASE_URL={cloud.base_url}",
            ]
            with running_image(image, options=options, mode=()) as (running, _):
                running.wait_for_metric("llamacloud_batch_job_info")
                running.wait_for_metric("llamacloud_exporter_state_last_write_successful 1.0")
                assert 0 == running.stop()[0]
            with running_image(image, options=options, mode=()) as (running, _):
                (loaded,) = running.events("state.loaded")
        assert (1, 1) == (loaded["projects"], loaded["jobs"])
    finally:
        call("podman", "volume", "rm", "--force", volume)


def test_mistakes_in_the_settings_are_reported(image: str) -> None:
    """Without a key it exits with status 2, as outside of a container."""
    command = ["podman", "run", "--rm", *HARDENED, image]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert 2 == ended.returncode
    assert "there is no API key" in ended.stderr
