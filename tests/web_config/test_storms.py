"""A real Prometheus that scrapes while others guess its password."""

from __future__ import annotations

import json
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.client import HTTPException
from itertools import pairwise
from typing import TYPE_CHECKING, Self

from tests.support.cloud import KEY, Cloud
from tests.support.exporter_process import running
from tests.support.prometheus import running_prometheus
from tests.support.tls_clients import basic, hash_of, request

if TYPE_CHECKING:
    from pathlib import Path

SCRAPE_SECONDS = 2
STORM = 300


class Storm:
    """Clients that guess passwords, all at once and again and again, until the end of the block."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._is_over = threading.Event()
        self._clients = ThreadPoolExecutor(STORM)
        self.statuses: Counter[int] = Counter()

    def __enter__(self) -> Self:
        """Begin."""
        self._guesses = [self._clients.submit(self._guess, number) for number in range(STORM)]
        return self

    def __exit__(self, *_: object) -> None:
        """End, once every client has its last answer."""
        self._is_over.set()
        self._clients.shutdown()
        for guess in self._guesses:
            self.statuses += guess.result()

    def _guess(self, client: int) -> Counter[int]:
        statuses: Counter[int] = Counter()
        while not self._is_over.is_set():
            guess = basic("prometheus", f"{client} {statuses.total()}")
            # Beyond the limit of connections, the newest takes the place of another one.
            with suppress(OSError, HTTPException):
                statuses[request(self._url, "/metrics", authorization=guess).status] += 1
            # As fast as that would be a test of this machine.
            self._is_over.wait(0.5)
        return statuses


def test_prometheus_misses_no_scrape_in_a_storm_of_log_ins(cloud: Cloud, tmp_path: Path) -> None:
    """Its password is remembered; most guesses are turned away before they cost anything."""
    file = tmp_path / "web.yml"
    file.write_text(f"basic_auth_users: {{prometheus: '{hash_of('secret', 10)}'}}")
    variables = {"LLAMA_CLOUD_API_KEY": KEY, "LLAMA_CLOUD_BASE_URL": cloud.base_url}
    with running(f"--web.config.file={file}", **variables) as exporter:
        url = exporter.events("exporter.listening")[0]["open_in_browser"].removesuffix("/")
        every = f"{SCRAPE_SECONDS}s"
        scrape_config = {
            "job_name": "exporter",
            "basic_auth": {"username": "prometheus", "password": "secret"},
            "static_configs": [{"targets": [url.removeprefix("http://")]}],
        }
        config = {
            "global": {"scrape_interval": every, "scrape_timeout": every},
            "scrape_configs": [scrape_config],
        }
        with running_prometheus(json.dumps(config)) as prometheus:

            def scrapes() -> list[tuple[float, str]]:
                found = prometheus.query("up[1m]")
                return found[0]["values"] if found else []

            prometheus.wait_for(lambda: bool(scrapes()))
            before = len(scrapes())
            with Storm(url) as storm:
                prometheus.wait_for(lambda: len(scrapes()) >= before + 3, missing=scrapes)
            times, values = zip(*scrapes(), strict=True)
    assert {"1"} == set(values)
    assert max(later - earlier for earlier, later in pairwise(times)) < 1.5 * SCRAPE_SECONDS
    assert {401, 503} == set(storm.statuses)
    assert storm.statuses.total() > STORM
