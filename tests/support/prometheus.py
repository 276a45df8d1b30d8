"""A real Prometheus on the loopback."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from tests.support.daemon import Daemon, running_daemon

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


class Prometheus(Daemon):
    """A running Prometheus."""

    def query(self, promql: str) -> list[dict[str, Any]]:
        """Return the current result of an instant query, each with ``metric`` and ``value``."""
        found: list[dict[str, Any]] = self.request("/api/v1/query", query=promql)["result"]
        return found

    def request(self, path: str, **parameters: str | Sequence[str]) -> Any:
        """Return the data of a response of the HTTP API; fail if it is an error."""
        status, body = self.get(f"{path}?{urlencode(parameters, doseq=True)}")
        answer = json.loads(body)
        assert (200, "success") == (status, answer["status"]), f"{parameters}: {body}"
        return answer.get("data")


@contextmanager
def running_prometheus(config: str, *arguments: str) -> Iterator[Prometheus]:
    """Run Prometheus on a free port and in an empty folder until the end of the block.

    Paths in ``config`` are absolute, or relative to that folder.
    """
    storage = "--storage.tsdb.path={folder}/data"
    with running_daemon(Prometheus, "prometheus", config, storage, *arguments) as prometheus:
        yield prometheus


def scraping(*targets: str, every: str = "1s") -> str:
    """Return a configuration that scrapes the targets, each a host and port, and has no rules."""
    return json.dumps(  # JSON is YAML.
        {
            "global": {"scrape_interval": every, "scrape_timeout": every},
            "scrape_configs": [
                {"job_name": "llamacloud", "static_configs": [{"targets": targets}]}
            ],
        }
    )
