"""An exporter whose settings file is rewritten, and reloaded."""

from __future__ import annotations

import signal
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from tests.support.exporter_process import running
from tests.support.projects import Scrape, scrape, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from exporter.simulator import RecordedRequest
    from tests.support.cloud import Cloud
    from tests.support.exporter_process import Exporter

_FAILED_ITEMS = {"item_status": "failed", "job_type": "parse"}
LIFECYCLE = {"web": {"enable_lifecycle": True}}


class Reloadable:
    """A running exporter, and the file of its settings."""

    def __init__(self, exporter: Exporter, folder: Path, groups: dict[str, Any]) -> None:
        self.exporter = exporter
        self.file = folder / "exporter.yml"
        self._folder = folder
        self._groups = groups

    def write(self, projects: Sequence[dict[str, Any]], **groups: Any) -> None:
        """Write other settings."""
        settings_file(self._folder, projects, **self._groups | groups)

    def reload(self, projects: Sequence[dict[str, Any]], **groups: Any) -> str:
        """Apply other settings, and return the response body."""
        self.write(projects, **groups)
        status, words = self.post()
        assert 200 == status, words
        return words

    def post(self, path: str = "/-/reload") -> tuple[int, str]:
        """Post, and return the status and the body."""
        return self.exporter.get(path, method="POST")

    def send_sighup(self) -> None:
        """Send SIGHUP."""
        self.exporter.process.send_signal(signal.SIGHUP)

    def scrape(self) -> Scrape:
        """Scrape."""
        return scrape(self.exporter)

    def wait_for_job(self, name: str) -> None:
        """Wait until the items of a project's job are counted."""
        self.exporter.wait_for(lambda: bool(self.scrape().batch("job_items", project=name)))


@contextmanager
def reloadable(
    folder: Path, projects: Sequence[dict[str, Any]], **groups: Any
) -> Iterator[Reloadable]:
    """Run an exporter that may be reloaded by POST."""
    groups = LIFECYCLE | groups
    with running(settings_file(folder, projects, **groups)) as exporter:
        yield Reloadable(exporter, folder, groups)


def listings_of(cloud: Cloud, project_id: str) -> list[RecordedRequest]:
    """Return the listings of a project by v1beta, in order."""
    return [
        request
        for request in list(cloud.simulator.requests)
        if request.endpoint == "list_jobs" and request.params.get("project_id") == project_id
    ]


def names(scraped: Scrape) -> set[str]:
    """Return the names of the projects that have any series."""
    return scraped.labels("llamacloud_exporter_project_up", "project") | scraped.labels(
        "llamacloud_batch_jobs_finished_total", "project"
    )


def more_fail(cloud: Cloud, name: str, number: int = 3) -> None:
    """Let the job of a project report more failed items."""
    cloud.world.jobs[f"job-of-{name}"].overrides["failed_items"] = number


def failed_of(scraped: Scrape, name: str) -> float:
    """Return the counter of a project's failed items."""
    return sum(scraped.batch("items_finished_total", project=name, **_FAILED_ITEMS))
