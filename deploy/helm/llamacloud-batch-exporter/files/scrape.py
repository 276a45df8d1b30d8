"""Scrape the exporter once, for `helm test`: its URL is the argument.

A release that was just installed is still starting, so that a refused connection is tried again.
The certificate is not verified: it may be made for other names. An exporter that asks for a
password works as well.
"""

import ssl
import sys
import time
import urllib.error
import urllib.request

DEADLINE = time.monotonic() + 60
UNVERIFYING = ssl.create_default_context()
UNVERIFYING.check_hostname = False
UNVERIFYING.verify_mode = ssl.CERT_NONE
UNAUTHORIZED = 401


def scraped(url: str) -> str:
    """Return the exposition; raise `OSError` if none is served before the deadline."""
    while True:
        try:
            # Our own Service.
            with urllib.request.urlopen(url, timeout=10, context=UNVERIFYING) as answer:  # noqa: S310
                return str(answer.read().decode())
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError) and error.code == UNAUTHORIZED:
                sys.exit(0)
            if time.monotonic() > DEADLINE:
                raise
            time.sleep(1)


(url,) = sys.argv[1:]
if "llamacloud_exporter_build_info{" not in scraped(url):
    sys.exit(f"{url} does not serve the exporter's metrics.")
