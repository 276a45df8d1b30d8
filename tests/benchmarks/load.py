"""Load on a metrics server: back to back with wrk, or at fixed moments."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

FORM = "application/openmetrics-text; version=1.0.0"
_SCRIPT = Path(__file__).with_name("wrk.lua")
_LONGEST_SCRAPE_SECONDS = 60
# Larger than a connection's buffer, so that the reader never pauses it.
_BUFFER_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """What a client measured; ``per_second`` is the rate of a client that never pauses."""

    scrapes: int
    p50_ms: float
    p99_ms: float
    longest_ms: float
    per_second: float


def headers(*, gzip: bool) -> dict[str, str]:
    """Return the request headers of Prometheus."""
    return {"Accept": FORM, "Accept-Encoding": "gzip" if gzip else "identity"}


def require_wrk() -> str:
    """Return the path of wrk.

    Raises:
        RuntimeError: It is not installed.
    """
    path = shutil.which("wrk")
    if path is None:
        raise RuntimeError("wrk is not installed, and nothing is measured without: it is in Debian")
    return path


def back_to_back(url: str, *, gzip: bool, seconds: int) -> Measured:
    """Scrape on one connection without pauses."""
    command = [require_wrk(), "--threads=1", "--connections=1", f"--duration={seconds}s"]
    command += [f"--timeout={_LONGEST_SCRAPE_SECONDS}s", f"--script={_SCRIPT}"]
    for name, value in headers(gzip=gzip).items():
        command += ["--header", f"{name}: {value}"]
    ran = subprocess.run([*command, url], check=True, capture_output=True, text=True)
    measured = json.loads(ran.stdout.splitlines()[-1])
    if measured["errors"] or not measured["scrapes"]:
        raise RuntimeError(f"wrk could not scrape {url}: {ran.stdout}")
    return Measured(
        scrapes=measured["scrapes"],
        p50_ms=measured["p50"] / 1000,
        p99_ms=measured["p99"] / 1000,
        longest_ms=measured["max"] / 1000,
        # Dividing by the duration would lose the scrape that its end interrupts.
        per_second=1e6 / measured["mean"],
    )


def paced(url: str, *, gzip: bool, seconds: float, per_second: float) -> Measured:
    """Scrape at fixed moments, however long earlier scrapes take, on persistent connections."""
    took = asyncio.run(_at_fixed_moments(url, headers(gzip=gzip), seconds, per_second))
    took_ms = sorted(1000 * each for each in took)
    percentiles = statistics.quantiles(took_ms, n=100, method="inclusive")
    return Measured(
        scrapes=len(took_ms),
        p50_ms=percentiles[49],
        p99_ms=percentiles[98],
        longest_ms=took_ms[-1],
        per_second=1000 / statistics.fmean(took_ms),
    )


async def _at_fixed_moments(
    url: str, asked_with: dict[str, str], seconds: float, per_second: float
) -> list[float]:
    client = _Client(url, asked_with)
    async with asyncio.TaskGroup() as tasks:
        scrapes = [
            tasks.create_task(client.scrape_after(number / per_second))
            for number in range(round(seconds * per_second))
        ]
    client.close()
    return [scrape.result() for scrape in scrapes]


class _Client:
    """Scrapes on an idle connection, or else on a new one, as Prometheus does."""

    def __init__(self, url: str, asked_with: dict[str, str]) -> None:
        address = urlsplit(url)
        self._host, self._port = address.hostname or "", address.port or 80
        lines = [f"GET {address.path} HTTP/1.1", f"Host: {address.netloc}"]
        lines += [f"{name}: {value}" for name, value in asked_with.items()]
        self._question = "\r\n".join([*lines, "", ""]).encode()
        self._idle: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []

    async def scrape_after(self, seconds: float) -> float:
        """Wait, scrape, and return the seconds that the scrape took."""
        await asyncio.sleep(seconds)
        began = time.perf_counter()
        reader, writer = self._idle.pop() if self._idle else await self._connect()
        writer.write(self._question)
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"(?i)\r\ncontent-length: (\d+)\r\n", head)
        if not head.startswith(b"HTTP/1.1 200 ") or length is None:
            raise RuntimeError(f"no metrics: {head.decode()}")
        await reader.readexactly(int(length[1]))
        took = time.perf_counter() - began
        self._idle.append((reader, writer))
        return took

    def close(self) -> None:
        """Close the connections."""
        for _, writer in self._idle:
            writer.close()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(self._host, self._port, limit=_BUFFER_BYTES)
