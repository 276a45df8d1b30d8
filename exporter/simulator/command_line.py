"""The flags of ``python -m exporter.simulator``."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING

from exporter.simulator.scenario import DEFAULT_SEED

if TYPE_CHECKING:
    from collections.abc import Callable


def parser() -> argparse.ArgumentParser:
    """Build the parser of all flags."""
    flags = argparse.ArgumentParser(
        prog="python -m exporter.simulator",
        description="A LlamaCloud small enough to run on the loopback, with a day's batch jobs.",
    )
    _add_serving(flags.add_argument_group("what is served").add_argument)
    _add_faults(flags.add_argument_group("what goes wrong").add_argument)
    _add_style(flags.add_argument_group("how lists are served").add_argument)
    return flags


def _add_serving(add: Callable[..., object]) -> None:
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


def _add_faults(add: Callable[..., object]) -> None:
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
        "--withdrawn",
        choices=("v1beta", "v2"),
        help="a generation of the API that answers 404 (default: none)",
    )


def _add_style(add: Callable[..., object]) -> None:
    add(
        "--max-rows",
        type=_count,
        help="the most rows on a page (default: as many as requested)",
    )
    add(
        "--order",
        choices=("newest", "oldest", "shuffled"),
        default="newest",
        help="of the jobs, batches and file jobs (default: %(default)s)",
    )
    switch = argparse.BooleanOptionalAction
    add(
        "--total-size",
        action=switch,
        default=True,
        help="fill in total_size of v1beta (default: %(default)s)",
    )
    add(
        "--page-token",
        action=switch,
        default=False,
        help="fill in next_page_token of v1beta (default: %(default)s)",
    )


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
