"""The service, installed by the commands of deploy/docs/systemd.md and run by a real systemd.

Its system call filter ends the process at a call that is not listed, instead of refusing the call.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.booted.machine import Machine, booted, cannot_boot
from tests.support.certificates import make_certificates
from tests.support.cloud import KEY, Cloud, running_cloud
from tests.support.documents import blocks, commands, section
from tests.support.tls_clients import hash_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

ROOT = Path(__file__).parent.parent.parent
SERVICE = "llamacloud-batch-exporter"
WRITTEN = "llamacloud_exporter_state_last_write_successful"
OLDEST_SYSTEMD = 250
# The tests are root, and sudo may be missing.
SUDO = 'sudo() { "$@"; }\n'
STRICT = f"""
mkdir -p /etc/systemd/system/{SERVICE}.service.d
cat >/etc/systemd/system/{SERVICE}.service.d/strict.conf <<UNIT
[Service]
SystemCallErrorNumber=kill
RestartSec=100ms
UNIT
"""
SETTINGS = """\
    base_url: {base_url}
web: {{listen_address: "127.0.0.1:0"}}
poll: {{interval: 1s}}
api: {{requests_per_minute: 6000}}
log: {{format: json}}
"""


@dataclass
class Service:
    """The installed service on its machine."""

    machine: Machine

    def facts(self) -> Mapping[str, str]:
        """Return systemd's properties of the service."""
        properties = self.machine.call(f"systemctl show {SERVICE}")
        return dict(line.split("=", 1) for line in properties.splitlines())

    def journal(self) -> str:
        """Return its log, with systemd's own lines about it."""
        return self.machine.call(f"journalctl --no-pager --unit={SERVICE} --output=cat")

    def events(self, name: str) -> list[dict[str, Any]]:
        """Return the lines of one event that the current process has logged."""
        pid = self.facts()["MainPID"]
        text = self.machine.call(f"journalctl --no-pager --output=cat _PID={pid}")
        lines = (json.loads(line) for line in text.splitlines() if line.startswith("{"))
        return [line for line in lines if line["event"] == name]

    def metrics(self) -> str:
        """Return the body of /metrics."""
        return self.machine.call(f"curl -sf {self.events('exporter.listening')[0]['metrics']}")

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait until a condition holds; fail, with the log, if it never does."""
        self.machine.wait_for(condition, message=self.journal)

    def wait_until_it_polls(self) -> None:
        """Wait until it has sent a request to LlamaCloud."""
        self.wait_for(lambda: bool(self.events("exporter.first_poll_ended")))

    def restart(self) -> None:
        """Start it again in whatever state it is, and wait until it polls."""
        self.machine.call(f"systemctl restart {SERVICE}")
        self.wait_until_it_polls()


@pytest.fixture(scope="module")
def cloud() -> Iterator[Cloud]:
    """Run a simulated LlamaCloud for the service."""
    with running_cloud() as cloud:
        cloud.add_job()
        yield cloud


@pytest.fixture(scope="module")
def service(cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """Boot a machine, and install the service by the page's commands."""
    _require_systemd()
    clone = tmp_path_factory.mktemp("clone")
    _copy_tree_to(clone)
    with booted(tmp_path_factory.mktemp("booted"), clone) as machine:
        program, settings, unit = commands("systemd", "Install")
        install(machine, program)
        install(machine, settings, given=f"{KEY}\n")
        machine.call(
            f"cat >>/etc/{SERVICE}/exporter.yml", given=SETTINGS.format(base_url=cloud.base_url)
        )
        machine.call(STRICT)
        install(machine, unit)
        yield Service(machine)


def install(machine: Machine, script: str, *, given: str = "") -> str:
    """Run commands of the page in the clone."""
    return machine.call(f"{SUDO}cd /clone\n{script}", given=given)


