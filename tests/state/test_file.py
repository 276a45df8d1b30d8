"""The state file on disk: locked, replaced as a whole, and read only if it is one."""

import os
import stat
from pathlib import Path

import pytest
from state.saved import names_in

from exporter.state.file import StateFile, StateInUseError, StateTooLargeError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "exporter.state"


def test_what_is_replaced_is_read(path: Path) -> None:
    """Only its owner can read it, and nothing is left beside it."""
    file = StateFile(path)
    assert file.read() is None
    file.lock()
    file.replace([b"one", b"two"])
    file.replace([b"three"])
    assert b"three" == StateFile(path).read()
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert {"exporter.state", "exporter.state.lock"} == names_in(path.parent)


def test_another_process_cannot_lock_it(path: Path) -> None:
    """Until the first one has ended, or unlocks it."""
    first, second = StateFile(path), StateFile(path)
    first.lock()
    first.lock()
    with pytest.raises(StateInUseError):
        second.lock()
    first.unlock()
    second.lock()


def test_a_write_that_breaks_off_changes_nothing(path: Path) -> None:
    """The next one begins anew."""
    file = StateFile(path)
    file.replace([b"before"])

    def broken() -> object:
        yield b"half"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        file.replace(broken())  # type: ignore[arg-type]
    assert b"before" == file.read()
    file.replace([b"after"])
    assert b"after" == file.read()


def test_a_link_stays_a_link(path: Path) -> None:
    """What it names is replaced."""
    target = path.parent / "elsewhere"
    target.write_bytes(b"before")
    path.symlink_to(target)
    StateFile(path).replace([b"after"])
    assert path.is_symlink()
    assert b"after" == target.read_bytes()


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_what_is_no_file_is_not_read(path: Path, kind: str) -> None:
    """Nor waited for."""
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "folder":
            path.mkdir()
        case "device":
            path.symlink_to("/dev/zero")
    with pytest.raises(OSError, match=r"regular file|directory"):
        StateFile(path).read()


def test_a_file_that_is_too_large_is_not_read(path: Path) -> None:
    """It would fill the memory."""
    with path.open("wb") as file:
        file.truncate(600 * 1024 * 1024)
    with pytest.raises(StateTooLargeError):
        StateFile(path).read()


def test_a_file_that_somebody_replaced_is_another(path: Path) -> None:
    """Until then it is the same."""
    file = StateFile(path)
    assert file.identity() is None
    file.replace([b"one"])
    mine = file.identity()
    assert mine == file.identity()
    StateFile(path).replace([b"two"])
    assert mine != file.identity()


def test_a_damaged_file_is_kept_under_another_name(path: Path) -> None:
    """In the place of an earlier one."""
    for content in (b"one", b"two"):
        path.write_bytes(content)
        kept = StateFile(path).set_aside()
        assert (path.with_name("exporter.state.damaged"), content) == (kept, kept.read_bytes())
        assert not path.exists()
