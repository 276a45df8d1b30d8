"""A Prometheus that discovers targets in a cluster, configured as the operator would do it."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from tests.kubernetes.helm import Object

_POD = "__meta_kubernetes_pod"


def scrape_config(monitor: Object, kubeconfig: Path) -> dict[str, Any]:
    """Return the scrape job of a PodMonitor with one endpoint.

    It equals what the operator's generatePodMonitorConfig writes: Pods that have ended are left
    out, others are selected by their labels and the name of a container's port, and the job is
    NAMESPACE/NAME unless the monitor relabels it.
    """
    metadata, spec = monitor["metadata"], monitor["spec"]
    (endpoint,) = spec["podMetricsEndpoints"]
    own = f"{metadata['namespace']}/{metadata['name']}"
    return {
        "job_name": f"podMonitor/{own}/0",
        "metrics_path": endpoint.get("path", "/metrics"),
        "kubernetes_sd_configs": [
            {
                "role": "pod",
                "kubeconfig_file": str(kubeconfig),
                "namespaces": {"names": [metadata["namespace"]]},
            }
        ],
        "relabel_configs": [
            _rule("drop", f"{_POD}_phase", "(Failed|Succeeded)"),
            *(
                _rule("keep", f"{_POD}_label_{_name(label)}", value)
                for label, value in spec["selector"]["matchLabels"].items()
            ),
            _rule("keep", f"{_POD}_container_port_name", endpoint["port"]),
            _copy("__meta_kubernetes_namespace", "namespace"),
            _copy(f"{_POD}_container_name", "container"),
            _copy(f"{_POD}_name", "pod"),
            {"target_label": "job", "replacement": own},
            *(_snake_case(rule) for rule in endpoint.get("relabelings", ())),
        ],
    }


def prometheus_config(monitors: list[Object], rules: Path, kubeconfig: Path) -> str:
    """Return the configuration of a Prometheus for PodMonitors and a file of rules."""
    return json.dumps(  # JSON is YAML.
        {
            "global": {
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "evaluation_interval": "1s",
            },
            "rule_files": [str(rules)],
            "scrape_configs": [scrape_config(monitor, kubeconfig) for monitor in monitors],
        }
    )


def _rule(action: str, label: str, regex: str) -> dict[str, Any]:
    return {"action": action, "source_labels": [label], "regex": regex}


def _copy(label: str, target: str) -> dict[str, Any]:
    return {"source_labels": [label], "target_label": target}


def _name(label: str) -> str:
    return re.sub(r"[^a-zA-Z0-9_]", "_", label)


def _snake_case(rule: dict[str, Any]) -> dict[str, Any]:
    return {re.sub("([A-Z])", r"_\1", field).lower(): value for field, value in rule.items()}
