"""A minimal exporter with the vendor's SDK, which counts jobs by status."""

from __future__ import annotations

import sys
import time
from collections import Counter

from llama_cloud import LlamaCloud
from prometheus_client import Gauge, start_http_server

_INTERVAL_SECONDS = 30.0
_STATUSES = ("pending", "running", "dispatched", "completed", "failed", "cancelled")


def main() -> None:
    """List the jobs every interval, with LLAMA_CLOUD_API_KEY and LLAMA_CLOUD_BASE_URL."""
    jobs_by_status = Gauge("batch_jobs", "Batch jobs.", ["status"])
    start_http_server(int(sys.argv[1]), addr="127.0.0.1")
    client = LlamaCloud()
    while True:
        counts = Counter[str](job.status for job in client.beta.batch.list(limit=1000))
        for status in _STATUSES:
            jobs_by_status.labels(status).set(counts[status])
        time.sleep(_INTERVAL_SECONDS)


if __name__ == "__main__":
    main()
