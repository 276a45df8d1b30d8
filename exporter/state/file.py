"""The state file on disk: read once, locked, and replaced as a whole."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# 10,000 jobs take about 10 MB.
_LARGEST_BYTES = 512 * 1024 * 1024


class StateInUseError(Exception):
    """Another process has locked the file."""


class StateTooLargeError(Exception):
    """The file is larger than any that is written."""

    def __init__(self) -> None:
        super().__init__("it is larger than any state file")


class StateFile:
    """Owns the file while this process runs: nobody else replaces what it holds.

    A lock on a file beside it, whose name ends in ``.lock``, says so. That file stays: to remove it
    would let two processes lock two files.
    """

    def __init__(self, path: Path) -> None:
        # A link is followed once: the file that is replaced is the one that it names.
        self.path = path.resolve()
        self._lock: int | None = None

    def lock(self) -> None:
        """Lock the file until this process ends; once is enough.

        Raises:
            StateInUseError: another process has locked it.
            OSError: the folder does not allow it.
        """
        if self._lock is not None:
            return
        descriptor = os.open(
            f"{self.path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600
        )
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            os.close(descriptor)
            raise StateInUseError from error
        except OSError:
            os.close(descriptor)
            raise
        self._lock = descriptor

    def unlock(self) -> None:
        """Let another process lock the file."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def read(self) -> bytes | None:
        """Return what the file holds, ``None`` if there is none.

        Raises:
            StateTooLargeError: nobody wrote that.
            OSError: it cannot be read.
        """
        # What is no file, such as a pipe, must not keep the exporter waiting.
        flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
        try:
            descriptor = os.open(self.path, flags)
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as file:  # noqa: PTH123 - it is open already
            facts = os.fstat(descriptor)
            if not stat.S_ISREG(facts.st_mode):
                raise OSError(errno.EINVAL, "it is not a regular file")
            if facts.st_size > _LARGEST_BYTES:
                raise StateTooLargeError
            return file.read(_LARGEST_BYTES)

    def identity(self) -> tuple[int, int] | None:
        """Return what differs once somebody replaced the file, ``None`` if there is none."""
        try:
            facts = self.path.stat()
        except FileNotFoundError:
            return None
        return facts.st_ino, facts.st_mtime_ns

    def replace(self, pieces: Iterable[bytes]) -> None:
        """Have the file hold ``pieces``, and all of them, whatever happens meanwhile.

        Raises:
            OSError: it holds what it held before.
        """
        new = self.path.with_name(f"{self.path.name}.new")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(new, flags, 0o600)
        with open(descriptor, "wb", buffering=1024 * 1024) as file:  # noqa: PTH123 - as above
            os.fchmod(descriptor, 0o600)
            file.writelines(pieces)
            file.flush()
            os.fsync(descriptor)
        new.replace(self.path)
        folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def set_aside(self) -> Path:
        """Rename the file, so that its content is kept, and return its new path.

        Raises:
            OSError: it is where it was.
        """
        damaged = self.path.with_name(f"{self.path.name}.damaged")
        self.path.replace(damaged)
        return damaged
