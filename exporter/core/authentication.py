"""Whether LlamaCloud accepts the key of a project, as far as its answers tell."""

from __future__ import annotations

from exporter.domain import ErrorReason

# What a failure says of the key; the others say nothing of it.
_ACCEPTED = {
    ErrorReason.UNAUTHORIZED: False,
    ErrorReason.NO_KEY: False,
    ErrorReason.PAYMENT_REQUIRED: True,
    ErrorReason.FORBIDDEN: True,
}


class Authentication:
    """Owns what the listings told of the key; ``is_accepted`` is ``None`` while none did."""

    def __init__(self) -> None:
        self.is_accepted: bool | None = None
        self._waits_for_key = False

    def listing_succeeded(self) -> None:
        """Note that the project was listed."""
        self.is_accepted, self._waits_for_key = True, False

    def listing_failed(self, reason: ErrorReason) -> bool | None:
        """Note why a listing failed, and return whether the key is accepted."""
        if reason in _ACCEPTED:
            self.is_accepted = _ACCEPTED[reason]
        elif self._waits_for_key:
            # There is a key now, and no answer has told yet whether it is accepted.
            self.is_accepted = None
        self._waits_for_key = reason is ErrorReason.NO_KEY
        return self.is_accepted
