"""Run the exporter: ``python -m exporter``, or the command ``llamacloud-batch-exporter``."""

import gc
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

from exporter.foreign_variables import forget_foreign_variables

# A full collection stops everything, for 80 ms where there are 10,000 jobs, and finds next to
# nothing: references count for most objects, and the smaller collections for young cycles.
_COLLECTION_THRESHOLDS = (700, 10, 50)


def main() -> int:
    """Run the command line and return the exit status."""
    # Before the imports: some libraries read theirs while they are imported.
    forget_foreign_variables(os.environ)
    if "--healthcheck" in sys.argv[1:]:
        # Apart from all else, which takes ten times as long to load.
        from exporter.healthcheck import run as healthcheck  # noqa: PLC0415 - see above

        return healthcheck(sys.argv[1:], os.environ)
    # Before the imports, which take a while: as PID 1 a process has no default for signals.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave_at_once)
    run = _imported()
    return run()


def _imported() -> Callable[[], int]:
    # What imports make stays: to search it for garbage, now and again later, is time lost.
    gc.disable()
    from exporter.app import run  # noqa: PLC0415 - main says why

    gc.freeze()
    gc.set_threshold(*_COLLECTION_THRESHOLDS)
    gc.enable()
    return run


def _leave_at_once(number: int, _frame: FrameType | None) -> None:
    words = f"llamacloud-batch-exporter: stopped by {signal.Signals(number).name}\n"
    os.write(sys.stderr.fileno(), words.encode())
    # An exception could be raised where it is ignored, and there is nothing to shut down yet.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
