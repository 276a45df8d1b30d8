"""The exporter as a process with a web configuration file: what its operator sees."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from exporter import healthcheck
from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import run, running
from tests.support.tls_clients import basic, hash_of, request, served_with

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.certificates import Certificates
    from tests.support.exporter_process import Exporter
    from tests.support.tls_clients import Served

GOOD = basic("alice", "secret")
RELOADED = "llamacloud_exporter_config_last_reload_successful"
ADDRESSES = "LLAMACLOUD_EXPORTER_WEB__LISTEN_ADDRESS"


@pytest.fixture
def file(tmp_path: Path, certificates: Certificates) -> Path:
    """Write a file with TLS and a user."""
    file = tmp_path / "web.yml"
    file.write_text(with_tls(certificates, users=True))
    return file


def with_tls(certificates: Certificates, options: str = "", *, users: bool = False) -> str:
    cert, key = certificates.pair("server")
    tls = f"tls_server_config: {{cert_file: {cert}, key_file: {key}{options}}}"
    return f"{tls}\nbasic_auth_users: {{alice: '{hash_of('secret')}'}}" if users else tls


@contextmanager
def running_with(file: Path, cloud: Cloud) -> Iterator[tuple[Exporter, str]]:
    """Run the exporter; yield it, and its URL."""
    variables = {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url}
    with running(f"--web.config.file={file}", **variables) as exporter:
        url = exporter.events("exporter.listening")[0]["open_in_browser"]
        yield exporter, url.removesuffix("/")


def flags_of(served: Served, file: Path) -> list[str]:
    settings = (f"--web.config.file={file}", f"--web.listen-address={served.address}")
    return ["--healthcheck", *settings]


def health_of(url: str, file: Path) -> tuple[int, str]:
    """Check the health of the exporter at ``url``, with its settings."""
    address = {ADDRESSES: urlsplit(url).netloc}
    ended = run("--healthcheck", LLAMACLOUD_EXPORTER_WEB__CONFIG__FILE=str(file), **address)
    assert "" == ended.stdout
    return ended.returncode, ended.stderr


def test_it_serves_and_checks_its_health_over_tls(file: Path, cloud: Cloud) -> None:
    """Also while the file is broken; the log never repeats a password."""
    with running_with(file, cloud) as (exporter, url):
        assert url.startswith("https://127.0.0.1:")
        assert 401 == request(url, "/metrics").status
        assert 200 == request(url, "/metrics", authorization=GOOD).status
        assert (0, "") == health_of(url, file)
        good = file.read_text()
        file.write_text("tls: x")
        scraped = request(url, "/metrics", authorization=GOOD).body.decode()
        assert f"\n{RELOADED} 0.0\n" in scraped
        assert (0, "") == health_of(url, file)
        file.write_text(good)
        scraped = request(url, "/metrics", authorization=GOOD).body.decode()
        assert f"\n{RELOADED} 1.0\n" in scraped
        (failed,) = exporter.events("web.config_failed")
        assert "tls is unknown" in failed["detail"]
        assert "secret" not in exporter.log_file.read_text()
        status, seconds = exporter.stop()
    assert (0, True) == (status, seconds < 2)


def test_a_health_check_without_a_certificate_says_so(
    file: Path, certificates: Certificates, capfd: pytest.CaptureFixture[str]
) -> None:
    """It cannot know whether the exporter is healthy."""
    ca = certificates.pair("ca")[0]
    verify = f", client_auth_type: RequireAndVerifyClientCert, client_ca_file: {ca}"
    file.write_text(with_tls(certificates, verify))
    with served_with(file) as served:
        assert 1 == healthcheck.run(flags_of(served, file), {})
    assert capfd.readouterr().err.startswith(
        "the web configuration file requires client certificates, and --healthcheck has none:"
        f" check by TCP instead ({served.url}/-/healthy "
    )


def test_health_is_checked_by_the_scheme_that_runs(file: Path, certificates: Certificates) -> None:
    """TLS that was taken out of the file, or put in, waits for a restart."""
    with served_with(file) as served:
        file.write_text("{}")
        assert 0 == healthcheck.run(flags_of(served, file), {})
    with served_with(file) as served:
        assert served.url.startswith("http://")
        file.write_text(with_tls(certificates))
        assert 0 == healthcheck.run(flags_of(served, file), {})
    assert 1 == healthcheck.run(flags_of(served, file), {})


@pytest.mark.parametrize("mode", ["--config.check", "--demo"])
def test_mistakes_are_reported_before_anything_starts(file: Path, mode: str) -> None:
    """All of them, with exit status 2, as of the settings."""
    file.write_text("tls: x\nrate_limit: {burst: y}")
    flags = (mode, f"--web.config.file={file}", "--web.listen-address=127.0.0.1:0")
    ended = run(*flags, LLAMA_CLOUD_API_KEY=KEY)
    assert (2, "") == (ended.returncode, ended.stdout)
    assert "The settings have 2 mistakes:\n" in ended.stderr
    assert f'  - the web configuration file "{file}": tls is unknown' in ended.stderr


@pytest.mark.parametrize("mode", ["--config.check", "--demo"])
@pytest.mark.parametrize("place", ["flag", "variable", "file"])
def test_mistakes_are_reported_with_those_of_the_settings(
    file: Path, tmp_path: Path, mode: str, place: str
) -> None:
    """Wherever the settings name the file: in one report, each with its origin."""
    file.write_text("tls_server_config: {cert_file: x.crt}")
    settings = tmp_path / "exporter.yml"
    web = f"web: {{config: {{file: {file}}}}}\n" if place == "file" else ""
    settings.write_text(f"{web}poll: {{interval: soon}}")
    flags = [f"--config.file={settings}", "--web.listen-address=nowhere"]
    variables = {"LLAMA_CLOUD_API_KEY": KEY}
    if place == "flag":
        flags.append(f"--web.config.file={file}")
    if place == "variable":
        variables["LLAMACLOUD_EXPORTER_WEB__CONFIG__FILE"] = str(file)
    ended = run(mode, *flags, **variables)
    assert (2, "") == (ended.returncode, ended.stdout)
    named = f'the web configuration file "{file}": tls_server_config'
    heading, *mistakes = [line.removeprefix("  - ") for line in ended.stderr.splitlines()[:-1]]
    assert "The settings have 4 mistakes:" == heading
    begin = (
        *(f"{settings}: poll.interval", "flag --web.listen-address"),
        *(f"{named} must have key_file or key.", f"{named}.cert_file"),
    )
    is_expected = [
        reported.startswith(each) for each, reported in zip(begin, mistakes, strict=True)
    ]
    assert all(is_expected), mistakes


def test_a_setting_that_is_no_path_is_one_mistake(tmp_path: Path) -> None:
    """Printing metrics once does not read the file, whatever else is wrong."""
    settings = tmp_path / "exporter.yml"
    settings.write_text("web: {config: {file: [x]}}")
    ended = run("--config.check", f"--config.file={settings}", LLAMA_CLOUD_API_KEY=KEY)
    assert "The settings have a mistake:\n" in ended.stderr
    broken = tmp_path / "web.yml"
    broken.write_text("tls: x")
    ended = run("--once", f"--web.config.file={broken}", "--poll.interval=soon")
    assert str(broken) not in ended.stderr


def test_a_file_without_mistakes_is_valid(file: Path, cloud: Cloud) -> None:
    """And named; printing metrics once does not read it."""
    variables = {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url}
    ended = run("--config.check", f"--web.config.file={file}", **variables)
    assert (0, "") == (ended.returncode, ended.stderr)
    assert f"{file}\n" in ended.stdout

    file.unlink()
    ended = run("--once", f"--web.config.file={file}", "--log.format=json", **variables)
    assert 0 == ended.returncode
    assert all(json.loads(line) for line in ended.stderr.splitlines())
