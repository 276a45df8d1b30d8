"""Where projects, keys and base URLs come from."""

import json
from pathlib import Path

import pytest
from pydantic import SecretStr

from exporter.config import ConfigError, Project, load

FIRST_ID = "123e4567-e89b-12d3-a456-426614174000"
SECOND_ID = "123e4567-e89b-12d3-a456-426614174001"
KEY = {"LLAMA_CLOUD_API_KEY": "environment-secret"}
NO_KEY = (
    "there is no API key; set LLAMA_CLOUD_API_KEY or LLAMA_CLOUD_API_KEY_FILE,"
    " or try `llamacloud-batch-exporter --demo`."
)
PROJECTS = "LLAMACLOUD_EXPORTER_PROJECTS"
SCHEME_WANTED = "must begin with https:// or http://, as in https://"
URL_WANTED = "must be an http or https URL such as https://api.cloud.llamaindex.ai"


def projects(environ: dict[str, str]) -> tuple[Project, ...]:
    return load([], environ).settings.projects


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    with pytest.raises(ConfigError) as raised:
        load([], environ)
    assert "secret" not in str(raised.value).replace("secret.key", "")
    return raised.value.problems


def test_the_variable_names_several_projects() -> None:
    """Each id is a project named by its id; all share the key and the base URL."""
    environ = {
        **KEY,
        "LLAMA_CLOUD_PROJECT_ID": f"{FIRST_ID}, {SECOND_ID.upper()}",
        "LLAMA_CLOUD_BASE_URL": "http://localhost:8000/prefix/",
    }
    found = projects(environ)

    assert [(project.name, project.project_id) for project in found] == [
        (FIRST_ID, FIRST_ID),
        (SECOND_ID, SECOND_ID),
    ]
    assert {project.base_url for project in found} == {"http://localhost:8000/prefix"}
    assert {project.key.value for project in found} == {SecretStr("environment-secret")}


def test_projects_can_be_json_in_a_variable() -> None:
    """The variable holds the same list as the file; missing fields come from other variables."""
    configured = [{"name": "one", "api_key": "one-secret"}, {"project_id": FIRST_ID}]
    found = projects({**KEY, PROJECTS: json.dumps(configured)})

    assert [(project.name, project.key.value) for project in found] == [
        ("one", SecretStr("one-secret")),
        (FIRST_ID, SecretStr("environment-secret")),
    ]


def test_a_key_file_is_read_without_surrounding_space(tmp_path: Path) -> None:
    """White space around the key, such as a final line break, is removed."""
    file = tmp_path / "secret.key"
    file.write_text("\n file-secret\r\n")
    (found,) = projects({"LLAMA_CLOUD_API_KEY_FILE": str(file), "LLAMA_CLOUD_API_KEY": ""})

    assert found.key.value == SecretStr("file-secret")
    assert found.key.origin == f'file "{file}"'


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b" \n", "is empty; it must hold a key"),
        (b"first-secret\nsecond-secret\n", "has more than one line; it must hold a key alone"),
        (b"a secret", "holds characters that no key has, such as spaces"),
        (b"\xff\xfesecret", "is not UTF-8 text"),
        (b"secret" * 5000, "is larger than 16 KiB"),
        (b"null\n", "is too short; a key has 8 characters at least"),
        (None, "cannot be read: No such file or directory"),
    ],
)
def test_a_bad_key_file_is_named(content: bytes | None, complaint: str, tmp_path: Path) -> None:
    """The message names the file and the variable, and shows nothing of the content."""
    file = tmp_path / "secret.key"
    if content is not None:
        file.write_bytes(content)

    assert problems({"LLAMA_CLOUD_API_KEY_FILE": str(file)}) == (
        f'the file "{file}" of LLAMA_CLOUD_API_KEY_FILE {complaint}.',
    )


