"""Whatever happens to batches, their final published state is true, and no counter decreases.

The truth follows from the history alone: an entry of a batch counts once if it ended after the
baseline, by its file job or, where the mapping failed, with the mapping.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.core.events import JobAppeared, JobEnded
from exporter.domain import ItemStatus, JobStatus, JobType
from exporter.simulator import SimulatedJob, items_of
from exporter.simulator.v2.batches import SimulatedBatch, SimulatedFile, SimulatedFileJob
from tests.core.simulated import SimulatedPolling
from tests.support.history import EPOCH, HOUR
from tests.support.properties import EFFORT, UNHURRIED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.domain import Counters

BASELINE = EPOCH
TYPES = {"parse_v2": JobType.PARSE, "extract_v2": JobType.EXTRACT}
ENDS = ("COMPLETED", "COMPLETED", "FAILED", "CANCELLED")
MOMENTS = (1.0, 7.0, 30.0, 31.0, 95.0, 600.0)


@dataclass
class Truth:
    """What happened, and so what the counters must show."""

    items: Counter[tuple[JobType, ItemStatus]] = field(default_factory=Counter)
    jobs: Counter[tuple[JobType, JobStatus]] = field(default_factory=Counter)


@dataclass
class BatchLives:
    """Batches of a project, which a history moves on step by step."""

    project: SimulatedPolling
    random: Random
    mapped_at_baseline: set[str] = field(default_factory=set)
    mapping_failed: Counter[str] = field(default_factory=Counter)
    number: int = 0

    @property
    def now(self) -> float:
        """LlamaCloud's time."""
        return self.project.world.clock()

    @property
    def batches(self) -> list[SimulatedBatch]:
        """All batches, the oldest first."""
        return list(self.project.world.batches.values())

    def create(self, *, ago: float = 0.0) -> SimulatedBatch:
        """Create a batch; its files are not mapped yet."""
        self.number += 1
        batch = SimulatedBatch(
            id=f"bat-{self.number}",
            job_type=self.random.choice(sorted(TYPES)),
            status=self.random.choice(("PENDING", "THROTTLED", "RUNNING")),
            created_at=self.now - ago,
        )
        batch.files = [
            SimulatedFile(id=f"dfl-{batch.id}-{number}")
            for number in range(self.random.choice((0, 1, 3, 25, 120)))
        ]
        self.project.world.add_batch(batch)
        return batch

    def map(self, batch: SimulatedBatch) -> None:
        """Start a job for each file, or set an error; some jobs start later, some never."""
        for number, file in enumerate(batch.files):
            fate = self.random.randint(0, 9) if number < 5 else 9
            if fate == 0:
                file.error_message = "no job could be made"
            elif fate == 1:
                later = self.project.now + 100.0
                self.project.at(later, partial(self.give_job, batch, file))
            elif fate > 2:
                self.give_job(batch, file)
        self.put(batch, "COMPLETED")

    def give_job(self, batch: SimulatedBatch, file: SimulatedFile) -> None:
        """Start the job of a file."""
        number = file.id.rpartition("-")[2]
        file.job = self.project.world.add_file_job(
            SimulatedFileJob(
                id=f"job-{batch.id}-{number}",
                type=batch.job_type,
                created_at=self.now,
                project_id=batch.project_id,
            )
        )

    def put(self, batch: SimulatedBatch, status: str) -> None:
        """Have a batch come into a status, now."""
        batch.status, batch.updated_at = status, self.now

    def work(self, batch: SimulatedBatch, *, most: int = 1000) -> None:
        """Have file jobs begin or end."""
        jobs = [f.job for f in batch.files if f.job and f.job.status in {"PENDING", "RUNNING"}]
        for number, job in enumerate(jobs[:most]):
            ends = number >= 5 or self.random.random() < 0.5
            drawn = self.random.choice(ENDS) if number < 5 else "COMPLETED"
            job.status, job.updated_at = drawn if ends else "RUNNING", self.now
            job.error_message = "TIMEOUT: gave up" if job.status == "FAILED" else None

    def finish(self) -> None:
        """Bring everything to its end."""
        for batch in self.batches:
            if batch.status in {"PENDING", "THROTTLED", "RUNNING"}:
                self.map(batch)
        self.project.run_until(self.project.now + 200)
        for batch in self.batches:
            for file in batch.files:
                if file.job is not None and file.job.status in {"PENDING", "RUNNING"}:
                    file.job.status, file.job.updated_at = "COMPLETED", self.now

    def truth(self) -> Truth:
        """Count what ended after the baseline."""
        truth = Truth()
        for batch in self.batches:
            kind, is_new = TYPES[batch.job_type], (batch.created_at or 0.0) >= BASELINE
            ends = [f.job.updated_at or 0.0 for f in batch.files if f.job is not None]
            for file in batch.files:
                if file.job is not None and (is_new or (file.job.updated_at or 0.0) >= BASELINE):
                    truth.items[kind, ItemStatus(file.job.status.lower())] += 1
                elif file.job is None and file.error_message is not None:
                    truth.items[kind, ItemStatus.FAILED] += batch.id not in self.mapped_at_baseline
                elif file.job is None and batch.status == "CANCELLED":
                    truth.items[kind, ItemStatus.CANCELLED] += 1
            ended_at = max(ends, default=batch.updated_at or 0.0)
            if batch.id not in self.mapped_at_baseline or ended_at >= BASELINE:
                truth.jobs[kind, JobStatus(batch.status.lower())] += 1
        return truth


