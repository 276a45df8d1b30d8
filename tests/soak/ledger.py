"""Counts of the requests that arrived at the simulator, compared with the exporter's counters.

Rows and fields that had to be left out of their answers are counted likewise.
"""

from __future__ import annotations

from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, Final

from exporter.simulator.endpoints import PATHS
from tests.soak.exposition import series
from tests.soak.oddities import ROW, left_out
from tests.soak.projects import PROJECTS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from exporter.simulator import RecordedRequest, Simulator
    from tests.soak.exposition import Exposition

_ENDPOINTS: Final = tuple(PATHS)
# Their rows are jobs or batches.
_OF_JOBS = {"list_jobs", "job_status", "list_batches", "batch"}
_LISTS = {"list_jobs": "v1beta", "list_batches": "v2"}
# Statuses that may mean that a generation of the API is not offered.
_REFUSALS = {"402", "403", "404", "405", "410", "501"}
_NAME_OF = {project.project_id: project.name for project in PROJECTS}
_LEFT_OUT = {
    "llamacloud_exporter_unreadable_rows_total",
    "llamacloud_exporter_unreadable_fields_total",
}
_BREAK_THE_ANSWER = {"hang", "cut_off", "reset"}


class Ledger:
    """Counts the simulator's requests, which the simulator itself does not keep."""

    def __init__(self, simulator: Simulator) -> None:
        self._simulator = simulator
        self._unanswered: list[RecordedRequest] = []
        self.arrived: Counter[tuple[str, str]] = Counter()
        self.answered: Counter[tuple[str, str, str]] = Counter()
        self.left_out: Counter[tuple[str, str, str]] = Counter()
        self._items_listed: Counter[str] = Counter()
        self._broken: Counter[tuple[str, str]] = Counter()
        self._odd_fields: dict[str, set[str]] = {}

    def drain(self) -> None:
        """Count the requests that arrived since the last call."""
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
                self._take_answered(request)

    def times_items_listed(self, job_id: str) -> int:
        """Return how many requests for a job's items have arrived so far."""
        self.drain()
        return self._items_listed[job_id]

    def odd_fields(self, job_id: str) -> set[str]:
        """Return the fields of a job's row that were odd in any answer so far."""
        return self._odd_fields.get(job_id, set())

    def by_endpoint_and_code(self) -> Counter[tuple[str, str]]:
        """Sum over the projects; 499 is a request whose connection was closed."""
        total: Counter[tuple[str, str]] = Counter()
        for (_, endpoint, code), number in self.answered.items():
            total[endpoint, code] += number
        return total

    def answered_by_now(self) -> Counter[tuple[str, str, str]]:
        """Count the requests that were answered or abandoned, by project, endpoint and code."""
        self.drain()
        return Counter(self.answered)

    def left_out_by_now(self) -> Counter[tuple[str, str, str]]:
        """Count the rows and fields to be left out of answers, by project, endpoint and name."""
        self.drain()
        return Counter(self.left_out)

    def listings_refused(self) -> Counter[tuple[str, str]]:
        """Count the listings that LlamaCloud refused, by project and API generation."""
        refused: Counter[tuple[str, str]] = Counter()
        for (project, endpoint, code), number in self.answered.items():
            if endpoint in _LISTS and code in _REFUSALS:
                refused[project, _LISTS[endpoint]] += number
        return refused

    def wrong_counters(
        self, before: Counter[tuple[str, str, str]], exposition: Exposition
    ) -> list[str]:
        """Report request counters of a scrape that contradict the requests that arrived.

        ``before`` is what had been answered at a time before the scrape, longer ago than any answer
        is under way; this ledger was drained after the scrape. The exporter may abandon an answer
        under way, and a connection may break before a request arrives: both count as ``timeout`` or
        ``network``.
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

    def wrong_left_out(
        self, before: Counter[tuple[str, str, str]], exposition: Exposition
    ) -> list[str]:
        """Report counters of rows and fields left out that contradict the answers' content.

        ``before`` is what had been left out by the same moment as for ``wrong_counters``. On a busy
        machine, an answer with something odd may not have arrived.
        """
        wrong = []
        counted = left_out_as_counted(exposition)
        for key in sorted(self.left_out.keys() | counted.keys()):
            project, endpoint, _ = key
            codes = dict(_codes(exposition, project, endpoint))
            broken = codes.get("timeout", 0.0) + codes.get("network", 0.0)
            lost = max(broken - self._broken[project, endpoint], 0.0)
            actual = counted.get(key, 0.0)
            if not before[key] - lost <= actual <= self.left_out[key]:
                wrong.append(
                    f"left out of {key}: {actual:g} counted, {before[key]} to {self.left_out[key]}"
                )
        return wrong

    def _take_answered(self, request: RecordedRequest) -> None:
        project = _NAME_OF[request.params["project_id"]]
        self.answered[project, request.endpoint, str(request.status)] += 1
        if request.fault is not None and request.fault.kind in _BREAK_THE_ANSWER:
            self._broken[project, request.endpoint] += 1
        what = left_out(request)
        if what is not None:
            self.left_out[project, request.endpoint, what] += 1
        odd = request.odd_row
        if odd is not None and odd.field is not None and request.endpoint in _OF_JOBS:
            self._odd_fields.setdefault(odd.row_id, set()).add(odd.field)


def left_out_as_counted(exposition: Exposition) -> dict[tuple[str, str, str], float]:
    """Return the exporter's counts of what was left out, by project, endpoint and field or row."""
    counted = {}
    for (name, labels), value in exposition.samples.items():
        facts = dict(labels)
        if name in _LEFT_OUT and value:
            key = facts["project"], facts["endpoint"], facts.get("field", ROW)
            counted[key] = value
    return counted


def _codes(exposition: Exposition, project: str, endpoint: str) -> Iterator[tuple[str, float]]:
    for name, labels in exposition.samples:
        if name != "llamacloud_exporter_api_requests_total":
            continue
        facts = dict(labels)
        if (facts["project"], facts["endpoint"]) == (project, endpoint):
            key = series(name, **facts)
            yield facts["code"], exposition.samples[key]
