"""Several projects of one simulated LlamaCloud, for tests that run the exporter as a process."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from uuid import NAMESPACE_DNS, uuid5

import yaml
from prometheus_client.parser import text_string_to_metric_families

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.support.cloud import Cloud
    from tests.support.exporter_process import Exporter

# A short interval and a large budget keep tests fast.
QUICK: dict[str, Any] = {
    "poll": {"interval": "1s"},
    "api": {"requests_per_minute": 60_000},
}


def project_id_of(name: str) -> str:
    """Return the id of a project, the same one each time."""
    return str(uuid5(NAMESPACE_DNS, name))


def key_of(name: str) -> str:
    """Return the key of a project."""
    return f"llx-key-of-{project_id_of(name)}"


def project(cloud: Cloud, name: str, **more: Any) -> dict[str, Any]:
    """Add a project with a key of its own and an active job; return its entry in the settings."""
    cloud.world.add_key(key_of(name), project_id_of(name))
    cloud.add_job(f"job-of-{name}", project_id=project_id_of(name))
    entry = {"name": name, "project_id": project_id_of(name), "base_url": cloud.base_url}
    return entry | ({} if "api_key_file" in more else {"api_key": key_of(name)}) | more


def settings_file(folder: Path, projects: Iterable[dict[str, Any]], **groups: Any) -> str:
    """Write the settings of projects, and return the flag that names the file."""
    file = folder / "exporter.yml"
    groups = {name: QUICK.get(name, {}) | groups.get(name, {}) for name in {*QUICK, *groups}}
    file.write_text(yaml.safe_dump({"projects": list(projects)} | groups))
    return f"--config.file={file}"


class Scrape:
    """A parsed exposition."""

    def __init__(self, text: str) -> None:
        families = text_string_to_metric_families(text)
        self._samples = [sample for family in families for sample in family.samples]

    def values(self, name: str, **labels: str) -> list[float]:
        """Return the values of the samples with this name and at least these labels."""
        return [
            sample.value
            for sample in self._samples
            if sample.name == name and labels.items() <= sample.labels.items()
        ]

    def labels(self, name: str, label: str) -> set[str]:
        """Return the values of one label of the samples with this name."""
        return {labels[label] for labels in self.series(name)}

    def series(self, name: str) -> list[dict[str, str]]:
        """Return the labels of the samples with this name."""
        return [sample.labels for sample in self._samples if sample.name == name]

    def batch(self, name: str, **labels: str) -> list[float]:
        """Return the values of ``llamacloud_batch_*``."""
        return self.values(f"llamacloud_batch_{name}", **labels)

    def own(self, name: str, **labels: str) -> list[float]:
        """Return the values of ``llamacloud_exporter_*``."""
        return self.values(f"llamacloud_exporter_{name}", **labels)


def scrape(exporter: Exporter) -> Scrape:
    """Scrape the exporter."""
    return Scrape(exporter.get()[1])
