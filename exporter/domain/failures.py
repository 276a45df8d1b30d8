"""Why a request to LlamaCloud failed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ErrorReason(StrEnum):
    """The reasons by which failures are counted."""

    UNAUTHORIZED = "unauthorized"
    PAYMENT_REQUIRED = "payment_required"
    FORBIDDEN = "forbidden"
    NOT_FOUND = "not_found"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    NETWORK = "network"
    SERVER = "server"
    BAD_RESPONSE = "bad_response"
    NO_KEY = "no_key"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Failure:
    """A failed request: ``detail`` says what happened, ``advice`` what to do.

    ``detail_without_texts`` is the detail without LlamaCloud's own texts, if it contains any.
    ``is_refusal`` is true for the statuses that may refuse a generation of the API for good: 402,
    403, 404, 405, 410 and 501.
    """

    reason: ErrorReason
    detail: str
    advice: str
    is_refusal: bool = False
    detail_without_texts: str | None = None
