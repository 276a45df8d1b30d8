"""The services of `deploy/compose.yaml` fit together, as far as that shows without an engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from tests.support.certificates import make_certificates
from tests.support.deployed import DASHBOARD, DEPLOY, RULE_FILES
from tests.support.documents import blocks, section
from tests.support.exporter_process import run, running
from tests.support.prometheus import running_prometheus
from tests.support.tls_clients import hash_of
from tests.support.tools import promtool, require_tool

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

ROOT = DEPLOY.parent
COMPOSE = DEPLOY / "compose.yaml"
WEB = DEPLOY / "compose.web.yaml"
PROMETHEUS = DEPLOY / "prometheus" / "prometheus.yml"
PROVISIONING = DEPLOY / "grafana" / "provisioning"
DESCRIBED: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE.read_text())
SERVICES = DESCRIBED["services"]
PORTS = {"exporter": "9910", "prometheus": "9090", "alertmanager": "9093", "grafana": "3000"}
# The images' default paths.
LOOKED_FOR = {
    "prometheus": "/etc/prometheus/prometheus.yml",
    "alertmanager": "/etc/alertmanager/alertmanager.yml",
}

WEB_VARIABLE = "LLAMACLOUD_EXPORTER_WEB__CONFIG__FILE"
STATE_FILE = "LLAMACLOUD_EXPORTER_STATE__FILE"

every_service = pytest.mark.parametrize("service", SERVICES)


# The lines that a person removes, and their replacements according to the file's comment.
DEMO = re.compile(r"^    # The demo begins\..*^    # The demo ends\.\n", re.MULTILINE | re.DOTALL)
INSTEAD = re.compile(r"^    #   (.*\n)", re.MULTILINE)


def composed(*files: Path) -> dict[str, Any]:
    """Return the services of files that Compose merges, with a key in the environment."""
    printed = subprocess.run(
        [
            *(require_tool("docker-compose"), f"--project-directory={DEPLOY}"),
            *(f"--file={file}" for file in files),
            "config",
        ],
        env={"PATH": os.environ["PATH"], "LLAMA_CLOUD_API_KEY": "llx-made-up"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert 0 == printed.returncode, printed.stderr
    services: dict[str, Any] = yaml.safe_load(printed.stdout)["services"]
    for service in services.values():
        # Compose 2 prints them in the long form.
        service["volumes"] = [
            volume
            if isinstance(volume, str)
            else f"{volume['source']}:{volume['target']}:{'ro' if 'read_only' in volume else 'rw'}"
            for volume in service.get("volumes", ())
        ]
    return services


@pytest.fixture
def real(tmp_path: Path) -> Path:
    """Write the file after following its comment."""
    file = tmp_path / "compose.yaml"
    file.write_text(for_a_real_llamacloud())
    return file


def for_a_real_llamacloud() -> str:
    """Return the file after following its comment."""
    text = COMPOSE.read_text()
    (demo,) = DEMO.findall(text)
    return text.replace(demo, "".join(f"    {line}" for line in INSTEAD.findall(demo)))


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def mounts(service: str) -> dict[str, str]:
    """Return the mounts of a service: the target, and the source relative to the file."""
    parts = [volume.split(":") for volume in SERVICES[service].get("volumes", ())]
    assert all(len(part) == len(("from", "to", "how")) and part[2] == "ro" for part in parts)
    return {to: source for source, to, _ in parts}


def seen_at(path: str, mounted: Mapping[str, str]) -> Path:
    """Return the file in the repository that a service sees at a path."""
    folder, _, name = path.rpartition("/")
    return DEPLOY / (mounted[path] if path in mounted else f"{mounted[folder]}/{name}")


def test_it_is_a_compose_file() -> None:
    """Compose itself accepts it."""
    checked = subprocess.run(
        [require_tool("docker-compose"), "--file", COMPOSE, "config", "--quiet"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, "") == (checked.returncode, checked.stdout + checked.stderr)


def test_nothing_of_the_demo_is_left_for_a_real_llamacloud() -> None:
    """The request budget is removed too: the real LlamaCloud would refuse so many requests."""
    demo, real = SERVICES["exporter"], yaml.safe_load(for_a_real_llamacloud())["services"]
    mine = real.pop("exporter")
    assert {name: SERVICES[name] for name in real} == real
    assert {"LLAMA_CLOUD_API_KEY", STATE_FILE} == set(mine.pop("environment"))
    assert mine.pop("volumes")
    assert {key: demo[key] for key in demo if key not in {"command", "environment"}} == mine
    assert "--demo" not in for_a_real_llamacloud()


def test_the_file_for_a_real_llamacloud_hands_the_key_on(real: Path) -> None:
    """Compose itself resolves the key for the service."""
    environment = composed(real)["exporter"]["environment"]
    assert "llx-made-up" == environment["LLAMA_CLOUD_API_KEY"]


def test_the_state_of_a_real_llamacloud_is_in_a_volume() -> None:
    """Compose creates the volume, and the image lets the exporter's user write to it."""
    real = yaml.safe_load(for_a_real_llamacloud())
    exporter = real["services"]["exporter"]
    (volume,) = exporter["volumes"]
    name, folder = volume.split(":")
    assert {name} == set(real["volumes"])
    file = exporter["environment"][STATE_FILE]
    assert folder == file.rpartition("/")[0]
    made = re.compile(rf"^RUN install .*--owner=65532 .*{re.escape(folder)}$", re.MULTILINE)
    dockerfile = (ROOT / "Dockerfile").read_text()
    assert made.search(dockerfile)
    assert "USER 65532:65532\n" in dockerfile


