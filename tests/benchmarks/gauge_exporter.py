"""A minimal exporter of prometheus_client, without any metrics or requests of its own."""

from __future__ import annotations

import sys
import threading

from prometheus_client import Gauge, start_http_server


def main() -> None:
    """Serve until a signal comes."""
    start_http_server(int(sys.argv[1]), addr="127.0.0.1")
    Gauge("batch_jobs", "Batch jobs.").set(1)
    threading.Event().wait()


if __name__ == "__main__":
    main()
