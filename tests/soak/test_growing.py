"""The soak's world grows steadily, with jobs of both API generations."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from exporter.simulator import World
from tests.soak import batch_lives, lives
from tests.soak.births import drawn_life, history_of, seeded
from tests.soak.growing import GrowingWorld
from tests.soak.history import API_VERSIONS
from tests.soak.projects import PROJECTS

if TYPE_CHECKING:
    from tests.soak.history import JobHistory

NOW = 1_790_000_001.5


class Growing:
    """A world whose clock a test advances; none of it is seen unless ``sees``."""

    def __init__(self, *, sees: bool) -> None:
        self.now = NOW
        self.histories: dict[str, JobHistory] = {}
        self.world = World(clock=lambda: self.now)
        self.growing = GrowingWorld(
            self.world,
            self.histories,
            seed=1,
            jobs_per_second=14,
            is_shown=lambda _: sees,
            is_known=lambda _: sees,
            has_left=lambda _: sees,
            times_counted=lambda _: 0,
        )
        self.growing.open()
        self.opened_with = len(self.histories)

    def pass_by(self, seconds: float) -> Counter[str]:
        """Advance time, and count the births since the beginning by generation."""
        for _ in range(int(seconds / 0.1)):
            self.now += 0.1
            self.growing.advance(may_be_slow=False)
            self.growing.release()
        born = list(self.histories.values())[self.opened_with :]
        return Counter(history.api_version for history in born)


def test_jobs_of_both_generations_are_born_from_the_beginning() -> None:
    """The world does not wait for jobs that are already long over."""
    born = Growing(sees=True).pass_by(5)
    assert 50 < born.total() < 100
    assert born["v1beta"] > born["v2"] > 10


def test_the_world_waits_while_nothing_is_seen() -> None:
    """Each generation waits separately, because one may have vanished for long."""
    growing = Growing(sees=False)
    born = growing.pass_by(15)
    assert born.keys() == {*API_VERSIONS}
    assert growing.pass_by(1).total() - born.total() < 5


def test_file_jobs_are_forgotten_with_their_batch() -> None:
    """Otherwise a long soak would slow down."""
    growing = Growing(sees=True)
    growing.pass_by(4)
    world = growing.world
    batches = [h for h in growing.histories.values() if h.is_batch and h.kind == "steady"]
    before = {h.job_id for h in batches if _file_jobs(world, h.job_id)}
    for history in batches:
        growing.growing.forget_perhaps(history)
    forgotten = before - world.batches.keys()
    assert forgotten
    assert forgotten != before
    assert before - forgotten == {job_id for job_id in before if _file_jobs(world, job_id)}


def _file_jobs(world: World, batch_id: str) -> list[str]:
    return [job_id for job_id in world.file_jobs if f"-{batch_id}-" in job_id]


def test_slow_lives_begin_only_where_there_is_time_for_them() -> None:
    """Their end takes the exporter many intervals."""
    slow = {("v1beta", kind) for kind in lives.SLOW} | {("v2", kind) for kind in batch_lives.SLOW}
    random = seeded(1, "slow")
    hurried, every = (
        {drawn_life(random, may_be_slow=may_be_slow) for _ in range(2000)}
        for may_be_slow in (False, True)
    )
    assert set() == hurried & slow
    assert every == hurried | slow


def test_some_projects_have_both_generations_and_some_have_one() -> None:
    """Every combination that LlamaCloud may offer exists."""
    random = seeded(1, "projects")
    projects = {
        version: {
            history_of("job-1", version, "steady", NOW, random).project.name for _ in range(300)
        }
        for version in API_VERSIONS
    }
    assert projects["v1beta"] & projects["v2"]
    assert projects["v1beta"] - projects["v2"]
    assert projects["v2"] - projects["v1beta"]
    assert projects["v1beta"] | projects["v2"] == {project.name for project in PROJECTS}
