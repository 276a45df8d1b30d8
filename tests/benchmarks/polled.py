"""An exporter that polls a simulated LlamaCloud without pauses, and has counted every job."""

from __future__ import annotations

import re
import time
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from tests.benchmarks.cloud import KEY, running_benchmark_cloud
from tests.benchmarks.load import headers
from tests.support.exporter_process import Exporter, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from contextlib import AbstractContextManager

    from tests.benchmarks.cloud import BenchmarkCloud

_FIRST_POLL_WITHIN_SECONDS = 600.0
_SCRAPE_WITHIN_SECONDS = 60.0
# More than one process can send: each job costs two requests.
_JOBS_A_SECOND = 1000
_REQUESTS_A_JOB = 2
_COUNTED = "llamacloud_batch_job_items_last_counted_timestamp_seconds"
_REFRESHES = re.compile(
    r'^llamacloud_exporter_api_requests_total\{code="200",'
    r'endpoint="(?:job_status|list_items)",project="default"\} (\S+)$',
    re.MULTILINE,
)


@dataclass(frozen=True, slots=True)
class PolledExporter:
    """A running exporter, the LlamaCloud that it polls, and its metrics URL."""

    cloud: BenchmarkCloud
    exporter: Exporter
    url: str

    def refreshes(self) -> int:
        """Return the exporter's count of answers about single jobs."""
        return round(sum(map(float, _REFRESHES.findall(self._exposition()))))

    def counted_jobs(self) -> int:
        """Count the published jobs that have item counts."""
        return self._exposition().count(f"\n{_COUNTED}{{")

    def _exposition(self) -> str:
        answer = httpx.get(self.url, headers=headers(gzip=True), timeout=_SCRAPE_WITHIN_SECONDS)
        return answer.raise_for_status().text


@contextmanager
def running_polled_exporter(jobs: int) -> Iterator[PolledExporter]:
    """Run an exporter with a number of active jobs, yielded after its first poll.

    Its budget is larger than it can use, and its time limits allow for slow answers.
    """
    with running_benchmark_cloud(active=jobs) as cloud:
        try:
            with _running_exporter(cloud, jobs) as exporter:
                url = exporter.events("exporter.listening")[0]["metrics"]
                polled = PolledExporter(cloud, exporter, url)
                _wait_until_every_job_is_counted(polled, jobs)
                yield polled
        finally:
            # A normal shutdown would wait for unanswered requests.
            cloud.answer_every(0.0)


def _running_exporter(cloud: BenchmarkCloud, jobs: int) -> AbstractContextManager[Exporter]:
    return running(
        # The next poll begins before all jobs of this one are refreshed.
        f"--poll.interval={max(jobs // _JOBS_A_SECOND, 1)}s",
        "--poll.stale-after=1h",
        "--api.requests-per-minute=100000",
        "--api.concurrency=8",
        "--api.timeout=10m",
        f"--jobs.max-per-project={jobs}",
        LLAMA_CLOUD_API_KEY=KEY,
        LLAMA_CLOUD_BASE_URL=cloud.base_url,
    )


def _wait_until_every_job_is_counted(polled: PolledExporter, jobs: int) -> None:
    deadline = time.monotonic() + _FIRST_POLL_WITHIN_SECONDS
    while polled.cloud.requests() < _REQUESTS_A_JOB * jobs or polled.counted_jobs() < jobs:
        assert polled.exporter.process.poll() is None, "the exporter has ended"
        assert time.monotonic() < deadline, "the first poll does not end"
        time.sleep(1.0)
