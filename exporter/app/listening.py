"""Listening sockets, opened before anything else, so that a port in use is reported at once."""

from __future__ import annotations

import errno
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from exporter.config import ListenAddress

_BACKLOG = 1024


class AddressUnavailableError(Exception):
    """An address of ``web.listen_address`` cannot be used; the message says what to do."""

    def __init__(self, address: str, message: str) -> None:
        super().__init__(message)
        self.address = address


def listen(addresses: Iterable[ListenAddress]) -> list[socket.socket]:
    """Open a listening socket for each address.

    An empty host means every interface, IPv6 and IPv4 alike where the machine has both.

    Raises:
        AddressUnavailableError: for the first that cannot be used; no socket stays open.
    """
    with ExitStack() as opened:
        sockets = [opened.enter_context(_listen(address)) for address in addresses]
        opened.pop_all()
    return sockets


def url_of(listening: socket.socket, path: str = "/", scheme: str = "http") -> str:
    """Return a URL that a person on this machine can open."""
    host, port = listening.getsockname()[:2]
    if host in {"::", "0.0.0.0"}:
        host = "localhost"
    return f"{scheme}://[{host}]:{port}{path}" if ":" in host else f"{scheme}://{host}:{port}{path}"


def _listen(address: ListenAddress) -> socket.socket:
    host, port = address.host, address.port
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = (
            socket.create_server((host, port), family=family, backlog=_BACKLOG)
            if host
            else _listen_everywhere(port)
        )
    except (OSError, OverflowError) as error:
        raise AddressUnavailableError(str(address), _advice(error, port)) from error
    # asyncio sets TCP_NODELAY only on sockets whose protocol is TCP. Without it, responses on
    # keep-alive connections wait some 40 ms for an acknowledgement.
    return socket.socket(
        listening.family, listening.type, socket.IPPROTO_TCP, fileno=listening.detach()
    )


def _listen_everywhere(port: int) -> socket.socket:
    if socket.has_dualstack_ipv6():
        try:
            return socket.create_server(
                ("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=_BACKLOG
            )
        except OSError as error:
            # Containers often have IPv6 compiled in but switched off.
            if error.errno not in {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}:
                raise
    return socket.create_server(("0.0.0.0", port), backlog=_BACKLOG)


def _advice(error: OSError | OverflowError, port: int) -> str:
    match getattr(error, "errno", None):
        case errno.EADDRINUSE:
            return (
                f"port {port} is taken: stop the program that uses it, or choose another with "
                "--web.listen-address (if that is given several times, each needs its own)"
            )
        case errno.EACCES:
            return f"port {port} needs privileges: choose one above 1023 with --web.listen-address"
        case errno.EADDRNOTAVAIL:
            return "this machine does not have that address: see --web.listen-address"
        case socket.EAI_NONAME | socket.EAI_AGAIN | socket.EAI_NODATA:
            return "the host of --web.listen-address has no address: check its name"
        case _:
            return f"{error}: see --web.listen-address"