WAITS = {"LLAMACLOUD_EXPORTER_API__WAIT_FOR_KEY": "true"}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "cannot be read: No such file or directory."),
        (b"", "is empty; it must hold a key."),
        (b"null\n", "is too short; a key has 8 characters at least."),
        (b"two words", "holds characters that no key has, such as spaces."),
    ],
)
def test_a_key_file_can_be_waited_for(content: bytes | None, problem: str, tmp_path: Path) -> None:
    """With api.wait_for_key, a missing or unusable key file is no mistake."""
    file = tmp_path / "not-mounted-yet" / "secret.key"
    if content is not None:
        file.parent.mkdir()
        file.write_bytes(content)
    (found,) = projects({"LLAMA_CLOUD_API_KEY_FILE": str(file), **WAITS})

    assert found.key.value is None
    assert found.key.file is not None
    assert found.key.origin == f'file "{file}"'
    assert found.key.problem == f'the file "{file}" of LLAMA_CLOUD_API_KEY_FILE {problem}'


def test_each_project_waits_for_its_own_key_file(tmp_path: Path) -> None:
    """Projects whose key files exist use them at once."""
    (tmp_path / "there").write_text("first-secret")
    settings = tmp_path / "settings.yml"
    settings.write_text(
        "api: {wait_for_key: true}\n"
        "projects:\n- {name: first, api_key_file: there}\n- {name: second, api_key_file: later}\n"
    )
    first, second = load(["--config.file", str(settings)], {}).settings.projects

    assert (first.key.value, first.key.problem) == (SecretStr("first-secret"), "")
    assert (second.key.value, second.name) == (None, "second")
    with pytest.raises(ConfigError, match=r"later.* cannot be read"):
        load(["--config.file", str(settings), "--api.wait-for-key=false"], {})


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, NO_KEY),
        (
            {"LLAMA_CLOUD_API_KEY": "null"},
            "LLAMA_CLOUD_API_KEY is too short; a key has 8 characters at least.",
        ),
        (
            {**KEY, "LLAMA_CLOUD_API_KEY_FILE": "/nowhere"},
            "LLAMA_CLOUD_API_KEY and LLAMA_CLOUD_API_KEY_FILE are both set; choose one.",
        ),
    ],
)
def test_only_files_are_waited_for(environ: dict[str, str], expected: str) -> None:
    """Keys in settings and variables do not change while the exporter runs."""
    assert problems(environ | WAITS) == (expected,)


def test_a_mistake_in_the_setting_that_waits_is_the_only_one() -> None:
    """The missing key file is not reported as well, because waiting was intended."""
    environ = {"LLAMA_CLOUD_API_KEY_FILE": "/nowhere", **dict.fromkeys(WAITS, "ture")}
    assert problems(environ) == (
        f'environment variable {next(iter(WAITS))} must be true or false, not "ture".',
    )


