"""Texts that are no key in the place of a key, and keys in the place of other values."""

import json
from pathlib import Path

import pytest

from exporter.config import ConfigError, load

FIRST_ID = "123e4567-e89b-12d3-a456-426614174000"
KEY = "a-Secret-of-8"
PROJECTS = "LLAMACLOUD_EXPORTER_PROJECTS"
IN_QUOTES = "is in quotation marks; it must hold the key without them."
VARIABLE = "looks like a variable, such as ${NAME}, that was not filled in; it must hold the key."
PLACEHOLDER = "looks like a placeholder, such as <your-api-key>; it must hold the key."
ASSIGNMENT = "looks like NAME=value; it must hold the value alone."
NO_KEYS = [
    ('"llx-secret"', IN_QUOTES),
    ("'llx-secret'", IN_QUOTES),
    ("\N{LEFT DOUBLE QUOTATION MARK}llx-secret\N{RIGHT DOUBLE QUOTATION MARK}", IN_QUOTES),
    ("llx-secret'", IN_QUOTES),
    ("${LLAMA_KEY}", VARIABLE),
    ("$LLAMA_KEY", VARIABLE),
    ("$(cat secret)", VARIABLE),
    ("llx-${SECRET}", VARIABLE),
    ("{{ .Values.secret }}", VARIABLE),
    ("%LLAMA_KEY%", VARIABLE),
    ("<your-api-key>", PLACEHOLDER),
    ("llx-<secret>", PLACEHOLDER),
    ("llx-xxxxxxxx", PLACEHOLDER),
    ("***********", PLACEHOLDER),
    ("LLAMA_CLOUD_API_KEY=llx-secret", ASSIGNMENT),
    ('LLAMA_CLOUD_API_KEY="llx-secret" # mine', ASSIGNMENT),
    ("export KEY=llx-secret", ASSIGNMENT),
    ("api_key: llx-secret", ASSIGNMENT),
    ("Bearer llx-secret", "begins with Bearer; it must hold the key alone."),
]


def problems(environ: dict[str, str]) -> tuple[str, ...]:
    """Return the mistakes, none of which shows a key."""
    with pytest.raises(ConfigError) as raised:
        load([], environ)
    assert "secret" not in str(raised.value).lower()
    return raised.value.problems


@pytest.mark.parametrize(("text", "complaint"), NO_KEYS)
def test_what_is_no_key_is_reported_by_what_it_looks_like(
    text: str, complaint: str, tmp_path: Path
) -> None:
    """The message names the kind of the text; LlamaCloud would only answer 401."""
    key_file = tmp_path / "key"
    key_file.write_text(f"{text}\n")
    settings = tmp_path / "settings.yml"
    settings.write_text(json.dumps({"projects": [{"api_key": text}]}))

    assert [
        (f"LLAMA_CLOUD_API_KEY {complaint}",),
        (f"LLAMA_PARSE_API_KEY {complaint}",),
        (f"environment variable {PROJECTS}[0].api_key {complaint}",),
        (f"{settings}: projects[0].api_key {complaint}",),
        (f'the file "{key_file}" of LLAMA_CLOUD_API_KEY_FILE {complaint}',),
    ] == [
        problems({"LLAMA_CLOUD_API_KEY": text}),
        problems({"LLAMA_PARSE_API_KEY": text}),
        problems({PROJECTS: json.dumps([{"api_key": text}])}),
        problems({"LLAMACLOUD_EXPORTER_CONFIG__FILE": str(settings)}),
        problems({"LLAMA_CLOUD_API_KEY_FILE": str(key_file)}),
    ]


@pytest.mark.parametrize(
    "key", ["llx-AbC123", "c2VjcmV0LWtleQ==", "sk_abcd=", "a:b-c.d~e", "9x={}"]
)
def test_what_may_be_a_key_is_none_of_those(key: str) -> None:
    """Servers other than LlamaCloud's own have keys of other forms."""
    key = key.ljust(8, "0")
    (project,) = load([], {"LLAMA_CLOUD_API_KEY": key}).settings.projects
    assert project.key.value is not None
    assert key == project.key.value.get_secret_value()


