"""What a client wants of a scrape, by its Accept and Accept-Encoding headers (RFC 9110, 12.5)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from exporter.exposition import Form

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # noqa: S105 - RFC 9110's word, not a secret
_VALUE = re.compile(rf"{_TOKEN}(/{_TOKEN})?")
_QUOTED = r'"(?:[^"\\]|\\.)*"?'
_ELEMENT = re.compile(rf'(?:[^,"]|{_QUOTED})+', re.DOTALL)
_PARAMETER = re.compile(rf'(?:[^;"]|{_QUOTED})+', re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)

_MEDIA_TYPES = {Form.TEXT: "text/plain", Form.OPENMETRICS: "application/openmetrics-text"}
# Older Prometheus servers ask for OpenMetrics as 0.0.1 alone, and read 1.0.0 as well.
_VERSIONS = {Form.TEXT: {"0.0.4"}, Form.OPENMETRICS: {"1.0.0", "0.0.1"}}
_BY_NAME = 2


@dataclass(frozen=True, slots=True)
class _Wish:
    """One part of a header: ``value`` and the names of ``parameters`` are in lower case."""

    value: str
    quality: float
    parameters: Mapping[str, str]


def choose_form(accept: str) -> Form:
    """Choose the form that ``accept`` prefers, the plain text form where it names neither.

    Of equal wishes the more specific counts. OpenMetrics wins a tie only if asked for by name.
    """
    wishes = list(_wishes(accept))
    ranks = {form: _rank(form, wishes) for form in Form}
    text, openmetrics = ranks[Form.TEXT], ranks[Form.OPENMETRICS]
    if openmetrics > text or (openmetrics == text and openmetrics[1] >= _BY_NAME):
        return Form.OPENMETRICS
    return Form.TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Tell whether the client takes gzip, and does not like it less than no compression."""
    qualities: dict[str, float] = {}
    for wish in _wishes(accept_encoding):
        qualities[wish.value] = max(wish.quality, qualities.get(wish.value, 0.0))
    gzip = qualities.get("gzip", qualities.get("x-gzip", qualities.get("*", 0.0)))
    return gzip > 0 and gzip >= qualities.get("identity", qualities.get("*", 0.0))


def _rank(form: Form, wishes: list[_Wish]) -> tuple[float, int]:
    """Return the quality that the most specific matching wish gives, and how specific it is."""
    matches = [(_specificity(form, wish), wish.quality) for wish in wishes]
    specificity, quality = max(matches, default=(-1, 0.0))
    return (quality, specificity) if specificity >= 0 and quality > 0 else (0.0, -1)


def _specificity(form: Form, wish: _Wish) -> int:
    media_type = _MEDIA_TYPES[form]
    if wish.value == media_type:
        version = wish.parameters.get("version")
        if version is None:
            return _BY_NAME
        return _BY_NAME + 1 if version in _VERSIONS[form] else -1
    ranges = ("*/*", media_type.partition("/")[0] + "/*")
    return ranges.index(wish.value) if wish.value in ranges else -1


def _wishes(header: str) -> Iterator[_Wish]:
    """Read a header's parts; what is malformed is ignored."""
    for element in _ELEMENT.findall(header):
        value, _, rest = element.partition(";")
        parameters = dict(map(_parameter, filter(str.strip, _PARAMETER.findall(rest))))
        quality = parameters.pop("q", "1")
        if _VALUE.fullmatch(value.strip()) and _QUALITY.fullmatch(quality):
            yield _Wish(value.strip().lower(), float(quality), parameters)


def _parameter(text: str) -> tuple[str, str]:
    name, _, value = text.partition("=")
    value = value.strip()
    if value.startswith('"'):
        value = _ESCAPED.sub(r"\1", value[1:].removesuffix('"'))
    return name.strip().lower(), value
