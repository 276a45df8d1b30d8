"""Run the exporter: ``python -m exporter``, or the command ``llamacloud-batch-exporter``."""

from __future__ import annotations

import gc
import os
import sys
from typing import TYPE_CHECKING

from exporter.app.foreign_variables import forget_foreign_variables
from exporter.logs.standard_streams import occupy_closed_streams, write_error

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.app.signals import Signals
    from exporter.logs.writer import LogWriter

# A full collection stops everything, for 80 ms with 10,000 jobs, and finds almost nothing:
# reference counts free most objects, and the smaller collections free young cycles.
_COLLECTION_THRESHOLDS = (700, 10, 50)
# Modes that print a result: being stopped before that is a failure.
_MODES_WITH_A_RESULT = {"--once", "--config.check"}


def main() -> int:
    """Run the command line; return the exit status, or end the process with it."""
    occupy_closed_streams()
    # Before the imports: some libraries read their variables while they are imported.
    forget_foreign_variables(os.environ)
    if "--healthcheck" in sys.argv[1:]:
        # Without the rest, which takes ten times as long to load.
        from exporter.healthcheck import run as healthcheck  # noqa: PLC0415 - see above

        return healthcheck(sys.argv[1:], os.environ)
    # Before the imports, which take a while: signals have no default effect on PID 1.
    from exporter.app.signals import Signals  # noqa: PLC0415 - likewise
    from exporter.logs.writer import LogWriter  # noqa: PLC0415 - a health check needs no thread

    has_result = not _MODES_WITH_A_RESULT.isdisjoint(sys.argv[1:])
    signals = Signals(status_if_stopped=int(has_result))
    try:
        signals.start()
        log_writer = LogWriter.to_standard_error()
    except RuntimeError as error:
        # Python raises it if the machine allows no further thread.
        from exporter.advice import LIMIT_REACHED  # noqa: PLC0415 - slow to import

        write_error(f"llamacloud-batch-exporter: {error}: {LIMIT_REACHED}\n")
        return 1
    status = _imported()(signals, log_writer)
    log_writer.drain()
    # The interpreter would wait for a thread that hangs in the look-up of a name, and end with 120
    # if it cannot flush a stream.
    os._exit(status)


def _imported() -> Callable[[Signals, LogWriter], int]:
    # Imported objects stay: no collection, now or later, needs to search them for garbage.
    gc.disable()
    from exporter.app.modes import run  # noqa: PLC0415 - main says why

    gc.freeze()
    gc.set_threshold(*_COLLECTION_THRESHOLDS)
    gc.enable()
    return run


if __name__ == "__main__":
    sys.exit(main())
