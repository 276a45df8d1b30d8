"""The deployed configuration of Prometheus, with other targets and shorter intervals."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from tests.support.deployed import DEPLOY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVERY = "1s"


def prometheus_config(
    targets: Mapping[str, str],
    rules: Path,
    *,
    alertmanager: str | None,
    labels: Mapping[str, str] = {},
) -> str:
    """Scrape the targets (host and port, by scrape job), and evaluate the rules in a folder.

    ``labels`` are added to every target.
    """
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (scraped,) = config["scrape_configs"]
    (alertmanager_entry,) = config["alerting"]["alertmanagers"]
    config["global"] = dict.fromkeys([*config["global"], "scrape_timeout"], EVERY)
    config["rule_files"] = [str(rules / Path(pattern).name) for pattern in config["rule_files"]]
    config["scrape_configs"] = [
        scraped | {"job_name": job} | _static([address], labels) for job, address in targets.items()
    ]
    config["alerting"]["alertmanagers"] = [alertmanager_entry | _static([alertmanager])]
    return json.dumps(config)  # JSON is YAML.


def _static(targets: Sequence[str | None], labels: Mapping[str, str] = {}) -> dict[str, Any]:
    return {"static_configs": [{"targets": targets, "labels": labels}]}


def discovering(config: str, job: str, targets: Path) -> str:
    """Let one scrape job read its targets from a file, and follow changes of the file."""
    changed: dict[str, Any] = json.loads(config)
    (scraped,) = (each for each in changed["scrape_configs"] if each["job_name"] == job)
    targets.write_text(json.dumps(scraped.pop("static_configs")))
    scraped["file_sd_configs"] = [{"files": [str(targets)]}]
    return json.dumps(changed)


def leave(targets: Path) -> None:
    """Remove all targets from a file, atomically."""
    beside = targets.with_suffix(".new")
    beside.write_text("[]")
    beside.replace(targets)
