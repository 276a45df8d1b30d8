"""Durations, listen addresses and telemetry paths as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.config import ConfigError, load
from exporter.config.values import format_duration, parse_duration

KEY = {"LLAMA_CLOUD_API_KEY": "llx-secret"}
ADDRESS_WANTED = "must be written host:port, :port or [::1]:port, the port at most 65535"
PATH_WANTED = "must start with / and hold letters, digits and . _ ~ - only"
PATH_TAKEN = "must not be one of /, /-/healthy, /-/ready, which serve other pages"


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
    """Units stand from large to small, each with a whole number."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "1.5h", "-5s", "5s5m", "5 m", "5sec", "٣s", "1e3s"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r"^must be a duration such as 30s, 5m or 1h30m$"):
        parse_duration(text)


@given(st.integers(min_value=0, max_value=10**12))
def test_a_written_duration_is_read_as_the_same(milliseconds: int) -> None:
    """What the report shows can be put back into the settings."""
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
    ],
)
def test_wrong_addresses_and_paths_are_explained(flag: str, complaint: str) -> None:
    """The message says how the value is written."""
    name, _, value = flag.partition("=")
    expected = f'flag {name} {complaint}, not "{value}".'

    with pytest.raises(ConfigError) as raised:
        load([flag], KEY)

    assert raised.value.problems == (expected,)


def test_an_address_twice_is_a_mistake() -> None:
    """Two listeners cannot share an address."""
    with pytest.raises(ConfigError) as raised:
        load(["--web.listen-address=:1", "--web.listen-address=:1"], KEY)

    assert raised.value.problems == (
        'flag --web.listen-address must not name an address twice, not ":1,:1".',
    )
