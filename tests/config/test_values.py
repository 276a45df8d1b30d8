"""Durations, listen addresses and telemetry paths as people write them."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import ConfigError, load
from exporter.config.values import format_duration, parse_duration

KEY = {"LLAMA_CLOUD_API_KEY": "llx-secret"}
ADDRESS_WANTED = "must be written host:port, :port or [::1]:port, the port at most 65535"
VERSIONS_WANTED = "must be one or more of v1beta and v2, separated by commas"
PATH_WANTED = "must start with / and hold letters, digits and . _ ~ - only"
PATH_TAKEN = (
    "must not be one of /, /job, /api/v1/status, /api/v1/jobs, /api/v1/openapi.yaml, /status.css,"
    " /status.js, /-/healthy, /-/ready, /-/reload, /-/quit, which serve other pages"
)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0.0),
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("1d", 86400.0),
        ("1w2d", 777600.0),
        ("500ms", 0.5),
    ],
)
def test_durations_are_read_as_prometheus_writes_them(text: str, seconds: float) -> None:
    """Units are ordered from large to small, each after a whole number."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "1.5h", "-5s", "5s5m", "5 m", "5sec", "٣s", "1e3s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Anything else is refused."""
    with pytest.raises(ValueError, match=r"^must be a duration such as 30s, 5m or 1h30m$"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_written_duration_is_read_as_the_same(milliseconds: int) -> None:
    """A duration in the report can be copied back into the settings."""
    written = format_duration(milliseconds / 1000)

    assert round(parse_duration(written) * 1000) == milliseconds


@pytest.mark.parametrize(
    ("flag", "complaint"),
    [
        ("--web.listen-address=9910", ADDRESS_WANTED),
        ("--web.listen-address=:65536", ADDRESS_WANTED),
        ("--web.listen-address=::1:9910", ADDRESS_WANTED),
        ("--web.listen-address=[::x]:9910", "must have an IPv6 address between its brackets"),
        ("--web.telemetry-path=metrics", PATH_WANTED),
        ("--web.telemetry-path=/{x}", PATH_WANTED),
        ("--web.telemetry-path=/", PATH_TAKEN),
        ("--web.telemetry-path=/-/ready/", PATH_TAKEN),
        ("--web.telemetry-path=/-/quit", PATH_TAKEN),
        ("--web.telemetry-path=/api/v1/jobs", PATH_TAKEN),
    ],
)
def test_wrong_addresses_and_paths_are_explained(flag: str, complaint: str) -> None:
    """The message says how the value is written."""
    name, _, value = flag.partition("=")
    expected = f'flag {name} {complaint}, not "{value}".'

    with pytest.raises(ConfigError) as raised:
        load([flag], KEY)

    assert raised.value.problems == (expected,)


@pytest.mark.parametrize("text", ["v1beta,v2", " v1beta , v2 "])
def test_generations_of_the_api_stand_in_one_text(text: str) -> None:
    """Their order is kept, and both are the default."""
    assert load([f"--api.versions={text}"], KEY).settings.api.versions == ("v1beta", "v2")
    variable = {**KEY, "LLAMACLOUD_EXPORTER_API__VERSIONS": "v2,v1beta"}
    assert load([], variable).settings.api.versions == ("v2", "v1beta")
    assert load([], KEY).settings.api.versions == ("v1beta", "v2")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("v3", VERSIONS_WANTED),
        ("v1beta,v3", VERSIONS_WANTED),
        ("v1beta,", VERSIONS_WANTED),
        ("V2", VERSIONS_WANTED),
        ("", VERSIONS_WANTED),
        ("v2,v2", "must not name a version twice; the known ones are v1beta and v2"),
    ],
)
def test_wrong_generations_of_the_api_are_explained(text: str, complaint: str) -> None:
    """The message names the known ones, wherever the setting comes from."""
    with pytest.raises(ConfigError) as raised:
        load([f"--api.versions={text}"], KEY)
    assert raised.value.problems == (f'flag --api.versions {complaint}, not "{text}".',)

    variable = "LLAMACLOUD_EXPORTER_PROJECTS"
    projects = json.dumps([{"api_versions": text.split(",")}])
    with pytest.raises(ConfigError) as raised:
        load([], {**KEY, variable: projects})
    named = f"environment variable {variable}[0].api_versions"
    assert raised.value.problems == (f'{named} {complaint}, not "{text}".',)


def test_no_generation_of_the_api_is_a_mistake(tmp_path: Path) -> None:
    """An empty list is a mistake, not the default."""
    file = tmp_path / "exporter.yml"
    file.write_text("api: {versions: []}\nprojects: [{api_versions: []}]\n")

    with pytest.raises(ConfigError) as raised:
        load([f"--config.file={file}"], KEY)

    assert raised.value.problems == (
        f'{file}: projects[0].api_versions {VERSIONS_WANTED}, not "".',
        f'{file}: api.versions {VERSIONS_WANTED}, not "".',
    )


def test_an_address_twice_is_a_mistake() -> None:
    """Two listeners cannot share an address."""
    with pytest.raises(ConfigError) as raised:
        load(["--web.listen-address=:1", "--web.listen-address=:1"], KEY)

    assert raised.value.problems == (
        'flag --web.listen-address must not name an address twice, not ":1,:1".',
    )
