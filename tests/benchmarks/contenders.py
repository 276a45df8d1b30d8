"""The exporter, and the smallest ones that others would write, each in its own environment."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.cloud import KEY
from benchmarks.environments import Environment, environment_of, exporter_environment
from benchmarks.servers import Server, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.cloud import BenchmarkCloud


@dataclass(frozen=True, slots=True)
class Contender:
    """An exporter that can be run; the flag or prefix ``port_flag`` goes before its port."""

    name: str
    module: str
    port_flag: str
    environment: Environment

    @contextmanager
    def running(
        self, cloud: BenchmarkCloud, *arguments: str, module: str | None = None
    ) -> Iterator[Server]:
        """Run it, or another module with the same flags, until the end of the block."""

        def command_at(port: int) -> tuple[str, ...]:
            return self.environment.command(
                module or self.module, *arguments, f"{self.port_flag}{port}"
            )

        with running_server(
            command_at, LLAMA_CLOUD_API_KEY=KEY, LLAMA_CLOUD_BASE_URL=cloud.base_url
        ) as server:
            yield server


@contextmanager
def contenders() -> Iterator[tuple[Contender, list[Contender]]]:
    """Yield ours, and its peers."""
    with ExitStack() as stack:
        ours = stack.enter_context(exporter_environment())
        bare = stack.enter_context(environment_of("prometheus-client"))
        with_sdk = stack.enter_context(environment_of("llama-cloud", "prometheus-client"))
        yield (
            Contender("exporter", "exporter", "--web.listen-address=127.0.0.1:", ours),
            [
                Contender("bare prometheus_client", "benchmarks.gauge_exporter", "", bare),
                Contender("SDK, prometheus_client", "benchmarks.sdk_exporter", "", with_sdk),
            ],
        )
