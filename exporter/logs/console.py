"""Log records for a terminal: one short line for a usual record."""

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
# Long values, which get a line of their own.
_BELOW: Final = ("detail", "advice")
_NOT_IN_LINE: Final = {"timestamp", "level", "event", "logger", *_BELOW, "exception"}
# Keys that are not written, because their values are clear without them.
_BARE: Final = ("project", "job_id", "job_type", "status", "reason")
_SHORT_NAMES: Final = {
    "total_items": "items",
    "failed_items": "failed",
    "duration_seconds": "seconds",
    "item_name": "item",
    "error_message": "error",
}
# Left out of the short line; JSON and the debug level have them.
_LEFT_OUT_OF_JOBS: Final = frozenset({"api_version", "processed_items", "skipped_items"})
_LEFT_OUT: Final = {
    "item.failed": frozenset({"job_type", "status", "item_id"}),
    "items.failed_before_start": frozenset({"job_type", "total_items"}),
    "exporter.listening": frozenset({"metrics", "version"}),
    "exporter.first_poll_ended": frozenset({"metrics", "version"}),
}
# Values that are cut if a line is too long, in this order.
_CUT: Final = ("error_message", "reasons", "item_name")
_LEAST_SHOWN: Final = 12
_LONGEST_ID: Final = 16
_SHORT_ID: Final = 12
_PLAIN: Final = re.compile(r"[\w.,:;/@+%-]+")
_COLORS: Final = {"debug": 34, "info": 32, "warning": 33, "error": 31, "critical": 31}


class ConsoleRenderer:
    """Renders a record as a line, its advice below it; ``in_full`` with whole ids and every key."""

    def __init__(self, *, colors: bool, in_full: bool) -> None:
        self._colors = colors
        self._in_full = in_full

    def __call__(self, _logger: WrappedLogger, _method: str, event: EventDict) -> str:
        """Return the text of one record, without a line break at its end."""
        head, width = self._head(event)
        keys = [key for key in event if self._is_shown(event, key)]
        bare = [key for key in _BARE if key in keys]
        pairs = {key: self._pair(key, event[key]) for key in (*bare, *keys)}
        if not self._in_full:
            _cut(pairs, COLUMNS - width)
        first = " ".join([head, *pairs.values()])
        return "\n".join([first.rstrip(), *self._below(event)])

    def _head(self, event: EventDict) -> tuple[str, int]:
        """Return the beginning of the line, and its width without colours."""
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
        if key in _NOT_IN_LINE or self._in_full:
            return key not in _NOT_IN_LINE
        if event[key] is None or (key == "failed_items" and event[key] == 0):
            return False
        left_out = _LEFT_OUT.get(str(event["event"]), frozenset())
        return key not in left_out and not ("job_id" in event and key in _LEFT_OUT_OF_JOBS)

    def _pair(self, key: str, value: object) -> str:
        text = escaped(str(value))
        if not self._in_full and key.endswith("_id") and len(text) > _LONGEST_ID:
            text = text[:_SHORT_ID]
        if not _PLAIN.fullmatch(text):
            text = '"' + text.replace('"', '\\"') + '"'
        return text if key in _BARE else f"{_SHORT_NAMES.get(key, escaped(key))}={text}"

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
            # Indented, so that no line of an exception's message can be mistaken for a record.
            lines = str(event["exception"]).split("\n")
            yield "\n".join(f"{_INDENT}{escaped(line)}" for line in lines)


def _cut(pairs: dict[str, str], room: int) -> None:
    """Shorten values until the pairs, each with a blank before it, fit into ``room`` columns."""
    for key in _CUT:
        too_long = sum(len(pair) + 1 for pair in pairs.values()) - room
        if key not in pairs or too_long <= 0:
            continue
        name, _, text = pairs[key].partition("=")
        text = text.strip('"')
        # Two quotation marks and three dots are added below.
        keep = len(text) - too_long - 5
        if keep >= _LEAST_SHOWN:
            pairs[key] = f'{name}="{text[:keep]}..."'
        elif key == "error_message":
            del pairs[key]
