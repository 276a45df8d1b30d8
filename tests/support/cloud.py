"""A simulated LlamaCloud on a real socket."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from exporter.simulator import (
    DEFAULT_PROJECT_ID,
    SimulatedBatch,
    SimulatedJob,
    Simulator,
    World,
    files_of,
    items_of,
    serving_in_thread,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY = "llx-test-key-that-must-not-leak"


@dataclass
class Cloud:
    """The simulator, its world, and its address."""

    simulator: Simulator
    base_url: str

    @property
    def world(self) -> World:
        """The content of LlamaCloud."""
        return self.simulator.world

    def add_job(self, job_id: str = "job-1", **facts: Any) -> SimulatedJob:
        """Add a running job of ten items, six completed and one failed."""
        now = self.world.clock()
        items = facts.pop("items", None)
        if items is None:
            items = items_of(job_id, completed=6, failed=1, pending=3, started_at=now - 20)
        defaults: dict[str, Any] = {"created_at": now - 60, "started_at": now - 30}
        return self.world.add_job(SimulatedJob(id=job_id, items=items, **(defaults | facts)))

    def add_batch(self, batch_id: str = "bat-1", **facts: Any) -> SimulatedBatch:
        """Add a running batch of three files: one is completed, one failed, one is running."""
        now = self.world.clock()
        files = facts.pop("files", None)
        if files is None:
            files = files_of(
                batch_id, completed=1, failed=1, running=1, created_at=now - 30, ended_at=now - 10
            )
        batch = SimulatedBatch(id=batch_id, files=files, **({"created_at": now - 60} | facts))
        return self.world.add_batch(batch)

    def requests(self) -> Counter[str]:
        """Count the requests that arrived, by endpoint."""
        return Counter(str(request.endpoint) for request in self.simulator.requests)


@contextmanager
def running_cloud() -> Iterator[Cloud]:
    """Run a simulated LlamaCloud with one key and one project."""
    world = World()
    world.add_key(KEY, DEFAULT_PROJECT_ID)
    simulator = Simulator(world)
    with serving_in_thread(simulator.app) as base_url:
        yield Cloud(simulator, base_url)
