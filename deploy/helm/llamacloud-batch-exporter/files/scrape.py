"""Scrape the exporter once, for `helm test`: its URL is the argument.

A release that was just installed is still starting, so that a refused connection is tried again.
"""

import sys
import time
import urllib.request

DEADLINE = time.monotonic() + 60


def scraped(url: str) -> str:
    """Return the exposition; raise `OSError` if none is served before the deadline."""
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:  # noqa: S310 - our own Service
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > DEADLINE:
                raise
            time.sleep(1)


(url,) = sys.argv[1:]
if "llamacloud_exporter_build_info{" not in scraped(url):
    sys.exit(f"{url} does not serve the exporter's metrics.")
