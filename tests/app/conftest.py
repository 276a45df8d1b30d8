"""Fixtures of the tests that run the exporter as a process."""

from pathlib import Path

import pytest

from tests.app.leaking import KEYS, Configured, echo_everywhere
from tests.support.cloud import Cloud


@pytest.fixture
def configured(cloud: Cloud, tmp_path: Path) -> Configured:
    """Write the settings of projects that each have a key from elsewhere."""
    (tmp_path / "key").write_text(KEYS["file"] + "\n")
    file = tmp_path / "exporter.yml"
    file.write_text(
        "projects:\n"
        "  - {name: by-variable}\n"
        "  - {name: by-file, api_key_file: key}\n"
        f"  - {{name: by-yaml, api_key: {KEYS['yaml']}}}\n"
        f"  - {{name: by-yaml-too, api_key: {KEYS['json']}}}\n"
    )
    echo_everywhere(cloud)
    return Configured(cloud, file)