def numbers(counters: Counters) -> Mapping[Any, int]:
    return {**counters.jobs_finished, **counters.items_finished, **counters.items_failed}


def step(lives: BatchLives, action: str) -> None:
    """Let one thing happen."""
    batches = lives.batches
    batch = lives.random.choice(batches) if batches else lives.create()
    client = lives.project.client
    match action:
        case "create":
            lives.create()
        case "map" if batch.status in {"PENDING", "THROTTLED", "RUNNING"}:
            lives.map(batch)
        case "end" if batch.status in {"PENDING", "THROTTLED", "RUNNING"}:
            lives.put(batch, lives.random.choice(("FAILED", "CANCELLED")))
        case "work":
            lives.work(batch)
        case "refuse":
            for api_version in ("v1beta", "v2"):
                client.refused.pop(api_version, None)
            refused = lives.random.choice(("v1beta", "v2", None))
            if refused:
                client.refused[refused] = lives.random.choice((404, 403, 500))


ACTIONS = ("create", "map", "map", "end", "work", "work", "work", "refuse", "wait")


@given(st.integers(0, 2**32))
@settings(UNHURRIED, max_examples=12 * EFFORT)
def test_what_is_reported_in_the_end_is_true(seed: int) -> None:
    """Of every batch, before and after the start, and no counter falls on the way."""
    random = Random(seed)  # noqa: S311 - it decides nothing secret
    budget = random.choice((float("inf"), 30.0))
    project = SimulatedPolling(
        requests_per_minute=budget, retention_finished=9e9, retention_failed=9e9
    )
    simulator = project.client.simulator
    if random.random() < 0.5:
        simulator.v2.results_in = frozenset({"RUNNING", "COMPLETED", "FAILED", "CANCELLED"})
    else:
        simulator.v2.results_in = frozenset({"COMPLETED", "FAILED", "CANCELLED"})
    lives = BatchLives(project, random)
    job = SimulatedJob("old", created_at=EPOCH + 1, items=items_of("old", processing=3))
    project.world.add_job(job)
    for _ in range(random.randint(0, 4)):
        batch = lives.create(ago=random.choice((100.0, HOUR, 4 * HOUR)))
        if random.random() < 0.5:
            lives.map(batch)
            lives.mapped_at_baseline.add(batch.id)
            lives.work(batch)
            for file in batch.files:
                # They ended before the start, by a clock that has fractions of seconds.
                if file.job is not None and file.job.status not in {"PENDING", "RUNNING"}:
                    file.job.created_at = batch.created_at
                    file.job.updated_at = BASELINE - random.choice((0.5, 90.0))
    project.run_until(1.0)
    for _ in range(random.randint(0, 25)):
        step(lives, random.choice(ACTIONS))
        project.run_until(project.now + random.choice(MOMENTS))
        project.scrape()
    project.client.refused.clear()
    project.run_until(project.now + 1000)
    lives.finish()
    # Files that are never mapped in a batch that failed are given up after thirty intervals.
    project.run_until(project.now + (2 * HOUR if budget > 30 else 5 * HOUR))
    check(lives)


def check(lives: BatchLives) -> None:
    """Compare the counters with what happened."""
    project, truth = lives.project, lives.truth()
    falls = [
        (key, before, later)
        for one, other in zip(project.views, project.views[1:], strict=False)
        for key, before in numbers(one.counters).items()
        if (later := numbers(other.counters)[key]) < before
    ]
    assert [] == falls
    counters = project.view().counters
    told_items = Counter({key: n for key, n in counters.items_finished.items() if n})
    told_jobs = Counter({key: n for key, n in counters.jobs_finished.items() if n})
    assert Counter({key: n for key, n in truth.items.items() if n}) == told_items
    assert truth.jobs == told_jobs
    gone = [e for e in project.events_of(JobEnded) if e.job.status is JobStatus.GONE]
    assert [] == gone
    shown = {job.job_id: job for job in project.view().jobs}
    assert {batch.id for batch in lives.batches} | {"old"} == shown.keys()
    for batch in lives.batches:
        job = shown[batch.id]
        of_status = Counter(_status(batch, file) for file in batch.files)
        if job.items is not None:
            assert of_status == Counter({s: n for s, n in job.items.items() if n})
        assert batch.status.lower() == job.status
    for ids in (
        Counter(event.job.id for event in project.events_of(JobAppeared)),
        Counter(event.job.id for event in project.events_of(JobEnded)),
    ):
        assert set(ids.values()) <= {1}


def _status(batch: SimulatedBatch, file: SimulatedFile) -> ItemStatus:
    if file.job is not None:
        return ItemStatus(file.job.status.lower())
    if file.error_message is not None:
        return ItemStatus.FAILED
    return ItemStatus.CANCELLED if batch.status == "CANCELLED" else ItemStatus.UNKNOWN