SHOWN: list[dict[str, object]] = [
    {"name": KEY},
    {"name": f"invoices of {KEY.upper()}"},
    {"name": "x" * 190 + KEY},
    {"project_id": KEY},
    {"organization_id": KEY},
    {"directory_ids": ["dir-1", f"dir-{KEY}"]},
    {"base_url": f"https://{KEY}.example.org"},
    {"job_types": [KEY]},
    {"nmae": KEY},
]
OF_VARIABLE = {"LLAMA_CLOUD_API_KEY": KEY}, {"name": "other"}
OF_OTHER_PROJECT = {"LLAMA_CLOUD_API_KEY": "other-secret"}, {"name": "other", "api_key": KEY}


@pytest.mark.parametrize(
    ("fields", "elsewhere"),
    [
        *((fields, elsewhere) for fields in SHOWN for elsewhere in (OF_VARIABLE, OF_OTHER_PROJECT)),
        *((fields | {"api_key": KEY}, ({}, {"name": "other", "api_key": KEY})) for fields in SHOWN),
        ({"api_key_file": f"keys/{KEY}"}, OF_VARIABLE),
    ],
)
def test_a_key_in_a_field_that_is_shown_is_refused_and_not_shown(
    fields: dict[str, object], elsewhere: tuple[dict[str, str], dict[str, str]]
) -> None:
    """A name or id becomes a public label, so it must not hold the key of any project."""
    environ, other = elsewhere
    found = problems({**environ, PROJECTS: json.dumps([fields, other])})

    named = f"environment variable {PROJECTS}[0].{next(iter(fields))}"
    assert f"{named} holds an API key; it must not, because it is shown." == found[0]
    assert 1 + ("api_key_file" in fields) == len(found)


@pytest.mark.parametrize(
    "name", ["LLAMA_CLOUD_PROJECT_ID", "LLAMA_CLOUD_ORGANIZATION_ID", "LLAMA_CLOUD_BASE_URL"]
)
@pytest.mark.parametrize("text", [KEY, f"https://h/{KEY}", f"{FIRST_ID},{KEY}"])
def test_a_key_in_a_variable_that_is_shown_is_refused(name: str, text: str) -> None:
    """The key may have been put into the wrong variable."""
    expected = f"environment variable {name} holds an API key; it must not, because it is shown."
    assert (expected,) == tuple(dict.fromkeys(problems({"LLAMA_CLOUD_API_KEY": KEY, name: text})))


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--web.telemetry-path", f"/{KEY}"),
        ("--log.level", KEY),
        ("--log.level", "x" * 190 + KEY),
        ("--web.listen-address", f"{KEY}:9910"),
    ],
)
def test_a_key_in_any_other_setting_is_refused(flag: str, value: str) -> None:
    """Pages show paths, and messages show wrong values."""
    with pytest.raises(ConfigError) as raised:
        load([flag, value], {"LLAMA_CLOUD_API_KEY": KEY})
    assert (f"flag {flag} holds an API key; it must not, because it is shown.",) == (
        raised.value.problems
    )


def test_no_mistake_of_another_kind_shows_a_key(tmp_path: Path) -> None:
    """Messages show unknown names, but without the key."""
    settings = tmp_path / "settings.yml"
    settings.write_text(f"{KEY}: 1\nprojects: [{{{KEY}: 1}}]")
    with pytest.raises(ConfigError) as raised:
        load([f"--{KEY}=1", f"--config.file={settings}"], {"LLAMA_CLOUD_API_KEY": KEY})
    assert 3 == len(raised.value.problems)
    assert 3 == str(raised.value).count("[redacted]")
    assert KEY not in str(raised.value)
