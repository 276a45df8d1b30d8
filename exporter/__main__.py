"""Run the exporter: ``python -m exporter``, or the command ``llamacloud-batch-exporter``."""

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
    name = signal.Signals(number).name
    print(f"llamacloud-batch-exporter: stopped by {name}", file=sys.stderr)  # noqa: T201 - the log may not be configured
    sys.exit(0)


if __name__ == "__main__":
    sys.exit(main())
