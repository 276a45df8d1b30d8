"""Soak the exporter: ``python -m tests.soak``.

Runs the real process against a simulated LlamaCloud in which thousands of jobs progress in
accelerated time and everything goes wrong at random. Then the faults stop, and the exporter's
output must match what happened. Exits with 0 if it does.
"""

from __future__ import annotations

import argparse
import secrets
import sys

from tests.soak.history import API_VERSIONS
from tests.soak.run import Outcome, Plan, Soak

_TOLD = 20
# The simulator is a thread of this process, and must not wait long for the GIL.
_SWITCH_SECONDS = 0.0005


def main() -> int:
    plan = _plan()
    sys.setswitchinterval(_SWITCH_SECONDS)
    sys.stdout.write(f"seed: {plan.seed}\n")
    sys.stdout.flush()
    outcome = Soak(plan).run()
    sys.stdout.write(_report(plan, outcome))
    return 1 if outcome.wrong else 0


def _plan() -> Plan:
    parser = argparse.ArgumentParser(prog="soak", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=240.0, help="of faults (%(default)s)")
    parser.add_argument("--jobs-per-second", type=float, default=14.0, help="(%(default)s)")
    parser.add_argument(
        "--seed",
        type=int,
        default=secrets.randbelow(10**9),
        help="the same jobs and the same faults again; which request meets a fault depends on the"
        " machine (random)",
    )
    parser.add_argument(
        "--api-versions",
        type=lambda text: text.split(","),
        default=",".join(API_VERSIONS),
        help="in which jobs live (%(default)s)",
    )
    parser.add_argument(
        "--kills", type=int, default=0, help="of the exporter, which keeps its state (%(default)s)"
    )
    parser.add_argument(
        "--reloads", type=int, default=0, help="of the exporter's settings (%(default)s)"
    )
    arguments = parser.parse_args()
    return Plan(
        arguments.seconds,
        arguments.jobs_per_second,
        arguments.seed,
        arguments.api_versions,
        arguments.kills,
        arguments.reloads,
    )


def _report(plan: Plan, outcome: Outcome) -> str:
    lines = [f"{name}: {figure}" for name, figure in outcome.figures.items()]
    lines += [f"WRONG: {wrong}" for wrong in outcome.wrong[:_TOLD]]
    if outcome.wrong:
        again = (
            f"python -m tests.soak --seconds {plan.seconds:g}"
            f" --jobs-per-second {plan.jobs_per_second:g} --seed {plan.seed}"
            f" --api-versions {','.join(plan.api_versions)}"
            f" --kills {plan.kills} --reloads {plan.reloads}"
        )
        lines.append(f"verdict: {len(outcome.wrong)} or more things are wrong; again: {again}")
    else:
        lines.append("verdict: all that the exporter said is true")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
