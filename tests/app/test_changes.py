"""What replacing some settings by others takes: which pollers go on, stop and begin."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_DNS, uuid5

import pytest
from pydantic import SecretStr

from exporter.app.changes import FIXED, Begun, changes_between, with_fixed_of
from exporter.app.identity import former_state_keys_of, state_keys_of
from exporter.app.polled_project import rules_of
from exporter.config import PROJECTS, Project, documented_settings, load
from exporter.config.keys import ApiKey, KeyFile
from exporter.domain import ApiVersion

if TYPE_CHECKING:
    from exporter.config import Settings

URL = "https://api.cloud.llamaindex.ai"


def project(name: str, project_id: str | None = "", **facts: Any) -> Project:
    """Return a project whose id is its first name by default."""
    defaults: dict[str, Any] = {
        "organization_id": None,
        "key": ApiKey(SecretStr("llx-made-up"), "LLAMA_CLOUD_API_KEY"),
        "base_url": URL,
    }
    return Project(name, f"id-{name}" if project_id == "" else project_id, **defaults | facts)


def settings(*projects: Project, **flags: str) -> Settings:
    """Return the settings of projects."""
    given = [
        f"--{name.replace('__', '.').replace('_', '-')}={text}" for name, text in flags.items()
    ]
    loaded = load(given, {"LLAMA_CLOUD_API_KEY": "llx-made-up"}).settings
    return loaded.model_copy(update={"projects": projects})


ONE, TWO = project("one"), project("two")


def test_the_same_settings_change_nothing() -> None:
    """A reload without changes keeps every poller."""
    changes = changes_between(settings(ONE, TWO), settings(ONE, TWO))
    assert (ONE, TWO) == changes.kept
    assert ((), (), (), ()) == (changes.begun, changes.added, changes.removed, changes.changed)
    assert ((), ()) == (changes.changed_settings, changes.fixed_settings)


def test_the_order_of_projects_means_nothing() -> None:
    """Projects are identified by name, not by position."""
    assert (TWO, ONE) == changes_between(settings(ONE, TWO), settings(TWO, ONE)).kept


@pytest.mark.parametrize("key", ["api_key", "api_key_file"])
def test_the_place_of_a_project_in_the_file_means_nothing(tmp_path: Path, key: str) -> None:
    """It goes on when one before it is added or removed, with its key where it is now."""
    (tmp_path / "key").write_text("llx-made-up")
    file = tmp_path / "exporter.yml"

    def written(*names: str) -> Settings:
        held = {"api_key": "llx-made-up", "api_key_file": "key"}[key]
        entries = [
            f"{{name: {name}, project_id: {uuid5(NAMESPACE_DNS, name)}, {key}: {held}}}"
            for name in names
        ]
        file.write_text(f"projects: [{', '.join(entries)}]")
        return load([f"--config.file={file}"], {}).settings

    before, after = written("one", "two"), written("two", "one", "three")
    changes = changes_between(before, after)
    assert after.projects[:2] == changes.kept
    assert ((), ("three",)) == (changes.changed, changes.added)


def test_projects_are_added_and_removed() -> None:
    """The project that stays is not interrupted."""
    three = project("three")
    changes = changes_between(settings(ONE, TWO), settings(three, ONE))
    assert ((ONE,), (Begun(three),)) == (changes.kept, changes.begun)
    assert (("three",), ("two",), ()) == (changes.added, changes.removed, changes.changed)


def test_a_project_that_is_renamed_continues() -> None:
    """A renamed project continues, even if another one has its former name."""
    first, second = project("two", "id-one"), project("one", "id-two")
    changes = changes_between(settings(ONE, TWO), settings(first, second))
    assert (Begun(first, "one"), Begun(second, "two")) == changes.begun
    assert ((), (), ("two", "one")) == (changes.added, changes.removed, changes.changed)


@pytest.mark.parametrize(
    "written",
    [
        "prj-7c1d8a52-0b8e-4f1e-9c57-3f5c1f0a9e11",
        "7C1D8A52-0B8E-4F1E-9C57-3F5C1F0A9E11",
        "7c1d8a520b8e4f1e9c573f5c1f0a9e11",
    ],
)
def test_a_project_whose_id_is_written_in_another_way_continues(written: str) -> None:
    """LlamaCloud treats these spellings as one id, and so does the state file."""
    before = project("one", "7c1d8a52-0b8e-4f1e-9c57-3f5c1f0a9e11")
    after = project("one", written)
    assert state_keys_of([before]) == state_keys_of([after])
    changes = changes_between(settings(before), settings(after))
    assert ((Begun(after, "one"),), ()) == (changes.begun, changes.removed)


def test_a_default_project_is_known_by_its_name() -> None:
    """The id of a default project is not known."""
    before, after = project("one", None), project("first", None)
    changes = changes_between(settings(before), settings(after))
    assert (("first",), ("one",)) == (changes.added, changes.removed)


@pytest.mark.parametrize(
    "facts",
    [
        {"organization_id": "org"},
        {"key": ApiKey(SecretStr("llx-another"), "LLAMA_CLOUD_API_KEY")},
        {"key": ApiKey(SecretStr("llx-made-up"), "", KeyFile(Path(__file__), "the file"))},
        {"base_url": f"{URL}:443"},
        {"directory_ids": ("dir",)},
        {"job_types": ("parse",)},
        {"api_versions": (ApiVersion.V2,)},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_a_project_with_other_filters_gets_a_new_poller_that_continues(
    facts: dict[str, Any],
) -> None:
    """The project gets a new poller, which continues from the former one."""
    other = replace(ONE, **facts)
    changes = changes_between(settings(ONE, TWO), settings(other, TWO))
    assert ((TWO,), (Begun(other, "one"),)) == (changes.kept, changes.begun)
    assert ("one",) == changes.changed


@pytest.mark.parametrize("facts", [{"base_url": "https://eu"}, {"project_id": "other"}])
def test_another_project_of_the_same_name_does_not_go_on(facts: dict[str, Any]) -> None:
    """Another server or id is another project, so nothing is continued."""
    other = replace(ONE, **facts)
    changes = changes_between(settings(ONE), settings(other))
    assert (Begun(other),) == changes.begun
    assert (("one",), ("one",)) == (changes.added, changes.removed)


def test_a_key_in_a_file_is_read_again_by_the_poller(tmp_path: Path) -> None:
    """The content of a key file is no part of the settings."""
    file = KeyFile(tmp_path / "key", "the file")
    before = project("one", key=ApiKey(SecretStr("llx-before"), "", file))
    after = replace(before, key=ApiKey(None, "", file, "it is empty"))
    assert (after,) == changes_between(settings(before), settings(after)).kept


@pytest.mark.parametrize(
    ("flags", "kept"),
    [
        ({"poll__interval": "1m", "retention__failed": "2h"}, True),
        ({"api__requests_per_minute": "5", "api__timeout": "5s", "api__tls_strict": "false"}, True),
        ({"items__enabled": "false", "log__level": "debug", "log__documents": "false"}, True),
        ({"api__concurrency": "3"}, False),
        ({"api__versions": "v2"}, False),
    ],
)
def test_settings_of_all_projects(flags: dict[str, str], *, kept: bool) -> None:
    """Most settings need no other poller; all changed ones are named."""
    changes = changes_between(settings(ONE), settings(ONE, **flags))
    assert kept is (changes.kept == (ONE,))
    assert {name.replace("__", ".") for name in flags} == set(changes.changed_settings)


def test_versions_of_its_own_keep_a_project_from_those_of_all() -> None:
    """A project with its own versions keeps its poller."""
    own = project("one", api_versions=(ApiVersion.V1BETA,))
    changes = changes_between(settings(own, TWO), settings(own, TWO, api__versions="v2"))
    assert ((own,), (Begun(TWO, "two"),)) == (changes.kept, changes.begun)


def test_what_is_made_once_is_named_and_stays() -> None:
    """Settings that need a restart are named and keep their values; all others apply."""
    before = settings(ONE)
    after = settings(
        TWO,
        web__listen_address=":1234",
        web__telemetry_path="/m",
        web__enable_lifecycle="true",
        state__file="state",
        poll__interval="1m",
    )
    changes = changes_between(before, after)
    assert ("poll.interval",) == changes.changed_settings
    assert {
        "web.listen_address",
        "web.telemetry_path",
        "web.enable_lifecycle",
        "state.file",
    } == set(changes.fixed_settings)
    applied = with_fixed_of(after, before)
    assert (before.web, before.state) == (applied.web, applied.state)
    assert (60.0, (TWO,)) == (applied.poll.interval, applied.projects)


def test_several_entries_of_one_project_have_states_of_their_own() -> None:
    """One would overwrite that of the other."""
    parse = project("parse", "id", job_types=("parse",))
    extract = project("extract", "id", job_types=("extract",))
    keys = state_keys_of([parse, extract, TWO])
    assert 3 == len(set(keys.values()))
    assert keys["two"] == state_keys_of([TWO])["two"]


def test_an_entry_was_alone_or_one_of_several_before() -> None:
    """The former name of a default project is unknown."""
    one, two, default = project("one", "id"), project("two", "id"), project("default", None)
    alone, several = state_keys_of([one])["one"], state_keys_of([one, two])
    assert {alone: several["one"]} == former_state_keys_of([one, default])
    assert dict.fromkeys(several.values(), alone) == former_state_keys_of([one, two])


def test_an_entry_that_is_no_longer_alone_continues_under_another_key() -> None:
    """So that the other one does not take its state."""
    alone = project("one", "id", job_types=("parse",))
    other = project("other", "id", job_types=("extract",))
    changes = changes_between(settings(alone), settings(other, alone))
    assert (Begun(other), Begun(alone, "one")) == changes.begun


# Another value of each setting that a reload applies, by what it changes.
OF_THE_RULES = {
    "poll.interval": "1m",
    "poll.stale_after": "1h",
    "poll.full_listing_every": "1h",
    "poll.max_pages": "7",
    "items.enabled": "false",
    "items.max_pages": "7",
    "jobs.max_per_project": "7",
    "retention.finished": "2h",
    "retention.failed": "48h",
    "retention.min_scrapes": "1",
}
OF_THE_POLLER = {"api.versions": "v2", "api.concurrency": "3"}
# Read for each request or log line, or set by ``PolledProject.apply`` and ``ProjectSet.apply``.
IN_PLACE = {
    "api.timeout": "5s",
    "api.requests_per_minute": "5",
    "api.tls_strict": "false",
    "log.level": "debug",
    "log.format": "json",
    "log.documents": "false",
}
ONLY_AT_THE_START = {"config.file", "api.wait_for_key"}


@pytest.mark.parametrize(("name", "value"), [*OF_THE_RULES.items(), *OF_THE_POLLER.items()])
def test_a_reload_applies_the_setting(name: str, value: str) -> None:
    """By other rules, or by another poller."""
    before, after = settings(ONE), settings(ONE, **{name.replace(".", "__"): value})
    assert (name in OF_THE_RULES) is (changes_between(before, after).kept == (ONE,))
    assert rules_of(ONE, before) != rules_of(ONE, after) or name == "api.concurrency"


def test_it_is_known_how_a_reload_applies_each_setting() -> None:
    """A new setting must change the rules or the poller, be applied in place, or need a restart."""
    known = [*OF_THE_RULES, *OF_THE_POLLER, *IN_PLACE, *ONLY_AT_THE_START, *FIXED, PROJECTS]
    assert sorted(known) == sorted(doc.setting for doc in documented_settings())
