"""What the command does in each of its modes, and with which exit status."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from typing import TYPE_CHECKING

import stamina.instrumentation
import structlog

from exporter.app.failed_start import stay_until_seen_running
from exporter.app.leaving import leave_anyway
from exporter.app.listening import AddressUnavailableError, listen
from exporter.app.running import demo, print_once, serve
from exporter.config import ConfigError, Mode, describe, load, serves_and_waits_for_key
from exporter.llamacloud.connections import open_connections
from exporter.llamacloud.environment import BadEnvironmentError
from exporter.logs import configure_logging
from exporter.redaction import Secrets

if TYPE_CHECKING:
    from collections.abc import Sequence

    from exporter.config import Settings

_OF_OTHER_PROGRAMS = "it is ignored; that is right if it is there for another program"
_OK, _FAILED, _BAD_SETTINGS = 0, 1, 2

log = structlog.get_logger("exporter")


def run() -> int:
    """Do what the command line asks for and return the exit status.

    0: stopped as asked. 1: could not do what was asked, or a bug. 2: a mistake in the settings, or
    in the environment's proxies and certificates.

    With ``api.wait_for_key``, an exporter that fails within five seconds returns only after them.
    """
    began_monotonic = time.monotonic()
    try:
        try:
            status = _run()
            if status != _OK and serves_and_waits_for_key(sys.argv[1:], os.environ):
                stay_until_seen_running(began_monotonic)
        finally:
            # Here, for the interpreter would do it where nobody can catch what it raises.
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = _FAILED
    leave_anyway(status)
    return status


def _run() -> int:
    try:
        command = load(sys.argv[1:], os.environ)
        if command.mode is Mode.CHECK:
            # Only for the mistakes in variables that it finds: nothing is sent.
            open_connections("")
    except (ConfigError, BadEnvironmentError) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the log is not configured yet
        return _BAD_SETTINGS
    if command.mode is Mode.CHECK:
        print(describe(command.settings, command.warnings))  # noqa: T201 - what was asked for
        return _OK
    return _start(command.mode, command.settings, command.warnings)


def _start(mode: Mode, settings: Settings, warnings: Sequence[str]) -> int:
    keys = (project.api_key for project in settings.projects)
    secrets = Secrets(*(key.get_secret_value() for key in keys if key is not None))
    configure_logging(settings.log.level, settings.log.format, secrets=secrets)
    for warning in warnings:
        log.warning("exporter.unknown_variable", detail=warning, advice=_OF_OTHER_PROGRAMS)
    # Its default hooks would count retries on the global registry and log every one.
    stamina.instrumentation.set_on_retry_hooks([])
    try:
        if mode is Mode.ONCE:
            return _OK if asyncio.run(print_once(settings, secrets)) else _FAILED
        sockets = listen(settings.web.listen_address)
        asyncio.run((demo if mode is Mode.DEMO else serve)(settings, secrets, sockets))
    except AddressUnavailableError as error:
        log.error("exporter.cannot_listen", address=error.address, detail=str(error))  # noqa: TRY400 - no traceback: it is no bug
        return _FAILED
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - it is told
        return _ended_by(error)
    return _OK


def _ended_by(error: BaseException) -> int:
    # What went wrong first says it all: tasks that do the same fail in the same way.
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, BadEnvironmentError):
        log.error("exporter.bad_environment", variables=error.variables, advice=error.advice)
        return _BAD_SETTINGS
    log.error("exporter.crashed", advice="this is a bug: please report it", exc_info=error)
    return _FAILED
