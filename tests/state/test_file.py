"""The state file on disk: locked, replaced as a whole, and read only if it is one."""

import os
import stat
from pathlib import Path

import pytest

from exporter.state.file import LARGEST_BYTES, StateFile, StateInUseError, StateTooLargeError
from tests.support.saved_state import names_in


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


def test_a_lock_that_was_removed_is_taken_again(path: Path) -> None:
    """Unless another process has locked it meanwhile: then that one writes."""
    first, second = StateFile(path), StateFile(path)
    lock = path.with_name("exporter.state.lock")
    first.lock()
    lock.unlink()
    first.claim()
    with pytest.raises(StateInUseError, match=r"^another process has locked it$"):
        second.lock()
    lock.unlink()
    second.lock()
    with pytest.raises(StateInUseError, match=r"its lock was removed, and another process has"):
        first.claim()


def test_a_write_that_breaks_off_changes_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next write starts again."""
    file = StateFile(path)
    file.replace([b"before"])

    def no_space(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", no_space)
        with pytest.raises(OSError, match="No space"):
            file.replace([b"half"])
    assert b"before" == file.read()
    file.replace([b"after"])
    assert b"after" == file.read()


@pytest.mark.parametrize("kind", ["pipe", "link", "file"])
def test_what_stands_in_the_way_of_the_new_file_is_removed(path: Path, kind: str) -> None:
    """A pipe does not block the writer, and a link does not redirect it."""
    new, target = path.with_name("exporter.state.new"), path.with_name("target")
    target.write_bytes(b"untouched")
    match kind:
        case "pipe":
            os.mkfifo(new)
        case "link":
            new.symlink_to(target)
        case "file":
            new.write_bytes(b"of a write that was killed, and longer")
            new.chmod(0o400)
    StateFile(path).replace([b"whole"])
    assert (b"whole", b"untouched") == (path.read_bytes(), target.read_bytes())
    assert {"exporter.state", "target"} == names_in(path.parent)


def test_a_file_that_nobody_would_read_is_not_written(path: Path) -> None:
    """The bound of what is read is that of what is written."""
    file = StateFile(path)
    file.replace([b"before"])
    half = bytes(LARGEST_BYTES // 2)
    with pytest.raises(StateTooLargeError, match="would be larger than 512 MiB"):
        file.replace([half, half, b"x"])
    assert b"before" == file.read()
    assert {"exporter.state"} == names_in(path.parent)


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
        file.truncate(LARGEST_BYTES + 1)
    with pytest.raises(StateTooLargeError):
        StateFile(path).read()


def test_links_in_a_circle_are_a_file_that_cannot_be_read(path: Path) -> None:
    """As the operating system says."""
    path.symlink_to(path.with_name("other"))
    path.with_name("other").symlink_to(path)
    with pytest.raises(OSError, match="symbolic links"):
        StateFile(path).read()


def test_a_file_that_somebody_replaced_is_not_claimed(path: Path) -> None:
    """Its own file is claimed, and also a removed one."""
    file = StateFile(path)
    file.claim()
    file.replace([b"one"])
    file.claim()
    path.unlink()
    file.claim()
    StateFile(path).replace([b"two"])
    with pytest.raises(StateInUseError, match="another process writes to it"):
        file.claim()
    assert b"two" == file.read()
    file.claim()


def test_a_damaged_file_is_kept_under_another_name(path: Path) -> None:
    """In the place of an earlier one."""
    for content in (b"one", b"two"):
        path.write_bytes(content)
        kept = StateFile(path).rename_damaged()
        assert (path.with_name("exporter.state.damaged"), content) == (kept, kept.read_bytes())
        assert not path.exists()
