"""The answer of each fault."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from http import HTTPStatus
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from starlette.responses import HTMLResponse, JSONResponse, Response

from exporter.simulator.fault_bodies import Bomb, Drip, Endless, until_closed

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Receive, Scope, Send

    from exporter.simulator.faults import Fault

_DETAILS = {
    401: "Not authenticated",
    402: "Insufficient credits for this operation. Please upgrade your plan.",
    403: "You do not have access to this project",
    404: "Not Found",
    429: "Rate limit exceeded. Please retry later.",
}
_FIRST_SERVER_ERROR = 500
_BODIES_WITHOUT_END = {"drip": Drip, "endless": Endless, "bomb": Bomb}
# What nginx logs for a connection that closed before the answer.
UNANSWERED = 499


def error_answer(code: int, headers: dict[str, str] | None = None) -> JSONResponse:
    """Return an error in LlamaCloud's words; 5xx contain a correlation id, as LlamaCloud's do."""
    detail = _DETAILS.get(code, "The request could not be processed")
    if code >= _FIRST_SERVER_ERROR:
        detail = f"An unexpected error occurred. Correlation ID: {uuid4()}"
    return JSONResponse({"detail": detail}, status_code=code, headers=headers)


def fault_answer(fault: Fault, asked_for: str) -> Response | None:
    """Return the answer of a fault to a request for a URL, ``None`` to send the normal answer."""
    headers = _headers(fault)
    answer: Response | None = None
    match fault.kind:
        case "status":
            answer = error_answer(fault.code, headers)
        case "html":
            answer = HTMLResponse(_gateway_page(fault.code), fault.code, headers)
        case "not_json":
            text = "upstream connect error or disconnect/reset before headers"
            answer = Response(text, fault.code, headers, media_type="application/json")
        case "wrong_shape":
            answer = JSONResponse(fault.body, fault.code, headers)
        case "raw":
            answer = Response(fault.body, fault.code, headers, media_type="application/json")
        case "redirect":
            code = HTTPStatus.TEMPORARY_REDIRECT if fault.code == HTTPStatus.OK else fault.code
            answer = Response(None, code, {"location": asked_for} | headers)
        case "drip" | "endless" | "bomb":
            answer = _BODIES_WITHOUT_END[fault.kind](fault.code, headers)
        case "cut_off":
            answer = _CutOff(status_code=fault.code, headers=headers)
        case "reset":
            answer = _Reset(status_code=UNANSWERED)
    return answer


def _headers(fault: Fault) -> dict[str, str]:
    asked_for = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    return {**fault.headers, **asked_for}


async def client_left(request: Request, within_seconds: float | None = None) -> bool:
    """Wait for the client, or a stopping server, to close the connection."""
    try:
        async with asyncio.timeout(within_seconds):
            while (await request.receive())["type"] != "http.disconnect":
                pass
    except TimeoutError:
        return False
    return True


class _CutOff(Response):
    """Announces a long body and closes the connection in the middle of it."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = json.dumps({"items": [{"id": str(UUID(int=0))}] * 20}).encode()
        self.headers["content-type"] = "application/json"
        self.headers["content-length"] = str(len(body))
        start = {"status": self.status_code, "headers": self.raw_headers}
        await send({"type": "http.response.start", **start})
        half = body[: len(body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        scope["state"]["transport"].close()
        await until_closed(receive)


class _Reset(Response):
    """Resets the connection before the first byte."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's signature
        transport = scope["state"]["transport"]
        # Lingering for zero seconds makes the kernel send RST instead of FIN.
        no_linger = struct.pack("ii", 1, 0)
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
        transport.abort()
        await until_closed(receive)


def _gateway_page(code: int) -> str:
    return (
        f"<html>\r\n<head><title>{code} Gateway</title></head>\r\n"
        f"<body><center><h1>{code} Gateway</h1></center></body>\r\n</html>\r\n"
    )
