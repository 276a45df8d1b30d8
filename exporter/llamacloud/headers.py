"""The headers of an answer that are used, and the times in them."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_USED: Final = frozenset({"content-encoding", "date", "location", "retry-after", "retry-after-ms"})
# No genuine header is longer.
_LONGEST_VALUE_BYTES: Final = 32 * 2**10
# The vendor's SDK honours up to a minute. With a longer wait, the exporter would notice too late
# that LlamaCloud answers again.
_LONGEST_RETRY_AFTER_SECONDS = 60.0


def used_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return the headers that are used, by their names in lower case.

    Repeated headers are joined with commas (RFC 9110, 5.3); one that is too long is left out.
    """
    values: dict[str, list[bytes]] = {}
    for name, value in raw:
        lower = name.lower().decode("latin-1")
        if lower in _USED:
            values.setdefault(lower, []).append(value)
    return {
        name: b", ".join(parts).decode("latin-1")
        for name, parts in values.items()
        if sum(map(len, parts)) <= _LONGEST_VALUE_BYTES
    }


def date(headers: Mapping[str, str]) -> float | None:
    """Return the Unix time in the ``Date`` of an answer, ``None`` without a valid one."""
    return _moment(headers, "date")


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """Return how long LlamaCloud wants no request, at most a minute; ``None`` if it does not say.

    LlamaCloud documents that it sends no such header. A date in ``Retry-After`` is compared with
    the ``Date`` of the answer.
    """
    for name, unit_seconds in (("retry-after-ms", 0.001), ("retry-after", 1.0)):
        with suppress(KeyError, ValueError):
            # The comparison is also false for NaN.
            if (seconds := float(headers[name])) >= 0:
                return min(seconds * unit_seconds, _LONGEST_RETRY_AFTER_SECONDS)
    until, since = _moment(headers, "retry-after"), date(headers)
    if until is None or since is None:
        return None
    return min(max(until - since, 0.0), _LONGEST_RETRY_AFTER_SECONDS)


def _moment(headers: Mapping[str, str], name: str) -> float | None:
    try:
        moment = parsedate_to_datetime(headers[name])
    except (KeyError, ValueError, TypeError, OverflowError):
        return None
    # HTTP knows no other zone (RFC 9110, 5.6.7), and one of its forms leaves it out.
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
