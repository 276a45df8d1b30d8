"""The soak's projects, their keys, and the exporter's configuration file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from exporter.simulator import World

# Longer than listings fail, so that late changes of a row are seen before its job leaves.
RETENTION_FINISHED_SECONDS: Final = 20.0
# ``run`` explains why failing jobs must stay much longer than any fault lasts.
RETENTION_FAILED_SECONDS: Final = 90.0
# Short enough that active jobs of an API generation that is gone for long are withdrawn.
STALE_AFTER_SECONDS: Final = 15.0
_SHARED_KEY: Final = "llx-soak-shared-key"


@dataclass(frozen=True, slots=True)
class SoakProject:
    """A configured project; ``shares`` are its parts of all new jobs, by API generation."""

    name: str
    project_id: str
    key: str
    shares: Mapping[str, float]


def _project(number: int, name: str, key: str, *, v1beta: float, v2: float) -> SoakProject:
    project_id = f"5a0c0000-0000-4000-8000-{number:012d}"
    return SoakProject(name, project_id, key, {"v1beta": v1beta, "v2": v2})


# Lasting effects of an answer stay in a project: a 429 lowers the rate of its key for minutes, and
# a 401 delays its listings.
ARCHIVE: Final = _project(4, "archive", "llx-soak-archive-key", v1beta=0.2, v2=0.1)
LIMITED: Final = _project(5, "limited", "llx-soak-limited-key", v1beta=0.05, v2=0.0)
REFUSED: Final = _project(6, "refused", "llx-soak-refused-key", v1beta=0.05, v2=0.1)
PROJECTS: Final = (
    _project(1, "invoices", _SHARED_KEY, v1beta=0.3, v2=0.2),
    _project(2, "contracts", _SHARED_KEY, v1beta=0.2, v2=0.2),
    _project(3, "reports", _SHARED_KEY, v1beta=0.2, v2=0.0),
    ARCHIVE,
    LIMITED,
    REFUSED,
    _project(7, "batches", "llx-soak-batches-key", v1beta=0.0, v2=0.4),
)


def add_keys(world: World) -> None:
    """Add the keys of all projects to the simulator."""
    ids_of_key: dict[str, list[str]] = {}
    for project in PROJECTS:
        ids_of_key.setdefault(project.key, []).append(project.project_id)
    for key, ids in ids_of_key.items():
        world.add_key(key, *ids)


def settings_file(base_url: str, state_file: Path) -> str:
    """Write the exporter's configuration, with short intervals and a state file.

    Nothing exhausts the budget except for the key of the limited project: after a few 429s its
    budget is so small that its jobs are counted long after their end.
    """
    entries = "".join(
        f"  - {{name: {project.name}, project_id: {project.project_id}, api_key: {project.key},"
        f' base_url: "{base_url}"}}\n'
        for project in PROJECTS
    )
    return (
        f"projects:\n{entries}"
        f"poll: {{interval: 1s, full_listing_every: 5s, stale_after: {STALE_AFTER_SECONDS:g}s}}\n"
        "api: {timeout: 2s, requests_per_minute: 6000, concurrency: 12}\n"
        "items: {max_pages: 1000}\n"
        "jobs: {max_per_project: 100000}\n"
        f"retention: {{finished: {RETENTION_FINISHED_SECONDS:g}s,"
        f" failed: {RETENTION_FAILED_SECONDS:g}s}}\n"
        f"state: {{file: {state_file}}}\n"
    )
