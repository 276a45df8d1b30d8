"""README, reference, help texts and code agree."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

import exporter
from exporter.config import load
from exporter.config.documentation import LLAMA_CLOUD_VARIABLES, documented_settings
from exporter.domain import (
    FAILURE_REASONS,
    ApiVersion,
    ErrorReason,
    ItemStatus,
    JobStatus,
    JobType,
)
from exporter.exposition import FAMILIES as BATCH_FAMILIES
from exporter.telemetry import FAMILIES as EXPORTER_FAMILIES
from tests.docs.documentation_tables import DOCUMENTS, README, ROOT, tables, tables_in, with_tables
from tests.support.deployed import RULE_FILES
from tests.support.documents import blocks, section
from tests.support.exporter_process import environment
from tests.support.reference import page, readme
from tests.support.tools import promtool

if TYPE_CHECKING:
    from enum import StrEnum

    from exporter.exposition import Family

FAMILIES = (*BATCH_FAMILIES, *EXPORTER_FAMILIES)
GROUPS_OF_EVENTS = "project|job|item|items|api|exporter|budget|key|config|state"
# Other names that begin with web are settings.
EVENT = rf"(?:(?:{GROUPS_OF_EVENTS})\.[a-z_]+|web\.config_failed)"
# A host, files and Helm values, which look like settings and log events.
LOOK_ALIKES = {
    "api.cloud.llamaindex.ai",
    "exporter.state.damaged",
    "exporter.state.lock",
    "exporter.yml",
    "state.enabled",
    "state.persistence",
    "state.persistence.annotations",
    "state.persistence.enabled",
    "web.port",
    "web.yml",
}
PACKAGE = Path(exporter.__file__).parent
# Links are relative to the folder of the pages.
CONTRIBUTING = "../../CONTRIBUTING"


def log_events() -> set[str]:
    """Return the names of the log events in the code."""
    code = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    return set(re.findall(rf'"({EVENT})"', code))


@pytest.mark.parametrize("name", tables())
def test_the_tables_are_as_the_code_says(name: str) -> None:
    """They hold every metric, every setting with its default, and every alert.

    Each table is in one place. `make tables` writes them.
    """
    written = [tables_in(document.read_text()) for document in DOCUMENTS]
    assert [tables()[name]] == [each[name] for each in written if name in each]


def test_writing_the_tables_changes_nothing_else() -> None:
    """Tables that are up to date stay as they are."""
    whole = page("settings")
    assert with_tables(whole) == whole
    without = re.sub(r"(<!-- settings -->\n).*?(<!-- end -->)", r"\1\2", whole, flags=re.DOTALL)
    assert with_tables(without) == whole


def test_every_reason_of_failed_items_is_listed_in_its_order() -> None:
    """The order decides which reason a message with several ones gets."""
    text = section("reading-the-numbers", "Reasons of failed items")
    assert re.findall(r"`([a-z_]+)`", text) == list(FAILURE_REASONS)


@pytest.mark.parametrize(
    ("label", "values"),
    [
        ("job_type", JobType),
        ("status", JobStatus),
        ("item_status", ItemStatus),
        ("api_version", ApiVersion),
    ],
)
def test_every_value_of_a_label_is_listed(label: str, values: type[StrEnum]) -> None:
    """The order is that of the code."""
    (row,) = re.findall(rf"^\| `{label}` \| (.*) \|$", section("metrics", "Labels"), re.MULTILINE)
    assert re.findall(r"`(\w+)`", row) == list(values)


def test_there_is_a_remedy_for_every_reason_of_failed_polls() -> None:
    """The reasons are those of the log and of `llamacloud_exporter_poll_errors_total`."""
    text = section("troubleshooting", "A project cannot be read")
    rows = re.findall(r"^\| (.*?) \|", text, re.MULTILINE)
    named = re.findall(r"`(\w+)`", " ".join(rows))
    assert set() == set(ErrorReason) - set(named)


def test_the_readme_is_read_in_five_minutes() -> None:
    """Longer explanations have their own pages."""
    assert len(README.read_bytes()) <= 12_000


def test_the_readme_says_at_once_what_is_read_and_shown() -> None:
    """Its first paragraph names the API generations, and what is not supported."""
    (first,) = re.findall(r"^# .*\n\n((?:.+\n)+)", readme())
    assert set(ApiVersion) <= set(re.findall(r"`(\w+)`", first))
    assert "Single parse or extract jobs outside batches are not shown" in " ".join(first.split())


def test_the_readme_says_what_it_costs_and_what_v2_lacks() -> None:
    """Both are among the limitations."""
    words = " ".join(readme().split("## Six things to know\n")[1].split("\n## ")[0].split())
    for said in (
        "cost two requests an interval for each project, and three more every quarter of an hour",
        "one more for each 100 parse or 20 extract file jobs that have not ended",
        "which items were skipped",
        "when a job started",
    ):
        assert said in words, f"README.md, under 'Six things to know', does not say: {said}"


def test_prometheus_accepts_the_configuration_of_the_readme(tmp_path: Path) -> None:
    """It is checked in a clone, with rule files that exist."""
    (block,) = [each for each in blocks(readme(), "yaml") if "scrape_configs" in each]
    (tmp_path / "deploy").symlink_to(ROOT / "deploy")
    file = tmp_path / "prometheus.yml"
    file.write_text(block)
    checked = promtool("check", "config", file)
    assert 0 == checked.returncode, checked.stderr
    assert {path.name for path in RULE_FILES} == {
        path.name
        for pattern in yaml.safe_load(block)["rule_files"]
        for path in tmp_path.glob(pattern)
    }


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_setting_and_log_line_that_is_named_exists(document: Path) -> None:
    """Readers would otherwise search in vain."""
    settings = {doc.setting for doc in documented_settings()}
    groups = "|".join({setting.split(".")[0] for setting in settings} - {"projects"})
    text = document.read_text()
    named = set(re.findall(rf"`((?:{groups}|{GROUPS_OF_EVENTS})\.[a-z_.]*[a-z])\b", text))
    assert set() == named - settings - log_events() - LOOK_ALIKES


def test_the_tests_find_settings_and_log_lines() -> None:
    """Otherwise the tests above would pass without checking anything."""
    assert {"project.listing_failed", "job.refresh_failed", "exporter.crashed"} <= log_events()
    assert "`project.listing_failed`" in page("troubleshooting")
    assert set(LLAMA_CLOUD_VARIABLES) <= set(
        re.findall(r"LLAMA_(?:CLOUD|PARSE)_[A-Z_]+", page("settings"))
    )


def test_every_path_and_target_for_contributors_exists() -> None:
    """CONTRIBUTING.md names only existing files and make targets."""
    # Tests of the wheel run in a folder without the code.
    roots = (ROOT, PACKAGE.parent)
    contributing = (ROOT / "CONTRIBUTING.md").read_text()
    paths = re.findall(r"`(?:bash )?([\w.-]+/[\w./-]+)`", contributing)
    assert {"exporter/core/marks.py", ".ci/run"} <= set(paths)
    assert [] == [path for path in paths if not any((root / path).exists() for root in roots)]
    both = readme() + contributing
    targets = set(re.findall(r"(?:`|^)make ([a-z-]+)", both, re.MULTILINE))
    assert {"run", "test", "lint", "image"} <= targets
    written = (ROOT / "Makefile").read_text()
    assert set() == targets - set(re.findall(r"^([a-z-]+):", written, re.MULTILINE))


def test_contributors_learn_where_a_test_goes() -> None:
    """The table has every folder of tests, and no other."""
    named = set(re.findall(r"`(\w+)`", section(CONTRIBUTING, "Where a test goes")))
    folders = {file.parent.name for file in (ROOT / "tests").glob("*/test_*.py")}
    assert folders == named


def test_the_glossary_is_short() -> None:
    """It lists each term once, and few enough to remember."""
    terms = re.findall(r"^\| \*\*(.+?)\*\* \|", section(CONTRIBUTING, "Glossary"), re.MULTILINE)
    assert 20 <= len(terms) == len(set(terms)) <= 25


def test_the_annotated_configuration_is_valid(tmp_path: Path) -> None:
    """It is loaded as it is, with the key files that it names."""
    block = next(block for block in blocks(page("settings"), "yaml") if "projects:" in block)
    (tmp_path / "keys").mkdir()
    for name in ("invoices", "contracts", "on-premises"):
        (tmp_path / "keys" / name).write_text("llx-made-up\n")
    file = tmp_path / "exporter.yml"
    file.write_text(block)
    settings = load(["--config.file", str(file)], {}).settings
    assert ["invoices", "contracts-eu", "on-premises"] == [p.name for p in settings.projects]
    assert (60.0, 600.0, 15.0) == (
        settings.poll.interval,
        settings.poll.stale_after,
        settings.api.requests_per_minute,
    )


def test_help_names_every_setting_and_variable() -> None:
    """It also shows each default."""
    printed = subprocess.run(
        [sys.executable, "-m", "exporter", "--help"],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    words = " ".join(printed.split())
    for doc in documented_settings():
        assert f"Default: {doc.default}. Variable: {doc.env}" in words
        assert (doc.flag or doc.setting) in words
        assert doc.help in words
    assert all(name in words for name in LLAMA_CLOUD_VARIABLES)


def test_the_changelog_begins_with_this_version() -> None:
    """Its first section is about the running version."""
    first = next(
        line for line in (ROOT / "CHANGELOG.md").read_text().splitlines() if line.startswith("## ")
    )
    assert first.split()[1] == exporter.__version__


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_help_texts_are_sentences(family: Family) -> None:
    """They are specific and complete, as Prometheus recommends."""
    text = family.help
    assert text[0].isupper() or text[0].isdigit()
    assert text.endswith(".")
    assert len(text.split()) >= 6


def test_the_picture_of_the_status_page_is_small() -> None:
    """Every clone of the repository downloads each version of it."""
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", readme())
    data = (ROOT / picture).read_bytes()
    assert data.startswith(b"\x89PNG")
    assert 20_000 < len(data) < 200_000
