"""Every rule has its say in a real Prometheus that scrapes real exporters."""

from __future__ import annotations

import time
from contextlib import ExitStack
from itertools import chain
from typing import TYPE_CHECKING, Any

import pytest
from cloud import Cloud, running_cloud
from deployed import alerts, records
from e2e.scrape_jobs import prometheus_config
from e2e.shortening import shortened_rules
from e2e.troubles import (
    FIRES,
    HEALTHY,
    JOBS_FOR_A_SMALL_BUDGET,
    NEVER_LISTED,
    SMALL_BUDGET,
    SMALL_LIMITS,
    begin_trouble,
    complete_an_item,
    job_id_of,
    troubled_projects,
    well,
)
from process import Exporter, running
from projects import scrape, settings_file
from prometheus import Prometheus, running_prometheus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

TIMES_SHORTER = 120
WITHIN_SECONDS = 150.0
SECONDS_AN_ITEM = 0.5
EVER = "[1h]"
FIRED = f'max_over_time(ALERTS{{alertstate="firing"}}{EVER})'


class World:
    """Three exporters, the projects that they serve, and the Prometheus that scrapes them."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder = folder
        self._enter = stack.enter_context
        self.cloud: Cloud = self._enter(running_cloud())
        spacious: Cloud = self._enter(running_cloud())
        troubled = troubled_projects(self.cloud)
        small_budget = well(spacious, "small-budget", more_jobs=JOBS_FOR_A_SMALL_BUDGET)
        self.troubled = self._exporter("troubled", troubled.values(), **SMALL_LIMITS)
        self.frugal = self._exporter(
            "frugal", [small_budget, troubled["several"]], **SMALL_BUDGET
        )
        self.doomed = self._exporter("doomed", [well(spacious, "absent")])
        wait_until_listed(self.troubled, troubled.keys() - NEVER_LISTED)
        wait_until_listed(self.frugal, {"small-budget", "several"})
        wait_until_listed(self.doomed, {"absent"})
        self.prometheus = self._prometheus()
        self._item_due = time.monotonic()

    def _exporter(
        self, name: str, projects: Iterable[dict[str, Any]], **settings: Any
    ) -> Exporter:
        folder = self._folder / name
        folder.mkdir()
        exporter: Exporter = self._enter(running(settings_file(folder, projects, **settings)))
        return exporter

    def _prometheus(self) -> Prometheus:
        exporters = {"troubled": self.troubled, "frugal": self.frugal, "doomed": self.doomed}
        targets = {name: exporter.address for name, exporter in exporters.items()}
        rules = shortened_rules(self._folder, by=TIMES_SHORTER)
        prometheus: Prometheus = self._enter(
            running_prometheus(prometheus_config(targets, rules))
        )
        prometheus.wait_for(lambda: len(prometheus.query("up == 1")) == len(targets))
        return prometheus

    def wait_for(self, query: str, expected: Any, read: Any) -> None:
        """Wait until what is read of a query's answer holds what is expected."""


def wait_until_listed(exporter: Exporter, projects: set[str]) -> None:
    """An exporter that has just started has listed nothing, which is an alert after a second."""
    exporter.wait_for(
        lambda: all(scrape(exporter).own("project_up", project=name) == [1.0] for name in projects)
    )