def test_prometheus_accepts_its_configuration(tmp_path: Path) -> None:
    """Promtool accepts it with all rules at their mounted paths."""
    for target, source in mounts("prometheus").items():
        place = tmp_path / target.removeprefix("/etc/prometheus/")
        place.symlink_to((DEPLOY / source).resolve())
    config = tmp_path / PROMETHEUS.name
    checked = promtool("check", "config", "--lint=all", "--lint-fatal", config)
    assert 0 == checked.returncode, checked.stdout + checked.stderr
    assert f"{len(RULE_FILES)} rule files found" in checked.stdout


@every_service
def test_what_is_mounted_exists(service: str) -> None:
    """Each mount has the files that the program reads."""
    mounted = mounts(service)
    assert [] == [source for source in mounted.values() if not (DEPLOY / source).exists()]
    if service in LOOKED_FOR:
        assert seen_at(LOOKED_FOR[service], mounted).is_file()


@every_service
def test_images_stay_as_they_are(service: str) -> None:
    """They are built here or have one version; the demo is reachable from this machine only."""
    described = SERVICES[service]
    if "build" in described:
        assert (COMPOSE.parent / described["build"]["context"] / "Dockerfile").exists()
    else:
        assert described["image"].rpartition(":")[2].strip("v")[0].isdigit()
    port = PORTS[service]
    assert [f"127.0.0.1:{port}:{port}"] == described["ports"]


def test_addresses_are_those_of_services() -> None:
    """The ports are those on which the services listen."""
    (job,) = loaded(PROMETHEUS)["scrape_configs"]
    (managers,) = loaded(PROMETHEUS)["alerting"]["alertmanagers"]
    (source,) = loaded(PROVISIONING / "datasources" / "prometheus.yml")["datasources"]
    named = [
        *job["static_configs"][0]["targets"],
        *managers["static_configs"][0]["targets"],
        source["url"].removeprefix("http://"),
    ]
    assert [f"{name}:{PORTS[name]}" for name in ("exporter", "alertmanager", "prometheus")] == named
    assert loaded(PROMETHEUS)["global"]["scrape_interval"] == source["jsonData"]["timeInterval"]


def test_grafana_finds_the_dashboard() -> None:
    """It is where Grafana's provisioning reads it, and it is the home page."""
    mounted = mounts("grafana")
    (provider,) = loaded(PROVISIONING / "dashboards" / "llamacloud.yml")["providers"]
    home = SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert DASHBOARD == seen_at(home, mounted).resolve()
    assert home.rpartition("/")[0] == provider["options"]["path"]


