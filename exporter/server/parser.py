"""h11's parser of requests, without the two lengths that it accepts in one."""

from __future__ import annotations

from typing import Final

import h11

_LENGTHS: Final = frozenset({b"content-length", b"transfer-encoding"})


class UnambiguousParser(h11.Connection):
    """Refuses requests that two parties may understand differently (RFC 9112, 6.1).

    A proxy may take one length of a body for valid, we the other: what follows could be smuggled in
    as another request.
    """

    def next_event(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        """Return the next event, as h11 does.

        Raises:
            RemoteProtocolError: what arrived is not HTTP, or a request says both lengths.
        """
        event = super().next_event()
        if isinstance(event, h11.Request) and {name for name, _ in event.headers} >= _LENGTHS:
            raise h11.RemoteProtocolError("both Content-Length and Transfer-Encoding")
        return event
