"""What a Prometheus in these tests is told to do."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

EVERY = "1s"


def prometheus_config(
    targets: Mapping[str, str],
    rule_files: Sequence[str],
    *,
    alertmanagers: Sequence[str | None] = (),
    labels: Mapping[str, str] = {},
) -> str:
    """Scrape each target, host and port by its scrape job, and evaluate rules as often.

    ``labels`` are given to every target.
    """
    return json.dumps(  # JSON is YAML.
        {
            "global": {
                "scrape_interval": EVERY,
                "scrape_timeout": EVERY,
                "evaluation_interval": EVERY,
            },
            "rule_files": rule_files,
            "alerting": {"alertmanagers": [_static(alertmanagers)]},
            "scrape_configs": [
                {"job_name": job, **_static([address], labels)} for job, address in targets.items()
            ],
        }
    )


def _static(targets: Sequence[str | None], labels: Mapping[str, str] = {}) -> dict[str, Any]:
    return {"static_configs": [{"targets": targets, "labels": labels}]}
