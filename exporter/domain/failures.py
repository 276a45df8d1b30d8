"""Why something that was asked of LlamaCloud was not answered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class ErrorReason(StrEnum):
    """The bounded set of reasons by which failures are counted."""

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
    """Why a question was not answered: ``detail`` says what happened, ``advice`` what to do.

    ``detail_without_texts`` is the detail without what LlamaCloud wrote, if any of that is in it.
    ``is_refusal`` is true if this way of asking is refused, and may be for good: 402, 403, 404,
    405, 410 or 501.
    """

    reason: ErrorReason
    detail: str
    advice: str
    is_refusal: bool = False
    detail_without_texts: str | None = None
