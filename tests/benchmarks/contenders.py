"""The exporter and minimal alternatives, each in its own environment."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tests.benchmarks.cloud import KEY
from tests.benchmarks.environments import Environment, environment_of, exporter_environment
from tests.benchmarks.servers import Server, running_server

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.cloud import BenchmarkCloud


@dataclass(frozen=True, slots=True)
class Contender:
    """An exporter to run: ``program`` is a module (``-m``, name) or a script.

    The flag or prefix ``port_flag`` goes before its port.
    """

    name: str
    program: tuple[str, ...]
    port_flag: str
    environment: Environment

    @contextmanager
    def running(
        self, cloud: BenchmarkCloud, *arguments: str, program: tuple[str, ...] = ()
    ) -> Iterator[Server]:
        """Run it, or another program with the same flags, until the end of the block."""

        def command_at(port: int) -> tuple[str, ...]:
            return self.environment.command(
                *(program or self.program), *arguments, f"{self.port_flag}{port}"
            )

        with running_server(
            command_at, LLAMA_CLOUD_API_KEY=KEY, LLAMA_CLOUD_BASE_URL=cloud.base_url
        ) as server:
            yield server


def script(name: str) -> tuple[str, ...]:
    """Return the path of a program beside this file."""
    return (str(Path(__file__).with_name(f"{name}.py")),)


@contextmanager
def contenders() -> Iterator[tuple[Contender, list[Contender]]]:
    """Yield this project's exporter, and its peers."""
    with ExitStack() as stack:
        ours = stack.enter_context(exporter_environment())
        bare = stack.enter_context(environment_of("prometheus-client"))
        with_sdk = stack.enter_context(environment_of("llama-cloud", "prometheus-client"))
        yield (
            Contender("exporter", ("-m", "exporter"), "--web.listen-address=127.0.0.1:", ours),
            [
                Contender("bare prometheus_client", script("gauge_exporter"), "", bare),
                Contender("SDK, prometheus_client", script("sdk_exporter"), "", with_sdk),
            ],
        )
