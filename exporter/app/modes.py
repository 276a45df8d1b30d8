"""What the command does in each of its modes, and with which exit status it ends."""

from __future__ import annotations

import asyncio
import io
import os
import sys
import time
from contextlib import redirect_stdout
from typing import TYPE_CHECKING

import stamina.instrumentation
import structlog

from exporter.advice import LIMIT_REACHED
from exporter.app.listening import AddressUnavailableError, listen
from exporter.app.load_all import load_all
from exporter.app.once import print_once
from exporter.app.running import Serving, serve
from exporter.app.signal_handlers import log_ignored, stay_until_seen_running
from exporter.app.upstream import connections_of
from exporter.config import ConfigError, Mode, describe, load
from exporter.llamacloud.errors import BadEnvironmentError
from exporter.llamacloud.proxies import Proxies
from exporter.logs.processors import configure_logging, log_uncaught_exceptions
from exporter.logs.redaction import Secrets
from exporter.logs.standard_streams import StandardOutputError, encoded, write_output
from exporter.machine_limits import is_limit

if TYPE_CHECKING:
    from exporter.app.signals import Signals
    from exporter.config import Command
    from exporter.logs.writer import LogWriter
    from exporter.web_config.current import CurrentWebConfig

_UNKNOWN_VARIABLE_ADVICE = "it is ignored; that is correct if another program uses it"
_OK, _FAILED, _BAD_SETTINGS = 0, 1, 2

log = structlog.get_logger("exporter")


def run(signals: Signals, log_writer: LogWriter) -> int:
    """Run the mode that the command line chooses, and return the exit status.

    0: done, or stopped by a signal. 1: failed, or a bug. 2: a mistake in the settings, or in the
    environment's proxies and certificates.

    With ``api.wait_for_key``, an exporter that fails sooner returns after five seconds.
    """
    began_monotonic = time.monotonic()
    printed = io.StringIO()
    waits_for_key = False
    try:
        # argparse ignores that what --help and --version print cannot be written.
        with redirect_stdout(printed):
            command, web_config = load_all(sys.argv[1:], os.environ)
        waits_for_key = command.waits_for_key
        if command.mode is Mode.CHECK:
            return _check(command, log_writer)
        status = _start(command, web_config, signals, log_writer)
    except SystemExit:
        return _print(printed.getvalue(), log_writer)
    except (ConfigError, BadEnvironmentError) as error:
        # The log is not configured yet.
        log_writer.write(f"{error}\n")
        status = _BAD_SETTINGS
        waits_for_key |= isinstance(error, ConfigError) and error.waits_for_key
    if waits_for_key and status != _OK:
        stay_until_seen_running(began_monotonic, signals)
    return status


def _check(command: Command, log_writer: LogWriter) -> int:
    """Print the report of ``--config.check``; nothing is sent.

    Raises:
        BadEnvironmentError: the environment's proxies or certificates cannot be used.
    """
    proxies = Proxies(os.environ)
    connections_of(command.settings, proxies)
    ignored = proxies.ignored()
    warnings = [*command.unknown_variables, *command.doubts, *([str(ignored)] if ignored else [])]
    return _print(f"{describe(command.settings, warnings)}\n", log_writer)


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
    secrets = Secrets(*settings.api_keys())
    configure_logging(settings.log.level, settings.log.format, log_writer, secrets)
    log_uncaught_exceptions()
    log_ignored(signals)
    for warning in command.unknown_variables:
        log.warning("exporter.unknown_variable", detail=warning, advice=_UNKNOWN_VARIABLE_ADVICE)
    for doubt in command.doubts:
        log.warning("config.doubtful", detail=doubt)
    # Its default hooks would count retries on the global registry and log every one.
    stamina.instrumentation.set_on_retry_hooks([])
    try:
        if command.mode is Mode.ONCE:
            with asyncio.Runner() as runner:
                all_listed = runner.run(print_once(settings, secrets, signals, log_writer))
            return _OK if all_listed else _FAILED
        _serve(command, web_config, secrets, signals, log_writer)
    except Exception as error:  # noqa: BLE001 - it is logged
        return _log_failure(error)
    return _OK


def _serve(
    command: Command,
    web_config: CurrentWebConfig | None,
    secrets: Secrets,
    signals: Signals,
    log_writer: LogWriter,
) -> None:
    serving = Serving(
        settings=command.settings,
        secrets=secrets,
        sockets=listen(command.settings.web.listen_address),
        signals=signals,
        log_writer=log_writer,
        read_again=lambda: load(sys.argv[1:], os.environ).settings,
        environ=os.environ,
        web_config=web_config,
    )
    run_mode = serve
    if command.mode is Mode.DEMO:
        from exporter.app import demo  # noqa: PLC0415 - only the demo needs the simulator

        run_mode = demo.serve_demo
    # If no loop can be made, asyncio.run would warn of the coroutine that never runs.
    with asyncio.Runner() as runner:
        runner.run(run_mode(serving))


def _log_failure(error: BaseException) -> int:
    """Log what ended the run, and return the exit status."""
    # The first failure is enough: tasks of one kind fail in the same way.
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    match error:
        case BadEnvironmentError():
            log.error("exporter.bad_environment", variables=error.variables, advice=error.advice)
            return _BAD_SETTINGS
        case AddressUnavailableError():
            log.error("exporter.cannot_listen", address=error.address, detail=str(error))
        case StandardOutputError():
            if not error.reader_left:
                log.error("exporter.cannot_print", detail=str(error))
        case _ if is_limit(error):
            detail = f"{type(error).__name__}: {error}"
            log.error("exporter.limit_reached", detail=detail, advice=LIMIT_REACHED)
        case _:
            log.error("exporter.crashed", advice="this is a bug: please report it", exc_info=error)
    return _FAILED
