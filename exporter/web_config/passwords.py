"""Basic authentication against bcrypt hashes: in a thread, a few at a time, with a memory."""

from __future__ import annotations

import asyncio
import binascii
import hashlib
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, NamedTuple

import bcrypt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# More than that would be waited for in vain: at a cost of 12, each takes a quarter of a second.
_MOST_CHECKS = 16
# One that guesses passwords must not keep all others out.
_MOST_CHECKS_OF_A_CLIENT = 4
_REMEMBERED = 100
_SCHEME = b"basic "
# bcrypt ignores what follows, and its library raises.
_PASSWORD_BYTES = 72


class TooManyChecksError(Exception):
    """So many passwords are being checked, in all or of the client, that no other one is."""


class _Check(NamedTuple):
    client: str
    matches: asyncio.Future[bool]


class Passwords:
    """Checks credentials; those that were right are remembered, so that they cost no hashing again.

    ``check`` tells whether a password has a bcrypt hash; it runs in one thread.
    """

    def __init__(self, check: Callable[[bytes, bytes], bool] = bcrypt.checkpw) -> None:
        self._check = check
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._checks: dict[bytes, _Check] = {}

    async def are_right(
        self, users: Mapping[bytes, bytes], authorization: bytes, client: str = ""
    ) -> bool:
        """Tell whether the value of an Authorization header names a user and their password.

        ``client`` is the address that it came from.

        Raises:
            TooManyChecksError: it cannot be told now.
        """
        credentials = parse_basic(authorization)
        if credentials is None:
            return False
        user, password = credentials[0], credentials[1][:_PASSWORD_BYTES]
        hashed = users.get(user)
        # A user who does not exist takes as long as the slowest who does.
        against = hashed or _nobodys_hash(_greatest_cost(users))
        key = _digest(user, against, password)
        if key in self._right:
            self._right.move_to_end(key)
            return True
        # The same one may be under way.
        if key not in self._checks:
            self._begin(client, key, password, against, _greatest_cost(users))
        matches = await asyncio.shield(self._checks[key].matches)
        return matches and hashed is not None

    def _begin(self, client: str, key: bytes, password: bytes, hashed: bytes, dearest: int) -> None:
        of_client = sum(check.client == client for check in self._checks.values())
        if len(self._checks) >= _MOST_CHECKS or of_client >= _MOST_CHECKS_OF_A_CLIENT:
            raise TooManyChecksError
        loop = asyncio.get_running_loop()
        matches = loop.run_in_executor(self._thread, self._matches, password, hashed, dearest)
        self._checks[key] = _Check(client, matches)
        matches.add_done_callback(lambda done: self._finish(key, done))

    def _matches(self, password: bytes, hashed: bytes, dearest: int) -> bool:
        """Check a password; a wrong one costs as much as with the dearest user's hash."""
        if self._check(password, hashed):
            return True
        # Each cost is twice the one before: the first of these once more, then all between.
        for cost in range(_cost_of(hashed), dearest):
            self._check(password, _nobodys_hash(cost))
        return False

    def _finish(self, key: bytes, check: asyncio.Future[bool]) -> None:
        del self._checks[key]
        if not check.cancelled() and check.exception() is None and check.result():
            self._right[key] = None
            while len(self._right) > _REMEMBERED:
                self._right.popitem(last=False)


def parse_basic(authorization: bytes) -> tuple[bytes, bytes] | None:
    """Return user and password of an Authorization header, ``None`` if it has none, as Go does."""
    if authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    encoded = authorization[len(_SCHEME) :]
    if len(encoded) % 4:
        # Python would accept padding too much.
        return None
    try:
        decoded = binascii.a2b_base64(encoded, strict_mode=True)
    except binascii.Error:
        return None
    user, colon, password = decoded.partition(b":")
    return (user, password) if colon else None


def _cost_of(hashed: bytes) -> int:
    return int(hashed[4:6])


def _greatest_cost(users: Mapping[bytes, bytes]) -> int:
    return max(map(_cost_of, users.values()))


def _nobodys_hash(cost: int) -> bytes:
    return b"$2b$%02d$%s" % (cost, b"." * 53)


def _digest(*parts: bytes) -> bytes:
    """Return one key for several texts, which is no secret if memory leaks."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(4) + part)
    return digest.digest()
