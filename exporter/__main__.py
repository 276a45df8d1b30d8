"""Run the exporter: ``python -m exporter``, or the command ``llamacloud-batch-exporter``."""

import os
import signal
import sys
from types import FrameType


def main() -> int:
    """Run the command line and return the exit status."""
    # Before the imports, which take a while: as PID 1 a process has no default for signals.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _leave_at_once)
    from exporter.app import run  # noqa: PLC0415 - see above

    return run()


def _leave_at_once(number: int, _frame: FrameType | None) -> None:
    words = f"llamacloud-batch-exporter: stopped by {signal.Signals(number).name}\n"
    os.write(sys.stderr.fileno(), words.encode())
    # An exception could be raised where it is ignored, and there is nothing to shut down yet.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
