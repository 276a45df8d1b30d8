"""How the Prometheus operator and Grafana find the objects of the chart."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.kubernetes.helm import NAME, RELEASE, only, rendered
from tests.support.deployed import DASHBOARD

SELECTOR = {"matchLabels": {"llamacloud-batch-exporter": "sidecar"}}
BASIC_AUTH = {"username": {"name": "scraping", "key": "user"}}


def service_monitor(**values: Any) -> dict[str, Any]:
    return only(rendered({"serviceMonitor": {"enabled": True, **values}}), "ServiceMonitor")


def pod_monitor(*, workload: bool = True, **values: Any) -> dict[str, Any]:
    given = {"workload": {"enabled": workload}, "podMonitor": {"enabled": True, **values}}
    return only(rendered(given), "PodMonitor")


def test_a_service_monitor_selects_this_service_alone() -> None:
    """It selects in the release's namespace, wherever it is itself; the job is the chart's name."""
    found = service_monitor(namespace="monitoring", labels={"release": "kube-prometheus-stack"})
    assert "monitoring" == found["metadata"]["namespace"]
    assert "kube-prometheus-stack" == found["metadata"]["labels"]["release"]
    spec = found["spec"]
    assert {"matchNames": ["observed"]} == spec["namespaceSelector"]
    service = only(rendered({}), "Service")
    assert spec["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert NAME == service["metadata"]["labels"][spec["jobLabel"]]
    assert [{"port": "llamacloud", "path": "/metrics"}] == spec["endpoints"]
    assert "llamacloud" == service["spec"]["ports"][0]["name"]


def test_a_pod_monitor_selects_this_pod_alone() -> None:
    """Other Pods are selected only if the values say so."""
    spec = pod_monitor()["spec"]
    labels = {"app.kubernetes.io/name": NAME, "app.kubernetes.io/instance": RELEASE}
    assert {"matchLabels": labels} == spec["selector"]
    assert {"matchNames": ["observed"]} == spec["namespaceSelector"]


def test_a_pod_monitor_finds_sidecars_elsewhere() -> None:
    """All of them have one job name, which would otherwise be the PodMonitor's name."""
    spec = pod_monitor(workload=False, selector=SELECTOR, namespaceSelector={"any": True})["spec"]
    assert (SELECTOR, {"any": True}) == (spec["selector"], spec["namespaceSelector"])
    (endpoint,) = spec["podMetricsEndpoints"]
    assert [{"targetLabel": "job", "replacement": NAME}] == endpoint["relabelings"]


def test_a_release_may_scrape_its_own_exporter_and_sidecars_elsewhere() -> None:
    """Nothing is scraped twice, because the PodMonitor selects other Pods."""
    values = {
        "serviceMonitor": {"enabled": True},
        "podMonitor": {"enabled": True, "selector": SELECTOR},
    }
    kinds = {found["kind"] for found in rendered(values)}
    assert {"ServiceMonitor", "PodMonitor"} <= kinds


@pytest.mark.parametrize("kind", ["serviceMonitor", "podMonitor"])
def test_an_endpoint_is_what_the_values_say(kind: str) -> None:
    """Fields that the chart does not know are passed on, and override those that it sets."""
    relabeling, metric_relabeling = {"targetLabel": "a"}, {"targetLabel": "b"}
    values = {
        "enabled": True,
        "interval": "15s",
        "scrapeTimeout": "10s",
        "sampleLimit": 1000000,
        "relabelings": [relabeling],
        "metricRelabelings": [metric_relabeling],
        "endpoint": {"scheme": "https", "basicAuth": BASIC_AUTH, "interval": "20s"},
    }
    found = only(rendered({kind: values}), f"{kind[0].upper()}{kind[1:]}")["spec"]
    assert 1000000 == found["sampleLimit"]
    (endpoint,) = found.get("endpoints") or found["podMetricsEndpoints"]
    assert relabeling == endpoint.pop("relabelings")[-1]
    assert {
        "port": "llamacloud",
        "path": "/metrics",
        "interval": "20s",
        "scrapeTimeout": "10s",
        "metricRelabelings": [metric_relabeling],
        "scheme": "https",
        "basicAuth": BASIC_AUTH,
    } == endpoint


def test_without_a_workload_only_monitoring_is_left() -> None:
    """The release then has no exporter, no Service, and nothing else that belongs to them."""
    values = {
        "workload": {"enabled": False},
        "config": {"poll": {"interval": "1m"}},
        "podMonitor": {"enabled": True, "selector": SELECTOR},
        "prometheusRule": {"enabled": True},
        "dashboard": {"enabled": True},
        "networkPolicy": {"enabled": True},
        "podDisruptionBudget": {"enabled": True},
    }
    kinds = sorted(found["kind"] for found in rendered(values))
    assert ["ConfigMap", "PodMonitor", "PrometheusRule"] == kinds


def test_the_dashboard_is_the_one_of_the_file() -> None:
    """It has the label that Grafana's sidecar selects, and is small enough for `kubectl apply`."""
    values = {"enabled": True, "annotations": {"grafana_folder": "LlamaCloud"}}
    found = only(rendered({"dashboard": values}), "ConfigMap")
    assert {DASHBOARD.name: DASHBOARD.read_text()} == found["data"]
    assert "1" == found["metadata"]["labels"]["grafana_dashboard"]
    assert {"grafana_folder": "LlamaCloud"} == found["metadata"]["annotations"]
    # `kubectl apply` stores the object in an annotation; all annotations may have 256 KiB together.
    assert len(json.dumps(json.dumps(found))) < 256 * 1024


def test_the_dashboard_links_to_the_copy_of_the_runbooks() -> None:
    """It uses the same address as the alerts."""
    prefix = "https://git.example.org/copies/llamacloud-batch-exporter/blob/main"
    values = {"dashboard": {"enabled": True}, "prometheusRule": {"runbookUrlPrefix": prefix}}
    (text,) = only(rendered(values), "ConfigMap")["data"].values()
    (address,) = (
        variable["query"]
        for variable in json.loads(text)["templating"]["list"]
        if variable["name"] == "runbooks"
    )
    assert f"{prefix}/deploy/runbooks.md" == address
