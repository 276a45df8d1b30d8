"""The demo: serving as always, against the built-in simulator of LlamaCloud."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from exporter.app.running import serve
from exporter.config import Project
from exporter.simulator import DEMO_PROJECTS, Scenario, Simulator, World, serving

if TYPE_CHECKING:
    import socket
    from collections.abc import AsyncIterator, Callable

    from exporter.config import Settings
    from exporter.log_writer import LogWriter
    from exporter.redaction import Secrets
    from exporter.signals import Signals
    from exporter.web_config.current import CurrentWebConfig


async def demo(
    settings: Settings,
    secrets: Secrets,
    sockets: list[socket.socket],
    signals: Signals,
    log_writer: LogWriter,
    *,
    read_again: Callable[[], Settings],
    web_config: CurrentWebConfig | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT."""
    async with simulated_projects() as projects:

        def simulated(settings: Settings) -> Settings:
            # What is made up is not to be kept.
            state = settings.state.model_copy(update={"file": None})
            return settings.model_copy(update={"projects": projects, "state": state})

        # No proxy leads to the simulator, which is in this process.
        await serve(
            simulated(settings),
            secrets,
            sockets,
            signals,
            log_writer,
            read_again=lambda: simulated(read_again()),
            web_config=web_config,
            environ={},
        )


@asynccontextmanager
async def simulated_projects() -> AsyncIterator[tuple[Project, ...]]:
    """Run a simulated LlamaCloud on the loopback and yield its projects."""
    world = World()
    scenario = Scenario(world)
    async with serving(Simulator(world).app) as base_url, asyncio.TaskGroup() as tasks:
        days_work = tasks.create_task(scenario.run())
        yield tuple(
            Project(
                name=demo.name,
                project_id=demo.project_id,
                organization_id=None,
                api_key=SecretStr(demo.key),
                base_url=base_url,
                directory_ids=(),
                job_types=(),
            )
            for demo in DEMO_PROJECTS
        )
        days_work.cancel()
