"""Merging flags, variables and the file into one set of settings."""

from pathlib import Path

import pytest

from exporter import __version__
from exporter.config import ConfigError, ListenAddress, Mode, describe, load

KEY = {"LLAMA_CLOUD_API_KEY": "llx-environment-secret"}
VALUES = "values are written --flag=VALUE, and the settings file is named by --config.file=FILE"
UNKNOWN_API_KEY = "flag --api-key is unknown; the nearest known one is --api.wait-for-key."
LEVEL_WANTED = "flag --log.level must be 'debug', 'info', 'warning' or 'error'"


def problems(argv: list[str], environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        load(argv, environ)
    return raised.value.problems


def test_a_key_is_enough() -> None:
    """The smallest command serves the key's default project with the contract's defaults."""
    command = load([], KEY)
    settings = command.settings

    assert command.mode is Mode.SERVE
    assert [project.name for project in settings.projects] == ["default"]
    assert settings.poll.interval == 30.0
    assert settings.poll.stale_after == 300.0
    assert settings.api.requests_per_minute == 10.0
    assert settings.retention.failed == 86400.0
    assert settings.web.listen_address == (ListenAddress("", 9910),)


def test_flags_win_over_variables_and_those_over_the_file(tmp_path: Path) -> None:
    """Precedence applies to each setting: one group may come from all three places."""
    file = tmp_path / "settings.yml"
    file.write_text("poll: {interval: 10s, max_pages: 10, full_listing_every: 10m}")
    environ = {
        **KEY,
        "LLAMACLOUD_EXPORTER_CONFIG__FILE": str(file),
        "LLAMACLOUD_EXPORTER_POLL__INTERVAL": "20s",
        "LLAMACLOUD_EXPORTER_POLL__MAX_PAGES": "20",
        "LLAMACLOUD_EXPORTER_LOG__LEVEL": "",
    }

    settings = load(["--poll.interval=40s"], environ).settings

    assert settings.poll.model_dump() == {
        "interval": 40.0,
        "max_pages": 20,
        "full_listing_every": 600.0,
        "stale_after": 300.0,
    }
    assert settings.log.level == "info"


def test_stale_after_follows_the_interval() -> None:
    """It is five intervals, and at least five minutes."""
    assert load(["--poll.interval=2m"], KEY).settings.poll.stale_after == 600.0


def test_listen_addresses_repeat_as_flags_and_stand_in_one_variable() -> None:
    """Addresses are given by several flags, or by one variable with commas."""
    variable = {**KEY, "LLAMACLOUD_EXPORTER_WEB__LISTEN_ADDRESS": ":1, localhost:2"}

    assert load([], variable).settings.web.listen_address == (
        ListenAddress("", 1),
        ListenAddress("localhost", 2),
    )
    flags = ["--web.listen-address=:3", "--web.listen-address", "[::1]:4"]
    assert load(flags, variable).settings.web.listen_address == (
        ListenAddress("", 3),
        ListenAddress("::1", 4),
    )


@pytest.mark.parametrize(
    ("flag", "mode"),
    [
        ("--healthcheck", Mode.HEALTHCHECK),
        ("--config.check", Mode.CHECK),
        ("--once", Mode.ONCE),
        ("--demo", Mode.DEMO),
    ],
)
def test_modes_are_bare_flags(flag: str, mode: Mode) -> None:
    """A flag without a value chooses what the program does."""
    assert load([flag], KEY).mode is mode


def test_demo_needs_no_key_and_has_defaults_of_its_own() -> None:
    """The demo ignores LlamaCloud's variables, and polls faster by default."""
    demo = load(["--demo"], {"LLAMA_CLOUD_API_KEY_FILE": "/nowhere"}).settings
    told = load(["--demo"], {"LLAMACLOUD_EXPORTER_POLL__INTERVAL": "30s"}).settings

    assert demo.projects == ()
    assert (demo.poll.interval, demo.api.requests_per_minute) == (5.0, 600.0)
    assert (told.poll.interval, told.api.requests_per_minute) == (30.0, 600.0)


def test_a_health_check_needs_no_key(tmp_path: Path) -> None:
    """A health check reads no keys and no projects."""
    file = tmp_path / "settings.yml"
    file.write_text("web: {listen_address: ':1'}\nprojects: [{api_key_file: nowhere}]")
    settings = load(["--healthcheck", "--config.file", str(file)], {}).settings

    assert settings.web.listen_address == (ListenAddress("", 1),)
    assert settings.projects == ()


def test_all_mistakes_are_reported_at_once() -> None:
    """Mistakes in flags, variables and keys are all reported in one message."""
    environ = {
        "LLAMACLOUD_EXPORTER_POLL__INTERVALL": "5s",
        "LLAMACLOUD_EXPORTER_API__CONCURRENCY": "0",
        "LLAMACLOUD_EXPORTER_POLL": '{"interval": "5s"}',
    }

    with pytest.raises(ConfigError) as raised:
        load(["--poll.interval=0", "--poll.stale-afte=5m"], environ)

    assert str(raised.value) == (
        "The settings have 6 mistakes:\n"
        "  - flag --poll.stale-afte is unknown; the nearest known one is --poll.stale-after.\n"
        "  - environment variable LLAMACLOUD_EXPORTER_POLL__INTERVALL is unknown;"
        " the nearest known one is LLAMACLOUD_EXPORTER_POLL__INTERVAL.\n"
        "  - environment variable LLAMACLOUD_EXPORTER_POLL is unknown;"
        " the nearest known one is LLAMACLOUD_EXPORTER_PROJECTS.\n"
        "  - there is no API key; set LLAMA_CLOUD_API_KEY or LLAMA_CLOUD_API_KEY_FILE,"
        " or try `llamacloud-batch-exporter --demo`.\n"
        '  - flag --poll.interval must be from 1s to 24h, not "0".\n'
        "  - environment variable LLAMACLOUD_EXPORTER_API__CONCURRENCY"
        ' must be greater than or equal to 1, not "0".\n'
        "Nothing was started. `llamacloud-batch-exporter --help` explains every setting."
    )


@pytest.mark.parametrize(
    ("argv", "expected"),
    [
        (["--once", "--demo"], "--once and --demo are modes; choose one."),
        (["--demo=llx-secret"], "flag --demo takes no value."),
        (["--poll.interval"], "flag --poll.interval needs a value, as in --poll.interval=30s."),
        (["--items.enabled"], "flag --items.enabled needs a value, as in --items.enabled=true."),
        (["--api-key=llx-secret"], UNKNOWN_API_KEY),
        (["--api-key", "secret"], UNKNOWN_API_KEY),
        (["secret"], f"an argument is no flag; {VALUES}."),
        (
            ["--poll.int=5s"],
            "flag --poll.int is unknown; the nearest known one is --poll.interval.",
        ),
        (["--log.level=llx-secret"], f"{LEVEL_WANTED}, not [redacted]."),
        (
            ["--log.level=\x1b[2J\n" + "x" * 300],
            f'{LEVEL_WANTED}, not "\\x1b[2J\\n{"x" * 192}...".',
        ),
    ],
)
def test_a_wrong_command_line_is_explained(argv: list[str], expected: str) -> None:
    """The message names the flag; a value that cannot be a key is shown, escaped and bounded."""
    assert problems(argv, KEY) == (expected,)


def test_a_mode_with_a_value_hides_no_other_mistake() -> None:
    """The mode is known all the same: the demo needs no key."""
    environ = {"LLAMACLOUD_EXPORTER_LOG__LEVEL": "loud"}
    level = "environment variable LLAMACLOUD_EXPORTER_LOG__LEVEL must be 'debug', 'info', 'warning'"
    assert problems(["--demo=true"], environ) == (
        "flag --demo takes no value.",
        f"{level} or 'error', not \"loud\".",
    )


def values_with_white_space(tmp_path: Path) -> dict[str, str]:
    """Write a file, and return settings that name it and set others."""
    file = tmp_path / "settings.yml"
    file.write_text("poll: {max_pages: ' 7 '}\nweb:\n  telemetry_path: |\n    /from-file\n")
    return {
        "config.file": f"{file}\n",
        "poll.interval": " 40s\n",
        "api.versions": "v2\n",
        "api.requests_per_minute": " 7\n",
        "items.enabled": "false\n",
        "web.listen_address": " :1\n",
        "web.telemetry_path": "/batch\n",
        "log.level": "debug\n",
        "log.format": " json",
    }


@pytest.mark.parametrize("place", ["flags", "variables"])
def test_white_space_around_values_is_left_out(place: str, tmp_path: Path) -> None:
    """Templates and editors leave white space that is hard to see."""
    values = values_with_white_space(tmp_path)
    if place == "flags":
        argv = [f"--{name.replace('_', '-')}={value}" for name, value in values.items()]
        settings = load(argv, KEY).settings
    else:
        variables = {
            "LLAMACLOUD_EXPORTER_" + name.upper().replace(".", "__"): value
            for name, value in values.items()
        }
        settings = load([], KEY | variables).settings

    assert ("debug", "json", "/batch") == (
        settings.log.level,
        settings.log.format,
        settings.web.telemetry_path,
    )
    assert (40.0, 7.0, ("v2",)) == (
        settings.poll.interval,
        settings.api.requests_per_minute,
        settings.api.versions,
    )
    assert (False, (ListenAddress("", 1),)) == (settings.items.enabled, settings.web.listen_address)
    assert (tmp_path / "settings.yml", 7) == (settings.config.file, settings.poll.max_pages)


def test_white_space_around_values_of_the_file_is_left_out(tmp_path: Path) -> None:
    """Quoted texts and block scalars keep white space."""
    file = values_with_white_space(tmp_path)["config.file"].strip()
    assert "/from-file" == load([f"--config.file={file}"], KEY).settings.web.telemetry_path


def test_a_variable_of_nothing_but_white_space_sets_nothing() -> None:
    """It is treated like an empty variable."""
    assert load([], {**KEY, "LLAMACLOUD_EXPORTER_LOG__LEVEL": " \n"}) == load([], KEY)


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("LLAMA_CLOUD_ORGANISATION_ID", "LLAMA_CLOUD_ORGANIZATION_ID"),
        ("LLAMA_CLOUD_PROJECT", "LLAMA_CLOUD_PROJECT_ID"),
        ("llama_cloud_base_url", "LLAMA_CLOUD_BASE_URL"),
        ("LLAMA_CLOUD_EXPORTER_LOG__LEVEL", "LLAMACLOUD_EXPORTER_LOG__LEVEL"),
    ],
)
def test_an_unknown_variable_of_llamacloud_is_a_warning(name: str, nearest: str) -> None:
    """Other programs have such variables too; the value may be a key and is not shown."""
    command = load([], {**KEY, name: "secret"})
    warning = f"environment variable {name} is unknown; the nearest known one is {nearest}."

    assert (warning,) == command.unknown_variables
    report = describe(command.settings, command.unknown_variables).splitlines()
    assert ["The settings are valid.", "", "warnings:", f"  {warning}", "", "projects:"] == (
        report[:6]
    )


