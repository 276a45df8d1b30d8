"""The exporter with an interval below the allowed minimum, to run many polls quickly.

Everything else is as with the command: ``python tests/benchmarks/many_polls.py SECONDS [FLAG...]``.
"""

from __future__ import annotations

import asyncio
import os
import sys

from exporter.app.listening import listen
from exporter.app.running import Serving, serve
from exporter.app.signals import Signals
from exporter.config import load
from exporter.logs.processors import configure_logging
from exporter.logs.redaction import Secrets
from exporter.logs.writer import LogWriter


def main() -> None:
    """Serve until SIGTERM."""
    signals = Signals(status_if_stopped=0)
    signals.start()
    log_writer = LogWriter.to_standard_error()
    interval, *flags = sys.argv[1:]
    settings = load(flags, os.environ).settings
    # A copy is not validated.
    poll = settings.poll.model_copy(update={"interval": float(interval)})
    settings = settings.model_copy(update={"poll": poll})
    secrets = Secrets(*settings.api_keys())
    configure_logging(settings.log.level, settings.log.format, log_writer, secrets)
    sockets = listen(settings.web.listen_address)
    serving = Serving(settings, secrets, sockets, signals, log_writer, lambda: settings, os.environ)
    asyncio.run(serve(serving))


if __name__ == "__main__":
    main()
