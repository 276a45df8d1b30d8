"""However much a server answers: bounded time and memory."""

import resource
import subprocess
import sys

import pytest

# Ten megabytes each: a hundred times a full page of jobs.
MEGABYTES = 10 * 1_000_000
BOUNDED = """
import resource, sys, time
from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.v1beta.items import read_items
from exporter.llamacloud.v1beta.jobs import read_jobs, read_status
from exporter.llamacloud.refusals import refusal

def answered(body):
    for read in (read_jobs, read_items, read_status):
        try:
            read(body)
        except BadResponse as error:
            assert len(str(error)) < 310
    assert len(str(refusal(500, {}, b'{"detail":' + body + b'}', answered_at=0.0))) <= 310

resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30))
for body in sys.stdin.buffer:
    began = time.process_time()
    answered(body.rstrip())
    print(time.process_time() - began)
"""


def huge_bodies() -> dict[str, str]:
    """Write ten megabytes of each kind."""
    return {
        "a string": '{"items":[],"x":"' + "x" * MEGABYTES + '"}',
        "a time": '{"items":[{"created_at":"' + "T00:00:60" * (MEGABYTES // 9) + '"}]}',
        "a whole number": '{"items":[],"total_size":' + "9" * MEGABYTES + "}",
        "a fraction": '{"items":[],"total_size":0.' + "9" * MEGABYTES + "}",
        "an exponent": '{"items":[],"total_size":1e' + "9" * MEGABYTES + "}",
        "open brackets": "[" * MEGABYTES,
        "open objects": '{"items":' * (MEGABYTES // 9),
        "empty rows": '{"items":[' + "{}," * (MEGABYTES // 3) + "{}]}",
        "a long list": '{"items":[],"x":[' + "0," * (MEGABYTES // 2) + "0]}",
        "many names": '{"items":[],' + ",".join(f'"{n}":0' for n in range(MEGABYTES // 11)) + "}",
    }


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_AS"), reason="the system knows no such limit")
def test_ten_megabytes_of_anything_take_less_than_a_gigabyte() -> None:
    """And ten seconds of processor time for all answers that they could be sent for."""
    huge = huge_bodies()
    ended = subprocess.run(
        [sys.executable, "-c", BOUNDED],
        input="\n".join(huge.values()).encode(),
        capture_output=True,
        timeout=50,
        check=False,
    )

    seconds = [float(line) for line in ended.stdout.split()]
    assert 0 == ended.returncode, (list(huge)[len(seconds)], ended.stderr[-500:])
    assert {} == {name: took for name, took in zip(huge, seconds, strict=True) if took > 10}