@pytest.mark.parametrize(
    "environ",
    [
        {"LLAMA_CLOUD_BASE_URL": "https://example.org", "LLAMACLOUD": "x", "LLAMA_INDEX": "x"},
        {"LLAMA_CLOUD_SERVICE_HOST": "10.0.0.1", "LLAMA_CLOUD_PORT": "tcp://10.0.0.1:80"},
        {"LLAMA_CLOUD_API_PORT_80_TCP_ADDR": "10.0.0.1"},
    ],
)
def test_known_variables_and_those_of_kubernetes_are_no_warning(environ: dict[str, str]) -> None:
    """Known variables, other prefixes and Kubernetes's service links cause no warning."""
    assert () == load([], {**KEY, **environ}).unknown_variables


def test_the_demo_and_the_health_check_warn_of_nothing() -> None:
    """The demo and the health check do not read LlamaCloud's variables."""
    environ = {**KEY, "LLAMA_CLOUD_PROJECT": "x"}
    assert [(), ()] == [
        load([mode], environ).unknown_variables for mode in ("--demo", "--healthcheck")
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LLAMACLOUD_EXPORTER_SERVICE_HOST", "10.0.0.1"),
        ("LLAMACLOUD_EXPORTER_METRICS_SERVICE_PORT_HTTP", "9910"),
        ("LLAMACLOUD_EXPORTER_PORT", "tcp://10.0.0.1:9910"),
        ("LLAMACLOUD_EXPORTER_PORT_9910_TCP_ADDR", "10.0.0.1"),
    ],
)
def test_kubernetes_service_links_are_no_settings(name: str, value: str) -> None:
    """Variables that Kubernetes sets for a Service with our name are no mistake."""
    assert load([], {**KEY, name: value}) == load([], KEY)


