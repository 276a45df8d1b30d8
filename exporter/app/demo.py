"""The projects of the demo, and the simulator behind them."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from pydantic import SecretStr

from exporter.config import Project
from exporter.simulator import DEMO_PROJECTS, Scenario, Simulator, World, serving

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


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
