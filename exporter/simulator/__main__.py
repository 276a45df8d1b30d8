"""Runs the simulated LlamaCloud alone: ``python -m exporter.simulator``."""

from __future__ import annotations

import asyncio
import signal
import sys
from typing import TYPE_CHECKING

from exporter.simulator.arrivals import DEMO_PROJECTS
from exporter.simulator.command_line import parser
from exporter.simulator.faults import Fault, Faults
from exporter.simulator.paging import Paging
from exporter.simulator.rate_limit import RateLimit
from exporter.simulator.scenario import Scenario
from exporter.simulator.server import Simulator
from exporter.simulator.serving import serving
from exporter.simulator.v2.tokens import TokenPaging
from exporter.simulator.world import World

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    options = parser().parse_args(arguments)
    try:
        asyncio.run(_serve(options))
    except OSError as error:
        sys.stderr.write(f"{error.strerror or error}\n")
        return 1
    return 0


async def _serve(options: argparse.Namespace) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    world = World()
    scenario = Scenario(world, speed=options.speed, seed=options.seed)
    host, port = options.listen_address
    async with serving(_simulator(world, options).app, host, port) as base_url:
        sys.stdout.write(_welcome(base_url))
        sys.stdout.flush()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(scenario.run())
            await stop.wait()
            running.cancel()


def _simulator(world: World, options: argparse.Namespace) -> Simulator:
    style = {
        "total_size": options.total_size,
        "page_token": options.page_token,
        "max_rows": options.max_rows,
    }
    tokens = {"order": options.order, "max_rows": options.max_rows}
    simulator = Simulator(
        world,
        faults=_faults(options),
        jobs_paging=Paging(**style, order=options.order),
        items_paging=Paging(**style, order="oldest"),
        batches_paging=TokenPaging(**tokens),
        file_jobs_paging=TokenPaging(**tokens),
        rate_limit=RateLimit(options.rate_limit) if options.rate_limit else None,
    )
    if options.withdrawn is not None:
        simulator.withdrawn[options.withdrawn] = 404
    return simulator


def _faults(options: argparse.Namespace) -> Faults:
    faults = Faults(seed=options.seed)
    if options.fail_rate:
        seconds = options.latency
        faults.add(Fault("status", code=503, chance=options.fail_rate, seconds=seconds))
    if options.latency:
        faults.add(Fault("slow", seconds=options.latency))
    return faults


def _welcome(base_url: str) -> str:
    lines = [f"A simulated LlamaCloud listens on {base_url}; its keys and projects are made up."]
    for project in DEMO_PROJECTS:
        variables = f"LLAMA_CLOUD_API_KEY={project.key} LLAMA_CLOUD_BASE_URL={base_url}"
        lines += [
            f"Project {project.name!r}, id {project.project_id}:",
            f"  {variables} llamacloud-batch-exporter",
        ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
