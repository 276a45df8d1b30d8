"""A simulated LlamaCloud in a process of its own, which repeats rendered answers.

The simulator renders each answer once, so that its own work is small beside what is measured.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import subprocess
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from email.utils import formatdate
from typing import TYPE_CHECKING
from uuid import UUID

import httpx

from exporter.simulator import (
    DEFAULT_PROJECT_ID,
    SimulatedJob,
    Simulator,
    World,
    items_of,
)
from exporter.simulator.serving import serving
from exporter.simulator.v2.batches import SimulatedBatch, files_of
from exporter.simulator.v2.style import V2Style

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.types import ASGIApp, Message, Receive, Scope, Send

KEY = "llx-benchmark-key"
_REQUESTS_PATH = "/benchmark/requests"
_PACE_PATH = "/benchmark/pace"
# Short beside any requested pace.
_LOOK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class BenchmarkCloud:
    """A running simulated LlamaCloud; ``KEY`` reads its only project."""

    base_url: str
    pid: int

    def requests(self) -> int:
        """Count the requests for jobs and items that were answered so far."""
        return int(httpx.get(f"{self.base_url}{_REQUESTS_PATH}").text)

    def answer_every(self, seconds: float) -> None:
        """From now on answer one request at a time, at this interval."""
        httpx.get(f"{self.base_url}{_PACE_PATH}?{seconds}").raise_for_status()


@contextmanager
def running_benchmark_cloud(
    *,
    active: int,
    ended: int = 0,
    items: int = 10,
    file_jobs: int = 0,
    latency_seconds: float = 0.0,
) -> Iterator[BenchmarkCloud]:
    """Run a simulator with numbers of active jobs, ended jobs, and items for each.

    With ``file_jobs`` it also has a v2 batch with that many running file jobs.
    """
    command = [
        sys.executable,
        "-m",
        "tests.benchmarks.cloud",
        f"--active={active}",
        f"--ended={ended}",
    ]
    command += [f"--items={items}", f"--file-jobs={file_jobs}", f"--latency={latency_seconds}"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield BenchmarkCloud(json.loads(process.stdout.readline()), process.pid)
        finally:
            process.terminate()


class _Answers:
    """Repeats the answers of ``app`` with a latency.

    All jobs have the same items, so that one answer serves all of them.
    """

    def __init__(self, app: ASGIApp, latency_seconds: float) -> None:
        self._app = app
        self._latency_seconds = latency_seconds
        self._kept: dict[tuple[str, bytes], list[Message]] = {}
        self._requests = 0
        self._seconds_apart = 0.0
        self._last_answered = 0.0
        self._turn = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if path == _REQUESTS_PATH:
            await _send_number(self._requests, send)
            return
        if path == _PACE_PATH:
            self._seconds_apart = float(scope["query_string"])
            await _send_number(0, send)
            return
        self._requests += 1
        question = ("items" if path.endswith("/items") else path, scope["query_string"])
        if question not in self._kept:
            self._kept[question] = await self._answer(scope, receive)
        await asyncio.sleep(self._latency_seconds)
        await self._keep_pace()
        for message in self._kept[question]:
            await send(_dated(message))

    async def _keep_pace(self) -> None:
        clock = asyncio.get_running_loop().time
        async with self._turn:
            while clock() - self._last_answered < self._seconds_apart:  # noqa: ASYNC110
                await asyncio.sleep(_LOOK_SECONDS)
            self._last_answered = clock()

    async def _answer(self, scope: Scope, receive: Receive) -> list[Message]:
        messages: list[Message] = []

        async def keep(message: Message) -> None:
            messages.append(message)

        await self._app(scope, receive, keep)
        return messages


def _dated(message: Message) -> Message:
    """Set the Date of a repeated answer to this moment."""
    if message["type"] != "http.response.start":
        return message
    return {
        **message,
        "headers": [*message["headers"], (b"date", formatdate(usegmt=True).encode())],
    }


async def _send_number(number: int, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(number).encode()})


def _world(active: int, ended: int, items: int) -> World:
    world = World()
    world.add_key(KEY, DEFAULT_PROJECT_ID)
    now = world.clock()
    failed, skipped = items // 50, items // 20
    completed, processing = (items - failed - skipped) // 2, min(items // 10, 20)
    pending = items - failed - skipped - completed - processing
    of_active = items_of(
        "document",
        started_at=now - 3000,
        completed_at=now - 2990,
        failed=failed,
        skipped=skipped,
        completed=completed,
        processing=processing,
        pending=pending,
    )
    for number in range(active + ended):
        is_active = number < active
        world.add_job(
            SimulatedJob(
                id=f"bjb-{number:08d}-4000-8000-{number:012d}",
                job_type=("parse", "extract", "classify")[number % 3],
                status="running" if is_active else "completed",
                directory_id=f"dir-{number:08d}",
                items=of_active,
                created_at=now - 4000,
                started_at=now - 3500,
                completed_at=None if is_active else now - 60,
            )
        )
    return world


def _add_batch(world: World, file_jobs: int) -> None:
    batch_id, created_at = f"bat-{UUID(int=1)}", world.clock() - 4000
    files = files_of(batch_id, created_at=created_at, running=file_jobs)
    batch = SimulatedBatch(id=batch_id, status="RUNNING", created_at=created_at, files=files)
    world.add_batch(batch)


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    world = _world(options.active, options.ended, options.items)
    if options.file_jobs:
        _add_batch(world, options.file_jobs)
    simulator = Simulator(world)
    simulator.send_date = False
    simulator.v2 = V2Style(results_in=frozenset({"RUNNING"}))
    answers = _Answers(simulator.app, options.latency)
    async with serving(answers) as base_url:
        sys.stdout.write(json.dumps(base_url) + "\n")
        sys.stdout.flush()
        await stop.wait()


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser()
    for name in ("--active", "--ended", "--items", "--file-jobs"):
        parser.add_argument(name, type=int, required=True)
    parser.add_argument("--latency", type=float, required=True)
    asyncio.run(_serve(parser.parse_args()))


if __name__ == "__main__":
    main()