def _require_systemd() -> None:
    """Skip without systemd, or without a Python outside of home directories."""
    if not shutil.which("systemctl") or not shutil.which("nsenter"):
        cannot_boot("systemd or nsenter is not installed")
    version = subprocess.run(["systemctl", "--version"], capture_output=True, text=True, check=True)
    if int(version.stdout.split()[1]) < OLDEST_SYSTEMD:
        cannot_boot("this systemd is too old")
    python = [
        "/usr/bin/python3",
        "-c",
        "import ensurepip, sys; sys.exit(sys.version_info < (3, 11))",
    ]
    if not Path(python[0]).exists() or subprocess.run(python, check=False).returncode != 0:
        cannot_boot("/usr/bin/python3 is too old, or has no venv")


def _copy_tree_to(clone: Path) -> None:
    """Copy the files of this tree that git tracks, or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).exists():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)


def test_it_reads_llamacloud_with_the_credential_of_systemd(service: Service) -> None:
    """It also has the start time that alerts use."""
    service.restart()
    text = service.metrics()
    assert 'llamacloud_exporter_project_up{project="default"} 1.0' in text
    assert "llamacloud_batch_job_info{" in text
    assert re.search(r"^process_start_time_seconds \d", text, re.MULTILINE)
    assert KEY not in service.journal()


def test_the_page_describes_how_to_see_that_it_works(service: Service) -> None:
    """The page's commands work as they are, except for the port of this test."""
    service.restart()
    (block,) = commands("systemd", "See that it works")
    status, log, numbers = block.splitlines()
    assert "active (running)" in service.machine.call(status)
    assert "exporter.listening" in service.machine.call(log)
    page = service.events("exporter.listening")[0]["metrics"]
    printed = service.machine.call(numbers.replace("localhost:9910/metrics", page))
    assert 'llamacloud_exporter_project_up{project="default"} 1.0' in printed


def test_changed_settings_are_checked_and_reloaded(service: Service) -> None:
    """The commands are those of the page, and the process keeps running."""
    service.restart()
    before = service.facts()["MainPID"]
    change = f"sed -i 's/interval: %s/interval: %s/' /etc/{SERVICE}/exporter.yml"
    service.machine.call(change % ("1s", "2s"))
    (block,) = commands("systemd", "Change the settings")
    assert "The settings are valid." in install(service.machine, block)
    service.wait_for(lambda: bool(service.events("config.reloaded")))
    (reloaded,) = service.events("config.reloaded")
    assert "poll.interval" == reloaded["settings"]
    assert 'llamacloud_exporter_poll_interval_seconds{project="default"} 2.0' in service.metrics()
    assert (before, "active") == (service.facts()["MainPID"], service.facts()["ActiveState"])
    service.machine.call(change % ("2s", "1s"))


def test_its_counters_survive_a_restart(service: Service) -> None:
    """Systemd creates their folder, although the service gets a new user each time."""
    service.restart()
    service.wait_for(lambda: f"{WRITTEN} 1.0" in service.metrics())
    service.restart()
    (loaded,) = service.events("state.loaded")
    assert f"/{SERVICE}/exporter.state" in loaded["file"]
    assert 1 == loaded["projects"]
    assert f"{WRITTEN} 1.0" in service.metrics()
    listed = service.machine.call(f"stat --format=%a /var/lib/private/{SERVICE}/exporter.state")
    assert "600\n" == listed


def test_it_stops_at_once_and_without_an_error(service: Service) -> None:
    """The system call filter does not get in the way."""
    service.restart()
    service.machine.call(f"systemctl stop {SERVICE}")
    facts = service.facts()
    assert ("inactive", "success", "0") == (
        facts["ActiveState"],
        facts["Result"],
        facts["ExecMainStatus"],
    )


def test_a_process_that_was_killed_is_started_again(service: Service) -> None:
    """The same holds for any failure that may be temporary."""
    service.restart()
    before = service.facts()["MainPID"]
    service.machine.call(f"systemctl kill --signal=SIGKILL {SERVICE}")
    service.wait_for(lambda: service.facts()["MainPID"] not in {"0", before})
    service.wait_until_it_polls()


def test_a_mistake_in_the_settings_is_reported_and_not_retried(service: Service) -> None:
    """The process exits with status 2 and is not started again."""
    settings = f"/etc/{SERVICE}/exporter.yml"
    service.machine.call(f"cp {settings} /tmp/; echo 'polll: {{}}' >>{settings}")
    service.machine.run(f"systemctl restart {SERVICE}")
    service.wait_for(lambda: service.facts()["ActiveState"] == "failed")
    assert ("2", "0") == (service.facts()["ExecMainStatus"], service.facts()["NRestarts"])
    assert "polll" in service.journal()
    service.machine.call(f"cp /tmp/exporter.yml {settings}")
    service.restart()


