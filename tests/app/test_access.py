"""A project's key: read again where it comes from a file, and its budget."""

from __future__ import annotations

import gc
from dataclasses import replace
from typing import TYPE_CHECKING
from weakref import ref

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from exporter.app.access import BudgetLimits, Budgets, ProjectAccess, normalized_url
from exporter.config import Project
from exporter.config.keys import ApiKey, KeyFile
from exporter.llamacloud.errors import KeyMissing
from exporter.logs.redaction import Secrets
from tests.support.clients import budgets_of_plenty

if TYPE_CHECKING:
    from pathlib import Path

NAMED = "the file key of api_key_file"
ABSENT = "cannot be read: No such file or directory."


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Hold the first key."""
    path = tmp_path / "key"
    path.write_text("llx-first\n")
    return path


def project(file: Path | None = None) -> Project:
    key_file = KeyFile(file, NAMED) if file else None
    return Project(
        name="invoices",
        project_id=None,
        organization_id=None,
        key=ApiKey(SecretStr("llx-first"), 'file "key"', key_file),
        base_url="http://127.0.0.1:1",
    )


def renewed(access: ProjectAccess) -> bool:
    """Read the key again, and return whether another one is in use now."""
    before = access.changes
    access.renew()
    return access.changes > before


def test_a_key_from_elsewhere_is_never_another() -> None:
    """A key from a variable never changes."""
    access = ProjectAccess(project(), budgets_of_plenty(), Secrets())
    assert not renewed(access)
    assert "llx-first" == access.api_key


def test_a_file_that_changed_is_read_for_the_new_key(file: Path) -> None:
    """The change is logged, and the new key is redacted from then on."""
    secrets = Secrets()
    access = ProjectAccess(project(file), budgets_of_plenty(), secrets)
    with capture_logs() as logs:
        assert not renewed(access)
        file.write_text("llx-second")
        assert renewed(access)
        assert not renewed(access)
    assert "llx-second" == access.api_key
    assert [("key.changed", "invoices", 'file "key"')] == [
        (line["event"], line["project"], line["key"]) for line in logs
    ]
    assert "a [redacted] b" == secrets.redact("a llx-second b")


def test_a_file_without_a_usable_key_changes_nothing(file: Path) -> None:
    """The current key stays in use, and the problem is logged once with advice."""
    access = ProjectAccess(project(file), budgets_of_plenty(), Secrets())
    with capture_logs() as logs:
        file.write_text("")
        assert [False, False] == [renewed(access), renewed(access)]
        file.unlink()
        assert not renewed(access)
        file.write_text("llx-second")
        assert renewed(access)
        file.write_text("two words")
        assert not renewed(access)
    assert "llx-second" == access.api_key
    events = [line["event"] for line in logs]
    assert ["key.unreadable", "key.changed", "key.unreadable"] == events
    assert "the file key of api_key_file is empty; it must hold a key." == logs[0]["detail"]
    assert "stays in use" in logs[0]["advice"]
    assert not any("words" in str(line) for line in logs)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ('"llx-second"', "is in quotation marks"),
        ("${KEY}", "looks like a variable"),
        ("<your-api-key>", "looks like a placeholder"),
        ("LLAMA_CLOUD_API_KEY=llx-second", "looks like NAME=value"),
        ("x" * 100_000, "is larger than 16 KiB"),
    ],
)
def test_a_file_that_holds_no_key_any_more_is_logged_once(
    file: Path, content: str, complaint: str
) -> None:
    """The log says what is wrong with the text, and the current key stays in use."""
    access = ProjectAccess(project(file), budgets_of_plenty(), Secrets())
    file.write_text(content)
    with capture_logs() as logs:
        assert [False, False] == [renewed(access), renewed(access)]
    (line,) = logs
    assert ("key.unreadable", "warning") == (line["event"], line["log_level"])
    assert complaint in line["detail"]
    assert "stays in use" in line["advice"]
    assert "llx-second" not in str(line)
    assert "llx-first" == access.api_key


def test_a_file_that_is_readable_again_is_logged(file: Path) -> None:
    """The recovery is logged even if the key did not change."""
    access = ProjectAccess(project(file), budgets_of_plenty(), Secrets())
    with capture_logs() as logs:
        for content in ("", "llx-first\n", "llx-first\n"):
            file.write_text(content)
            assert not renewed(access)
    assert ["key.unreadable", "key.readable"] == [line["event"] for line in logs]
    assert ("info", "invoices", 'file "key"') == (
        logs[1]["log_level"],
        logs[1]["project"],
        logs[1]["key"],
    )


def without_key(file: Path, problem: str = "") -> Project:
    """Make a project that waits for its key file."""
    there = project(file)
    return replace(there, key=replace(there.key, value=None, problem=problem))


def waiting_access(file: Path, secrets: Secrets | None = None) -> ProjectAccess:
    """Make the access of a project whose key file is not there yet."""
    waiting = without_key(file, problem=f"{NAMED} {ABSENT}")
    return ProjectAccess(waiting, budgets_of_plenty(), secrets or Secrets())


def test_there_is_no_key_before_its_file_holds_one(tmp_path: Path) -> None:
    """Requests fail with what is missing; the key is used and redacted once it is there."""
    file, secrets = tmp_path / "later" / "key", Secrets()
    access = waiting_access(file, secrets)
    with capture_logs() as logs:
        with pytest.raises(KeyMissing, match=ABSENT):
            _ = access.api_key
        budget_before = access.budget
        assert [False, False] == [renewed(access), renewed(access)]
        file.parent.mkdir()
        file.write_text("llx-late\n")
        assert renewed(access)
    assert "llx-late" == access.api_key
    assert access.budget is not budget_before
    assert "a [redacted] b" == secrets.redact("a llx-late b")
    # The listing that fails for a missing key reports it at the start.
    assert [("info", "key.readable", 'file "key"')] == [
        (line["log_level"], line["event"], line["key"]) for line in logs
    ]


def test_each_new_problem_of_a_file_that_is_waited_for_is_logged_once(tmp_path: Path) -> None:
    """Each step of creating the file can fail, so each new problem is logged once with advice."""
    file = tmp_path / "key"
    access = waiting_access(file)
    with capture_logs() as logs:
        for content in ("", "two words", "", "two words"):
            file.write_text(content)
            assert not renewed(access)
        with pytest.raises(KeyMissing, match="such as spaces"):
            _ = access.api_key
        file.write_text("llx-late")
        assert renewed(access)
        file.unlink()
        assert not renewed(access)
    reported = [(line["event"], line.get("detail", "")) for line in logs]
    assert [
        ("key.unreadable", f"{NAMED} is empty; it must hold a key."),
        ("key.unreadable", f"{NAMED} holds characters that no key has, such as spaces."),
        ("key.readable", ""),
        ("key.unreadable", f"{NAMED} {ABSENT}"),
    ] == reported
    assert "no request is sent before the file holds a key" in logs[0]["advice"]
    assert "stays in use" in logs[3]["advice"]
    assert "llx-late" == access.api_key


def test_projects_without_keys_share_no_budget_with_others(file: Path) -> None:
    """A missing key has a budget of its own."""
    shared = budgets_of_plenty()
    waiting = without_key(file)
    first, second = (ProjectAccess(each, shared, Secrets()) for each in (project(), waiting))
    assert first.budget is not second.budget
    second.renew()
    assert first.budget is second.budget


def test_a_key_that_is_half_written_is_none(file: Path) -> None:
    """A part of a key is not used, or it would be redacted from every log line."""
    secrets = Secrets()
    access = ProjectAccess(project(file), budgets_of_plenty(), secrets)
    for half in ("l", "llx-", "null"):
        file.write_text(half)
        assert not renewed(access)
    assert "llx-first" == access.api_key
    assert "null and l" == secrets.redact("null and l")


@pytest.mark.parametrize(
    "spelled",
    ["https://h", "https://h/", "https://H", "HTTPS://h:443", "https://h:443/", "https://h:0443"],
)
def test_a_server_has_one_budget_however_it_is_spelled(spelled: str) -> None:
    """Otherwise each spelling would get its own budget, and the key many times its limit."""
    shared = budgets_of_plenty()
    plain, other = (
        ProjectAccess(replace(project(), base_url=url), shared, Secrets())
        for url in ("https://h", spelled)
    )
    assert plain.budget is other.budget


@pytest.mark.parametrize("other", ["http://h", "https://h:444", "https://h/eu", "https://i"])
def test_another_server_has_another_budget(other: str) -> None:
    """Scheme, host, port and path all distinguish servers."""
    assert normalized_url(other) != normalized_url("https://h")


@pytest.mark.parametrize(
    ("one", "same"),
    [("http://[::1]", "HTTP://[::1]:80/"), ("https://h/eu", "https://H:443/eu/")],
)
def test_spellings_of_one_server_are_one(one: str, same: str) -> None:
    """Spellings of IPv6 addresses, ports and paths are normalized."""
    assert normalized_url(one) == normalized_url(same)


def test_projects_of_one_key_share_its_budget(file: Path) -> None:
    """Also after one of them was given the other's key; another base URL has its own."""
    shared = budgets_of_plenty()
    first = ProjectAccess(project(), shared, Secrets())
    second = ProjectAccess(project(file), shared, Secrets())
    elsewhere = replace(project(), base_url="http://127.0.0.1:2")
    third = ProjectAccess(elsewhere, shared, Secrets())
    assert first.budget is second.budget
    assert first.budget is not third.budget
    file.write_text("llx-second")
    second.renew()
    assert first.budget is not second.budget
    file.write_text("llx-first")
    second.renew()
    assert first.budget is second.budget