@pytest.mark.parametrize(
    ("environ", "expected"),
    [
        ({}, NO_KEY),
        ({"LLAMA_CLOUD_API_KEY": "", "LLAMA_CLOUD_API_KEY_FILE": ""}, NO_KEY),
        (
            {**KEY, "LLAMA_CLOUD_API_KEY_FILE": "/nowhere"},
            "LLAMA_CLOUD_API_KEY and LLAMA_CLOUD_API_KEY_FILE are both set; choose one.",
        ),
        ({"LLAMA_CLOUD_API_KEY": " "}, "LLAMA_CLOUD_API_KEY is empty; it must hold a key."),
        (
            {"LLAMA_CLOUD_API_KEY": "null"},
            "LLAMA_CLOUD_API_KEY is too short; a key has 8 characters at least.",
        ),
        (
            {**KEY, "LLAMA_CLOUD_PROJECT_ID": FIRST_ID, PROJECTS: '[{"name": "one"}]'},
            (f"environment variable {PROJECTS} and LLAMA_CLOUD_PROJECT_ID are both set;"
            " choose one."),
        ),
        (
            {**KEY, "LLAMA_CLOUD_PROJECT_ID": "production"},
            (f"environment variable LLAMA_CLOUD_PROJECT_ID must be a UUID such as {FIRST_ID},"
            ' not "production".'),
        ),
        (
            {**KEY, "LLAMA_CLOUD_PROJECT_ID": f"{FIRST_ID},{FIRST_ID}"},
            f'2 projects are named "{FIRST_ID}"; give each a name of its own.',
        ),
        (
            {**KEY, PROJECTS: '[{"api_key": "secret"'},
            f"environment variable {PROJECTS} must be a list of projects; in a variable, as JSON.",
        ),
        (
            {**KEY, PROJECTS: '{"api_key": "secret"}'},
            (
                f"environment variable {PROJECTS} must be a list of projects;"
                " put the projects into brackets."
            ),
        ),
        (
            {**KEY, PROJECTS: '[{"api_key": ["secret"]}]'},
            f"environment variable {PROJECTS}[0].api_key must be text.",
        ),
        (
            {**KEY, PROJECTS: '[{"name": "a\\nb"}]'},
            (f"environment variable {PROJECTS}[0].name must hold printable characters only,"
            ' not "a\\nb".'),
        ),
        (
            {**KEY, PROJECTS: '[{"\\ud800": "x"}]'},
            (f"environment variable {PROJECTS}[0].\\ud800 is unknown; the known ones are name,"
             " project_id, organization_id, api_key, api_key_file, base_url, directory_ids,"
             " job_types, api_versions."),
        ),
    ],
)  # fmt: skip
def test_a_wrong_project_is_explained(environ: dict[str, str], expected: str) -> None:
    """The message names the variable and says what to write."""
    assert problems(environ) == (expected,)


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("api.cloud.llamaindex.ai", f"{SCHEME_WANTED}api.cloud.llamaindex.ai"),
        ("ftp://example.org", URL_WANTED),
        ("https://", URL_WANTED),
        ("https://example.org:99999", URL_WANTED),
        ("https://exa mple.org", URL_WANTED),
        ("https://user:secret@example.org", "must not hold a user name or a password"),
        ("https://example.org/?key=secret", "must not have a query or a fragment"),
        ("https://example.org/#", "must not have a query or a fragment"),
    ],
)
def test_a_wrong_base_url_is_explained_but_not_shown(url: str, complaint: str) -> None:
    """A URL may hold a password, so messages do not show it."""
    assert problems({**KEY, "LLAMA_CLOUD_BASE_URL": url}) == (
        f"environment variable LLAMA_CLOUD_BASE_URL {complaint}.",
    )


def test_a_base_url_may_be_as_long_as_the_path_of_a_gateway() -> None:
    """Base URLs may be longer than names, in the variable and in an entry."""
    variable, of_entry = (f"https://{name}.example.org/{'path/' * 100}end" for name in "ab")
    configured = json.dumps([{"name": "one"}, {"name": "two", "base_url": of_entry}])
    found = projects({**KEY, "LLAMA_CLOUD_BASE_URL": variable, PROJECTS: configured})

    assert [variable, of_entry] == [project.base_url for project in found]


def test_a_key_in_the_place_of_its_file_is_not_shown() -> None:
    """A key in the variable of its file, a common mistake, is not shown."""
    assert problems({"LLAMA_CLOUD_API_KEY_FILE": "llx-secret"}) == (
        (
            "the file [redacted] of LLAMA_CLOUD_API_KEY_FILE cannot be read:"
            " No such file or directory."
        ),
    )


def test_all_mistakes_of_an_entry_are_reported_at_once() -> None:
    """Mistakes in the key are reported together with those in other fields."""
    entry = {
        "name": "one",
        "project_id": "17",
        "api_key": "a-secret",
        "api_key_file": "/run/secret.key",
    }
    named = f"environment variable {PROJECTS}[0]"
    twin = {"name": "one", "api_key": "b-secret"}
    assert problems({PROJECTS: json.dumps([entry, twin])}) == (
        f'{named}.project_id must be a UUID such as {FIRST_ID}, not "17".',
        f"{named}.api_key and {named}.api_key_file are both set; choose one.",
        '2 projects are named "one"; give each a name of its own.',
    )


def test_a_wrong_variable_does_not_hide_that_there_is_no_key() -> None:
    """Both mistakes are reported at once."""
    assert problems({"LLAMA_CLOUD_BASE_URL": "ftp://example.org"}) == (
        f"environment variable LLAMA_CLOUD_BASE_URL {URL_WANTED}.",
        NO_KEY,
    )


