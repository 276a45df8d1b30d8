"""The lives of the soak's jobs hold what its verdict takes for granted."""

from __future__ import annotations

from itertools import pairwise

import pytest
from soak import lives
from soak.growing import seeded
from soak.history import JobHistory
from soak.living import LivingJob
from soak.projects import PROJECTS

from exporter.simulator import World


def lived(kind: str, seed: int) -> JobHistory:
    """Let a job live to its end; its ``late`` items are never counted in between."""
    history = JobHistory("job-1", kind, PROJECTS[0], "parse", "", 1_790_000_000.25)
    job = LivingJob(World(clock=lambda: 1_790_000_001.5), history, seeded(seed, kind))
    more = (lambda: 0,) if kind == "late" else ()
    for _ in getattr(lives, kind)(job, *more):
        pass
    return history


@pytest.mark.parametrize(
    "kind", ["steady", "brief", "retried", "vanishing", "returning", "late", "called_off", "over"]
)
def test_a_job_that_has_ended_is_put_again_only_if_it_differs(kind: str) -> None:
    """Nobody asks again for a job whose end is known, so it would not be shown as put later."""
    for seed in range(400):
        for before, after in pairwise(lived(kind, seed).states):
            known = before.ended and (before.status, before.by_status)
            assert known != (after.status, after.by_status), seed
