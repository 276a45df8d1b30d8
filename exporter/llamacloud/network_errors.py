"""Errors of connections: which server, what caused them, and what to do."""

from __future__ import annotations

import ssl
from typing import Final

from exporter import advice
from exporter.llamacloud.errors import LlamaCloudError, NetworkFailed
from exporter.machine_limits import is_limit

_LONGEST: Final = 300
_WRAPPERS: Final = frozenset({"httpcore", "httpx"})


class CertificateRefused(NetworkFailed):
    """The server's certificate is not trusted, or is for another server."""

    advice = advice.CERTIFICATE_REFUSED


class LimitReached(NetworkFailed):
    """The machine had no thread, file or memory for the request."""

    advice = advice.LIMIT_REACHED


def network_failure(error: Exception, where: str) -> NetworkFailed:
    """Return the typed error for an exception of a connection to ``where``, by its first cause."""
    cause = _first_cause(error)
    # Some exceptions about TLS and closed connections have no message.
    words = next(filter(None, (str(cause), str(error))), "the connection was closed too early")
    kind: type[NetworkFailed] = NetworkFailed
    if isinstance(cause, ssl.SSLCertVerificationError):
        kind = CertificateRefused
    elif is_limit(cause):
        kind = LimitReached
    return kind(f"{where}: {type(cause).__name__}: {words}"[:_LONGEST])


def _first_cause(error: BaseException) -> BaseException:
    """Return the exception that libraries wrapped, the first one of a group."""
    while True:
        if isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
            continue
        # httpcore wraps exceptions "from None". The context of other exceptions may be any error.
        context = error.__context__ if type(error).__module__ in _WRAPPERS else None
        inner = error.__cause__ or context
        if inner is None or isinstance(inner, LlamaCloudError):
            return error
        error = inner
