"""A web configuration that changes while the exporter runs, for the better or the worse."""

from __future__ import annotations

import os
import resource
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from structlog.testing import capture_logs

from exporter.config import ConfigError
from exporter.web_config import current
from exporter.web_config.current import CurrentWebConfig
from exporter.web_config.loading import load_web_config
from tests.support.tls_clients import basic, hash_of, rewrite

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from exporter.web_config.loading import LoadedWebConfig, Stamp
    from tests.support.certificates import Certificates

ADVICE = "the previous web configuration stays in force; correct the file"


class Watch:
    """A configuration in force, and the reports about it."""

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.current = CurrentWebConfig(file, clock)
        self.reported: list[bool] = []
        self.current.loaded = lambda *, successful, at: self.reported.append(successful and at > 0)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Write a file with a header."""
    file = tmp_path / "web.yml"
    file.write_text("http_server_config: {headers: {X-Frame-Options: deny}}")
    return file


def test_nothing_is_read_again_while_nothing_changes(file: Path) -> None:
    """A request costs one check of the files' status."""
    watch = Watch(file)
    with capture_logs() as lines:
        assert watch.current.get() is watch.current.get()
    assert [[], []] == [lines, watch.reported]


def test_a_change_is_logged_once(file: Path) -> None:
    """As reloads of the settings are."""
    watch = Watch(file)
    file.write_text("http_server_config: {headers: {X-Frame-Options: sameorigin}}")
    with capture_logs() as lines:
        headers = [dict(watch.current.get().headers) for _ in range(3)]

    assert [{"X-Frame-Options": "sameorigin"}] * 3 == headers
    assert [{"event": "config.reloaded", "file": str(file), "log_level": "info"}] == lines
    assert [True] == watch.reported


def test_a_broken_file_changes_nothing_and_is_logged_once(file: Path) -> None:
    """Also where it is written again with the same mistake; mended, it is in force."""
    watch = Watch(file)
    good = file.read_text()
    with capture_logs() as lines:
        for text in ("rate_limit: {burst: x}", "rate_limit: {burst: x} #", "rate_limit: 7"):
            file.write_text(text)
            assert "deny" == watch.current.get().headers["X-Frame-Options"]
            watch.current.get()
        file.unlink()
        assert "deny" == watch.current.get().headers["X-Frame-Options"]
        file.write_text(good)
        assert "deny" == watch.current.get().headers["X-Frame-Options"]

    named = f'the web configuration file "{file}"'
    assert [
        f'{named}: rate_limit.burst must be a whole number, not "x".',
        f"{named}: rate_limit must be a mapping.",
        f"{named} cannot be read: No such file or directory.",
    ] == [line["detail"] for line in lines if line["event"] == "web.config_failed"]
    assert {ADVICE} == {line["advice"] for line in lines if "advice" in line}
    assert "config.reloaded" == lines[-1]["event"]
    assert [False] * 4 + [True] == watch.reported


def test_tls_cannot_be_switched_without_a_restart(file: Path, certificates: Certificates) -> None:
    """The clients that are connected speak what they speak."""
    cert, key = certificates.pair("server")
    tls = f"tls_server_config: {{cert_file: {cert}, key_file: {key}}}"
    users = f"basic_auth_users: {{alice: '{hash_of('secret')}'}}"
    watch = Watch(file)
    with capture_logs() as lines:
        file.write_text(f"{tls}\n{users}")
        assert not watch.current.get().users
        file.write_text(users)
        assert watch.current.get().users
        assert not watch.current.has_tls

    assert (
        f'the web configuration file "{file}": TLS cannot be switched on while the exporter runs:'
        " restart it." == lines[0]["detail"]
    )
    assert [False, True] == watch.reported


def test_a_pair_that_does_not_match_leaves_the_former_one(
    tmp_path: Path, certificates: Certificates
) -> None:
    """Users replace two files one after the other."""
    for ending, source in zip(("crt", "key"), certificates.pair("server"), strict=True):
        (tmp_path / f"tls.{ending}").write_bytes(source.read_bytes())
    file = tmp_path / "web.yml"
    file.write_text("tls_server_config: {cert_file: tls.crt, key_file: tls.key}")
    watch = Watch(file)
    context = watch.current.tls().context
    other_cert, other_key = (path.read_bytes() for path in certificates.pair("second"))
    with capture_logs():
        rewrite(tmp_path / "tls.crt", other_cert)
        assert context is watch.current.tls().context
        rewrite(tmp_path / "tls.key", other_key)
        assert context is not watch.current.tls().context
    assert [False, True] == watch.reported


@pytest.mark.parametrize("begun", ["", "\n", "# Who may scrape\n", "---\n"])
def test_passwords_stay_required_while_a_file_is_being_written(file: Path, begun: str) -> None:
    """Many programs empty a file before they write it; at the start, that is no mistake."""
    file.write_text(f"basic_auth_users: {{alice: '{hash_of('secret')}'}}")
    watch = Watch(file)
    with capture_logs() as lines:
        file.write_text(begun)
        assert watch.current.get().users
        file.write_text("{}")
        assert not watch.current.get().users
    reported = f'the web configuration file "{file}" is empty: write {{}} for no settings.'
    assert reported == lines[0]["detail"]
    assert [False, True] == watch.reported
    file.write_text(begun)
    assert not CurrentWebConfig(file).get().users


def test_a_file_that_changes_while_it_is_read_is_read_again(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read may be half of it."""
    watch = Watch(file)
    users = f"basic_auth_users: {{alice: '{hash_of('secret')}'}}"

    def load_while_it_is_written(
        path: Path, stamps: dict[Path, Stamp], *, may_be_empty: bool
    ) -> LoadedWebConfig:
        config = load_web_config(path, stamps, may_be_empty=may_be_empty)
        rewrite(file, users)
        return config

    monkeypatch.setattr(current, "load_web_config", load_while_it_is_written)
    rewrite(file, "{}")
    with capture_logs() as lines:
        assert "deny" == watch.current.get().headers["X-Frame-Options"]
        monkeypatch.undo()
        assert watch.current.get().users
    assert ["config.reloaded"] == [line["event"] for line in lines]


@contextmanager
def room_for(files: int) -> Iterator[None]:
    """Let this process open only this many more files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest_free = os.open(os.devnull, os.O_RDONLY)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free + files, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("files", [0, 1])
def test_a_limit_of_open_files_is_tried_again(
    file: Path, certificates: Certificates, files: int
) -> None:
    """Where it keeps the files from being read, and where it keeps them from being used."""
    cert, key = certificates.pair("server")
    tls = f"tls_server_config: {{cert_file: {cert}, key_file: {key}}}"
    rewrite(file, tls)
    now = [0.0]
    watch = Watch(file, lambda: now[0])
    rewrite(file, f"{tls}\nbasic_auth_users: {{alice: '{hash_of('secret')}'}}")
    with capture_logs() as lines:
        with room_for(files):
            for _ in range(2):
                assert not watch.current.get().users
        assert not watch.current.get().users
        now[0] = 10.0
        assert watch.current.get().users

    (failed, reloaded) = lines
    assert "Too many open files" in failed["detail"]
    assert "config.reloaded" == reloaded["event"]
    assert [False, True] == watch.reported


def test_a_file_with_mistakes_is_refused_at_the_start(file: Path) -> None:
    """There is nothing that could stay in force."""
    file.write_text(f"basic_auth_users: {{alice: '{basic('a', 'b')}'}}")
    with pytest.raises(ConfigError, match="must be a bcrypt hash"):
        CurrentWebConfig(file)
