"""Takes the screenshot of the demo's status page: ``make screenshot``."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from tests.support.exporter_process import running

if TYPE_CHECKING:
    from tests.support.exporter_process import Exporter

PICTURE = Path(__file__).parents[2] / "deploy" / "docs" / "status-page.png"
_ENOUGH_JOBS = 60


def take() -> None:
    """Take the screenshot once the page shows something of every kind."""
    with running("--demo", "--poll.interval=5s", "--api.requests-per-minute=1200") as exporter:
        exporter.wait_for(lambda: _is_worth_a_picture(exporter))
        (listening,) = exporter.events("exporter.listening")
        script = str(Path(__file__).parent / "picture.mjs")
        subprocess.run(["node", script, listening["open_in_browser"], PICTURE], check=True)


def _is_worth_a_picture(exporter: Exporter) -> bool:
    status = json.loads(exporter.get("/api/v1/status")[1])
    jobs = json.loads(exporter.get("/api/v1/jobs?status=active")[1])["jobs"]
    is_counted = [job for job in jobs if job["failing"] and "items" in job]
    return len(is_counted) > 2 and _ENOUGH_JOBS < sum(
        project["tracked_jobs"] for project in status["projects"]
    )


if __name__ == "__main__":
    take()
