"""Basic authentication against bcrypt hashes, checked in a thread; correct ones are remembered."""

from __future__ import annotations

import asyncio
import binascii
import hashlib
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import bcrypt

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# At a bcrypt cost of 12, each check takes a quarter of a second: further ones would wait too long.
_MOST_CHECKS = 16
# One client that guesses passwords must not use up all checks.
_MOST_CHECKS_OF_A_CLIENT = 4
_REMEMBERED = 100
_SCHEME = b"basic "
# bcrypt ignores what follows, and its library raises.
_PASSWORD_BYTES = 72


class TooManyChecksError(Exception):
    """Too many passwords are being checked, in all or of one client."""


class Passwords:
    """Checks credentials, and remembers correct ones, which then cost no hashing.

    ``check`` returns whether a password matches a bcrypt hash; it runs in one thread.
    """

    def __init__(self, check: Callable[[bytes, bytes], bool] = bcrypt.checkpw) -> None:
        self._check = check
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="passwords")
        self._right: OrderedDict[bytes, None] = OrderedDict()
        # Those under way, with the client of each.
        self._checks: dict[bytes, tuple[str, asyncio.Future[bool]]] = {}

    async def are_right(
        self, users: Mapping[bytes, bytes], authorization: bytes, client: str = ""
    ) -> bool:
        """Return whether an Authorization header contains a user and their password.

        ``client`` is the address that it came from.

        Raises:
            TooManyChecksError: it was not checked.
        """
        credentials = parse_basic(authorization)
        if credentials is None:
            return False
        user, password = credentials[0], credentials[1][:_PASSWORD_BYTES]
        highest_cost = max(map(_cost_of, users.values()))
        # Checking an unknown user takes as long as checking a known one.
        hashed = users.get(user, _impossible_hash(highest_cost))
        key = _digest(user, hashed, password)
        if key in self._right:
            self._right.move_to_end(key)
            return True
        # Requests with the same credentials share one check.
        if key not in self._checks:
            self._begin(client, key, password, hashed, highest_cost)
        _, check = self._checks[key]
        # An unknown user is refused, whatever their password hashes to.
        return await asyncio.shield(check) and user in users

    def _begin(self, client: str, key: bytes, password: bytes, hashed: bytes, cost: int) -> None:
        of_client = sum(other == client for other, _ in self._checks.values())
        if len(self._checks) >= _MOST_CHECKS or of_client >= _MOST_CHECKS_OF_A_CLIENT:
            raise TooManyChecksError
        loop = asyncio.get_running_loop()
        matches = loop.run_in_executor(self._thread, self._matches, password, hashed, cost)
        self._checks[key] = (client, matches)
        matches.add_done_callback(lambda done: self._finish(key, done))

    def _matches(self, password: bytes, hashed: bytes, highest_cost: int) -> bool:
        """Check a password; a wrong one takes as long as against a hash of the highest cost."""
        if self._check(password, hashed):
            return True
        # A check of the next higher cost takes twice as long. So a check of each cost from this one
        # up to the highest, the latter excluded, makes up for the difference.
        for cost in range(_cost_of(hashed), highest_cost):
            self._check(password, _impossible_hash(cost))
        return False

    def _finish(self, key: bytes, check: asyncio.Future[bool]) -> None:
        del self._checks[key]
        if not check.cancelled() and check.exception() is None and check.result():
            self._right[key] = None
            if len(self._right) > _REMEMBERED:
                self._right.popitem(last=False)


def parse_basic(authorization: bytes) -> tuple[bytes, bytes] | None:
    """Return the user and the password in an Authorization header, as Go reads it, if any."""
    if authorization[: len(_SCHEME)].lower() != _SCHEME:
        return None
    encoded = authorization[len(_SCHEME) :]
    if len(encoded) % 4:
        # Python would accept too much padding.
        return None
    try:
        decoded = binascii.a2b_base64(encoded, strict_mode=True)
    except binascii.Error:
        return None
    user, colon, password = decoded.partition(b":")
    return (user, password) if colon else None


def _cost_of(hashed: bytes) -> int:
    return int(hashed[4:6])


def _impossible_hash(cost: int) -> bytes:
    """Return a hash that no password has."""
    return b"$2b$%02d$%s" % (cost, b"." * 53)


def _digest(*parts: bytes) -> bytes:
    """Return a digest of several texts, from which they cannot be restored."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(4) + part)
    return digest.digest()
