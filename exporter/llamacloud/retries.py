"""Which failed requests are tried again, and after how long."""

from __future__ import annotations

from exporter.llamacloud.errors import LlamaCloudError, RateLimited, StatusRefused


def backoff(error: Exception) -> bool | float:
    """Return whether an error is retried, or the seconds that LlamaCloud asks to wait."""
    if not isinstance(error, LlamaCloudError) or not error.retryable:
        return False
    asked_for = error.retry_after_seconds if isinstance(error, StatusRefused) else None
    if asked_for is None:
        return True
    # The budget waits as long, but not for a key that replaced the one that was refused.
    return 0.0 if isinstance(error, RateLimited) else asked_for


def backoff_unless_of_body(error: Exception) -> bool | float:
    """Return the same, but never retry a body that did not come."""
    is_of_body = isinstance(error, LlamaCloudError) and error.is_of_body
    return False if is_of_body else backoff(error)
