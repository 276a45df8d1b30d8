"""Settings in a YAML file, and the messages about a file that cannot be used."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from exporter.config import Command, ConfigError, ListenAddress, Project, load
from exporter.domain import ApiVersion

FILES = Path(__file__).parent / "files"
KEY = {"LLAMA_CLOUD_API_KEY": "llx-environment-secret"}
FIRST_ID = "123e4567-e89b-12d3-a456-426614174000"
SECOND_ID = "123e4567-e89b-12d3-a456-426614174001"
ADDRESS_WANTED = "must be written host:port, :port or [::1]:port, the port at most 65535"
VERSIONS_WANTED = "must be one or more of v1beta and v2, separated by commas"
UUID_WANTED = f"must be a UUID such as {FIRST_ID}"


def load_file(name: str, environ: dict[str, str] = KEY) -> Command:
    return load([f"--config.file={FILES / name}"], environ)


def test_everything_can_be_set_in_the_file() -> None:
    """Every setting of the file is read and converted; texts are not read as YAML types."""
    settings = load_file("everything.yml", {}).settings

    assert settings.model_dump(exclude={"projects", "config"}) == {
        "poll": {
            "interval": 60.0,
            "stale_after": 600.0,
            "full_listing_every": 5400.0,
            "max_pages": 7,
        },
        "api": {
            "timeout": 0.5,
            "requests_per_minute": 7.5,
            "versions": ("v2",),
            "tls_strict": False,
            "wait_for_key": True,
            "concurrency": 2,
        },
        "items": {"enabled": False, "max_pages": 3},
        "jobs": {"max_per_project": 0},
        "retention": {"finished": 0.0, "failed": 172800.0, "min_scrapes": 0},
        "state": {"file": Path("/var/lib/exporter/state")},
        "web": {
            "listen_address": (
                {"host": "localhost", "port": 9910},
                {"host": "::1", "port": 9911},
            ),
            "telemetry_path": "/batch/metrics",
            "enable_lifecycle": True,
            "config": {"file": Path("/etc/exporter/web.yml")},
        },
        "log": {"level": "debug", "format": "json", "documents": False},
    }
    assert settings.web.listen_address == (
        ListenAddress("localhost", 9910),
        ListenAddress("::1", 9911),
    )


def test_projects_of_the_file_are_complete() -> None:
    """A relative key file starts from the file's directory; null and empty values set nothing."""
    production, default = load_file("everything.yml", {}).settings.projects

    assert production == Project(
        name="production",
        project_id=FIRST_ID,
        organization_id=SECOND_ID,
        key=production.key,
        base_url="https://api.cloud.eu.llamaindex.ai",
        directory_ids=("dir-1", "dir-2"),
        job_types=("parse", "extract"),
        api_versions=(ApiVersion.V2, ApiVersion.V1BETA),
    )
    assert production.key.file is not None
    assert production.key.file.read() == production.key.value
    assert production.key.value is not None
    assert production.key.value.get_secret_value() == "llx-production-secret"
    assert default.name == "default"
    assert default.key.value == SecretStr("llx-staging-secret")
    assert default.base_url == "https://api.cloud.llamaindex.ai"
    assert default.api_versions == ()


def test_an_empty_file_sets_nothing() -> None:
    """An empty file is valid, and leaves all defaults."""
    assert load_file("empty.yml").settings.poll == load([], KEY).settings.poll


def test_null_sets_nothing() -> None:
    """Groups and settings without a value keep their defaults."""
    settings = load_file("partly.yml").settings

    assert settings.poll.interval == 30.0
    assert settings.poll.max_pages == 3
    assert settings.api.concurrency == 8


