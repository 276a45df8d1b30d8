"""Typical mistakes in the file, and the messages that say what to write instead."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config import ConfigError, load

if TYPE_CHECKING:
    from pathlib import Path

KEY = {"LLAMA_CLOUD_API_KEY": "llx-made-up-1234"}
ID = "7c1d6f1e-7d4a-4b8e-9c52-0f5f3a9d2b11"
NOT_YAML = 'the configuration file "FILE" is not valid YAML: '
TABS = "a tab is in the place of spaces; indent with spaces."
COLON = (
    "a colon is where none can be; indent the line as its neighbours are, or put a text that"
    " holds a colon into quotation marks."
)
BELOW = 'must hold settings on indented lines below it, such as "interval: 30s", with a space after'
KNOWN = "the known ones are poll, api, items, jobs, retention, state, web, log, projects."
# Mistake, file, message.
IN_FILES = (
    ("tab", "poll:\n\tinterval: 30s", f"{NOT_YAML}line 2: {TABS}"),
    ("tab after a hyphen", "projects:\n  -\tname: a\n\t  base_url: b", f"{NOT_YAML}line 2: {TABS}"),
    (
        "indented too little",
        "projects:\n  - name: a\n   base_url: b",
        (
            f"{NOT_YAML}line 3: the line is not indented as those that it belongs to; settings of"
            " one group begin in one column."
        ),
    ),
    ("indented too much", "poll:\n  interval: 30s\n    max_pages: 3", f"{NOT_YAML}line 3: {COLON}"),
    ("colon in a text", "projects:\n  - name: team: a", f"{NOT_YAML}line 2: {COLON}"),
    (
        "@ in front",
        "projects:\n  - name: @team",
        f"{NOT_YAML}line 2: put a text that begins with @ into quotation marks.",
    ),
    (
        "quotation mark left open",
        'projects:\n  - name: "a\n    project_id: b',
        f"{NOT_YAML}line 2: a quotation mark that opens here is never closed.",
    ),
    (
        "bracket left open",
        "projects:\n  - job_types: [parse\n    name: a",
        f"{NOT_YAML}line 3: a comma or a ] is missing.",
    ),
    (
        "colon forgotten",
        "poll:\n  max_pages: 3\n  interval\nlog: {}",
        f"{NOT_YAML}line 3: a colon is missing; write NAME: VALUE.",
    ),
    (
        "flat",
        "poll.interval: 1m",
        'FILE: poll.interval must be nested; write "interval:" on an indented line below "poll:".',
    ),
    (
        "flat, as a flag",
        "--web.listen-address: :9910",
        (
            'FILE: --web.listen-address must be nested; write "listen_address:" on an indented line'
            ' below "web:".'
        ),
    ),
    (
        "half nested",
        "web: {config.file: web.yml}",
        'FILE: web.config.file must be nested; write "file:" on an indented line below "config:".',
    ),
    (
        "hyphens",
        "web: {listen-address: ':1'}",
        "FILE: web.listen-address is unknown; the nearest known one is web.listen_address.",
    ),
    ("no space after the colon", "poll:\n  interval:1m", f"FILE: poll {BELOW} the colon."),
    ("a value for a group", "poll: 1m", f"FILE: poll {BELOW} the colon."),
    ("Prometheus's own file", "scrape_configs: []", f"FILE: scrape_configs is unknown; {KNOWN}"),
    (
        "projects without hyphens",
        "projects:\n  name: a",
        (
            "FILE: projects must be a list of projects; begin each project with a hyphen, as in"
            ' "- name: invoices".'
        ),
    ),
    (
        "one project",
        "project: [{name: a}]",
        "FILE: project is unknown; the nearest known one is projects.",
    ),
    (
        "no names",
        "projects: [{directory_ids: [a]}, {directory_ids: [b]}]",
        (
            "2 projects have no name, such as FILE: projects[0] and FILE: projects[1]; give each"
            ' a name of its own, as in "name: invoices".'
        ),
    ),
    (
        "one name twice",
        "projects: [{name: a}, {name: a, job_types: [parse]}]",
        '2 projects are named "a"; give each a name of its own.',
    ),
    (
        "text for a list",
        "projects: [{job_types: 'parse, extract'}]",
        'FILE: projects[0].job_types must be a list; write ["parse", "extract"].',
    ),
    (
        "no scheme",
        "projects: [{base_url: api.cloud.eu.llamaindex.ai}]",
        (
            "FILE: projects[0].base_url must begin with https:// or http://, as in"
            " https://api.cloud.eu.llamaindex.ai."
        ),
    ),
    (
        "path of the API",
        "projects: [{base_url: 'https://api.cloud.llamaindex.ai/api/v1'}]",
        "FILE: projects[0].base_url must end before /api/v1, which every request adds.",
    ),
    (
        "prefix of an id",
        f"projects: [{{project_id: prj-{ID}}}]",
        f'FILE: projects[0].project_id must be the UUID alone, which is {ID}, not "prj-{ID}".',
    ),
    (
        "name for an id",
        "projects: [{project_id: invoices}]",
        (
            "FILE: projects[0].project_id must be a UUID such as"
            ' 123e4567-e89b-12d3-a456-426614174000, not "invoices".'
        ),
    ),
    (
        "misspelt",
        "projects: [{apikey: llx-other-secret}]",
        "FILE: projects[0].apikey is unknown; the nearest known one is api_key.",
    ),
    (
        "no unit",
        "poll: {interval: 30}",
        'FILE: poll.interval must have a unit, as in 30s, 30m or 30h, not "30".',
    ),
    (
        "unit in words",
        "poll: {interval: 30 seconds}",
        'FILE: poll.interval must be a duration such as 30s, 5m or 1h30m, not "30 seconds".',
    ),
    (
        "unit of a number",
        "api: {requests_per_minute: 10/min}",
        'FILE: api.requests_per_minute must be a number, not "10/min".',
    ),
    (
        "level in capitals",
        "log: {level: WARN}",
        "FILE: log.level must be 'debug', 'info', 'warning' or 'error', not \"WARN\".",
    ),
    (
        "port alone",
        "web: {listen_address: 9910}",
        (
            "FILE: web.listen_address must be written host:port, :port or [::1]:port, the port at"
            ' most 65535, not "9910".'
        ),
    ),
)
TWICE = (
    'projects "a" and "b" are one project, read and counted twice; remove one, or separate them'
    " by directory_ids, job_types or api_versions."
)
# What is valid, and what is said of it all the same.
DOUBTFUL = {
    "a key in clear": (
        "projects: [{base_url: 'http://api.cloud.llamaindex.ai/'}]",
        [
            (
                'base URL "http://api.cloud.llamaindex.ai" sends API keys unencrypted; write'
                ' "https://api.cloud.llamaindex.ai".'
            )
        ],
    ),
    "a key in clear, to an address": (
        "projects: [{base_url: 'http://8.8.8.8:8000'}]",
        [
            'base URL "http://8.8.8.8:8000" sends API keys unencrypted; write "https://8.8.8.8:8000".'
        ],
    ),
    "one id twice": (
        f"projects: [{{name: a, project_id: {ID}}}, {{name: b, project_id: {ID.upper()}}}]",
        [TWICE],
    ),
    "one default project twice": ("projects: [{name: a}, {name: b}]", [TWICE]),
    "told apart": ("projects: [{name: a}, {name: b, job_types: [parse]}]", []),
    "other keys": ("projects: [{name: a}, {name: b, api_key: llx-other-1234}]", []),
    "other servers": ("projects: [{name: a}, {name: b, base_url: 'https://eu.example.org'}]", []),
    "this machine": ("projects: [{base_url: 'http://localhost:8000'}]", []),
    "a network of one's own": (
        (
            "projects: [{name: a, base_url: 'http://10.0.0.7'}, {name: b, base_url: 'http://llama'},"
            " {name: c, base_url: 'http://llama.batch.svc.cluster.local:8000'}]"
        ),
        [],
    ),
}


@pytest.mark.parametrize(("text", "message"), [row[1:] for row in IN_FILES], ids=lambda _: "")
def test_a_typical_mistake_in_the_file_is_reported_with_what_to_write(
    text: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each mistake gives exactly one sentence."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "FILE").write_text(text + "\n")
    with pytest.raises(ConfigError) as raised:
        load(["--config.file=FILE"], KEY)
    assert (message,) == raised.value.problems


@pytest.mark.parametrize("case", DOUBTFUL)
def test_what_is_valid_and_hardly_meant_is_a_warning(case: str, tmp_path: Path) -> None:
    """Private networks need no encryption, and entries with different filters are no duplicates."""
    text, doubts = DOUBTFUL[case]
    file = tmp_path / "settings.yml"
    file.write_text(text)
    assert tuple(doubts) == load([f"--config.file={file}"], KEY).doubts


def test_a_url_without_a_scheme_is_shown_only_where_it_can_hold_no_password() -> None:
    """A text that may hold a password is not shown."""
    with pytest.raises(ConfigError) as raised:
        load([], KEY | {"LLAMA_CLOUD_BASE_URL": "me:secret@example.org"})
    assert "secret" not in str(raised.value)
