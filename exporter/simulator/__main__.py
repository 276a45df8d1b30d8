"""Runs the simulated LlamaCloud by itself: ``python -m exporter.simulator``."""

from __future__ import annotations

import argparse
import asyncio
import math
import signal
import sys
from typing import TYPE_CHECKING

from exporter.simulator.arrivals import DEMO_PROJECTS
from exporter.simulator.faults import Fault, Faults
from exporter.simulator.paging import Paging
from exporter.simulator.rate_limit import RateLimit
from exporter.simulator.scenario import DEFAULT_SEED, Scenario
from exporter.simulator.server import Simulator
from exporter.simulator.serving import serving
from exporter.simulator.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until SIGTERM or SIGINT; return the exit status."""
    options = _parser().parse_args(arguments)
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
    return Simulator(
        world,
        faults=_faults(options),
        jobs_paging=Paging(**style, order=options.order),
        items_paging=Paging(**style, order="oldest"),
        rate_limit=RateLimit(options.rate_limit) if options.rate_limit else None,
    )


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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m exporter.simulator",
        description="A LlamaCloud small enough to run on the loopback, with a day's batch jobs.",
    )
    add = parser.add_argument
    add(
        "--listen-address",
        type=_address,
        default="127.0.0.1:8765",
        help="host:port to serve on (default: %(default)s)",
    )
    add(
        "--speed",
        type=_speed,
        default=1.0,
        help="how many times faster work is done (default: %(default)s)",
    )
    add(
        "--seed", type=int, default=DEFAULT_SEED, help="which jobs there are (default: %(default)s)"
    )
    add(
        "--fail-rate",
        type=_share,
        default=0.0,
        help="share of requests answered with 503 (default: %(default)s)",
    )
    add(
        "--latency",
        type=_seconds,
        default=0.0,
        help="seconds before each answer (default: %(default)s)",
    )
    add(
        "--rate-limit",
        type=_count,
        help="requests a minute of one key, beyond it 429 (default: no limit)",
    )
    add(
        "--max-rows",
        type=_count,
        help="rows on a page at most, however many are asked for (default: as many)",
    )
    add(
        "--order",
        choices=("newest", "oldest", "shuffled"),
        default="newest",
        help="of the jobs (default: %(default)s)",
    )
    switch = argparse.BooleanOptionalAction
    add(
        "--total-size",
        action=switch,
        default=True,
        help="fill in total_size (default: %(default)s)",
    )
    add(
        "--page-token",
        action=switch,
        default=False,
        help="fill in next_page_token (default: %(default)s)",
    )
    return parser


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    if not port.isdecimal() or int(port) > 65535:  # noqa: PLR2004 - TCP's last port
        raise argparse.ArgumentTypeError(f"{text!r} is not host:port, such as 127.0.0.1:8765")
    return host.removeprefix("[").removesuffix("]"), int(port)


def _speed(text: str) -> float:
    return _number(text, lambda number: 0 < number < math.inf, "a number greater than 0")


def _seconds(text: str) -> float:
    return _number(text, lambda number: 0 <= number < math.inf, "a number of seconds")


def _share(text: str) -> float:
    return _number(text, lambda number: 0 <= number <= 1, "a number from 0 to 1")


def _count(text: str) -> int:
    return int(_number(text, _is_count, "a whole number above 0"))


def _is_count(number: float) -> bool:
    return number >= 1 and number.is_integer()


def _number(text: str, fits: Callable[[float], bool], expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not fits(number):
        raise argparse.ArgumentTypeError(f"{text!r} is not {expected}")
    return number


if __name__ == "__main__":
    sys.exit(main())
