"""The form and the encoding of an exposition, by Accept and Accept-Encoding (RFC 9110, 12.5)."""

from __future__ import annotations

import re

from exporter.exposition import Form

_QUALITY = re.compile(r"0(\.[0-9]{0,3})?|1(\.0{0,3})?")
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"?', re.DOTALL)
_NOT_A_VERSION = re.compile(r"[\\,;]")

# The media ranges that include each form, the most specific last.
_TEXT = ("*/*", "text/*", "text/plain", "text/plain;version=0.0.4")
_OPENMETRICS_NAME = "application/openmetrics-text"
_OPENMETRICS = ("*/*", "application/*", _OPENMETRICS_NAME, f"{_OPENMETRICS_NAME};version=1.0.0")
_BY_NAME = 2
# Older Prometheus servers accept OpenMetrics as 0.0.1 alone, and can read 1.0.0 as well.
_VERSION_ALSO_READ = {"0.0.1": "1.0.0"}


def choose_form(accept: str) -> Form:
    """Choose the form that ``accept`` prefers; the text format if it names neither.

    At equal quality, the more specific media range wins. If both are equally specific, OpenMetrics
    wins only if its own media type is named.
    """
    qualities = _qualities(accept)
    text, openmetrics = _rank(_TEXT, qualities), _rank(_OPENMETRICS, qualities)
    tie_is_won = openmetrics == text and openmetrics[1] >= _BY_NAME
    return Form.OPENMETRICS if openmetrics > text or tie_is_won else Form.TEXT


def accepts_gzip(accept_encoding: str) -> bool:
    """Return whether the client accepts gzip, and does not prefer an uncompressed answer."""
    qualities = _qualities(accept_encoding)
    others = qualities.get("*", 0.0)
    gzip = qualities.get("gzip", qualities.get("x-gzip", others))
    return gzip > 0 and gzip >= qualities.get("identity", others)


def _rank(names: tuple[str, ...], qualities: dict[str, float]) -> tuple[float, int]:
    """Return the quality of the most specific of ``names``, and how specific it is."""
    given = [(place, qualities[name]) for place, name in enumerate(names) if name in qualities]
    specificity, quality = max(given, default=(-1, 0.0))
    return (quality, specificity) if quality else (0.0, -1)


def _qualities(header: str) -> dict[str, float]:
    """Return the quality of each value with its version; malformed ones are ignored."""
    qualities: dict[str, float] = {}
    # Commas and semicolons within quotes separate nothing.
    without_quoted_separators = _QUOTED.sub(lambda text: _NOT_A_VERSION.sub("", text[0]), header)
    for element in without_quoted_separators.lower().split(","):
        value, *parameters = (part.strip() for part in element.split(";"))
        named = dict(parameter.partition("=")[::2] for parameter in parameters)
        if "version" in named:
            version = named["version"].strip('"')
            value += f";version={_VERSION_ALSO_READ.get(version, version)}"
        quality = named.get("q", "1")
        if _QUALITY.fullmatch(quality):
            qualities[value] = max(float(quality), qualities.get(value, 0.0))
    return qualities
