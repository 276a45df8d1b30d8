"""Reading an answer field by field, where it is not as documented.

A field that cannot be read is left out and recorded, and all others are read. The largest values
that are accepted are defined here too.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any, Final, TypeAlias, TypeVar, get_args

import msgspec
from msgspec import Meta

from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.json_bounds import without_deep_values
from exporter.texts import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from exporter.llamacloud.left_out import Unreadable

# A time with nanoseconds and an offset has 35 characters; parsing megabytes would take seconds.
_LONGEST_TIME = 100
# All counts are shorter; converting very long integers would take seconds.
_LONGEST_INTEGER = 17
_LEAP_SECOND = re.compile(r"(T\d\d:\d\d):60")
_UNUSABLE_IN_IDS = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_UNUSABLE_IDS = frozenset({"", ".", ".."})

# An id is kept as long as its job, and is in each of its series. LlamaCloud's have 40 characters.
LONGEST_ID: Final = 1_000
# Texts are unbounded: this many characters are kept or compared.
LONGEST_TEXT: Final = 1_000
# No batch is larger, and a metric's float cannot represent all larger integers.
LARGEST_COUNT: Final = 2**53

Count: TypeAlias = Annotated[int, Meta(ge=0, le=LARGEST_COUNT)]
Id: TypeAlias = Annotated[str, Meta(min_length=1, max_length=LONGEST_ID)]

Read = TypeVar("Read")
Row = TypeVar("Row", bound=msgspec.Struct)


class UnreadableError(ValueError):
    """A value is not what its field holds."""


def is_usable_id(value: object) -> bool:
    """Return whether a value can be used as an id in paths, labels and logs."""
    return (
        isinstance(value, str)
        and value not in _UNUSABLE_IDS
        and len(value) <= LONGEST_ID
        and (value.isprintable() or not _UNUSABLE_IN_IDS.search(value))
    )


def have_usable_ids(ids: Sequence[str]) -> bool:
    """Return whether all of these can be used as ids."""
    # The usual case, checked faster than each id alone.
    has_only_usual_ids = "".join(ids).isprintable() and not _UNUSABLE_IDS.intersection(ids)
    return has_only_usual_ids or all(map(is_usable_id, ids))


def document_of(body: bytes) -> dict[str, Any]:
    """Read a body as plain values, even if its texts are not valid UTF-8.

    Raises:
        BadResponse: it is no JSON object; the message names the position, not the content.
    """
    # RFC 8259 (8.1) lets readers ignore a byte order mark.
    text = body.decode("utf-8", "surrogateescape").removeprefix("\ufeff")
    try:
        document = _loads(text)
    except RecursionError:
        document = _loads(without_deep_values(text))
    if not isinstance(document, dict):
        raise BadResponse("the body: not a JSON object")
    return document


def row_of(kind: type[Row], id_field: str, value: object, unreadable: Unreadable) -> Row | None:
    """Read a row as far as possible, or return ``None`` and record it if it has no usable id."""
    if not isinstance(value, dict) or not is_usable_id(value.get(id_field)):
        unreadable.rows += 1
        return None
    row_id = value[id_field]
    return kind(**{id_field: row_id}, **fields_of(kind, value, unreadable, row_id))


def fields_of(
    kind: type[msgspec.Struct], document: Mapping[str, Any], unreadable: Unreadable, row_id: str
) -> dict[str, Any]:
    """Read the optional fields of ``kind``, each by its type; nested objects are left out."""
    return {
        name: field_of(document, name, read, unreadable, row_id)
        for name, read in readers_of(kind).items()
    }


@cache
def readers_of(kind: type[msgspec.Struct]) -> Mapping[str, Callable[[object], Any]]:
    """Return how each optional field of ``kind`` is read, except nested objects.

    Raises:
        KeyError: nothing reads the type of a field.
    """
    optional = [field for field in msgspec.structs.fields(kind) if not field.required]
    return {field.name: _READERS[field.type] for field in optional if not _is_nested(field.type)}


def _is_nested(kind: object) -> bool:
    return any(
        isinstance(part, type) and issubclass(part, msgspec.Struct) for part in get_args(kind)
    )


def field_of(
    document: Mapping[str, Any],
    name: str,
    read: Callable[[object], Read],
    unreadable: Unreadable,
    row_id: str | None = None,
) -> Read | None:
    """Read one field; return ``None`` if it is null, missing, or, which is recorded, unreadable."""
    value = document.get(name)
    if value is None:
        return None
    try:
        return read(value)
    except UnreadableError:
        unreadable.add_field(name, row_id)
        return None


def text(value: object) -> str:
    """Read a text; lone surrogates, which cannot be published, are written as escapes."""
    if not isinstance(value, str):
        raise UnreadableError
    return value if value.isascii() else well_formed(value)


def count(value: object) -> int:
    """Read a number of items, also one written as 12.0."""
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    if isinstance(whole, bool) or not isinstance(whole, int) or not 0 <= whole <= LARGEST_COUNT:
        raise UnreadableError
    return whole


def number(value: object) -> float:
    """Read a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise UnreadableError
    return float(value)


def time(value: object) -> datetime:
    """Read a time in RFC 3339, or in any other form of ISO 8601 that Python supports."""
    if not isinstance(value, str) or len(value) > _LONGEST_TIME:
        raise UnreadableError
    try:
        # RFC 3339 allows a leap second, which Python does not know.
        return datetime.fromisoformat(_LEAP_SECOND.sub(r"\1:59", value.upper()))
    except ValueError:
        raise UnreadableError from None


_READERS: Mapping[object, Callable[[object], Any]] = {
    str | None: text,
    Count | None: count,
    float | None: number,
    datetime | None: time,
}


def _loads(text: str) -> Any:  # noqa: ANN401 - it may be anything
    try:
        return json.loads(text, parse_int=_integer, strict=False)
    except json.JSONDecodeError as error:
        raise BadResponse(f"the body: {error.msg} at character {error.pos}"[:300]) from None


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.inf
