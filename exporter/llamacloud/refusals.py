"""From an answer that is not a 200 to the exception that says what it means."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from exporter.llamacloud.errors import (
    Forbidden,
    NotFound,
    PaymentRequired,
    RateLimited,
    ServerFailed,
    StatusRefused,
    Unauthorized,
    UnexpectedStatus,
    Unprocessable,
)
from exporter.llamacloud.headers import retry_after_seconds

if TYPE_CHECKING:
    from collections.abc import Mapping

_DETAIL_LENGTH = 300
_REDIRECTS = range(HTTPStatus.MULTIPLE_CHOICES, HTTPStatus.BAD_REQUEST)
_SCHEMES = frozenset({"http", "https", ""})
_HOST = re.compile(r"[a-z0-9._:-]{1,253}")
_BY_CODE: Mapping[int, type[StatusRefused]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.PAYMENT_REQUIRED: PaymentRequired,
    HTTPStatus.FORBIDDEN: Forbidden,
    HTTPStatus.TOO_MANY_REQUESTS: RateLimited,
}


def refusal(
    code: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    answered_at: float,
    asked_monotonic: float = 0.0,
) -> StatusRefused:
    """Name the error that a status other than 200 stands for.

    ``headers`` are looked up in lower case. The body's ``detail`` is quoted, shortened; of a
    redirect is told where it points.
    """
    if code in _REDIRECTS and "location" in headers:
        pointing_to = _origin(headers["location"])
        return UnexpectedStatus(code, f"a redirect to {pointing_to}, which is not followed")
    stated = _detail(body)
    detail = stated or ""
    if code == HTTPStatus.NOT_FOUND:
        return NotFound(
            code,
            detail,
            from_api=stated is not None,
            answered_at=answered_at,
            asked_monotonic=asked_monotonic,
        )
    if code == HTTPStatus.UNPROCESSABLE_ENTITY:
        return Unprocessable(code, detail, parameters=_refused_parameters(body))
    server_failed = code >= HTTPStatus.INTERNAL_SERVER_ERROR
    kind = ServerFailed if server_failed else _BY_CODE.get(code, UnexpectedStatus)
    return kind(code, detail, retry_after_seconds(headers))


def _detail(body: bytes) -> str | None:
    """Read the ``detail`` of LlamaCloud's error bodies; a gateway's body has none."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    if not isinstance(answer, dict) or "detail" not in answer:
        return None
    detail = answer["detail"]
    return (detail if isinstance(detail, str) else json.dumps(detail))[:_DETAIL_LENGTH]


def _refused_parameters(body: bytes) -> frozenset[str]:
    """Read which parameters a 422 names: ``loc`` ends with the name, as in ``["query", "limit"]``.

    The shape is that of LlamaCloud's OpenAPI description (HTTPValidationError).
    """
    try:
        mistakes = json.loads(body)["detail"]
        places = [mistake["loc"] for mistake in mistakes]
        return frozenset(str(place[-1]) for place in places if place)
    except (ValueError, RecursionError, TypeError, KeyError, IndexError):
        return frozenset()


def _origin(location: str) -> str:
    """Name the scheme and host of an address; the rest of it may hold what is secret."""
    try:
        address = urlsplit(location)
    except ValueError:
        return "an address that cannot be read"
    if not address.scheme and not address.netloc:
        return "another path of the same host"
    host = address.hostname or ""
    if address.scheme not in _SCHEMES or not _HOST.fullmatch(host):
        return "an address that cannot be read"
    scheme = f"{address.scheme}:" if address.scheme else ""
    return f"{scheme}//{f'[{host}]' if ':' in host else host}"
