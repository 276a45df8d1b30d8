"""The requests that arrived at the simulator, counted, and compared with what the exporter says."""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

from soak.exposition import series
from soak.projects import PROJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from soak.exposition import Exposition

    from exporter.simulator import RecordedRequest, Simulator

_ENDPOINTS = ("list_jobs", "job_status", "list_items")
_NAME_OF = {project.project_id: project.name for project in PROJECTS}


class Ledger:
    """Takes requests from the simulator, which does not keep them for ever."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._unanswered: list[RecordedRequest] = []
        self.arrived: Counter[tuple[str, str]] = Counter()
        self.answered: Counter[tuple[str, str, str]] = Counter()
        self._items_listed: Counter[str] = Counter()

    def drain(self) -> None:
        """Take what has arrived since the last time."""
        requests = self._simulator.requests
        number = len(requests)
        fresh = requests[:number]
        del requests[:number]
        for request in fresh:
            self.arrived[_NAME_OF[request.params["project_id"]], request.endpoint] += 1
            if request.endpoint == "list_items":
                self._items_listed[request.job_id or ""] += 1
        waiting, self._unanswered = self._unanswered + fresh, []
        for request in waiting:
            if request.status is None:
                self._unanswered.append(request)
            else:
                name = _NAME_OF[request.params["project_id"]]
                self.answered[name, request.endpoint, str(request.status)] += 1

    def times_items_listed(self, job_id: str) -> int:
        """Tell how many requests for a job's items have arrived by now."""
        self.drain()
        return self._items_listed[job_id]

    def by_endpoint_and_code(self) -> Counter[tuple[str, str]]:
        """Add up the projects; 499 is a request whose connection was closed."""
        total: Counter[tuple[str, str]] = Counter()
        for (_, endpoint, code), number in self.answered.items():
            total[endpoint, code] += number
        return total

    def answered_by_now(self) -> Counter[tuple[str, str, str]]:
        """Count the requests that were answered, or given up, by project, endpoint and code."""
        self.drain()
        return Counter(self.answered)

    def wrong_counters(
        self, before: Counter[tuple[str, str, str]], exposition: Exposition
    ) -> list[str]:
        """Say which request counters of a scrape contradict what arrived.

        ``before`` is what had been answered longer before the scrape than an answer is under way;
        this ledger was drained after it. The exporter may give up an answer under way, and a
        connection may break before a request arrives: both count as ``timeout`` or ``network``.
        """
        wrong = []
        for project, endpoint in product(_NAME_OF.values(), _ENDPOINTS):
            codes = dict(_codes(exposition, project, endpoint))
            broken = codes.get("timeout", 0.0) + codes.get("network", 0.0)
            sent, arrived = sum(codes.values()), self.arrived[project, endpoint]
            least = sum(n for key, n in before.items() if key[:2] == (project, endpoint))
            if not least <= sent <= arrived + broken:
                wrong.append(f"{project} {endpoint}: {sent:g} sent, {least} to {arrived} arrived")
            for code in filter(str.isdigit, codes):
                key = project, endpoint, code
                if not before[key] - broken <= codes[code] <= self.answered[key]:
                    wrong.append(
                        f"{project} {endpoint}: {codes[code]:g} answers {code} counted,"
                        f" {before[key]} to {self.answered[key]} given"
                    )
        return wrong


def _codes(exposition: Exposition, project: str, endpoint: str) -> Iterator[tuple[str, float]]:
    for name, labels in exposition.samples:
        if name != "llamacloud_exporter_api_requests_total":
            continue
        facts = dict(labels)
        if (facts["project"], facts["endpoint"]) == (project, endpoint):
            key = series(name, **facts)
            yield facts["code"], exposition.samples[key]
