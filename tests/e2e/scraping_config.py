"""The configuration of Prometheus that we deploy, with other targets, and hurried."""

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
    """Scrape each target, host and port by its scrape job, and evaluate the rules in a folder.

    ``labels`` are given to every target.
    """
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (scraped,) = config["scrape_configs"]
    (told,) = config["alerting"]["alertmanagers"]
    config["global"] = dict.fromkeys([*config["global"], "scrape_timeout"], EVERY)
    config["rule_files"] = [str(rules / Path(pattern).name) for pattern in config["rule_files"]]
    config["scrape_configs"] = [
        scraped | {"job_name": job} | _static([address], labels) for job, address in targets.items()
    ]
    config["alerting"]["alertmanagers"] = [told | _static([alertmanager])]
    return json.dumps(config)  # JSON is YAML.


def _static(targets: Sequence[str | None], labels: Mapping[str, str] = {}) -> dict[str, Any]:
    return {"static_configs": [{"targets": targets, "labels": labels}]}


def discovering(config: str, job: str, targets: Path) -> str:
    """Let one scrape job discover its targets: it reads them from a file, also if that changes."""
    changed: dict[str, Any] = json.loads(config)
    (scraped,) = (each for each in changed["scrape_configs"] if each["job_name"] == job)
    targets.write_text(json.dumps(scraped.pop("static_configs")))
    scraped["file_sd_configs"] = [{"files": [str(targets)]}]
    return json.dumps(changed)


def leave(targets: Path) -> None:
    """Take all targets out of a file, at once."""
    beside = targets.with_suffix(".new")
    beside.write_text("[]")
    beside.replace(targets)
