"""What a request's target asks for, in the forms that RFC 9112 (3.2) knows beside a plain path."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_ABSOLUTE = re.compile(r"https?://[^/]+(?P<path>/.*)?", re.IGNORECASE)
_OF_THE_SERVER = ("OPTIONS", "CONNECT")


def path_of(method: str, target: str) -> str:
    """Return the path that ``target``, without its query, asks for.

    An absolute URL stands for its path, as a server must take it; ``*`` and an authority, which
    ask something of the server itself, for its root. What does not decode to printable text names
    nothing here and stays as it is.
    """
    if absolute := _ABSOLUTE.fullmatch(target):
        target = absolute["path"] or "/"
    elif method in _OF_THE_SERVER and not target.startswith("/"):
        return "/"
    path = unquote_to_bytes(target).decode(errors="replace")
    return path if path.isprintable() else target


class TargetMiddleware:
    """Lets an application see the path that was asked for, whatever the target's form."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Hand the request on with its path."""
        path = path_of(scope["method"], scope["raw_path"].decode("ascii"))
        await self._app({**scope, "path": path}, receive, send)