def test_a_budget_is_kept_for_a_project_that_returns() -> None:
    """A new budget would allow another burst; an old one is dropped after 15 minutes."""
    now = 0.0
    shared = Budgets(BudgetLimits(1.0, 0.1, 2), lambda: now)
    used = shared.of("llx-first", "https://h", key_name="")
    budget = ref(used)
    shared.keep(used)
    del used
    assert shared.of("llx-first", "https://h", key_name="") is budget()
    now = 901.0
    shared.keep(shared.of("llx-other", "https://h", key_name=""))
    gc.collect()
    assert budget() is None


def test_other_limits_apply_to_all_budgets() -> None:
    """New limits apply to existing and later budgets."""
    shared = Budgets(BudgetLimits(1.0, 0.1, 2))
    first = shared.of("llx-first", "https://h", key_name="")
    shared.configure(BudgetLimits(0.5, 0.1, 2))
    second = shared.of("llx-second", "https://h", key_name="")
    assert (0.5, 0.5) == (first.requests_per_second, second.requests_per_second)


def test_a_key_has_the_name_that_it_has_in_the_settings_now(file: Path) -> None:
    """The origin of a key changes with its position in the list; the budget's log lines follow."""
    access = ProjectAccess(project(file), budgets_of_plenty(), Secrets())
    renamed = replace(project(file).key, origin="the second")
    access.apply(replace(project(file), key=renamed))
    with capture_logs() as logs:
        access.budget.refused(sent_at=0.0, retry_after_seconds=None)
        file.write_text("llx-second")
        access.renew()
    assert [("budget.reduced", "the second"), ("key.changed", "the second")] == [
        (line["event"], line["key"]) for line in logs
    ]
