"""``--demo``: the exporter serves as usual, but polls the built-in simulator of LlamaCloud."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from pydantic import SecretStr

from exporter.app.running import serve
from exporter.config import ApiKey, Project
from exporter.simulator import DEMO_PROJECTS, Scenario, Simulator, World
from exporter.simulator import serving as serving_simulator

if TYPE_CHECKING:
    from exporter.app.running import Serving
    from exporter.config import Settings


async def serve_demo(serving: Serving) -> None:
    """Simulate LlamaCloud on the loopback, and serve its projects until SIGTERM or SIGINT."""
    world = World()
    async with serving_simulator(Simulator(world).app) as base_url, asyncio.TaskGroup() as tasks:
        simulation = tasks.create_task(Scenario(world).run())
        projects = tuple(
            Project(
                name=demo.name,
                project_id=demo.project_id,
                organization_id=None,
                key=ApiKey(SecretStr(demo.key), "the demo"),
                base_url=base_url,
            )
            for demo in DEMO_PROJECTS
        )

        def simulated(settings: Settings) -> Settings:
            # Simulated counters are not kept.
            state = settings.state.model_copy(update={"file": None})
            return settings.model_copy(update={"projects": projects, "state": state})

        await serve(
            replace(
                serving,
                settings=simulated(serving.settings),
                read_again=lambda: simulated(serving.read_again()),
                # The simulator is in this process: no proxy is used.
                environ={},
            )
        )
        simulation.cancel()
