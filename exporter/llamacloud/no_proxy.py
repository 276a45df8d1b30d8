"""``NO_PROXY``: which servers are reached without a proxy."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

_EVERYTHING: Final = "*"
_SEPARATORS = re.compile(r"[,\s]+")
_HOST_AND_PORT = re.compile(r"(?P<host>[^:/\[\]]+|\[[^\]]+\]):(?P<port>\d{1,5})")
_IN_BRACKETS = re.compile(r"^\[([^\]]*)\](?=/|$)")
_NAME = re.compile(r"(?:\*?\.)?(?P<name>[a-z0-9_-]+(?:\.[a-z0-9_-]+)*)\.?")
_Network: TypeAlias = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry: a network, or a host name with its subdomains; port ``None`` means all ports."""

    what: _Network | str
    port: int | None

    def covers(self, host: str, port: int) -> bool:
        if self.port not in {None, port}:
            return False
        if isinstance(self.what, str):
            return host == self.what or host.endswith(f".{self.what}")
        with suppress(ValueError):
            address = ip_address(host)
            if isinstance(address, IPv6Address):
                address = address.ipv4_mapped or address
            return address in self.what
        return False


class NoProxy:
    """The entries of ``text``, separated by commas or white space.

    They mean the same as for curl and Python's library: a name covers itself and its subdomains,
    with or without a dot before it. An address or a network covers addresses; names are not
    resolved. ``*`` covers everything. ``unreadable`` holds the invalid entries, which cover
    nothing.
    """

    def __init__(self, text: str) -> None:
        unreadable: list[str] = []
        self._entries: list[_Entry] = []
        texts = [part for part in _SEPARATORS.split(text) if part]
        self._covers_everything = _EVERYTHING in texts
        for part in texts:
            entry = _entry(part.lower())
            if entry is not None:
                self._entries.append(entry)
            elif part != _EVERYTHING:
                unreadable.append(part)
        self.unreadable = tuple(unreadable)

    def covers(self, host: str, port: int) -> bool:
        """Return whether a server, its ``host`` without brackets, is reached without a proxy."""
        host = host.lower().removesuffix(".")
        return self._covers_everything or any(each.covers(host, port) for each in self._entries)


def _entry(text: str) -> _Entry | None:
    """Read an entry; return ``None`` if it is invalid."""
    # Some users write URLs; httpx, which the vendor's SDK uses, accepts them.
    text = text.removeprefix("http://").removeprefix("https://").removeprefix("all://")
    what = _network_or_name(text.rstrip("/"))
    if what is not None:
        return _Entry(what, None)
    match = _HOST_AND_PORT.fullmatch(text.rstrip("/"))
    what = _network_or_name(match["host"]) if match else None
    return _Entry(what, int(match["port"])) if match and what is not None else None


def _network_or_name(text: str) -> _Network | str | None:
    with suppress(ValueError):
        # Any address in a network may stand for it, as in 10.1.2.3/8.
        return ip_network(_IN_BRACKETS.sub(r"\1", text), strict=False)
    match = _NAME.fullmatch(text)
    return match["name"] if match else None