def test_the_organization_is_of_every_project_without_its_own() -> None:
    """The variable's organization applies to every project without one."""
    entries = [{"name": "one"}, {"name": "two", "organization_id": SECOND_ID}]
    environ = {**KEY, "LLAMA_CLOUD_ORGANIZATION_ID": f" {FIRST_ID.upper()}\n"}

    assert [FIRST_ID] == [found.organization_id for found in projects(environ)]
    found = projects({**environ, PROJECTS: json.dumps(entries)})
    assert [FIRST_ID, SECOND_ID] == [project.organization_id for project in found]


def test_a_wrong_organization_is_explained() -> None:
    """An organization id must be a UUID."""
    assert problems({**KEY, "LLAMA_CLOUD_ORGANIZATION_ID": "acme"}) == (
        (
            "environment variable LLAMA_CLOUD_ORGANIZATION_ID must be a UUID such as"
            f' {FIRST_ID}, not "acme".'
        ),
    )


def test_the_older_variable_of_the_vendor_is_read_where_the_others_are_not_set(
    tmp_path: Path,
) -> None:
    """LLAMA_PARSE_API_KEY has the lowest precedence, as in the vendor's SDK."""
    file = tmp_path / "secret.key"
    file.write_text("file-secret")
    older = {"LLAMA_PARSE_API_KEY": "older-secret"}

    def key_and_origin(environ: dict[str, str]) -> tuple[str, str]:
        (found,) = projects(environ)
        assert found.key.value is not None
        return found.key.value.get_secret_value(), found.key.origin

    assert [
        ("older-secret", "LLAMA_PARSE_API_KEY"),
        ("older-secret", "LLAMA_PARSE_API_KEY"),
        ("environment-secret", "LLAMA_CLOUD_API_KEY"),
        ("file-secret", f'file "{file}"'),
    ] == [
        key_and_origin(older),
        key_and_origin({**older, "LLAMA_CLOUD_API_KEY": ""}),
        key_and_origin({**older, **KEY}),
        key_and_origin({**older, "LLAMA_CLOUD_API_KEY_FILE": str(file)}),
    ]


def test_white_space_around_the_values_of_a_project_is_left_out(tmp_path: Path) -> None:
    """Templates and editors leave white space around values in the file and in JSON."""
    (tmp_path / "secret.key").write_text("file-secret\n")
    fields = {
        "name": " one\n",
        "project_id": f"{FIRST_ID}\n",
        "organization_id": f" {SECOND_ID}",
        "api_key_file": f" {tmp_path}/secret.key\n",
        "base_url": "https://example.org\n",
        "directory_ids": [" dir-1\n"],
        "job_types": ["parse\n"],
        "api_versions": ["v2\n"],
    }
    file = tmp_path / "settings.yml"
    file.write_text(json.dumps({"projects": [fields]}))
    (in_json,) = projects({PROJECTS: json.dumps([fields]) + "\n"})
    (in_file,) = projects({"LLAMACLOUD_EXPORTER_CONFIG__FILE": f" {file}\n"})

    assert [
        ("one", FIRST_ID, SECOND_ID, "https://example.org", ("dir-1",), ("parse",), ("v2",))
    ] * 2 == [
        (
            found.name,
            found.project_id,
            found.organization_id,
            found.base_url,
            found.directory_ids,
            found.job_types,
            found.api_versions,
        )
        for found in (in_json, in_file)
    ]
    assert {SecretStr("file-secret")} == {in_json.key.value, in_file.key.value}


def test_white_space_around_the_variables_is_left_out(tmp_path: Path) -> None:
    """A variable of only white space counts as not set."""
    (tmp_path / "secret.key").write_text("file-secret\n")
    (found,) = projects(
        {
            "LLAMA_CLOUD_API_KEY_FILE": f"{tmp_path}/secret.key\n",
            "LLAMA_CLOUD_BASE_URL": " \n",
            "LLAMA_CLOUD_PROJECT_ID": "\n",
            "LLAMA_CLOUD_ORGANIZATION_ID": " ",
        }
    )
    assert ("default", "https://api.cloud.llamaindex.ai") == (found.name, found.base_url)