def test_no_other_user_can_read_the_key(service: Service) -> None:
    """Other users can read neither the file on disk nor systemd's copy."""
    service.restart()
    as_nobody = "setpriv --reuid=65534 --regid=65534 --clear-groups cat"
    copy = f"/run/credentials/{SERVICE}.service/keys_default"
    for path in (copy, f"/etc/{SERVICE}/keys/default"):
        assert KEY in service.machine.call(f"cat {path}")
        assert "Permission denied" in service.machine.run(f"{as_nobody} {path}").stderr


def test_keys_may_be_encrypted_on_disk(service: Service) -> None:
    """The commands are those of the page, with its editor replaced by the text to write."""
    (block,) = commands("systemd", "Keys")
    encrypt, _ = block.splitlines()
    (override,) = blocks(section("systemd", "Keys"), "ini")
    folder = f"/etc/systemd/system/{SERVICE}.service.d"
    install(service.machine, encrypt, given=KEY)
    assert KEY not in service.machine.call(f"cat /etc/{SERVICE}/keys/default")
    service.machine.call(f"cat >{folder}/override.conf; systemctl daemon-reload", given=override)
    service.restart()
    assert 'llamacloud_exporter_project_up{project="default"} 1.0' in service.metrics()


def test_it_serves_with_tls_and_a_password(service: Service, tmp_path: Path) -> None:
    """The steps are those of the page, with its editor replaced by the text to write.

    The password is added to the file, and the settings of this test to the group ``web``.
    """
    certificates = make_certificates(tmp_path)
    page = section("systemd", "TLS and passwords")
    web_config, settings_of_page = blocks(page, "yaml")
    prepare, restart = commands("systemd", "TLS and passwords")
    (override,) = blocks(page, "ini")
    files = {"web.yml": f"{web_config}basic_auth_users: {{alice: '{hash_of('secret')}'}}\n"} | {
        name: path.read_text()
        for name, path in zip(("tls.crt", "tls.key"), certificates.pair("server"), strict=True)
    }
    for name, content in files.items():
        service.machine.call(f"cat >/srv/{name}", given=content)
    install_folder, install_files, _ = prepare.splitlines()
    service.machine.call(f"{SUDO}cd /srv\n{install_folder}\n{install_files}")
    settings = f"/etc/{SERVICE}/exporter.yml"
    before = service.machine.call(f"cat {settings}")
    merged = yaml.safe_load(before)
    merged["web"] |= yaml.safe_load(settings_of_page)["web"]
    service.machine.call(f"cat >{settings}", given=json.dumps(merged))
    drop_in = f"/etc/systemd/system/{SERVICE}.service.d/web.conf"
    service.machine.call(f"cat >{drop_in}; systemctl daemon-reload", given=override)
    install(service.machine, restart)
    service.wait_until_it_polls()

    metrics = service.events("exporter.listening")[0]["metrics"]
    assert metrics.startswith("https://")
    curl = f"curl -s --cacert /srv/tls.crt {metrics}"
    assert "Unauthorized" in service.machine.call(curl)
    assert 'project_up{project="default"} 1.0' in service.machine.call(f"{curl} -u alice:secret")
    service.machine.call(f"rm {drop_in}; cat >{settings}; systemctl daemon-reload", given=before)
    service.restart()


def test_the_page_describes_how_to_upgrade_and_remove_it(service: Service) -> None:
    """Only files that a person added are left."""
    upgrade, remove = commands("systemd", "Upgrade, and remove")
    install(service.machine, upgrade)
    service.wait_until_it_polls()
    install(service.machine, remove)
    of_a_person = f"{SERVICE}.service.d"
    found = f"find /var/lib /etc -name '{SERVICE}*' -not -name {of_a_person}"
    assert "" == service.machine.call(found)
    assert "not-found" == service.facts()["LoadState"]
