"""The connections to LlamaCloud that some settings need."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from exporter import __version__
from exporter.llamacloud.connections import Connections
from exporter.llamacloud.proxies import Proxies

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.config import Settings

USER_AGENT = f"llamacloud-batch-exporter/{__version__}"

log = structlog.get_logger("exporter")


def connections_of(settings: Settings, proxies: Proxies) -> Connections:
    """Open the connections that the projects need.

    Raises:
        BadEnvironmentError: the environment's proxies or certificates cannot be used for them.
    """
    return Connections(
        USER_AGENT,
        base_urls=base_urls_of(settings),
        proxies=proxies,
        tls_strict=settings.api.tls_strict,
    )


def base_urls_of(settings: Settings) -> list[str]:
    """Return the URLs that the projects are read from."""
    return [project.base_url for project in settings.projects]


def logged_connections_of(settings: Settings, environ: Mapping[str, str]) -> Connections:
    """Open the connections that the projects need; what of proxies is ignored is logged.

    Raises:
        BadEnvironmentError: the environment's proxies or certificates cannot be used for them.
    """
    proxies = Proxies(environ)
    if ignored := proxies.ignored():
        log.warning("exporter.bad_environment", variables=ignored.variables, advice=ignored.advice)
    return connections_of(settings, proxies)
