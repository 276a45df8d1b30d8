"""What the command does in each of its modes, and with which exit status."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import time
from contextlib import redirect_stdout
from functools import partial
from typing import TYPE_CHECKING, Any

import stamina.instrumentation
import structlog

from exporter.advice import LIMIT_REACHED
from exporter.app.failed_start import stay_until_seen_running
from exporter.app.listening import AddressUnavailableError, listen
from exporter.app.load_all import load_all
from exporter.app.once import print_once
from exporter.app.running import serve
from exporter.app.upstream import connections_of
from exporter.config import ConfigError, Mode, describe, load, serves_and_waits_for_key
from exporter.llamacloud.environment import BadEnvironmentError
from exporter.llamacloud.proxies import Proxies
from exporter.logs import configure_logging, log_uncaught_exceptions
from exporter.machine_limits import is_limit
from exporter.redaction import Secrets
from exporter.signals import OTHERS
from exporter.standard_streams import StandardOutputError, encoded, write_output

if TYPE_CHECKING:
    import signal
    from collections.abc import Callable, Coroutine

    from exporter.config import Command, Settings
    from exporter.log_writer import LogWriter
    from exporter.signals import Signals
    from exporter.web_config.current import CurrentWebConfig

_OF_OTHER_PROGRAMS = "it is ignored; that is correct if another program uses it"
_OK, _FAILED, _BAD_SETTINGS = 0, 1, 2

log = structlog.get_logger("exporter")


def run(signals: Signals, log_writer: LogWriter) -> int:
    """Do what the command line asks for and return the exit status.

    0: stopped as asked. 1: could not do what was asked, or a bug. 2: a mistake in the settings, or
    in the environment's proxies and certificates.

    With ``api.wait_for_key``, an exporter that fails within five seconds returns only after them.
    """
    began_monotonic = time.monotonic()
    printed = io.StringIO()
    try:
        # argparse ignores that what --help and --version print cannot be written.
        with redirect_stdout(printed):
            command, web_config = load_all(sys.argv[1:], os.environ)
        if command.mode is Mode.CHECK:
            # Only for the mistakes in variables that it finds: nothing is sent.
            proxies = Proxies(os.environ)
            connections_of(command.settings, proxies)
    except SystemExit:
        return _print(printed.getvalue(), log_writer)
    except (ConfigError, BadEnvironmentError) as error:
        # The log is not configured yet.
        log_writer.write(f"{error}\n")
        return _left(_BAD_SETTINGS, began_monotonic, signals)
    if command.mode is Mode.CHECK:
        ignored = proxies.ignored()
        warnings = [
            *command.unknown_variables,
            *command.doubts,
            *([] if ignored is None else [str(ignored)]),
        ]
        return _print(f"{describe(command.settings, warnings)}\n", log_writer)
    status = _start(command, web_config, signals, log_writer)
    return _left(status, began_monotonic, signals)


def _left(status: int, began_monotonic: float, signals: Signals) -> int:
    """Return the exit status, of a sidecar that failed at its start after a moment."""
    if status != _OK and serves_and_waits_for_key(sys.argv[1:], os.environ):
        stay_until_seen_running(began_monotonic, signals)
    return status


def _print(text: str, log_writer: LogWriter) -> int:
    try:
        write_output([encoded(text, sys.stdout)])
    except StandardOutputError as error:
        if not error.reader_left:
            log_writer.write(f"{error}\n")
        return _FAILED
    return _OK


def _start(
    command: Command,
    web_config: CurrentWebConfig | None,
    signals: Signals,
    log_writer: LogWriter,
) -> int:
    settings = command.settings
    keys = (project.api_key for project in settings.projects)
    secrets = Secrets(*(key.get_secret_value() for key in keys if key is not None))
    configure_logging(settings.log.level, settings.log.format, log_writer, secrets)
    log_uncaught_exceptions()
    signals.handle(OTHERS, _log_ignored)
    for warning in command.unknown_variables:
        log.warning("exporter.unknown_variable", detail=warning, advice=_OF_OTHER_PROGRAMS)
    for doubt in command.doubts:
        log.warning("config.doubtful", detail=doubt)
    # Its default hooks would count retries on the global registry and log every one.
    stamina.instrumentation.set_on_retry_hooks([])
    try:
        if command.mode is Mode.ONCE:
            with asyncio.Runner() as runner:
                all_listed = runner.run(print_once(settings, secrets, signals, log_writer))
            return _OK if all_listed else _FAILED
        sockets = listen(settings.web.listen_address)
        serving = partial(_demo() if command.mode is Mode.DEMO else serve, web_config=web_config)
        # Where there can be no loop, asyncio.run would warn of the coroutine that never runs.
        with asyncio.Runner() as runner:
            runner.run(
                serving(settings, secrets, sockets, signals, log_writer, read_again=_settings_again)
            )
    except AddressUnavailableError as error:
        log.error("exporter.cannot_listen", address=error.address, detail=str(error))  # noqa: TRY400 - no traceback: it is no bug
        return _FAILED
    except StandardOutputError as error:
        if not error.reader_left:
            log.error("exporter.cannot_print", detail=str(error))  # noqa: TRY400 - likewise
        return _FAILED
    except Exception as error:  # noqa: BLE001 - it is told
        return _ended_by(error)
    return _OK


def _demo() -> Callable[..., Coroutine[Any, Any, None]]:
    from exporter.app.demo import demo  # noqa: PLC0415 - only the demo pays for the simulator

    return demo


def _settings_again() -> Settings:
    return load(sys.argv[1:], os.environ).settings


def _log_ignored(number: signal.Signals) -> None:
    log.info("exporter.signal_ignored", signal=number.name)


def _ended_by(error: BaseException) -> int:
    # What went wrong first says it all: tasks that do the same fail in the same way.
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    if isinstance(error, BadEnvironmentError):
        log.error("exporter.bad_environment", variables=error.variables, advice=error.advice)
        return _BAD_SETTINGS
    if is_limit(error):
        detail = f"{type(error).__name__}: {error}"
        log.error("exporter.limit_reached", detail=detail, advice=LIMIT_REACHED)
        return _FAILED
    log.error("exporter.crashed", advice="this is a bug: please report it", exc_info=error)
    return _FAILED