def test_a_port_variable_of_a_person_is_a_mistake() -> None:
    """Kubernetes never sets that variable to a plain number."""
    assert problems([], {**KEY, "LLAMACLOUD_EXPORTER_PORT": "9911"}) == (
        (
            "environment variable LLAMACLOUD_EXPORTER_PORT is unknown;"
            " the nearest known one is LLAMACLOUD_EXPORTER_PROJECTS."
        ),
    )


def test_the_report_shows_what_is_in_effect() -> None:
    """The report shows projects, settings and the origin of the key, but not the key."""
    report = describe(load(["--poll.interval=1m", "--items.enabled=false"], KEY).settings)

    assert report.splitlines()[:12] == [
        "The settings are valid.",
        "",
        "projects:",
        "  default",
        "    project id       the key's default project",
        "    base URL         https://api.cloud.llamaindex.ai",
        "    key from         LLAMA_CLOUD_API_KEY",
        "",
        "settings:",
        "  config.file              none",
        "  poll.interval            1m",
        "  poll.stale_after         5m",
    ]
    assert "  items.enabled            false" in report
    assert "  api.versions             v1beta,v2" in report


def test_the_report_shows_by_which_generations_a_project_is_read() -> None:
    """The report shows the versions of a project that sets its own."""
    environ = {**KEY, "LLAMACLOUD_EXPORTER_PROJECTS": '[{"name": "one", "api_versions": ["v2"]}]'}

    assert "    API versions     v2" in describe(load([], environ).settings).splitlines()


