"""The exceptions for answers with another status than 200."""

from __future__ import annotations

import json
import re
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from exporter.domain import ErrorReason, JobNotFound
from exporter.llamacloud.errors import (
    BadResponse,
    CapReached,
    Forbidden,
    GatewayRefused,
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

PROXY_WANTS_CREDENTIALS = (
    "the proxy wants credentials, as in HTTPS_PROXY=http://USER:PASSWORD@HOST:PORT"
)
_DETAIL_LENGTH = 300
_REDIRECTS = range(HTTPStatus.MULTIPLE_CHOICES, HTTPStatus.BAD_REQUEST)
_SCHEMES = frozenset({"http", "https", ""})
_HOST = re.compile(r"[a-z0-9._:-]{1,253}")
# Only with LlamaCloud's JSON: without it, a gateway, proxy or login page may have answered.
_BY_CODE: Mapping[int, type[StatusRefused]] = {
    HTTPStatus.UNAUTHORIZED: Unauthorized,
    HTTPStatus.PAYMENT_REQUIRED: PaymentRequired,
    HTTPStatus.FORBIDDEN: Forbidden,
}
_NEEDS_LLAMACLOUDS_JSON = frozenset({*_BY_CODE, *_REDIRECTS, HTTPStatus.UNPROCESSABLE_ENTITY})
_WORD = re.compile(r"\w+")
# As in "You've already reached the maximum number of ...", another reason for a 429.
_CAP = re.compile("reached the maximum number of", re.IGNORECASE)


def refusal(
    code: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    answered_at: float,
    asked_monotonic: float = 0.0,
) -> StatusRefused:
    """Return the error for a status other than 200.

    The names of ``headers`` are in lower case. The error quotes the body's ``detail``, shortened,
    or names the host that a redirect points to.
    """
    stated = _stated(body)
    detail = _in_words(stated)
    if code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        detail = PROXY_WANTS_CREDENTIALS
    elif code in _REDIRECTS and "location" in headers:
        detail = f"a redirect to {_origin(headers['location'])}, which is not followed"
    match code:
        case HTTPStatus.NOT_FOUND:
            return NotFound(
                code,
                detail,
                from_api=stated is not None,
                answered_at=answered_at,
                asked_monotonic=asked_monotonic,
            )
        case HTTPStatus.UNPROCESSABLE_ENTITY if stated is not None:
            return Unprocessable(code, detail, parameters=_parameters(stated))
    kind = _kind(code, detail, from_api=stated is not None)
    return kind(code, detail, retry_after_seconds(headers))


class JobMissing(StatusRefused):
    """404 from LlamaCloud itself for a job, or for its items."""

    # Not ``not_found``, which means that the project does not exist.
    reason = ErrorReason.OTHER
    advice = "LlamaCloud lists the job, yet does not find it: if that lasts, contact its support"

    def __init__(self, error: NotFound) -> None:
        super().__init__(error.code, error.detail)


def job_not_found(job_id: str, error: NotFound) -> JobNotFound:
    """Return the observation for a 404 to a job's status; raises what ``job_missing`` does."""
    failure = job_missing(error).failure()
    return JobNotFound(job_id, error.asked_monotonic, error.answered_at, failure)


def job_missing(error: NotFound) -> JobMissing:
    """Return the error for a 404 to a request about a single job.

    Raises:
        BadResponse: a gateway sent the 404, which says nothing about the job.
    """
    if not error.from_api:
        raise BadResponse(str(error)) from error
    return JobMissing(error)


def _kind(code: int, detail: str, *, from_api: bool) -> type[StatusRefused]:
    if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ServerFailed
    if code == HTTPStatus.TOO_MANY_REQUESTS:
        return CapReached if _CAP.search(detail) else RateLimited
    is_on_the_way = not from_api and code in _NEEDS_LLAMACLOUDS_JSON
    if is_on_the_way or code == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return GatewayRefused
    return _BY_CODE.get(code, UnexpectedStatus)


def _stated(body: bytes) -> object:
    """Return the ``detail`` of LlamaCloud's error bodies, ``None`` without one."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return answer.get("detail") if isinstance(answer, dict) else None


def _mistakes(detail: object) -> list[tuple[list[str], str]]:
    """Read the mistakes in a 422: the texts of each ``loc``, and the message about it.

    The last text is the name of the parameter, as in ``["query", "limit"]``; a position may follow
    it. The shape is that of LlamaCloud's OpenAPI description (HTTPValidationError).
    """
    mistakes = []
    for mistake in detail if isinstance(detail, list) else ():
        match mistake:
            case {"loc": list(location)}:
                names = [part for part in location if isinstance(part, str)]
                if names:
                    mistakes.append((names, str(mistake.get("msg", ""))))
    return mistakes


def _parameters(detail: object) -> frozenset[str]:
    """Return words that include the refused parameters, which a text may name anywhere."""
    if isinstance(detail, str):
        return frozenset(_WORD.findall(detail[:_DETAIL_LENGTH]))
    return frozenset(name for names, _ in _mistakes(detail) for name in names)


def _in_words(detail: object) -> str:
    if mistakes := {names[-1]: message for names, message in _mistakes(detail)}:
        words = "; ".join(f"{name}: {text}" if text else name for name, text in mistakes.items())
    elif isinstance(detail, str):
        words = detail
    else:
        words = "" if detail is None else json.dumps(detail)
    return words[:_DETAIL_LENGTH]


def _origin(location: str) -> str:
    """Return the scheme and host of an address; the rest of it may hold secrets."""
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
