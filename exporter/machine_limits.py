"""Recognising errors that the machine raises when files, threads or memory are used up."""

from __future__ import annotations

import errno
from typing import Final

_LIMITS: Final = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def is_limit(error: BaseException) -> bool:
    """Return whether an error was raised because a limit of the machine is reached."""
    # Python raises a RuntimeError for threads: "can't start new thread".
    is_of_threads = isinstance(error, RuntimeError) and "thread" in str(error)
    is_of_system = isinstance(error, OSError) and error.errno in _LIMITS
    return is_of_threads or is_of_system or isinstance(error, MemoryError)
