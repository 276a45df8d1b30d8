"""What hostile answers cost at most, measured in a process of its own."""

import gzip
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from exporter.simulator import Fault
from tests.support.cloud import Cloud

BOUND = 16 * 2**20
TIMES_EACH = 2
LONGEST_SECONDS = 5.0
# An object for each value of the page alone would take three times as much.
MOST_KIBIBYTES = 200 * 1024
# As many values as are read, in the form that takes the most memory.
DEEP = (b'{"":' * 190 + b"0" + b"}" * 190 + b",") * 520
# Nothing in these says that there is no such page.
ONE_BAD_ROW = dict.fromkeys(("wide text", "commas in a text", "quotes in a text", "times"), "None")
TOO_LARGE = dict.fromkeys(("endless", "bomb"), "BodyTooLarge")
REQUESTING = """
import asyncio, os, sys, time, structlog
from pathlib import Path
from tests.support.clients import client_of
from tests.support.cloud import Cloud
from exporter.llamacloud.errors import LlamaCloudError
from exporter.llamacloud.v1beta.reader import Reader

structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))

def peak_kib():
    status = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in status if line.startswith("VmHWM:"))

async def request(client):
    try:
        await Reader(client, {}).jobs_page(0, {})
    except LlamaCloudError as error:
        return type(error).__name__

async def main():
    async with client_of(Cloud(None, os.environ["BASE_URL"]), timeout_seconds=10.0) as client:
        await request(client)
        before = peak_kib()
        for _ in range(int(os.environ["TIMES"])):
            began = time.monotonic()
            error = await request(client)
            print(error, time.monotonic() - began, peak_kib() - before)

asyncio.run(main())
"""


def filled(row: bytes) -> bytes:
    """Return a page of 16 MiB that repeats what is small and costs much."""
    page = b'{"items":[' + row * ((BOUND - 20) // len(row)) + b"0]}"
    assert BOUND - 5_000 < len(page) <= BOUND
    return page


def raw(body: bytes) -> Fault:
    return Fault("raw", body=body)


def hostile_answers() -> dict[str, Fault]:
    """Make 16 MiB of each kind."""
    return {
        "endless": Fault("endless"),
        "bomb": Fault("bomb"),
        "lists": raw(filled(b"[],")),
        "objects": raw(filled(b"{},")),
        "names": raw(filled(b'{"":0},')),
        "nested": raw(filled(b"[" * 190 + b"]" * 190 + b",")),
        "texts": raw(filled(b'"' + b"x" * 40 + b'",')),
        "wide text": raw(b'{"items":["\xf0\x9f\x92\xa9' + b"x" * (BOUND - 20) + b'"]}'),
        "whole numbers": raw(filled(b"9" * 4_000 + b",")),
        "text in many values": raw(
            b'{"items":["\xf0\x9f\x92\xa9' + b"x" * (BOUND - len(DEEP) - 30) + b'",' + DEEP + b"0]}"
        ),
        "commas in a text": raw(b'{"items":[{"error_message":"' + b"," * (BOUND - 40) + b'"}]}'),
        "quotes in a text": raw(b'{"items":["' + b'\\"' * (BOUND // 2 - 10) + b'"]}'),
        "times": raw(b'{"items":[{"created_at":"' + b"T00:00:60" * (BOUND // 10) + b'"}]}'),
        "compressed": Fault(
            "raw", body=gzip.compress(filled(b"0,")), headers={"content-encoding": "gzip"}
        ),
    }


@pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is reported nowhere else"
)
def test_a_hostile_answer_costs_a_few_times_its_bound(cloud: Cloud) -> None:
    """And little time, most of which is that of sending it; the second costs no more."""
    cloud.simulator.faults.add(Fault("not_json", times=1))
    answers = hostile_answers()
    for fault in answers.values():
        cloud.simulator.faults.add(replace(fault, times=TIMES_EACH))
    requested = [name for name in answers for _ in range(TIMES_EACH)]
    ended = subprocess.run(
        [sys.executable, "-c", REQUESTING],
        env={
            **os.environ,
            "BASE_URL": cloud.base_url,
            "PYTHONPATH": ".",
            "TIMES": str(len(requested)),
        },
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    costs = list(zip(requested, map(str.split, ended.stdout.splitlines()), strict=True))
    expected = dict.fromkeys(answers, "BadResponse") | ONE_BAD_ROW | TOO_LARGE
    assert expected == {name: error for name, (error, _, _) in costs}
    assert [] == [name for name, (_, seconds, _) in costs if float(seconds) > LONGEST_SECONDS]
    assert [] == [name for name, (_, _, grown) in costs if int(grown) > MOST_KIBIBYTES]
