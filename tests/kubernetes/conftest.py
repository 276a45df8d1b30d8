"""The example of a chart that depends on the exporter's chart."""

import shutil
from pathlib import Path

import pytest

from tests.kubernetes.helm import helm
from tests.support.deployed import DEPLOY


@pytest.fixture(scope="session")
def parent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the example of a parent chart, with its dependency."""
    copy = tmp_path_factory.mktemp("deploy") / "helm"
    shutil.copytree(DEPLOY / "helm", copy)
    chart = copy / "examples" / "parent-chart"
    built = helm("dependency", "update", chart)
    assert 0 == built.returncode, built.stderr
    return chart
