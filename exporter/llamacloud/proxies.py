"""The proxies that the environment names, and which of them is used for a server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from exporter.llamacloud.errors import BadEnvironmentError
from exporter.llamacloud.no_proxy import NoProxy
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_LONGEST_SHOWN: Final = 200
_UNUSABLE = (
    "write a proxy as http://HOST:PORT or https://HOST:PORT, the port at most 65535 (SOCKS is not"
    " supported), name the servers that need none in NO_PROXY, or unset the variable"
)


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy from an environment ``variable``; its ``url`` may hold a password."""

    url: str = field(repr=False)
    variable: str

    def __str__(self) -> str:
        """Return its server and variable, without its password."""
        return f"{server_of(self.url)[2]} of {self.variable}"


def server_of(url: str) -> tuple[str, int, str]:
    """Return the host and port of a valid URL, and both as one text."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    return host, port, f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def described(url: str, proxy: Proxy | None) -> str:
    """Return host and port of a valid URL, and its proxy, for messages."""
    server = server_of(url)[2]
    return f"{server} by the proxy {proxy}" if proxy else server


class Proxies:
    """The proxies of ``HTTP_PROXY``, ``HTTPS_PROXY``, ``ALL_PROXY`` and ``NO_PROXY``.

    Names in lower case take precedence over those in upper case, even if they are empty.
    """

    def __init__(self, environ: Mapping[str, str]) -> None:
        # Lower case last, to take precedence.
        in_order = sorted(environ.items(), key=lambda item: item[0].islower())
        self._named = {name.lower(): (name, value.strip()) for name, value in in_order}
        self._no_proxy = NoProxy(self._named.get("no_proxy", ("", ""))[1])

    def of(self, url: str) -> Proxy | None:
        """Return the proxy for a valid URL, ``None`` if it is reached directly.

        Raises:
            BadEnvironmentError: the proxy cannot be used.
        """
        host, port, _ = server_of(url)
        for variable in (f"{urlsplit(url).scheme}_proxy", "all_proxy"):
            name, value = self._named.get(variable, ("", ""))
            if value:
                return None if self._no_proxy.covers(host, port) else _usable(name, value)
        return None

    def ignored(self) -> BadEnvironmentError | None:
        """Return an error that names the unreadable entries of ``NO_PROXY``, if a proxy is set."""
        unreadable = self._no_proxy.unreadable
        names = (f"{kind}_proxy" for kind in ("http", "https", "all"))
        if not unreadable or not any(self._named.get(name, ("", ""))[1] for name in names):
            return None
        shown = escaped(", ".join(unreadable)[:_LONGEST_SHOWN])
        return BadEnvironmentError(
            self._named["no_proxy"][0],
            f"ignored of it: {shown}; write names, addresses and networks such as example.com,"
            " 10.0.0.0/8 or fd00::/8, each with a port if it is for that alone, or *",
        )


def unusable(variable: str) -> BadEnvironmentError:
    """Return the error for a proxy's variable that cannot be used."""
    return BadEnvironmentError(variable, _UNUSABLE)


def _usable(variable: str, value: str) -> Proxy:
    url = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        # A name that DNS cannot contain fails here, not at each request.
        host.encode("idna")
        is_host = bool(host) and not any(map(str.isspace, host))
        is_usable = parts.scheme in _DEFAULT_PORTS and is_host and parts.port != 0
    except ValueError:
        is_usable = False
    if not is_usable:
        raise unusable(variable)
    return Proxy(url, variable)
