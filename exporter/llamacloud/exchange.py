"""One GET and its answer, bounded in size, whatever its status is."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING

from exporter.llamacloud.bodies import LONGEST_ANSWER_BYTES, LONGEST_REFUSAL_BYTES, read_body
from exporter.llamacloud.errors import LlamaCloudError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.llamacloud.connections import Connections
    from exporter.llamacloud.requests import Query


@dataclass(frozen=True, slots=True)
class Received:
    """An answer; the ``body`` of a refusal is empty if it could not be read."""

    code: int
    headers: Mapping[str, str]
    body: bytes


async def exchange(
    connections: Connections,
    url: str,
    *,
    api_key: str,
    params: Query,
    timeout_seconds: float,
) -> Received:
    """Get ``url`` by a connection that no other key uses, whatever the status of the answer.

    Raises:
        ConnectTimedOut: there was no connection in time.
        RequestTimedOut: there was no whole answer in time.
        NetworkFailed: there was no answer, or it was cut off.
        GatewayRefused: the proxy requires credentials.
        UnreadableBody: the body of a 200 is too large, or not what its encoding says.
        BadResponse: no request can be sent to such a URL.
    """
    code, headers, body = 0, dict[str, str](), b""
    try:
        async with connections.get(
            url, api_key=api_key, params=params, timeout_seconds=timeout_seconds
        ) as answer:
            code, headers = answer.status_code, answer.extensions["used_headers"]
            body = await read_body(
                answer.aiter_raw(),
                headers.get("content-encoding", ""),
                LONGEST_ANSWER_BYTES if code == HTTPStatus.OK else LONGEST_REFUSAL_BYTES,
            )
    except LlamaCloudError as error:
        error.is_of_body = code == HTTPStatus.OK
        # The status of a refusal is enough if its explanation breaks off or is too long.
        if error.is_of_body or not code:
            raise
    return Received(code, headers, body)
