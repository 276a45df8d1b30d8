"""The connections to LlamaCloud that some settings need, and the threads that look up its name."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import structlog

from exporter import __version__
from exporter.llamacloud.connections import Connections
from exporter.llamacloud.proxies import Proxies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config import Settings

# More than hang at once where no name server answers: each look-up keeps its thread for minutes
# after its request gave up.
_MOST_LOOK_UPS = 1_000

log = structlog.get_logger("exporter")


class _LookUpThreads(ThreadPoolExecutor):
    """Threads that the loop does not join at its end: a hanging look-up would keep it running."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - the signature is the library's
        super().shutdown(wait=False, cancel_futures=cancel_futures)


def connections_of(settings: Settings, proxies: Proxies) -> Connections:
    """Open the connections that the projects need.

    Raises:
        BadEnvironmentError: the environment's proxies or certificates cannot be used for them.
    """
    return Connections(
        f"llamacloud-batch-exporter/{__version__}",
        base_urls=[project.base_url for project in settings.projects],
        proxies=proxies,
        tls_strict=settings.api.tls_strict,
    )


def open_upstream(settings: Settings, environ: Mapping[str, str]) -> Connections:
    """Open the connections that the projects need, in the running loop.

    Variables about proxies that are ignored are logged. Names are looked up in enough threads that
    no look-up waits for others that hang: the loop's own executor has a few for each processor.

    Raises:
        BadEnvironmentError: the environment's proxies or certificates cannot be used for them.
    """
    threads = _LookUpThreads(_MOST_LOOK_UPS, thread_name_prefix="look-up")
    asyncio.get_running_loop().set_default_executor(threads)
    proxies = Proxies(environ)
    if ignored := proxies.ignored():
        log.warning("exporter.bad_environment", variables=ignored.variables, advice=ignored.advice)
    return connections_of(settings, proxies)
