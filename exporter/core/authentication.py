"""Whether LlamaCloud accepts the key of a project."""

from __future__ import annotations

from exporter.domain import ErrorReason

# Whether a failure shows that the key is accepted; other failures show neither.
_ACCEPTED = {
    ErrorReason.UNAUTHORIZED: False,
    ErrorReason.NO_KEY: False,
    ErrorReason.PAYMENT_REQUIRED: True,
    ErrorReason.FORBIDDEN: True,
}


class Authentication:
    """Whether the key is accepted; ``is_accepted`` is ``None`` while that is not known."""

    def __init__(self) -> None:
        self.is_accepted: bool | None = None
        self._waits_for_key = False

    def listing_succeeded(self) -> None:
        """Apply a successful listing."""
        self.is_accepted, self._waits_for_key = True, False

    def listing_failed(self, reason: ErrorReason) -> bool | None:
        """Apply a failed listing, and return whether the key is accepted."""
        if reason in _ACCEPTED:
            self.is_accepted = _ACCEPTED[reason]
        elif self._waits_for_key:
            # There is a key now, but no answer to it yet.
            self.is_accepted = None
        self._waits_for_key = reason is ErrorReason.NO_KEY
        return self.is_accepted