BAD_FILES = {
    "unknown_key.yml": [
        "{file}: poll.intervall is unknown; the nearest known one is poll.interval.",
        "{file}: pol is unknown; the nearest known one is poll.",
        "{file}: config has no place in the file; name the file by flag or variable.",
    ],
    "bare_number.yml": [
        '{file}: poll.interval must have a unit, as in 30s, 30m or 30h, not "30".',
        '{file}: poll.full_listing_every must be a duration such as 30s, 5m or 1h30m, not "soon".',
    ],
    "wrong_types.yml": [
        (
            '{file}: poll must hold settings on indented lines below it, such as "interval: 30s",'
            " with a space after the colon."
        ),
        '{file}: api.timeout must be a duration such as 30s, 5m or 1h30m, not "1s".',
        '{file}: api.requests_per_minute must be a number, not ".nan".',
        f"{{file}}: api.versions {VERSIONS_WANTED}.",
        '{file}: api.concurrency must be a whole number, not "true".',
        '{file}: items.enabled must be true or false, not "maybe".',
        '{file}: items.max_pages must be a whole number, not "1.5".',
        '{file}: jobs.max_per_project must be greater than or equal to 0, not "-1".',
        f'{{file}}: web.listen_address {ADDRESS_WANTED}, not "9910".',
        (
            "{file}: web.telemetry_path must not be one of /, /job, /api/v1/status, /api/v1/jobs,"
            " /api/v1/openapi.yaml, /status.css, /status.js, /-/healthy, /-/ready,"
            ' /-/reload, /-/quit, which serve other pages, not "/-/healthy".'
        ),
        "{file}: log.level must be 'debug', 'info', 'warning' or 'error', not \"loud\".",
    ],
    "stale_before_listed.yml": [
        '{file}: poll.stale_after must be at least poll.interval, which is 2m, not "1m".'
    ],
    "duplicate_key.yml": [
        (
            'the configuration file "{file}" is not valid YAML:'
            ' line 3: the key "interval" stands there twice.'
        )
    ],
    "broken.yml": [
        (
            'the configuration file "{file}" is not valid YAML:'
            " line 2: a quotation mark that opens here is never closed."
        )
    ],
    "alias.yml": [
        "the configuration file \"{file}\" is not valid YAML: line 2: found undefined alias '...'."
    ],
    "tag.yml": [
        (
            'the configuration file "{file}" is not valid YAML:'
            " line 2: could not determine a constructor for the tag '...'."
        )
    ],
    "list.yml": ['the configuration file "{file}" must hold a mapping of settings to values.'],
    "binary.yml": ['the configuration file "{file}" is not UTF-8 text.'],
    "control.yml": [
        (
            'the configuration file "{file}" is not valid YAML:'
            " it holds characters that YAML does not allow."
        )
    ],
    "absent.yml": ['the configuration file "{file}" cannot be read: No such file or directory.'],
    "no_projects.yml": ["{file}: projects must be a list of at least one project."],
    "projects.yml": [
        "{file}: projects[1] must be a mapping of settings to values.",
        f'{{file}}: projects[0].project_id {UUID_WANTED}, not "17".',
        "{file}: projects[0].base_url must not hold a user name or a password.",
        "{file}: projects[0].api_kye is unknown; the nearest known one is api_key.",
        '{file}: projects[3].directory_ids must be a list; write ["dir-1"].',
        (
            "{file}: projects[3].job_types[1] must be 'parse', 'extract' or 'classify',"
            ' not "classfy".'
        ),
        f'{{file}}: projects[3].api_versions {VERSIONS_WANTED}, not "v3".',
        (
            "{file}: projects[2].api_key and {file}: projects[2].api_key_file are both set;"
            " choose one."
        ),
        (
            'the file "missing.key" of {file}: projects[3].api_key_file cannot be read:'
            " No such file or directory."
        ),
        "{file}: projects[5].api_key holds characters that no key has, such as spaces.",
        (
            "{file}: projects[4] has no key; give it an api_key_file,"
            " or set LLAMA_CLOUD_API_KEY or LLAMA_CLOUD_API_KEY_FILE."
        ),
        '2 projects are named "four"; give each a name of its own.',
    ],
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_bad_file_is_explained(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each mistake is one sentence that names file and setting, and shows no key."""
    monkeypatch.chdir(FILES)
    environ = {} if name == "projects.yml" else KEY

    with pytest.raises(ConfigError) as raised:
        load(["--config.file", name], environ)

    assert list(raised.value.problems) == [line.format(file=name) for line in BAD_FILES[name]]
    assert "secret" not in str(raised.value)


def test_a_missing_file_does_not_hide_other_mistakes() -> None:
    """Mistakes in flags are reported together with the unreadable file."""
    with pytest.raises(ConfigError) as raised:
        load(["--config.file=/nowhere/x.yml", "--log.level=loud"], {})

    assert raised.value.problems == (
        'the configuration file "/nowhere/x.yml" cannot be read: No such file or directory.',
        "flag --log.level must be 'debug', 'info', 'warning' or 'error', not \"loud\".",
    )


@pytest.mark.parametrize(
    "text",
    [
        "? [secret]\n: c",
        "poll: {? {a: b} : secret}",
        "poll: &p {interval: *p}",
        "1: 2",
        "projects: secret",
        "projects: {api_key: secret}",
        "projects: [[secret]]",
        "projects: [{api_key: {secret: x}}]",
        "projects: [{<<: {api_key: 'secret with spaces'}}]",
        "projects: &a\n- *a",
        "projects:\n- api_key: @secret",
        "projects:\n- api_key: !a'secret x",
        "projects:\n- api_key: a: secret",
        "projects:\n- api_key: |secret",
        "%secret",
        "a: 1\n---\nb: secret",
    ],
)
def test_no_shape_of_yaml_crashes_or_shows_a_key(text: str, tmp_path: Path) -> None:
    """Any odd YAML is reported as a mistake, and the message shows no key."""
    file = tmp_path / "settings.yml"
    file.write_text(text)

    with pytest.raises(ConfigError) as raised:
        load(["--config.file", str(file)], {})

    assert "secret" not in str(raised.value)
