"""Values that the chart refuses, because their faults would show late or never in the cluster."""

from __future__ import annotations

from typing import Any

import pytest

from tests.kubernetes.helm import refusal, template

KEYS = "/etc/llamacloud-batch-exporter/keys"
SECRET = {"existingSecret": "llamacloud-keys"}


@pytest.mark.parametrize(
    ("values", "named"),
    [
        ({"servicemonitor": {"enabled": True}}, "servicemonitor"),
        ({"serviceMonitor": {"intervall": "15s"}}, "intervall"),
        ({"image": {"digest": "latest"}}, "/image/digest"),
        ({"web": {"port": 80}}, "/web/port"),
        ({"commonLabels": {"team": 1}}, "/commonLabels/team"),
        ({"config": {"pol": {"interval": "1m"}}}, "pol"),
        ({"config": {"poll": {"intervall": "1m"}}}, "intervall"),
        ({"config": {"poll": {"interval": "soon"}}}, "/config/poll/interval"),
        ({"config": {"poll": {"max_pages": 0}}}, "/config/poll/max_pages"),
        ({"config": {"jobs": {"max_per_project": 1.5}}}, "/config/jobs/max_per_project"),
        ({"config": {"api": {"versions": ["v3"]}}}, "/config/api/versions"),
        ({"config": {"items": {"enabled": "yes"}}}, "/config/items/enabled"),
        ({"config": {"log": {"level": "loud"}}}, "/config/log/level"),
        ({"config": {"web": {"listen_address": ":1"}}}, "web"),
        ({"config": {"projects": [{"nane": "a"}]}}, "nane"),
        ({"config": {"projects": [{"job_types": ["pars"]}]}}, "/job_types"),
    ],
    ids=str,
)
def test_an_unknown_value_is_refused(values: dict[str, Any], named: str) -> None:
    """Helm would ignore it without the schema; the exporter's settings are values too."""
    assert named in refusal(values)


def test_a_key_in_the_settings_is_refused() -> None:
    """The error says where keys belong, and does not contain the key."""
    words = refusal({"config": {"projects": [{"api_key": "llx-made-up"}]}})
    assert "config.projects[0] holds an API key" in words
    assert f"api_key_file: {KEYS}/ENTRY" in words
    assert "llx-made-up" not in words


def test_a_key_is_refused_also_where_the_release_runs_no_exporter() -> None:
    """The cluster stores the values of the release all the same."""
    values = {"projects": [{"api_key": "llx-made-up"}]}
    words = refusal({"workload": {"enabled": False}, "config": values})
    assert "config.projects[0] holds an API key" in words


@pytest.mark.parametrize(
    "variable",
    [
        {"name": "LLAMA_CLOUD_API_KEY", "value": "llx-made-up"},
        {"name": "LLAMA_PARSE_API_KEY", "value": "llx-made-up"},
        {"name": "LLAMACLOUD_EXPORTER_PROJECTS", "value": '[{"api_key": "llx-made-up"}]'},
    ],
    ids=lambda variable: variable["name"],
)
def test_a_key_in_a_variable_is_refused(variable: dict[str, str]) -> None:
    """Everyone with read access to Deployments could read it."""
    words = refusal({"extraEnv": [variable]})
    assert f"{variable['name']} holds an API key" in words
    assert "llx-made-up" not in words


def test_a_key_in_a_variable_from_a_secret_is_accepted() -> None:
    """A reference does not contain the key."""
    reference = {"secretKeyRef": {"name": "llamacloud-keys", "key": "default"}}
    variable = {"name": "LLAMA_CLOUD_API_KEY", "valueFrom": reference}
    assert 0 == template({"extraEnv": [variable]}).returncode


@pytest.mark.parametrize(
    "values",
    [
        {"apiKeys": {"defaultKey": "default"}},
        {"config": {"projects": [{"api_key_file": f"{KEYS}/invoices"}]}},
    ],
    ids=str,
)
def test_a_key_file_needs_the_secret_that_holds_it(values: dict[str, Any]) -> None:
    """The container would start without that file, and exit."""
    assert "in apiKeys.existingSecret" in refusal(values)
    assert (
        0
        == template(
            {"apiKeys": SECRET} | values
            if "config" in values
            else {"apiKeys": SECRET | values["apiKeys"]}
        ).returncode
    )


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (
            {"serviceMonitor": {"enabled": True}, "podMonitor": {"enabled": True}},
            "would scrape the exporter twice",
        ),
        (
            {"serviceMonitor": {"enabled": True}, "service": {"enabled": False}},
            "serviceMonitor needs workload.enabled and service.enabled",
        ),
        (
            {"workload": {"enabled": False}, "podMonitor": {"enabled": True}},
            "podMonitor.selector must select the Pods",
        ),
        (
            {"prometheusRule": {"enabled": True, "disabled": ["Nonsense"]}},
            'there is no rule "Nonsense". The rules are: LlamaCloudBatchFailureRatioHigh, ',
        ),
        (
            {"prometheusRule": {"enabled": True, "overrides": {"Nonsense": {"for": "1m"}}}},
            'there is no rule "Nonsense"',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_what_cannot_work_is_refused(values: dict[str, Any], reason: str) -> None:
    """The error says what to do instead."""
    assert reason in refusal(values)


def test_values_for_all_charts_of_a_parent_are_accepted() -> None:
    """Helm passes `global` and the condition of a dependency to a subchart, whatever they hold."""
    assert (
        0
        == template(
            {"global": {"imageRegistry": "a", "other": {"b": 1}}, "enabled": True}
        ).returncode
    )
