"""Decoding pages of file jobs, without building the documents in them.

Rows of extract jobs contain the extracted documents: megabytes of customers' data. Only the fields
of the models are built, and only as many rows as a request can name.
"""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from exporter.llamacloud.fields import document_of, field_of, have_usable_ids, row_of, text
from exporter.llamacloud.json_bounds import check_number_of_values
from exporter.llamacloud.left_out import Unreadable
from exporter.llamacloud.pages import Page, read_at_once, readable_rows, rows_of
from exporter.llamacloud.v2.models import FileJobRow, ParseJobRow

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

# The most ids of a request: they take 5 kB of its URL.
MOST_FILE_JOBS: Final = 100

Items = TypeVar("Items")


class _Page(Struct, Generic[Items]):
    items: Items
    next_page_token: str | None = None


class _RawPage(Struct, Generic[Items]):
    items: Items
    next_page_token: Raw = Raw(b"null")


def _first_rows(kind: Any) -> Any:  # noqa: ANN401 - a type that is made here
    """Return a type that decodes the first ``MOST_FILE_JOBS`` rows of a list, and skips others."""
    fields = [(f"row_{number}", kind | UnsetType, UNSET) for number in range(MOST_FILE_JOBS)]
    return msgspec.defstruct(f"First{kind.__name__}s", fields, array_like=True)


_AS_SENT = Raw(b"null")
_RAW_ROW = msgspec.json.Decoder(
    msgspec.defstruct("RawRow", [(name, Raw, _AS_SENT) for name in ParseJobRow.__struct_fields__])
)
_PARSE_PAGE = msgspec.json.Decoder(_Page[_first_rows(ParseJobRow)])  # type: ignore[misc]
_EXTRACT_PAGE = msgspec.json.Decoder(_Page[_first_rows(FileJobRow)])  # type: ignore[misc]
_RAW_PAGE = msgspec.json.Decoder(_RawPage[_first_rows(Raw)])  # type: ignore[misc]


def read_parse_jobs(body: bytes) -> Page[FileJobRow]:
    """Read a page of parse jobs, the first ``MOST_FILE_JOBS`` of them.

    Raises:
        BadResponse: it is no such page, or of ten rows or more none can be read.
    """
    return _read_file_jobs(body, _PARSE_PAGE, partial(row_of, ParseJobRow, "id"))


def read_extract_jobs(body: bytes) -> Page[FileJobRow]:
    """Read a page of extract jobs, as ``read_parse_jobs`` does."""
    return _read_file_jobs(body, _EXTRACT_PAGE, partial(row_of, FileJobRow, "id"))


def _read_file_jobs(
    body: bytes,
    decoder: msgspec.json.Decoder[_Page[Any]],
    read_row: Callable[[object, Unreadable], FileJobRow | None],
) -> Page[FileJobRow]:
    page = read_at_once(decoder, body)
    rows = _set(page.items) if page is not None else []
    if page is not None and have_usable_ids([row.id for row in rows]):
        return Page(rows, len(rows), Unreadable(), page.next_page_token)
    unreadable = Unreadable()
    document = _used_of(body)
    values: Sequence[object] = rows_of(document)[:MOST_FILE_JOBS]
    token = field_of(document, "next_page_token", text, unreadable)
    return Page(readable_rows(values, read_row, unreadable), len(values), unreadable, token)


def _set(items: Struct) -> list[Any]:
    return [row for row in msgspec.structs.astuple(items) if row is not UNSET]


def _used_of(body: bytes) -> Mapping[str, Any]:
    """Read what is used of a page as plain values.

    Raises:
        BadResponse: it is no JSON object, or has too many values for the slow decoder it needs.
    """
    page = read_at_once(_RAW_PAGE, body)
    if page is None:
        check_number_of_values(body)
        return document_of(body)
    rows = [_plain_row(bytes(row)) for row in _set(page.items)]
    return {"items": rows, "next_page_token": _plain(page.next_page_token)}


def _plain_row(body: bytes) -> Mapping[str, object] | None:
    row = read_at_once(_RAW_ROW, body)
    if row is None:
        return None
    return {name: _plain(value) for name, value in msgspec.structs.asdict(row).items()}


def _plain(value: Raw) -> object:
    """Return a text or ``None``; anything else is ``False``, which no field accepts."""
    sent = bytes(value)
    if sent == b"null":
        return None
    is_text = sent.startswith(b'"')
    return json.loads(sent.decode("utf-8", "surrogateescape"), strict=False) if is_text else False
