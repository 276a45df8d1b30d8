"""The errors of requests to LlamaCloud."""

from __future__ import annotations

from typing import ClassVar, Final

from exporter.domain import ErrorReason, Failure

# LlamaCloud may not offer this generation of its API, now or for good.
_REFUSALS: Final = frozenset({402, 403, 404, 405, 410, 501})


class LlamaCloudError(Exception):
    """A request failed; ``is_of_body`` is true if a 200 came, but not its whole body."""

    reason: ClassVar[ErrorReason] = ErrorReason.OTHER
    advice: ClassVar[str] = "see the detail"
    retryable: ClassVar[bool] = False
    is_of_body: bool = False

    def failure(self) -> Failure:
        """Describe the error for those who do not know HTTP."""
        return Failure(self.reason, str(self), self.advice)


class KeyMissing(LlamaCloudError):
    """The key file holds no key yet, so no request was sent."""

    reason = ErrorReason.NO_KEY
    advice = "no request is sent before the file holds a key; it is read again within an interval"


class NetworkFailed(LlamaCloudError):
    """There was no complete answer: no connection, a TLS error, a reset or a cut-off body."""

    reason = ErrorReason.NETWORK
    advice = "check LLAMA_CLOUD_BASE_URL, DNS, proxy, TLS and egress rules on the way to that host"
    retryable = True


class RequestTimedOut(LlamaCloudError):
    """LlamaCloud did not answer within ``api.timeout``."""

    reason = ErrorReason.TIMEOUT
    advice = "LlamaCloud answers too slowly; if this lasts, raise api.timeout or check the network"
    retryable = True


class ConnectTimedOut(RequestTimedOut):
    """No connection within its own limit, which is shorter than ``api.timeout``."""

    advice = NetworkFailed.advice


class BadResponse(LlamaCloudError):
    """The answer was not JSON, or not of the documented shape."""

    reason = ErrorReason.BAD_RESPONSE
    advice = "check that the base URL is LlamaCloud's, and that no login page or gateway answers"


class UnreadableBody(BadResponse):
    """The body of a 200 was too large, or not what its Content-Encoding says."""


class BodyTooLarge(UnreadableBody):
    """The body of a 200 was too large."""


class DoubtfulDate(BadResponse):
    """The first answers have a ``Date`` far from our own clock, and either may be wrong."""

    advice = "check the clock of this machine; if it is right, that of the base URL's host is wrong"
    retryable = True


class StatusRefused(LlamaCloudError):
    """The status ``code`` was not 200.

    ``retry_after_seconds``, if LlamaCloud sent them, are at most a minute.
    """

    def __init__(self, code: int, detail: str, retry_after_seconds: float | None = None) -> None:
        super().__init__(f"HTTP {code}: {detail}" if detail else f"HTTP {code}")
        self.code = code
        self.detail = detail
        self.retry_after_seconds = retry_after_seconds

    def failure(self) -> Failure:
        """Describe the error for those who do not know HTTP."""
        is_refusal = self.code in _REFUSALS
        return Failure(self.reason, str(self), self.advice, is_refusal, f"HTTP {self.code}")


class GatewayRefused(StatusRefused):
    """A refusal without LlamaCloud's JSON ``detail``: the key may well be right."""

    reason = ErrorReason.BAD_RESPONSE
    advice = "LlamaCloud did not send this: check the gateway, proxy or login page in between"


class Unauthorized(StatusRefused):
    """401: the key is not accepted."""

    reason = ErrorReason.UNAUTHORIZED
    advice = "the API key is wrong or revoked, or belongs to another region than the base URL"


class PaymentRequired(StatusRefused):
    """402: the organization has no credits."""

    reason = ErrorReason.PAYMENT_REQUIRED
    advice = "the organization is probably out of credits: see its billing page"


class Forbidden(StatusRefused):
    """403: the key may not read this project."""

    reason = ErrorReason.FORBIDDEN
    advice = "the key may not read this project: check its role, project_id and organization_id"


class NotFound(StatusRefused):
    """404 to a request sent at ``asked_monotonic``; ``from_api`` is false if it is a gateway's."""

    reason = ErrorReason.NOT_FOUND
    advice = "project_id is wrong or of another organization, or the base URL is not LlamaCloud's"

    def __init__(
        self, code: int, detail: str, *, from_api: bool, answered_at: float, asked_monotonic: float
    ) -> None:
        super().__init__(code, detail)
        self.from_api = from_api
        self.answered_at = answered_at
        self.asked_monotonic = asked_monotonic

    def failure(self) -> Failure:
        """Describe the error; a 404 of a gateway does not mean that the project is missing."""
        by_gateway = GatewayRefused(self.code, self.detail)
        return super().failure() if self.from_api else by_gateway.failure()


class RateLimited(StatusRefused):
    """429: the key sends more requests than it may."""

    reason = ErrorReason.RATE_LIMITED
    advice = "the key is over its rate limit: lower api.requests_per_minute"
    retryable = True


class CapReached(RateLimited):
    """429 with the text of a plan's limit, which is not retried before the next poll."""

    advice = "waiting does not help at a plan's limit: free what the detail names, or raise it"
    retryable = False


class ServerFailed(StatusRefused):
    """5xx: LlamaCloud, or a gateway before it, failed."""

    reason = ErrorReason.SERVER
    advice = "LlamaCloud itself has a problem: see its status page"
    retryable = True


class Unprocessable(StatusRefused):
    """422: LlamaCloud refuses a parameter, which is among ``parameters``."""

    advice = "correct the setting that the detail names; if it names none, try a newer exporter"

    def __init__(self, code: int, detail: str, *, parameters: frozenset[str]) -> None:
        super().__init__(code, detail)
        self.parameters = parameters


class UnexpectedStatus(StatusRefused):
    """A status that the API does not document, redirects included."""

    advice = "LlamaCloud does not document this status: check the base URL and the detail"


class BadEnvironmentError(Exception):
    """The environment's ``variables``, or the packages named in their place, cannot be used.

    Values may hold passwords, so the message contains none.
    """

    def __init__(self, variables: str, advice: str) -> None:
        super().__init__(f"{variables} cannot be used: {advice}")
        self.variables = variables
        self.advice = advice
