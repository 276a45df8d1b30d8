"""Files that are not regular, have no end, or exhaust their reader are reported as mistakes."""

import os
import resource
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from exporter.config import ConfigError, load

KEY = {"LLAMA_CLOUD_API_KEY": "llx-environment-secret"}
SPARSE_BYTES = 100 * 1024 * 1024
PEAK_KIB = 32 * 1024
# It takes a few tenths; on a busy machine with coverage, some more. The fault takes minutes.
MOST_SECONDS = 3.0


def problem(argv: list[str], environ: dict[str, str]) -> str:
    """Return the only mistake; it must be found quickly and in bounded memory."""
    peak_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began = time.process_time()
    with pytest.raises(ConfigError) as raised:
        load(argv, environ)
    assert time.process_time() - began < MOST_SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak_kib < PEAK_KIB
    (found,) = raised.value.problems
    return found


def sparse(path: Path) -> None:
    """Make a sparse file of 100 MB."""
    path.touch()
    os.truncate(path, SPARSE_BYTES)


NO_FILES = [
    (os.mkfifo, "is no regular file; it must be one."),
    (lambda path: path.symlink_to("/dev/zero"), "is no regular file; it must be one."),
    (os.mkdir, "cannot be read: Is a directory."),
]
KINDS = ["pipe", "device", "directory", "large file"]


@pytest.mark.parametrize(("make", "complaint"), [*NO_FILES, (sparse, "is larger than 128 KiB.")])
def test_a_configuration_file_that_is_none_is_a_mistake(
    make: Callable[[Path], None], complaint: str, tmp_path: Path
) -> None:
    """A named pipe does not block the start, and an endless device is not read."""
    file = tmp_path / "settings.yml"
    make(file)
    found = problem([f"--config.file={file}"], KEY)
    assert f'the configuration file "{file}" {complaint}' == found


@pytest.mark.parametrize(("make", "complaint"), [*NO_FILES, (sparse, "is larger than 16 KiB.")])
def test_a_key_file_that_is_none_is_a_mistake(
    make: Callable[[Path], None], complaint: str, tmp_path: Path
) -> None:
    """Key files are also read while projects are polled."""
    file = tmp_path / "key"
    make(file)
    found = problem([], {"LLAMA_CLOUD_API_KEY_FILE": str(file)})
    assert f'the file "{file}" of LLAMA_CLOUD_API_KEY_FILE {complaint}' == found


def chained(first: str, following: str) -> str:
    """Return a list in which each entry names the one before it twice."""
    names = [f"a{number}" for number in range(60)]
    return f"- &a0 {first}\n" + "".join(
        f"- &{name} {following.format(before)}\n" for before, name in pairwise(names)
    )


TOO_MANY = "there are more than 10000 values, or 1000 aliases"
HOSTILE = {
    "brackets": ("a: " + "[" * 100_000, "is nested too deeply."),
    "braces": ("a: " + "{a: " * 30_000, "is nested too deeply."),
    "lists": ("- " * 60_000, "is nested too deeply."),
    "keys": ("? " * 60_000, "is nested too deeply."),
    "values": ("a: [" + "b," * 60_000 + "]", f"is not valid YAML: line 1: {TOO_MANY}."),
    "aliases": ("a: [&a {b: c}," + "*a," * 40_000 + "]", f"is not valid YAML: line 1: {TOO_MANY}."),
    "a million aliases": ("a: [&a b," + "*a," * 1_000_000 + "]", "is larger than 128 KiB."),
    "merges": (
        "projects:\n" + chained("{name: a}", "{{<<: [*{0}, *{0}]}}"),
        "is not valid YAML: line 9: a mapping that merges others has more than 100 keys.",
    ),
    "projects": (
        "projects:\n" + "- {name: a}\n" * 2_000,
        "projects must be a list of at most 1000 projects.",
    ),
    "lists in lists": (
        "projects: " + "[" * 20 + "]" * 20,
        "projects[0] must be a mapping of settings to values.",
    ),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_yaml_that_is_made_to_exhaust_is_a_mistake(name: str, tmp_path: Path) -> None:
    """Depth, number of values, aliases and merges are all bounded."""
    text, complaint = HOSTILE[name]
    file = tmp_path / "settings.yml"
    file.write_text(text)
    found = problem([f"--config.file={file}"], KEY)
    assert found in (f'the configuration file "{file}" {complaint}', f"{file}: {complaint}")


@pytest.mark.parametrize(
    "text",
    [
        "projects:\n" + chained("{name: a}", "[*{0}, *{0}]"),
        "projects:\n" + chained("{directory_ids: &b0 [a]}", "{{directory_ids: [*{0}, *{0}]}}"),
        "poll: {interval: &a [*a, *a]}",
        "log:\n  level:\n" + chained("a", "[*{0}, *{0}]").replace("- ", "  - "),
    ],
)
def test_values_that_name_one_another_are_not_written_out(text: str, tmp_path: Path) -> None:
    """Sixty levels that each double the size would fill any memory."""
    file = tmp_path / "settings.yml"
    file.write_text(text)
    began = time.process_time()
    with pytest.raises(ConfigError) as raised:
        load([f"--config.file={file}"], KEY)
    assert time.process_time() - began < MOST_SECONDS
    assert len(str(raised.value)) < 20_000


def test_anchors_and_merges_can_be_used(tmp_path: Path) -> None:
    """Projects can share settings through an anchor."""
    file = tmp_path / "settings.yml"
    file.write_text(
        "projects:\n"
        "- &first {name: first, job_types: [parse]}\n"
        + "".join(f"- {{<<: *first, name: project-{number}}}\n" for number in range(500))
    )
    projects = load([f"--config.file={file}"], KEY).settings.projects
    assert 501 == len(projects)
    assert {("parse",)} == {project.job_types for project in projects}


@pytest.mark.parametrize("text", ["[" * 100_000, '[{"name": ' * 10_000, "[" * 900 + "]" * 900])
def test_deep_json_is_a_mistake(text: str) -> None:
    """Deeply nested JSON in the projects variable is a mistake like any other."""
    found = problem([], {**KEY, "LLAMACLOUD_EXPORTER_PROJECTS": text})
    assert "environment variable LLAMACLOUD_EXPORTER_PROJECTS" in found


def test_a_hundred_mistakes_are_listed_and_the_rest_counted(tmp_path: Path) -> None:
    """The error message itself is bounded."""
    file = tmp_path / "settings.yml"
    file.write_text("projects:\n" + "- {nmae: a}\n" * 300)
    with pytest.raises(ConfigError) as raised:
        load([f"--config.file={file}"], KEY)
    lines = str(raised.value).splitlines()
    assert ("The settings have 300 mistakes:", "  - and 200 more.") == (lines[0], lines[101])
    assert 103 == len(lines)


def test_a_byte_order_mark_is_no_part_of_a_file(tmp_path: Path) -> None:
    """Some editors write a byte order mark."""
    settings, key = tmp_path / "settings.yml", tmp_path / "key"
    settings.write_text("projects: [{api_key_file: key}]", "utf-8-sig")
    key.write_text("llx-first\n", "utf-8-sig")
    (project,) = load([f"--config.file={settings}"], {}).settings.projects
    assert project.key.value is not None
    assert "llx-first" == project.key.value.get_secret_value()
