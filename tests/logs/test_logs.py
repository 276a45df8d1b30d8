"""The form of log records, and what never stands in them."""

import io
import json
import logging
import sys
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog

from exporter.logs.processors import configure_logging, log_uncaught_exceptions
from exporter.logs.redaction import Secrets

KEY = "llx-secret-key"
HOSTILE = "a\n2026-11-23 [error] forged\r\x1b[2J\u202e\ud800"


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Take back what a test configured for the whole process."""
    root = logging.getLogger()
    names = ("httpx", "httpcore", "uvicorn.access", "uvicorn.error")
    handlers, level = root.handlers, root.level
    loggers = [(logger, logger.level) for logger in map(logging.getLogger, names)]
    yield
    root.handlers = handlers
    root.setLevel(level)
    for logger, its_level in loggers:
        logger.setLevel(its_level)
        logger.disabled = False
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


def own_logger() -> Any:
    return structlog.get_logger("exporter")


def records(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_own_records_are_json_lines() -> None:
    """Time, level, event and logger come first, then the context."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)

    own_logger().bind(project="p").info("poll.finished", jobs=3, names=["a"], ratio=float("nan"))

    (record,) = records(stream)
    assert list(record)[:4] == ["timestamp", "level", "event", "logger"]
    assert record.pop("timestamp").endswith("Z")
    assert record == {
        "level": "info",
        "event": "poll.finished",
        "logger": "exporter",
        "project": "p",
        "jobs": 3,
        "names": "['a']",
        "ratio": "nan",
    }


def test_library_records_look_like_ours() -> None:
    """Records of the standard library's loggers pass through the same chain."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)

    logging.getLogger("asyncio").warning("slow: %s", "callback")

    (record,) = records(stream)
    assert (record["level"], record["event"], record["logger"]) == (
        "warning",
        "slow: callback",
        "asyncio",
    )


def test_warnings_are_records() -> None:
    """What Python warns of is logged, not printed."""
    stream = io.StringIO()
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        configure_logging("info", "json", stream)
        warnings.warn("old ways", DeprecationWarning, stacklevel=1)
        logging.captureWarnings(capture=False)

    (record,) = records(stream)
    assert record["logger"] == "py.warnings"
    assert "DeprecationWarning: old ways" in record["event"]


@pytest.mark.parametrize(
    ("stream", "format_", "is_json"),
    [
        (io.StringIO(), "auto", True),
        (Terminal(), "auto", False),
        (Terminal(), "json", True),
        (io.StringIO(), "console", False),
    ],
)
def test_auto_is_console_on_a_terminal_alone(
    stream: io.StringIO,
    format_: str,
    is_json: bool,  # noqa: FBT001 - a table's column
) -> None:
    """Elsewhere, programs read the records."""
    configure_logging("info", format_, stream)

    own_logger().info("poll.finished")

    assert stream.getvalue().startswith("{") == is_json


def test_colours_are_for_terminals_alone() -> None:
    """A file gets plain text."""
    plain, terminal = io.StringIO(), Terminal()
    for stream in (plain, terminal):
        configure_logging("info", "console", stream)
        own_logger().info("poll.finished")

    assert ("\x1b" in plain.getvalue(), "\x1b" in terminal.getvalue()) == (False, True)


def test_console_records_cannot_be_forged() -> None:
    """Line breaks and terminal escapes in values are made visible, in events too."""
    stream = io.StringIO()
    configure_logging("info", "console", stream)

    own_logger().info("job.failed", message=HOSTILE)
    logging.getLogger("library").error(HOSTILE)

    text = stream.getvalue()
    assert len(text.splitlines()) == 2
    assert [char for char in text if not char.isprintable() and char != "\n"] == []
    assert "a\\n2026-11-23 [error] forged\\r\\x1b[2J\\u202e\\ud800" in text


def test_json_records_cannot_be_forged() -> None:
    """JSON escapes what could end a line."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)

    own_logger().info("job.failed", message=HOSTILE)

    assert records(stream)[0]["message"] == HOSTILE
    assert stream.getvalue().isascii()


@pytest.mark.parametrize("format_", ["json", "console"])
def test_values_are_bounded(format_: str) -> None:
    """A long value does not fill the disk, and says how much was left out."""
    stream = io.StringIO()
    configure_logging("info", format_, stream)

    own_logger().info("job.failed", message="x" * 1_000_000)

    assert len(stream.getvalue()) < 1_300
    assert "x... 999000 characters ..." in stream.getvalue()


def fail(message: str) -> None:
    local_value = "local-" + "variable"
    raise ValueError(f"{message} {len(local_value)}")


@pytest.mark.parametrize(("format_", "stream"), [("json", io.StringIO()), ("console", Terminal())])
def test_exceptions_have_tracebacks_without_local_variables(
    format_: str, stream: io.StringIO
) -> None:
    """Where it failed and why, but no values: they may be keys."""
    configure_logging("info", format_, stream, secrets=Secrets(KEY))
    try:
        fail(KEY)
    except ValueError:
        own_logger().exception("poll.crashed")
        logging.getLogger("library").exception("Crashed")

    text = stream.getvalue()
    assert text.count("Traceback (most recent call last)") == 2
    assert text.count("ValueError: [redacted] 14") == 2
    assert "local-variable" not in text
    assert KEY not in text


