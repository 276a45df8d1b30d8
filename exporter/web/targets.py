"""The path in a request's target, in all forms of RFC 9112 (3.2)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import unquote_to_bytes

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

_ABSOLUTE = re.compile(r"https?://[^/]+(?P<path>/.*)?", re.IGNORECASE)
_OF_THE_SERVER = ("OPTIONS", "CONNECT")


def path_of(method: str, target: str) -> str:
    """Return the path of a target without its query.

    Of an absolute URL, which servers must accept, it is the path. ``*`` and an authority mean the
    server itself, so it is the root. A target that does not decode to printable text is returned
    as it is, and matches no path.
    """
    if absolute := _ABSOLUTE.fullmatch(target):
        target = absolute["path"] or "/"
    elif method in _OF_THE_SERVER and not target.startswith("/"):
        return "/"
    path = unquote_to_bytes(target).decode(errors="replace")
    return path if path.isprintable() else target


class TargetMiddleware:
    """Sets the scope's path, whatever the form of the request's target."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on with its path."""
        path = path_of(scope["method"], scope["raw_path"].decode("ascii"))
        await self._app({**scope, "path": path}, receive, send)
