"""README, help texts and code say the same."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from deployed import records
from documentation import README, tables, tables_in, with_tables
from process import environment
from readme import readme, section

import exporter
from exporter.config import load
from exporter.config.documentation import LLAMA_CLOUD_VARIABLES, documented_settings
from exporter.domain import FAILURE_REASONS, ApiVersion
from exporter.exposition import FAMILIES as BATCH_FAMILIES
from exporter.telemetry import FAMILIES as EXPORTER_FAMILIES

if TYPE_CHECKING:
    from exporter.exposition import Family

FAMILIES = (*BATCH_FAMILIES, *EXPORTER_FAMILIES)
GROUPS_OF_EVENTS = "project|job|item|items|api|exporter|budget|key|config|state"
# The others that begin with web are settings.
EVENT = rf"(?:(?:{GROUPS_OF_EVENTS})\.[a-z_]+|web\.config_failed)"
PACKAGE = Path(exporter.__file__).parent
SUFFIXES = {"histogram": ("_bucket", "_count", "_sum")}


def log_events() -> set[str]:
    """Return the names of log lines that stand in the code."""
    code = "".join(path.read_text() for path in PACKAGE.rglob("*.py"))
    return set(re.findall(rf'"({EVENT})"', code))


def samples_named_in(text: str) -> set[str]:
    return set(re.findall(r"\bllamacloud_(?:batch|exporter)_[a-z_]+[a-z]\b", text))


@pytest.mark.parametrize("name", tables())
def test_the_tables_are_as_the_code_says(name: str) -> None:
    """Every metric with type, labels and meaning, every setting with its default, every alert.

    `make tables` writes them.
    """
    assert tables()[name] == tables_in(readme())[name]


def test_writing_the_tables_changes_nothing_else() -> None:
    """And nothing where they are right."""
    assert with_tables(readme()) == readme()
    without = re.sub(r"(<!-- settings -->\n).*?(<!-- end -->)", r"\1\2", readme(), flags=re.DOTALL)
    assert with_tables(without) == readme()


def test_the_readme_lists_every_reason_of_failed_items_in_its_order() -> None:
    """The order tells which one counts where a message holds several."""
    (item,) = [i for i in section("Read the numbers").split("\n- ") if "A failed item has one" in i]
    named = re.findall(r"`([a-z_]+)`", item)
    assert named == list(FAILURE_REASONS)


def test_the_readme_says_at_once_what_is_read_and_what_it_costs() -> None:
    """In its first paragraph: the generations of the API, what v2 lacks, and requests."""
    (first,) = re.findall(r"^# .*\n\n((?:.+\n)+)", readme())
    assert set(ApiVersion) <= set(re.findall(r"`(\w+)`", first))
    words = " ".join(first.split())
    for said in (
        "does not tell which items were skipped, when a job started",
        "cost two requests an interval for each project, and three more every quarter of an hour",
        "one more for each 100 parse or 20 extract file jobs that have not ended",
        "Single parse or extract jobs outside batches are not shown",
    ):
        assert said in words


def test_every_metric_that_the_readme_names_exists() -> None:
    """Also in its queries, and in its text."""
    names = set(
        chain.from_iterable(
            (family.name, *(family.name + suffix for suffix in SUFFIXES.get(family.type, ())))
            for family in FAMILIES
        )
    )
    names |= set(chain.from_iterable(samples_named_in(rule["record"]) for rule in records()))
    assert set() == samples_named_in(readme()) - names


def test_every_setting_that_the_readme_names_exists() -> None:
    """In its text, as in its tables."""
    groups = "|".join({doc.setting.split(".")[0] for doc in documented_settings()} - {"projects"})
    named = set(re.findall(rf"`((?:{groups})(?:\.[a-z_]+)+)", readme()))
    assert set() == named - {doc.setting for doc in documented_settings()} - log_events()
    assert set(LLAMA_CLOUD_VARIABLES) <= set(re.findall(r"LLAMA_(?:CLOUD|PARSE)_[A-Z_]+", readme()))


def test_every_log_line_that_the_readme_names_is_written() -> None:
    """Whoever looks for it would look for ever."""
    text = section("Use it") + section("Troubleshooting")
    named = set(re.findall(rf"`({EVENT})`", text)) - {doc.setting for doc in documented_settings()}
    assert {"project.listing_failed", "job.refresh_failed", "exporter.crashed"} <= named
    assert set() == named - log_events()


def test_every_path_and_target_that_contributors_are_told_of_exists() -> None:
    """Those who contribute find the places where to do so."""
    # The wheel is tested in a folder without the code.
    roots = (README.parent, PACKAGE.parent)
    contributing = (README.parent / "CONTRIBUTING.md").read_text()
    paths = re.findall(r"`(?:bash )?([\w.-]*/[\w./-]+)`", contributing)
    assert {"exporter/core/marks.py", ".ci/run"} <= set(paths)
    assert [] == [path for path in paths if not any((root / path).exists() for root in roots)]
    both = readme() + contributing
    targets = set(re.findall(r"(?:`|^)make ([a-z-]+)", both, re.MULTILINE))
    assert {"run", "test", "lint", "image"} <= targets
    written = (README.parent / "Makefile").read_text()
    assert set() == targets - set(re.findall(r"^([a-z-]+):", written, re.MULTILINE))


def test_the_annotated_configuration_is_valid(tmp_path: Path) -> None:
    """As it stands, given the key files that it names."""
    block = next(
        block
        for block in re.findall(r"```yaml\n(.*?)```", readme(), re.DOTALL)
        if "projects:" in block
    )
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
    """With its default."""
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
    """What runs is what it tells of."""
    first = next(
        line
        for line in (README.parent / "CHANGELOG.md").read_text().splitlines()
        if line.startswith("## ")
    )
    assert first.split()[1] == exporter.__version__


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_help_texts_are_sentences(family: Family) -> None:
    """Specific and whole, as Prometheus's users expect them."""
    text = family.help
    assert text[0].isupper() or text[0].isdigit()
    assert text.endswith(".")
    assert len(text.split()) >= 6


def test_links_within_the_readme_lead_somewhere() -> None:
    """To headings, and to files that exist."""
    headings = {
        re.sub(r"[^a-z0-9 -]", "", line.lstrip("#").strip().lower()).replace(" ", "-")
        for line in readme().splitlines()
        if line.startswith("#")
    }
    targets = re.findall(r"\]\(([^)]+)\)", readme())
    for target in targets:
        if target.startswith("#"):
            assert target[1:] in headings
        elif not target.startswith("http"):
            assert (README.parent / target.split("#")[0]).exists()


def test_the_picture_of_the_status_page_is_small() -> None:
    """Whoever clones the repository loads each version of it."""
    (picture,) = re.findall(r"!\[[^\]]+\]\(([^)]+\.png)\)", readme())
    data = (README.parent / picture).read_bytes()
    assert data.startswith(b"\x89PNG")
    assert 20_000 < len(data) < 200_000
