"""An exporter that serves the pages and their JSON."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.serving import Exporter, served
from tests.support.status_reports import full_report

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def exporter() -> Exporter:
    """Hold the state behind the answers."""
    return Exporter(reports=[full_report()])


@pytest.fixture
def address(exporter: Exporter) -> Iterator[str]:
    """Serve the answers."""
    with served(exporter) as address:
        yield address