def test_the_report_shows_which_key_is_waited_for() -> None:
    """The report shows the missing key file and the reason."""
    environ = {"LLAMA_CLOUD_API_KEY_FILE": "/nowhere/key"}
    report = describe(load(["--config.check", "--api.wait-for-key=true"], environ).settings)
    problem = (
        'the file "/nowhere/key" of LLAMA_CLOUD_API_KEY_FILE cannot be read:'
        " No such file or directory."
    )

    assert report.splitlines()[6:8] == [
        '    key from         file "/nowhere/key"',
        f"    waited for       {problem}",
    ]


def test_no_key_is_ever_shown() -> None:
    """Neither the report nor any representation of the settings holds a key."""
    command = load([], KEY)
    settings = command.settings
    outputs = [repr(command), repr(settings), str(settings), describe(settings)]
    outputs += [str(settings.model_dump()), settings.model_dump_json()]

    assert [text for text in outputs if "secret" in text] == []


def test_settings_cannot_be_changed() -> None:
    """Validated settings are frozen."""
    settings = load([], KEY).settings

    with pytest.raises(ValueError, match="frozen"):
        settings.poll.interval = 1.0  # type: ignore[misc]


def test_version_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """``--version`` prints name and version on standard output, and ends with status 0."""
    with pytest.raises(SystemExit) as raised:
        load(["--version"], {})

    assert raised.value.code == 0
    assert capsys.readouterr().out == f"llamacloud-batch-exporter {__version__}\n"