def test_the_links_to_runbooks_can_be_set(tmp_path: Path) -> None:
    """The command is that of the dashboard's page."""
    (command,) = re.findall(
        r"^sed .* llamacloud-batch\.json > mine\.json$",
        (DEPLOY / "docs/dashboard.md").read_text(),
        re.MULTILINE,
    )
    dashboard = tmp_path / DASHBOARD.name
    dashboard.write_text(DASHBOARD.read_text())
    subprocess.run(["bash", "-c", command], cwd=tmp_path, check=True)
    (address,) = (
        variable["query"]
        for variable in json.loads((tmp_path / "mine.json").read_text())["templating"]["list"]
        if variable["name"] == "runbooks"
    )
    assert "https://YOUR-COPY/blob/main/deploy/runbooks.md" == address


def test_the_health_check_is_that_of_the_image() -> None:
    """Compose and the image use the same command and interval."""
    (written,) = re.findall(
        r"^HEALTHCHECK (.*?\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE | re.DOTALL
    )
    check = SERVICES["exporter"]["healthcheck"]
    kind, *command = check.pop("test")
    options = " ".join(f"--{name.replace('_', '-')}={value}" for name, value in check.items())
    assert written.replace("\\\n", "").split() == [
        *options.split(),
        kind,
        *json.dumps(command).split(),
    ]


def test_the_exporter_accepts_its_settings() -> None:
    """This includes the settings in its environment."""
    exporter = SERVICES["exporter"]
    assert ["--demo"] == exporter["command"]
    checked = run("--config.check", LLAMA_CLOUD_API_KEY="llx-made-up", **exporter["environment"])
    assert 0 == checked.returncode, checked.stderr


class TestWebConfiguration:
    """The file that adds TLS and passwords, with the files that the page describes."""

    FOLDER = "/etc/llamacloud-batch-exporter/web"

    @pytest.mark.parametrize("mode", ["demo", "real"])
    def test_it_adds_to_what_the_other_file_has(self, mode: str, real: Path) -> None:
        """It does so for the demo and for a real LlamaCloud, and changes nothing else."""
        file = real if mode == "real" else COMPOSE
        plain, services = composed(file), composed(file, WEB)
        before, exporter = plain["exporter"], services["exporter"]
        assert f"{self.FOLDER}/web.yml" == exporter["environment"].pop(WEB_VARIABLE)
        assert [f"{DEPLOY}/web:{self.FOLDER}:ro"] == [
            volume for volume in exporter.pop("volumes") if volume not in before["volumes"]
        ]
        assert {**before, "volumes": []} == {**exporter, "volumes": []}
        assert {
            f"{DEPLOY}/web/prometheus.yml:/etc/prometheus/prometheus.yml:ro",
            f"{DEPLOY}/web/tls.crt:/etc/prometheus/web/tls.crt:ro",
            f"{DEPLOY}/helm/llamacloud-batch-exporter/rules:/etc/prometheus/rules:ro",
        } == {*services["prometheus"]["volumes"]}

    def test_the_exporter_is_healthy_and_scraped(self, tmp_path: Path) -> None:
        """Its health check and Prometheus succeed with the files of the page."""
        exporter = composed(COMPOSE, WEB)["exporter"]
        make_certificates(tmp_path)
        web_config, scrape_configs = blocks(section("compose", "TLS and passwords"), "yaml")
        for ending in ("crt", "key"):
            (tmp_path / f"server.{ending}").rename(tmp_path / f"tls.{ending}")
        (tmp_path / "web.yml").write_text(web_config.replace("$2b$10$...", hash_of("secret")))
        environment = {
            name: value.replace(self.FOLDER, str(tmp_path))
            for name, value in exporter["environment"].items()
        }
        with running(*exporter["command"], **environment) as started:
            address = started.events("exporter.listening")[0]["open_in_browser"].split("/")[2]
            _, _, *check = exporter["healthcheck"]["test"]
            environment["LLAMACLOUD_EXPORTER_WEB__LISTEN_ADDRESS"] = address
            checked = run(*check, **environment)
            assert (0, "") == (checked.returncode, checked.stderr)
            config = yaml.safe_load(PROMETHEUS.read_text()) | yaml.safe_load(
                scrape_configs.replace("/etc/prometheus/web", str(tmp_path))
                .replace("exporter:9910", address)
                .replace("YOUR-PASSWORD", "secret")
            )
            quick = {"global": {"scrape_interval": "1s"}, "rule_files": [], "alerting": {}}
            with running_prometheus(json.dumps(config | quick)) as prometheus:
                prometheus.wait_for(
                    lambda: [s["value"][1] for s in prometheus.query("up")] == ["1"]
                )
