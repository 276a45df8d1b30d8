"""What the command does in each of its modes, and with which exit status."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from typing import TYPE_CHECKING

import stamina.instrumentation
import structlog

from exporter.app.listening import AddressUnavailableError, listen
from exporter.app.running import demo, print_once, serve
from exporter.config import ConfigError, Mode, describe, load
from exporter.logs import configure_logging

if TYPE_CHECKING:
    from types import FrameType

    from exporter.config import Settings

_OK, _FAILED, _BAD_SETTINGS = 0, 1, 2


def main() -> int:
    """Run the command line and return the exit status.

    0: stopped as asked. 1: could not do what was asked, or a bug. 2: a mistake in the settings.
    """
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave_at_once)
    try:
        command = load(sys.argv[1:], os.environ)
    except ConfigError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the log is not configured yet
        return _BAD_SETTINGS
    if command.mode is Mode.CHECK:
        print(describe(command.settings))  # noqa: T201 - what was asked for
        return _OK
    return _run(command.mode, command.settings)


def _run(mode: Mode, settings: Settings) -> int:
    configure_logging(
        settings.log.level,
        settings.log.format,
        secrets=[project.api_key.get_secret_value() for project in settings.projects],
    )
    # Its default hooks would count retries on the global registry and log every one.
    stamina.instrumentation.set_on_retry_hooks([])
    log = structlog.get_logger("exporter")
    try:
        if mode is Mode.ONCE:
            return _OK if asyncio.run(print_once(settings)) else _FAILED
        sockets = listen(settings.web.listen_address)
        asyncio.run((demo if mode is Mode.DEMO else serve)(settings, sockets))
    except AddressUnavailableError as error:
        log.error("exporter.cannot_listen", address=error.address, detail=str(error))  # noqa: TRY400 - no traceback: it is no bug
        return _FAILED
    except Exception:
        log.exception("exporter.crashed", advice="this is a bug: please report it")
        return _FAILED
    return _OK


def _leave_at_once(_number: int, _frame: FrameType | None) -> None:
    """End the process while it has nothing to shut down yet; PID 1 has no default for signals."""
    sys.exit(_OK)
