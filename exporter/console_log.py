"""Log records for a person at a terminal: one short line for a usual record."""

from __future__ import annotations

import re
import textwrap
from datetime import datetime
from typing import TYPE_CHECKING, Final

from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator

    from structlog.typing import EventDict, WrappedLogger

COLUMNS: Final = 120
_INDENT: Final = " " * 4
_HEAD: Final = ("timestamp", "level", "event", "logger")
# What is worth a line of its own, since no line has room for it.
_BELOW: Final = ("detail", "advice")
# Their values say what they are.
_BARE: Final = ("project", "job_id", "job_type", "status", "reason")
_SHORT_NAMES: Final = {
    "total_items": "items",
    "failed_items": "failed",
    "duration_seconds": "seconds",
    "item_name": "item",
    "error_message": "error",
}
# The rest stands in JSON, and at debug level.
_LEFT_OUT_OF_JOBS: Final = frozenset({"api_version", "processed_items", "skipped_items"})
_LEFT_OUT: Final = {
    "item.failed": frozenset({"job_type", "status", "item_id"}),
    "items.failed_before_start": frozenset({"job_type", "total_items"}),
    "exporter.listening": frozenset({"metrics", "version"}),
    "exporter.first_poll_ended": frozenset({"metrics", "version"}),
}
# What may be cut where a line is too long, in this order; an error has a reason beside it.
_CUT: Final = ("error_message", "reasons", "item_name")
_LEAST_SHOWN: Final = 12
_LONGEST_ID: Final = 16
_SHORT_ID: Final = 12
_PLAIN: Final = re.compile(r"[\w.,:;/@+%-]+")
_COLORS: Final = {"debug": 34, "info": 32, "warning": 33, "error": 31, "critical": 31}


class ConsoleRenderer:
    """Writes a record on a line, its advice below; ``in_full`` with whole ids and every key."""

    def __init__(self, *, colors: bool, in_full: bool) -> None:
        self._colors = colors
        self._in_full = in_full

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        """Return the text of one record, without a line break at its end."""
        head, width = self._head(event)
        values = {
            key: value
            for key, value in event.items()
            if key not in (*_HEAD, *_BELOW, "exception") and self._is_shown(event, key)
        }
        pairs = dict(self._pairs(values))
        if not self._in_full:
            _cut(pairs, COLUMNS - width)
        first = " ".join([head, *pairs.values()])
        return "\n".join([first.rstrip(), *self._below(event)])

    def _head(self, event: EventDict) -> tuple[str, int]:
        """Return how the line begins, and its width without colours."""
        time = datetime.fromisoformat(event["timestamp"]).astimezone().strftime("%H:%M:%S")
        level, name = str(event["level"]).ljust(7), escaped(str(event["event"]))
        if (logger := event.get("logger", "exporter")) != "exporter":
            name += f" [{escaped(str(logger))}]"
        name = name.ljust(20)
        plain = f"{time} {level} {name}"
        if not self._colors:
            return plain, len(plain)
        color = _COLORS.get(str(event["level"]), 0)
        return f"{time} \x1b[{color}m{level}\x1b[0m \x1b[1m{name}\x1b[0m", len(plain)

    def _is_shown(self, event: EventDict, key: str) -> bool:
        if self._in_full:
            return True
        if event[key] is None or (key == "failed_items" and event[key] == 0):
            return False
        if "job_id" in event and key in _LEFT_OUT_OF_JOBS:
            return False
        return key not in _LEFT_OUT.get(str(event["event"]), ())

    def _pairs(self, values: EventDict) -> Iterator[tuple[str, str]]:
        for key in (*(key for key in _BARE if key in values), *values):
            text = escaped(str(values[key]))
            if not self._in_full and key.endswith("_id") and len(text) > _LONGEST_ID:
                text = text[:_SHORT_ID]
            bare = key in _BARE
            yield key, _quoted(text) if bare else f"{_named(key)}={_quoted(text)}"

    def _below(self, event: EventDict) -> Iterator[str]:
        for key in _BELOW:
            if key in event:
                text = f"{key}: {escaped(str(event[key]))}"
                yield textwrap.fill(
                    text,
                    COLUMNS,
                    initial_indent=_INDENT,
                    subsequent_indent=_INDENT * 2,
                    break_long_words=False,
                    break_on_hyphens=False,
                )
        if "exception" in event:
            # Indented, so that no line of an exception's message looks like a record of its own.
            lines = str(event["exception"]).split("\n")
            yield "\n".join(f"{_INDENT}{escaped(line)}" for line in lines)


def _named(key: str) -> str:
    return _SHORT_NAMES.get(key, escaped(key))


def _quoted(text: str) -> str:
    return text if _PLAIN.fullmatch(text) else '"' + text.replace('"', '\\"') + '"'


def _cut(pairs: dict[str, str], room: int) -> None:
    """Shorten what may be cut, until the pairs and a blank before each fit into ``room``."""
    for key in _CUT:
        too_long = sum(len(pair) + 1 for pair in pairs.values()) - room
        if key not in pairs or too_long <= 0:
            continue
        name, _, text = pairs[key].partition("=")
        text = text.strip('"')
        # Two quotation marks and three dots come back.
        keep = len(text) - too_long - 5
        if keep >= _LEAST_SHOWN:
            pairs[key] = f'{name}="{text[:keep]}..."'
        elif key == "error_message":
            del pairs[key]
