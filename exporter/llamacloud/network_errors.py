"""From what fails beneath HTTP to an error that names the server, the cause and what to do."""

from __future__ import annotations

import ssl
from typing import Final

from exporter import advice
from exporter.llamacloud.errors import LlamaCloudError, NetworkFailed
from exporter.machine_limits import is_limit

_LONGEST: Final = 300
_WRAPPERS: Final = frozenset({"httpcore", "httpx"})


class CertificateRefused(NetworkFailed):
    """The server's certificate is not trusted, or not its own."""

    advice = advice.CERTIFICATE_REFUSED


class LimitReached(NetworkFailed):
    """The machine gave the request no thread, file or memory."""

    advice = advice.LIMIT_REACHED


def network_failure(error: Exception, where: str) -> NetworkFailed:
    """Name what an exception of a connection to ``where`` means, by what began it."""
    cause = _first_cause(error)
    # TLS and closed connections raise some without a word.
    words = next(filter(None, (str(cause), str(error))), "the connection was closed too early")
    kind: type[NetworkFailed] = NetworkFailed
    if isinstance(cause, ssl.SSLCertVerificationError):
        kind = CertificateRefused
    elif is_limit(cause):
        kind = LimitReached
    return kind(f"{where}: {type(cause).__name__}: {words}"[:_LONGEST])


def _first_cause(error: BaseException) -> BaseException:
    """Return what libraries wrapped; of several failures at once the first."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
            continue
        # httpcore raises what it wrapped "from None". Of others the context may be any error.
        context = error.__context__ if type(error).__module__ in _WRAPPERS else None
        inner = error.__cause__ or context
        if inner is None or isinstance(inner, LlamaCloudError):
            return error
        error = inner
