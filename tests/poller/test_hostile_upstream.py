"""Hostile answers to each question in turn: the last good data stays, and nothing is lost."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from exporter.domain import ItemStatus, JobStatus, JobType
from exporter.simulator import Fault, SimulatedJob, items_of
from tests.support.polling import Watch, eventually, polling

if TYPE_CHECKING:
    from exporter.simulator.faults import Endpoint
    from tests.support.cloud import Cloud

pytestmark = pytest.mark.anyio

ENDPOINTS: tuple[Endpoint, ...] = ("list_jobs", "job_status", "list_items")


HOSTILE = [
    (Fault("endless"), "bad_response"),
    (Fault("bomb"), "bad_response"),
    (Fault("drip"), "timeout"),
    (Fault("cut_off"), "network"),
    (Fault("redirect"), "bad_response"),
    (Fault("raw", body=b"{" * 10_000), "bad_response"),
    (Fault("raw", body=gzip.compress(b"{}"), headers={"content-encoding": "br"}), "bad_response"),
    (Fault("raw", body=json.dumps({"items": [{}] * 10, "job": {}}).encode()), "bad_response"),
]


@dataclass
class Siege:
    """A project whose job goes on while LlamaCloud answers badly."""

    cloud: Cloud
    watch: Watch
    job: SimulatedJob
    reason: str

    async def withstands(self, fault: Fault, endpoint: Endpoint) -> None:
        """Have polls fail, the job go on meanwhile, and then the fault end."""
        await eventually(self._is_true)
        self.cloud.simulator.faults.add(replace(fault, endpoint=endpoint))
        result = "error" if endpoint == "list_jobs" else "partial"
        await self._until_nothing_follows(endpoint, result)
        before = self._kept(endpoint)
        self._one_more_item_fails()
        await self._fail(2, result)
        assert before == self._kept(endpoint)
        assert not self._is_true()
        self.cloud.simulator.faults.clear()
        await eventually(self._is_true)

    async def _until_nothing_follows(self, endpoint: Endpoint, result: str) -> None:
        """Wait for requests under way: their answers are good, and may lead to others."""
        asked = -1
        while asked != (asked := self._requested_after(endpoint)):
            await self._fail(2, result)

    def _requested_after(self, endpoint: Endpoint) -> int:
        later = self._waiting_for(endpoint)[1:]
        return sum(request.endpoint in later for request in list(self.cloud.simulator.requests))

    def _waiting_for(self, endpoint: Endpoint) -> tuple[Endpoint, ...]:
        """Return an endpoint, and those that are requested only after its good answer."""
        if endpoint == "job_status" and self.reason == "bad_response":
            # A status that cannot be read keeps no job from being counted.
            return (endpoint,)
        return ENDPOINTS[ENDPOINTS.index(endpoint) :]

    async def _fail(self, times: int, result: str) -> None:
        polls, reasons = self.watch.polls(result), self._failures()
        await eventually(
            lambda: self.watch.polls(result) >= polls + times and self._failures() > reasons
        )

    def _failures(self) -> float:
        return self.watch.own("poll_errors_total", reason=self.reason) or 0.0

    def _one_more_item_fails(self) -> None:
        item = next(item for item in self.job.items if item.status == "pending")
        item.status, item.error_message = "failed", "Unreadable"

    def _is_true(self) -> bool:
        """Return whether what is published of the job is what the simulator holds."""
        view = self.watch.job()
        counted = {status: count for status, count in (view.items or {}).items() if count}
        held = Counter(item.status for item in self.job.items)
        ended = held.total() - held["pending"]
        return (held, held["failed"], ended / 10) == (
            counted,
            view.failed_items,
            view.progress_ratio,
        )

    def _kept(self, endpoint: Endpoint) -> tuple[object, ...]:
        """Return what only the answers of an endpoint, or those that follow it, can change."""
        view = self.watch.job()
        by_endpoint = {
            "list_jobs": (view.status, view.total_items, view.failed_items),
            "job_status": (view.progress_ratio,),
            "list_items": (view.items,),
        }
        return tuple(by_endpoint[each] for each in self._waiting_for(endpoint))


@pytest.mark.parametrize(("fault", "reason"), HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_answers_change_and_lose_nothing(
    cloud: Cloud, fault: Fault, reason: str
) -> None:
    """On the list, the status and the items: the values stay, and every failed item is counted."""
    job = cloud.add_job()
    timeout_seconds = 0.15 if reason == "timeout" else 10.0
    async with polling(cloud, interval=0.05, timeout_seconds=timeout_seconds) as watch:
        siege = Siege(cloud, watch, job, reason)
        await eventually(lambda: watch.polls("success") >= 1)
        for endpoint in ENDPOINTS:
            await siege.withstands(fault, endpoint)
        polls = watch.polls("success")
        await eventually(lambda: watch.polls("success") >= polls + 2)
        finished = watch.view.counters.items_finished
    assert {reason} == _reasons(watch)
    assert 0 == finished[JobType.PARSE, ItemStatus.COMPLETED]
    assert 3 == finished[JobType.PARSE, ItemStatus.FAILED]


def _reasons(watch: Watch) -> set[str]:
    return {
        sample.labels["reason"]
        for family in watch.registry.collect()
        for sample in family.samples
        if sample.name == "llamacloud_exporter_poll_errors_total" and sample.value
    }


async def test_a_job_that_lived_while_no_answer_was_good_is_counted_once(cloud: Cloud) -> None:
    """With its failures."""
    cloud.add_job()
    async with polling(cloud, interval=0.1) as watch:
        await eventually(lambda: watch.polls("success") >= 1)
        cloud.simulator.faults.add(Fault("bomb"))
        await eventually(lambda: watch.polls("error") >= 2)
        now = cloud.world.clock()
        times = {"created_at": now, "started_at": now, "completed_at": now}
        items = items_of("short", completed=4, failed=2)
        cloud.add_job("short", status="completed", items=items, **times)
        await eventually(lambda: watch.polls("error") >= 4)
        cloud.simulator.faults.clear()
        key = JobType.PARSE, JobStatus.COMPLETED
        await eventually(lambda: watch.view.counters.jobs_finished[key] == 1)
        await eventually(
            lambda: watch.view.counters.items_finished[JobType.PARSE, ItemStatus.COMPLETED] == 4
        )
        polls = watch.polls("success")
        await eventually(lambda: watch.polls("success") >= polls + 2)
        counters = watch.view.counters
    assert 1 == counters.jobs_finished[key]
    assert 2 == counters.items_finished[JobType.PARSE, ItemStatus.FAILED]
