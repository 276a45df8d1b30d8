"""Links, commands, flags and names in README, CONTRIBUTING and the pages of ``deploy/`` exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

import exporter
from exporter.config import load
from exporter.config.documentation import LLAMA_CLOUD_VARIABLES, documented_settings
from tests.docs.documentation_tables import DOCUMENTS, ROOT
from tests.support.deployed import DEPLOY, labels_by_sample, records, samples_named_in
from tests.support.documents import INDEX, PAGES, blocks, broken_links

SETTINGS = tuple(documented_settings())
# A wheel's file, and a pattern of names.
IN_NO_SCRAPE = {"llamacloud_batch_exporter"}
GROUPS = {doc.setting.partition(".")[0] for doc in SETTINGS}
MODES = {"--config.check", "--demo", "--help", "--once", "--version", "--healthcheck"}
# A container, chart, Deployment or folder of that name is not the program.
PROGRAM = re.compile(
    r"(?<!--name )(?<!helm/)(?<!llamacloud-)(?<!deployment/)(?<!/var/lib/)"
    r"llamacloud-batch-exporter((?: +--[\w.-]+(?:=\S+)?)+)"
)
# Paths in commands, relative to the top of the repository.
PATH = re.compile(r"(?<![\w/.~-])((?:deploy|exporter|tests)/[\w./-]*\w|[\w-]+\.lock)")

every_page = pytest.mark.parametrize(
    "page", DOCUMENTS, ids=lambda page: str(page.relative_to(ROOT).with_suffix(""))
)


def commands_of(page: Path) -> str:
    """Return the commands of a page, in its blocks and in its text."""
    text = page.read_text()
    typed = blocks(text, "sh") + re.findall(r"`([^`\n]+)`", text)
    return "\n".join(typed).replace("\\\n", " ")


def settings_of(page: Path) -> list[dict[str, Any]]:
    """Return the settings files that a page shows."""
    shown = [yaml.safe_load(block) for block in blocks(page.read_text(), "yaml")]
    return [block for block in shown if isinstance(block, dict) and set(block) <= GROUPS]


@every_page
def test_links_lead_somewhere(page: Path) -> None:
    """They lead to files of this repository, and to headings in them."""
    assert [] == broken_links(page)


def test_the_index_leads_to_every_page() -> None:
    """Each page is in one of its two tables, once."""
    linked = re.findall(r"^\|.*\]\(docs/([\w-]+)\.md\)", INDEX.read_text(), re.MULTILINE)
    assert sorted(linked) == sorted(page.stem for page in PAGES.glob("*.md"))


@pytest.mark.parametrize(
    "page",
    sorted({*DOCUMENTS, *DEPLOY.rglob("*.md")}),
    ids=lambda page: str(page.relative_to(ROOT)),
)
def test_no_command_edits_files_in_place(page: Path) -> None:
    """On macOS, `sed -i` reads the next word as a suffix."""
    assert "sed -i" not in page.read_text()


@every_page
def test_flags_exist(page: Path) -> None:
    """The flags are those of the exporter's own commands."""
    known = MODES | {doc.flag for doc in SETTINGS}
    given = " ".join(PROGRAM.findall(commands_of(page)))
    assert set() == set(re.findall(r"--[\w.-]+", given)) - known


@every_page
def test_variables_exist(page: Path) -> None:
    """They are variables of the exporter, or variables of LlamaCloud that it reads."""
    named = set(re.findall(r"\bLLAMA_?CLOUD_[A-Z0-9_]*[A-Z]", page.read_text()))
    assert set() == named - {doc.env for doc in SETTINGS} - set(LLAMA_CLOUD_VARIABLES)


@every_page
def test_metrics_exist(page: Path) -> None:
    """Readers would otherwise look for series that never appear."""
    named = samples_named_in(page.read_text()) - IN_NO_SCRAPE
    known = {*labels_by_sample(), *(rule["record"] for rule in records())}
    assert set() == {name for name in named if not name.endswith("_")} - known


def test_the_page_about_the_state_names_every_log_line_about_it() -> None:
    """It names no other log events."""
    code = "".join(file.read_text() for file in Path(exporter.__file__).parent.rglob("*.py"))
    written = set(re.findall(r'log\.\w+\(\s*"(state\.[a-z_]+)"', code))
    named = set(re.findall(r"`(state\.[a-z_]+)`", (PAGES / "state.md").read_text()))
    assert len(written) > 3
    assert written == named - {"state.file"}


@every_page
def test_files_and_targets_exist(page: Path) -> None:
    """Paths are relative to the top of a clone."""
    typed = commands_of(page)
    # Tests of the wheel run in a folder without the code.
    roots = (ROOT, Path(exporter.__file__).parent.parent)
    missing = {name for name in PATH.findall(typed) if not any((r / name).exists() for r in roots)}
    assert set() == missing
    targets = set(re.findall(r"^make ([a-z-]+)", typed, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text()
    assert set() == targets - set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))


@every_page
def test_settings_are_valid(page: Path, tmp_path: Path) -> None:
    """They are loaded as the pages show them, with the keys that they name."""
    key = tmp_path / "key"
    key.write_text("llx-made-up\n")
    for number, shown in enumerate(settings_of(page)):
        for project in shown.get("projects", ()):
            project["api_key_file"] = str(key)
        file = tmp_path / f"{number}.yml"
        file.write_text(yaml.safe_dump(shown))
        load(["--config.file", str(file)], {"LLAMA_CLOUD_API_KEY_FILE": str(key)})


def test_the_tests_find_what_they_compare() -> None:
    """Otherwise the tests above would pass without checking anything."""
    systemd = PAGES / "systemd.md"
    assert {"projects"} == set(settings_of(systemd)[0])
    assert "--config.check" in " ".join(PROGRAM.findall(commands_of(systemd)))
    assert "deploy/systemd/exporter.yml" in PATH.findall(commands_of(systemd))
    assert "requirements.lock" in PATH.findall(commands_of(systemd))
    assert "deploy/compose.yaml" in PATH.findall(commands_of(PAGES / "compose.md"))
