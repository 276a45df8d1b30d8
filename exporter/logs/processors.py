"""The log: our own records and those of libraries, structured, bounded, and without keys."""

from __future__ import annotations

import json
import logging
import math
import sys
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

import structlog
from structlog.processors import JSONRenderer
from structlog.stdlib import ProcessorFormatter

from exporter.logs.console import ConsoleRenderer
from exporter.logs.redaction import Secrets

if TYPE_CHECKING:
    from structlog.typing import EventDict, Processor, WrappedLogger

    from exporter.logs.writer import LogWriter

_LONGEST_VALUE = 1_000
_LONGEST_TRACEBACK = 20_000
_LEADING_KEYS = ("timestamp", "level", "event", "logger")
# At info and debug these libraries log URLs and headers, including the API key.
_LOGGERS_WITH_HEADERS = ("httpx", "httpcore")
_COMMON_PROCESSORS: tuple[Processor, ...] = (
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
)


def configure_logging(
    level: str,
    format: str,  # noqa: A002 - the setting's name
    stream: LogWriter | TextIO,
    secrets: Secrets | None = None,
) -> None:
    """Write the records of this ``level`` and above to ``stream``, without the ``secrets``.

    ``format`` is ``json``, ``console``, or ``auto``: console on a terminal, else JSON lines. The
    console shows whole ids and every key only at level ``debug``. The last call counts.
    """
    console = format == "console" or (format == "auto" and stream.isatty())
    in_full = level == "debug"
    renderer: Processor = (
        ConsoleRenderer(colors=stream.isatty(), in_full=in_full) if console else JSONRenderer()
    )
    handler = _Handler(stream)
    handler.setFormatter(
        ProcessorFormatter(
            foreign_pre_chain=_COMMON_PROCESSORS,
            processors=[
                ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _clean_values(secrets or Secrets()),
                renderer,
            ],
        )
    )
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_COMMON_PROCESSORS,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    _route_standard_logging(handler, logging.getLevelNamesMapping()[level.upper()])


def log_uncaught_exceptions() -> None:
    """Log the exceptions that Python itself would print: those of finalizers and of threads.

    They may hold keys, and printing may block.
    """

    def log(where: object, exception: BaseException | None) -> None:
        logging.getLogger("python").error("uncaught exception in %r", where, exc_info=exception)

    sys.unraisablehook = lambda caught: log(caught.object, caught.exc_value)
    threading.excepthook = lambda caught: log(caught.thread, caught.exc_value)


class _Handler(logging.StreamHandler["LogWriter | TextIO"]):
    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Log which record was lost; logging itself would print its values, keys included."""
        lost = {"event": "log.record_lost", "level": "error", "logger": record.name}
        with suppress(OSError, ValueError):
            self.stream.write(json.dumps({**lost, "error": type(sys.exception()).__name__}) + "\n")


def _route_standard_logging(handler: logging.Handler, level: int) -> None:
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    for name in _LOGGERS_WITH_HEADERS:
        logging.getLogger(name).setLevel(max(level, logging.WARNING))
    # A line for each scrape would only be noise.
    logging.getLogger("uvicorn.access").disabled = True
    # Its warnings about clients that do not speak HTTP do not name the client.
    quiet = level if level <= logging.DEBUG else max(level, logging.ERROR)
    logging.getLogger("uvicorn.error").setLevel(quiet)


def _clean_values(secrets: Secrets) -> Processor:
    """Make each value a number or a bounded text without ``secrets``; leading keys come first."""

    def write(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        leading = {key: event[key] for key in _LEADING_KEYS if key in event}
        return {key: _value(key, value, secrets) for key, value in {**leading, **event}.items()}

    return write


def _value(key: str, value: object, secrets: Secrets) -> str | float | None:
    if isinstance(value, int | None) or (isinstance(value, float) and math.isfinite(value)):
        return value
    # Redact before cutting: a cut secret might not be recognised.
    text = secrets.redact(str(value) if isinstance(value, (str, float)) else repr(value))
    longest = _LONGEST_TRACEBACK if key == "exception" else _LONGEST_VALUE
    if len(text) <= longest:
        return text
    left_out = f"... {len(text) - longest} characters ..."
    if key == "exception":
        # The first lines show the beginning of the call stack, the last ones the exception itself.
        return text[: longest // 2] + left_out + text[-longest // 2 :]
    return text[:longest] + left_out
