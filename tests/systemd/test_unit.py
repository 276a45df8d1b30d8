"""The systemd unit, checked without running it; `tests/booted` runs it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import yaml

from exporter.config import load
from tests.support.deployed import DEPLOY
from tests.support.documents import blocks, section
from tests.support.tools import require_tool

UNIT = DEPLOY / "systemd" / "llamacloud-batch-exporter.service"
SETTINGS = DEPLOY / "systemd" / "exporter.yml"
# In tenths; the exposure ranges from 0 (confined) to 10.
MOST_EXPOSURE = 15


def with_web_configuration(file: Path) -> str:
    """Return a file with its web configuration comments uncommented."""
    commented = re.compile(r"^# ?(?=LoadCredential=|web:$|  config:$|    file: )", re.MULTILINE)
    text, number = commented.subn("", file.read_text())
    assert number == {UNIT: 1, SETTINGS: 3}[file]
    return text


def directives(name: str, unit: str = "") -> list[str]:
    """Return the values of one directive of the unit."""
    lines = [line.partition("=") for line in (unit or UNIT.read_text()).splitlines()]
    return [value for key, _, value in lines if key == name]


def analyze(*arguments: str | Path) -> str:
    """Run systemd-analyze and return its output; fail if it reports an error."""
    checked = subprocess.run(
        [require_tool("systemd-analyze"), "--no-pager", *arguments],
        capture_output=True,
        text=True,
        check=False,
    )
    said = checked.stdout + checked.stderr
    assert 0 == checked.returncode, said
    return said


def test_systemd_knows_every_directive(tmp_path: Path) -> None:
    """Systemd verifies this itself, and also requires that the program exists."""
    (command,) = directives("ExecStart")
    # The other commands of the unit exist on this machine.
    copy = tmp_path / UNIT.name
    for unit in (UNIT.read_text(), with_web_configuration(UNIT)):
        copy.write_text(unit.replace(command, "/bin/true"))
        assert "" == analyze("verify", "--man=no", "--recursive-errors=no", copy)


def test_the_service_is_confined() -> None:
    """The measure is systemd's exposure score."""
    said = analyze("security", "--offline=true", f"--threshold={MOST_EXPOSURE}", UNIT)
    assert "Overall exposure level" in said


def test_the_boot_time_stays_readable() -> None:
    """Process metrics need /proc/stat, and alerts use the start time."""
    assert [] == directives("ProcSubset")


def test_a_mistake_in_the_settings_is_not_tried_again() -> None:
    """Systemd restarts the service only after failures that may be temporary."""
    assert ["2"] == directives("RestartPreventExitStatus")
    assert ["on-failure"] == directives("Restart")
    assert ["0"] == directives("StartLimitIntervalSec")


def test_a_reload_sends_the_signal_that_the_exporter_expects() -> None:
    """The unit's command sends it to the main process, which keeps running."""
    (command,) = directives("ExecReload")
    waiting = "import signal; print(flush=True); print(signal.sigwait({signal.SIGHUP}).name)"
    blocking = (
        f"import signal; signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGHUP]); {waiting}"
    )
    with subprocess.Popen([sys.executable, "-c", blocking], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        expanded = command.replace("$MAINPID", str(process.pid)).split()
        assert Path(expanded[0]).is_absolute()
        subprocess.run(expanded, check=True)
        assert (b"SIGHUP\n", 0) == (process.stdout.readline(), process.wait())


def test_the_state_is_in_the_folder_that_the_service_may_write() -> None:
    """Systemd creates it below /var/lib for this service alone."""
    (folder,) = directives("StateDirectory")
    assert ["0700"] == directives("StateDirectoryMode")
    file = yaml.safe_load(SETTINGS.read_text())["state"]["file"]
    assert Path("/var/lib") / folder == Path(file).parent
    assert ["strict"] == directives("ProtectSystem")


def test_the_settings_are_valid_with_the_credential_of_systemd(tmp_path: Path) -> None:
    """The unit names the settings file, and the path of the key."""
    (command,) = directives("ExecStart")
    assert "--config.file=/etc/llamacloud-batch-exporter/exporter.yml" == command.split()[1]
    (credentials,) = directives("LoadCredential")
    credential, _, folder = credentials.partition(":")
    assert "/etc/llamacloud-batch-exporter/keys" == folder
    handed_over = f"/run/credentials/{UNIT.name}/{credential}_default"
    assert f"api_key_file: {handed_over}\n" in SETTINGS.read_text()
    key = tmp_path / "key"
    key.write_text("llx-made-up\n")
    settings = tmp_path / SETTINGS.name
    text = SETTINGS.read_text().replace(handed_over, str(key))
    # Also with the settings that are commented out.
    for written in (text, text.replace("    # project_id:", "    project_id:")):
        settings.write_text(written.replace("    # base_url:", "    base_url:"))
        (project,) = load(["--config.file", str(settings)], {}).settings.projects
        assert "default" == project.name
        assert "https://api.cloud.eu.llamaindex.ai" == project.base_url


def test_the_web_configuration_is_where_systemd_copies_it(tmp_path: Path) -> None:
    """Unit, settings and documentation name the same paths, in comments and in blocks."""
    page = section("systemd", "TLS and passwords")
    _, override = directives("LoadCredential", with_web_configuration(UNIT))
    assert [f"[Service]\nLoadCredential={override}\n"] == blocks(page, "ini")
    credential, _, folder = override.partition(":")
    assert f"sudo install -m 0600 web.yml tls.crt tls.key {folder}/" in page
    settings = tmp_path / SETTINGS.name
    key = yaml.safe_load(SETTINGS.read_text())["projects"][0]["api_key_file"]
    settings.write_text(with_web_configuration(SETTINGS).replace(key, str(tmp_path / "key")))
    (tmp_path / "key").write_text("llx-made-up\n")
    file = load(["--config.file", str(settings)], {}).settings.web.config.file
    assert f"/run/credentials/{UNIT.name}/{credential}_web.yml" == str(file)
    web_config, shown = (yaml.safe_load(block) for block in blocks(page, "yaml"))
    assert str(file) == shown["web"]["config"]["file"]
    assert {f"{credential}_tls.crt", f"{credential}_tls.key"} == set(
        web_config["tls_server_config"].values()
    )
