"""``--demo``: the exporter serves as always, against the built-in simulator of LlamaCloud."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from exporter.app.running import serve
from exporter.config import ApiKey, Project
from exporter.simulator import DEMO_PROJECTS, Scenario, Simulator, World, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from exporter.app.running import Serving
    from exporter.config import Settings


async def serve_demo(serving: Serving) -> None:
    """Serve until SIGTERM or SIGINT."""
    async with simulated_projects() as projects:

        def simulated(settings: Settings) -> Settings:
            # Simulated counters are not kept.
            state = settings.state.model_copy(update={"file": None})
            return settings.model_copy(update={"projects": projects, "state": state})

        await serve(
            replace(
                serving,
                settings=simulated(serving.settings),
                read_again=lambda: simulated(serving.read_again()),
                # No proxy leads to the simulator, which is in this process.
                environ={},
            )
        )


@asynccontextmanager
async def simulated_projects() -> AsyncIterator[tuple[Project, ...]]:
    """Run a simulated LlamaCloud on the loopback and yield its projects."""
    world = World()
    scenario = Scenario(world)
    async with serving(Simulator(world).app) as base_url, asyncio.TaskGroup() as tasks:
        moving = tasks.create_task(scenario.run())
        yield tuple(
            Project(
                name=demo.name,
                project_id=demo.project_id,
                organization_id=None,
                key=ApiKey(SecretStr(demo.key), "the demo"),
                base_url=base_url,
            )
            for demo in DEMO_PROJECTS
        )
        moving.cancel()
