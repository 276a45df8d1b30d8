"""Encoding a state file: a line of JSON with version and checksum, and one with the projects."""

from __future__ import annotations

import hashlib
import math
from dataclasses import MISSING, fields, is_dataclass
from functools import cache
from typing import TYPE_CHECKING, Any, Final

import msgspec

from exporter.core.saved import SavedProject

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

FORMAT: Final = "llamacloud-batch-exporter state"
VERSION: Final = 1
# The first two belong to a process. The message may quote a document, which must not be stored.
_NOT_KEPT = {"memory", "answers", "error_message"}
_PER_JOB = ("marks", "jobs")


class Head(msgspec.Struct):
    """The first line of a file."""

    format: str
    version: int
    sha256: str


class Encoder:
    """Encodes projects, and reuses the JSON of jobs that have not changed."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], tuple[object, bytes]] = {}

    def encode(self, projects: Mapping[str, SavedProject | bytes]) -> list[bytes]:
        """Return the content of a file in pieces; projects may be encoded already."""
        used: dict[tuple[str, str, str], tuple[object, bytes]] = {}
        body = [b'{"projects":']
        members = (
            (key, [project] if isinstance(project, bytes) else self._project(key, project, used))
            for key, project in projects.items()
        )
        body += _object(members)
        body.append(b"}\n")
        self._known = used
        digest = hashlib.sha256()
        for piece in body:
            digest.update(piece)
        head = Head(FORMAT, VERSION, digest.hexdigest())
        return [msgspec.json.encode(head), b"\n", *body]

    def _project(
        self,
        key: str,
        project: SavedProject,
        used: dict[tuple[str, str, str], tuple[object, bytes]],
    ) -> Iterator[bytes]:
        members = [
            (name, [msgspec.json.encode(_plain(getattr(project, name)))])
            for name in SavedProject.__slots__
            if name not in _PER_JOB
        ]
        for name in _PER_JOB:
            jobs = (
                (id_, [self._job((key, name, id_), value, used)])
                for id_, value in getattr(project, name).items()
            )
            members.append((name, [*_object(jobs)]))
        return _object(members)

    def _job(
        self,
        place: tuple[str, str, str],
        value: object,
        used: dict[tuple[str, str, str], tuple[object, bytes]],
    ) -> bytes:
        known, encoded = self._known.get(place, (None, b""))
        if known is not value:
            encoded = msgspec.json.encode(_plain(value))
        used[place] = value, encoded
        return encoded


def _object(members: Iterable[tuple[str, Iterable[bytes]]]) -> Iterator[bytes]:
    """Return a JSON object in pieces, from encoded values."""
    separator = b"{"
    for name, value in members:
        yield separator + msgspec.json.encode(name) + b":"
        yield from value
        separator = b","
    yield b"{}" if separator == b"{" else b"}"


def _plain(value: Any) -> Any:  # noqa: ANN401 - whatever a field holds
    """Return a value that JSON can hold; of dataclasses, the fields that differ from defaults."""
    if not is_dataclass(value) or isinstance(value, type):
        return value
    plain = {}
    for name, default in _fields_of(type(value)):
        field = getattr(value, name)
        if field != default and not (isinstance(field, float) and math.isinf(field)):
            plain[name] = _plain(field)
    return plain


@cache
def _fields_of(kind: type) -> tuple[tuple[str, object], ...]:
    """Return the fields of a dataclass that are stored, with their defaults."""
    return tuple(
        (field.name, _default_of(field)) for field in fields(kind) if field.name not in _NOT_KEPT
    )


def _default_of(field: Any) -> object:  # noqa: ANN401 - a field of a dataclass
    return field.default_factory() if field.default_factory is not MISSING else field.default
