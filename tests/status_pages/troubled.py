"""A running exporter whose projects LlamaCloud refuses, for tests of what its pages show."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from exporter.simulator import Fault
from tests.support.exporter_process import running
from tests.support.projects import project, project_id_of, settings_file

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.support.cloud import Cloud
    from tests.support.exporter_process import Exporter


@contextmanager
def refused(cloud: Cloud, folder: Path) -> Iterator[Exporter]:
    """Run an exporter of three projects, and yield it when each is in its state.

    ``contracts`` has a key that was never accepted, ``letters`` was listed before its credits were
    used up, and nothing is wrong with ``invoices``.
    """
    projects = [project(cloud, name) for name in ("invoices", "contracts", "letters")]
    faults = cloud.simulator.faults
    faults.add(Fault("status", code=401, project_id=project_id_of("contracts")))
    with running(settings_file(folder, projects)) as exporter:
        exporter.wait_for(lambda: bool(exporter.events("exporter.first_poll_ended")))
        faults.add(Fault("status", code=402, project_id=project_id_of("letters")))
        exporter.wait_for(lambda: len(exporter.events("project.listing_failed")) > 1)
        yield exporter
