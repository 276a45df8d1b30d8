"""The state file on disk: read once, locked, and replaced as a whole."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

# 10,000 jobs take about 10 MB.
LARGEST_BYTES: Final = 512 * 1024 * 1024


class StateInUseError(Exception):
    """Another process uses the file; the message says how that was noticed."""


class StateTooLargeError(Exception):
    """The file is, or would be, larger than the limit; the message says so."""


class StateFile:
    """Owns the file while this process runs.

    It locks a file beside it, whose name ends in ``.lock``. The lock file is never removed:
    otherwise two processes could lock two different files.
    """

    def __init__(self, path: Path) -> None:
        # Follow links once, so that the file is replaced and not the link. Unlike ``Path.resolve``,
        # this raises no error for broken links.
        self.path = Path(os.path.realpath(path))
        self._lock: int | None = None
        self._known: tuple[int, int] | None = None

    def lock(self) -> None:
        """Lock the file until this process ends; lock it again if the lock file was removed.

        Raises:
            StateInUseError: another process has locked it.
            OSError: the folder does not allow it.
        """
        path = f"{self.path}.lock"
        if self._lock is not None and _is_at(path, self._lock):
            return
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(path, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            was_removed = "" if self._lock is None else "its lock was removed, and "
            raise StateInUseError(f"{was_removed}another process has locked it") from error
        except OSError:
            os.close(descriptor)
            raise
        if not _is_at(path, descriptor):
            os.close(descriptor)
            raise OSError(errno.ESTALE, "its lock was removed while it was taken")
        self.unlock()
        self._lock = descriptor

    def unlock(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def read(self) -> bytes | None:
        """Return what the file holds, ``None`` if there is none.

        Raises:
            StateTooLargeError: the file exceeds the limit.
            OSError: the file cannot be read.
        """
        # Opening a pipe, for example, must not block.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = os.open(self.path, flags)
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file")
            if facts.st_size > LARGEST_BYTES:
                raise StateTooLargeError("it is larger than any state file")
            self._known = _identity(facts)
            return file.read(LARGEST_BYTES)

    def claim(self) -> None:
        """Check before a write that no other process writes the file; it may have been removed.

        Raises:
            StateInUseError: another process has locked it, or wrote it since it was read.
            OSError: the folder does not allow it.
        """
        self.lock()
        try:
            identity = _identity(self.path.stat())
        except FileNotFoundError:
            return
        if identity != self._known:
            raise StateInUseError("another process writes to it")

    def replace(self, pieces: Sequence[bytes]) -> None:
        """Replace the content of the file atomically by ``pieces``.

        Raises:
            StateTooLargeError: the content exceeds the limit, and the file is unchanged.
            OSError: the file is unchanged, or was replaced as a whole.
        """
        if sum(map(len, pieces)) > LARGEST_BYTES:
            raise StateTooLargeError("it would be larger than 512 MiB")
        new = self.path.with_name(f"{self.path.name}.new")
        # A pipe or a link may be there.
        new.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(new, flags, 0o600)
        with open(descriptor, "wb", buffering=1024 * 1024) as file:  # noqa: PTH123 - as above
            os.fchmod(descriptor, 0o600)
            file.writelines(pieces)
            file.flush()
            os.fsync(descriptor)
            written = _identity(os.fstat(descriptor))
        new.replace(self.path)
        self._known = written
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def rename_damaged(self) -> Path:
        """Rename a damaged file to keep its content, and return its new path.

        Raises:
            OSError: the file was not renamed.
        """
        damaged = self.path.with_name(f"{self.path.name}.damaged")
        self.path.replace(damaged)
        self._known = None
        return damaged


def _is_at(path: str, descriptor: int) -> bool:
    """Return whether a path still names an open file."""
    try:
        return os.path.samestat(os.stat(path, follow_symlinks=False), os.fstat(descriptor))  # noqa: PTH116 - beside its like
    except FileNotFoundError:
        return False


def _identity(facts: os.stat_result) -> tuple[int, int]:
    """Return a value that changes if another process replaces a file."""
    return facts.st_ino, facts.st_mtime_ns