def test_no_line_of_a_traceback_looks_like_a_record() -> None:
    """Messages of exceptions can hold lines: all of them are indented and escaped."""
    stream = io.StringIO()
    configure_logging("info", "console", stream)
    try:
        fail(HOSTILE)
    except ValueError:
        own_logger().exception("poll.crashed")

    first, *rest = stream.getvalue().rstrip("\n").split("\n")
    assert "poll.crashed" in first
    assert [line for line in rest if not line.startswith("    ")] == []
    assert "\x1b" not in stream.getvalue()


def test_long_tracebacks_keep_both_ends() -> None:
    """The first lines say where it began, the last ones what it was."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)
    try:
        fail("x" * 100_000 + " the end")
    except ValueError:
        own_logger().exception("poll.crashed")

    (record,) = records(stream)
    assert record["exception"].startswith("Traceback")
    assert record["exception"].endswith(" the end 14")
    assert len(record["exception"]) < 21_000


@pytest.mark.parametrize("format_", ["json", "console"])
def test_keys_are_taken_out_of_every_text(format_: str) -> None:
    """Events, values, nested values and library records; also where a long value is cut."""
    stream = io.StringIO()
    secrets = Secrets("", KEY)
    configure_logging("debug", format_, stream, secrets=secrets)
    secrets.add("quote'd\\key")
    secrets.add(KEY + "-longer")

    own_logger().info(f"event {KEY}", header=f"Bearer {KEY}", headers={"a": [KEY.encode()]})
    own_logger().info("cut", text="x" * 995 + KEY)
    own_logger().info("odd", text="quote'd\\key", nested=["quote'd\\key"], longer=KEY + "-longer")
    logging.getLogger("library").info("%s and %s", KEY, {"k": KEY})

    text = stream.getvalue()
    assert [part for part in (KEY, "secret", "llx-", "quote'd", "-longer") if part in text] == []
    assert text.count("[redacted]") == 8


@pytest.mark.parametrize("shown", [5, len(KEY) - 1])
def test_keys_are_taken_out_where_a_text_was_cut(shown: int) -> None:
    """The code that shortened it before did not know that it contains a key."""
    stream = io.StringIO()
    configure_logging("info", "json", stream, secrets=Secrets("other-key", KEY))

    own_logger().info("item.failed", message="x" * (200 - shown) + KEY[:shown], short=KEY[:shown])

    (record,) = records(stream)
    assert record["message"] == "x" * (200 - shown) + "[redacted]"
    assert record["short"] == KEY[:shown]


class Finalized:
    """Fails when it is deleted."""

    def __del__(self) -> None:
        """Fail with a key in the message."""
        fail(KEY)


def test_what_python_would_print_is_logged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Exceptions of finalizers and of threads: without keys, and where the other records go."""
    stream = io.StringIO()
    configure_logging("info", "json", stream, secrets=Secrets(KEY))
    # What stands there now comes back after the test.
    monkeypatch.setattr(sys, "unraisablehook", None)
    monkeypatch.setattr(threading, "excepthook", None)
    log_uncaught_exceptions()

    finalized = Finalized()
    del finalized
    thread = threading.Thread(target=fail, args=[KEY], name="doomed")
    thread.start()
    thread.join()

    first, second = records(stream)
    assert ("Finalized.__del__" in first["event"], "doomed" in second["event"]) == (True, True)
    for record in (first, second):
        assert record["level"] == "error"
        assert "ValueError: [redacted] 14" in record["exception"]


def test_levels_hold_for_all_but_the_chatty() -> None:
    """Records of httpx and httpcore below warnings, of uvicorn.error below errors, are no news."""
    stream = io.StringIO()
    configure_logging("info", "json", stream)

    own_logger().debug("left.out")
    for name in ("httpx", "httpcore.http11", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).info("chatter")
    logging.getLogger("uvicorn.access").error("chatter")
    logging.getLogger("httpx").warning("news")
    logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
    logging.getLogger("uvicorn.error").error("news")

    assert [record["event"] for record in records(stream)] == ["news", "news"]


def test_debug_shows_uvicorn_but_never_headers() -> None:
    """At no level do httpx and httpcore log what they send."""
    stream = io.StringIO()
    configure_logging("debug", "json", stream)

    for name in ("httpx", "httpcore.http11", "uvicorn.error", "asyncio"):
        logging.getLogger(name).debug("detail")

    assert [record["logger"] for record in records(stream)] == ["uvicorn.error", "asyncio"]


def test_a_higher_level_holds_for_libraries_too() -> None:
    """At error, their warnings are left out."""
    stream = io.StringIO()
    configure_logging("error", "json", stream)

    for name in ("httpx", "uvicorn.error", "asyncio"):
        logging.getLogger(name).warning("left out")

    assert stream.getvalue() == ""


def test_a_record_that_cannot_be_written_shows_no_values() -> None:
    """A library's mistake in a record costs the record, and prints none of its values."""
    stream = io.StringIO()
    configure_logging("info", "json", stream, secrets=Secrets(KEY))

    logging.getLogger("library").info("%d", KEY)

    assert records(stream) == [
        {
            "event": "log.record_lost",
            "level": "error",
            "logger": "library",
            "error": "TypeError",
        }
    ]


def test_the_last_configuration_counts() -> None:
    """Configuring again replaces the stream: no record is written twice."""
    first, second = io.StringIO(), io.StringIO()
    configure_logging("info", "json", first)
    configure_logging("info", "json", second)

    own_logger().info("poll.finished")

    assert (first.getvalue(), len(records(second))) == ("", 1)
