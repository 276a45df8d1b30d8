"""One GET and as much of its answer as came: bounded in size, whatever its status is."""

from __future__ import annotations

from dataclasses import dataclass, field
from http import HTTPStatus
from typing import TYPE_CHECKING

from exporter.llamacloud.bodies import LONGEST_ANSWER_BYTES, LONGEST_REFUSAL_BYTES, read_body
from exporter.llamacloud.errors import LlamaCloudError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.llamacloud.connections import Connections, Response
    from exporter.llamacloud.requests import Query


@dataclass(slots=True)
class Received:
    """As much of an answer as has come; ``code`` is 0 before its status."""

    code: int = 0
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


async def exchange(
    connections: Connections,
    url: str,
    *,
    api_key: str,
    params: Query,
    timeout_seconds: float,
) -> Received:
    """Get ``url`` by a connection that no other key uses, whatever the answer's status is.

    Raises:
        ConnectTimedOut: there was no connection in time.
        RequestTimedOut: there was no whole answer in time.
        NetworkFailed: there was none at all, or it was cut off.
        GatewayRefused: a proxy that leads there wants credentials.
        UnreadableBody: there was a 200 whose body is too large, or not what its encoding says.
        BadResponse: there cannot be an answer from such a URL.
    """
    received = Received()
    try:
        async with connections.get(
            url, api_key=api_key, params=params, timeout_seconds=timeout_seconds
        ) as answer:
            await _receive(answer, received)
    except LlamaCloudError as error:
        error.is_of_body = received.code == HTTPStatus.OK
        # A refusal is one also where its explanation does not come, or has no end.
        if error.is_of_body or not received.code:
            raise
    return received


async def _receive(answer: Response, received: Received) -> None:
    """Fill ``received`` step by step, so that it holds what came before an error."""
    received.headers = answer.extensions["used_headers"]
    received.code = answer.status_code
    answered = received.code == HTTPStatus.OK
    received.body = await read_body(
        answer.aiter_raw(),
        received.headers.get("content-encoding", ""),
        LONGEST_ANSWER_BYTES if answered else LONGEST_REFUSAL_BYTES,
    )
