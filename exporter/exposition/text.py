"""The two text forms of an exposition."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from typing import TYPE_CHECKING, Literal

from prometheus_client.utils import floatToGoString

from exporter.texts import well_formed

if TYPE_CHECKING:
    from collections.abc import Callable

# prometheus_client has no types for it.
_go_float: Callable[[float], str] = floatToGoString
_EXPONENT_FROM = 1_000_000
# Far more than fifteen projects have.
_SERIES_REMEMBERED = 20_000


class Form(Enum):
    """A text form of an exposition; the value is its content type."""

    TEXT = "text/plain; version=0.0.4; charset=utf-8"
    OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric family.

    The ``name`` of a counter includes ``_total``. ``help`` holds no character that a form would
    escape.
    """

    name: str
    type: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    help: str


def header(name: str, kind: str, help_text: str, form: Form) -> str:
    """Return the HELP and TYPE lines; a counter has its ``_total`` in the text form only."""
    if kind == "counter":
        name = name.removesuffix("_total") + ("_total" if form is Form.TEXT else "")
    return f"# HELP {name} {help_text}\n# TYPE {name} {kind}\n"


def escape(label_value: str) -> str:
    """Escape the value of a label."""
    escaped = well_formed(label_value).replace("\\", r"\\")
    return escaped.replace("\n", r"\n").replace('"', r"\"")


def number(value: float) -> str:
    """Render a number as ``floatToGoString`` does, but faster for counts and times."""
    if 0 <= value < _EXPONENT_FROM:
        return f"{value}.0" if type(value) is int else repr(float(value))
    written = repr(value)
    # Ten digits before the point: a Unix time between 2001 and 2286.
    if written[10:11] == "." and value > 0:
        return f"{written[0]}.{written[1:10]}{written[11:]}".rstrip("0.") + "e+09"
    return _go_float(value)


@lru_cache(_SERIES_REMEMBERED)
def series(name: str, labels: tuple[tuple[str, str], ...]) -> str:
    """Return the name of a sample with its ``labels``, sorted by their names."""
    written = ",".join(f'{label}="{escape(value)}"' for label, value in sorted(labels))
    return f"{name}{{{written}}}" if written else name
