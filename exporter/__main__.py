"""Run the exporter: ``python -m exporter``, or the command ``llamacloud-batch-exporter``."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from exporter.advice import LIMIT_REACHED
from exporter.foreign_variables import forget_foreign_variables
from exporter.standard_streams import occupy_closed_streams, write_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.log_writer import LogWriter
    from exporter.signals import Signals

# A full collection stops everything, for 80 ms where there are 10,000 jobs, and finds next to
# nothing: references count for most objects, and the smaller collections for young cycles.
_COLLECTION_THRESHOLDS = (700, 10, 50)
# Modes that are asked for a result: to be stopped before it is there is to fail.
_MODES_WITH_A_RESULT = {"--once", "--config.check"}
# Less than the second and a half after which SIGTERM ends the process anyway.
_LOG_STANDS_STILL_SECONDS = 1.0


def main() -> int:
    """Run the command line; return the exit status, or end the process with it."""
    occupy_closed_streams()
    # Before the imports: some libraries read theirs while they are imported.
    forget_foreign_variables(os.environ)
    if "--healthcheck" in sys.argv[1:]:
        # Apart from all else, which takes ten times as long to load.
        from exporter.healthcheck import run as healthcheck  # noqa: PLC0415 - see above

        return healthcheck(sys.argv[1:], os.environ)
    # Before the imports, which take a while: as PID 1 a process has no default for signals.
    from exporter.log_writer import LogWriter  # noqa: PLC0415 - a health check needs no thread
    from exporter.signals import Signals  # noqa: PLC0415 - likewise

    has_result = not _MODES_WITH_A_RESULT.isdisjoint(sys.argv[1:])
    signals = Signals(status_if_stopped=int(has_result))
    try:
        signals.start()
        log_writer = LogWriter.to_standard_error()
    except RuntimeError as error:
        # Python raises it where the machine gives no thread.
        write_error(f"llamacloud-batch-exporter: {error}: {LIMIT_REACHED}\n")
        return 1
    status = _imported()(signals, log_writer)
    log_writer.drain(_LOG_STANDS_STILL_SECONDS)
    # The interpreter would wait for threads, of which one may hang in the look-up of a name, and
    # would end with 120 where it cannot flush a stream.
    os._exit(status)


def _imported() -> Callable[[Signals, LogWriter], int]:
    # What imports make stays: to search it for garbage, now and again later, is time lost.
    gc.disable()
    from exporter.app import run  # noqa: PLC0415 - main says why

    gc.freeze()
    gc.set_threshold(*_COLLECTION_THRESHOLDS)
    gc.enable()
    return run


if __name__ == "__main__":
    sys.exit(main())
