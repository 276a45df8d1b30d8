"""The web configuration file in Kubernetes: its Secret, and the requests of probes and monitors."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest

from exporter.config import load
from tests.kubernetes.helm import CI_VALUES, NAME, exporter_in, only, pod_of, refusal, rendered
from tests.kubernetes.kustomize import named
from tests.support.certificates import make_certificates
from tests.support.deployed import CHART
from tests.support.tls_clients import hash_of, served_with

if TYPE_CHECKING:
    from pathlib import Path

FILE = "/etc/llamacloud-batch-exporter/web/web-config.yml"
SECRET = {"existingConfigSecret": "llamacloud-web"}
PROBES = {"livenessProbe": "/-/healthy", "readinessProbe": "/-/ready"}


def exporter_with(web: dict[str, Any], **values: Any) -> dict[str, Any]:
    objects = rendered({"web": web, **values})
    return exporter_in(pod_of(only(objects, "Deployment")))


def probe_requests(container: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the request that each probe sends."""
    kinds = ("httpGet", "tcpSocket")
    return {
        name: {kind: container[name][kind] for kind in kinds if kind in container[name]}
        for name in PROBES
        if name in container
    }


def test_a_secret_becomes_the_file() -> None:
    """The whole folder is mounted, so that new values appear; the exporter's group can read it."""
    pod = pod_of(only(rendered({"web": SECRET}), "Deployment"))
    container = exporter_in(pod)
    arguments = [each for each in container["args"] if "config.file" in each]
    settings = load(arguments, {"LLAMA_CLOUD_API_KEY": "llx-made-up-key"}).settings
    assert FILE == str(settings.web.config.file)
    assert {
        "name": "llamacloud-web",
        "mountPath": "/etc/llamacloud-batch-exporter/web",
        "readOnly": True,
    } in container["volumeMounts"]
    secret = {"secretName": "llamacloud-web", "defaultMode": 0o440}
    assert [{"name": "llamacloud-web", "secret": secret}] == pod["volumes"]
    plain = {"httpGet": {"port": "llamacloud"}}
    assert probe_requests(container) == {
        name: {"httpGet": {**plain["httpGet"], "path": path}} for name, path in PROBES.items()
    }


def test_with_tls_probes_and_monitors_use_https() -> None:
    """A kubelet does not verify the certificate."""
    container = exporter_with({**SECRET, "tls": True})
    assert probe_requests(container) == {
        name: {"httpGet": {"port": "llamacloud", "path": path, "scheme": "HTTPS"}}
        for name, path in PROBES.items()
    }
    for kind, monitor, endpoints in (
        ("ServiceMonitor", "serviceMonitor", "endpoints"),
        ("PodMonitor", "podMonitor", "podMetricsEndpoints"),
    ):
        for web, scheme in (({}, None), ({**SECRET, "tls": True}, "https")):
            objects = rendered({"web": web, monitor: {"enabled": True}})
            (endpoint,) = only(objects, kind)["spec"][endpoints]
            assert scheme == endpoint.get("scheme")


def test_with_client_certificates_probes_open_the_port() -> None:
    """Kubelets have no client certificate, and neither has the chart's test."""
    web = {**SECRET, "tls": True, "clientCertificates": True}
    tcp = {"tcpSocket": {"port": "llamacloud"}}
    assert dict.fromkeys(PROBES, tcp) == probe_requests(exporter_with(web))
    assert "Pod" not in {found["kind"] for found in rendered({"web": web})}
    (values,) = (path for path in CI_VALUES if "web-configuration" in path.name)
    (endpoint,) = only(rendered(values), "ServiceMonitor")["spec"]["endpoints"]
    assert {"https", "exporter.example.org"} == {
        endpoint["scheme"],
        endpoint["tlsConfig"]["serverName"],
    }


def test_the_release_can_be_tested_over_tls(tmp_path: Path) -> None:
    """The test passes for an exporter that requires a password, and fails for other servers."""
    values = {"web": {**SECRET, "tls": True}}
    (url,) = only(rendered(values), "Pod")["spec"]["containers"][0]["args"][1:]
    assert url.startswith("https://")
    pair = make_certificates(tmp_path).pair("server")
    tls = "tls_server_config: {{cert_file: {}, key_file: {}}}".format(*pair)
    file = tmp_path / "web.yml"
    file.write_text(f"{tls}\nbasic_auth_users: {{alice: '{hash_of('secret')}'}}")
    with served_with(file) as served:
        assert 0 == status_of_scrape(f"{served.url}/metrics")
        assert 1 == status_of_scrape(f"{served.url}/-/healthy")


def status_of_scrape(url: str) -> int:
    """Run the script of the chart's test, and return its exit status."""
    return subprocess.run(
        [sys.executable, CHART / "files" / "scrape.py", url], capture_output=True, check=False
    ).returncode


@pytest.mark.parametrize(
    ("web", "words"),
    [
        ({"tls": True}, "web.tls needs a web configuration file with a certificate"),
        ({**SECRET, "clientCertificates": True}, "web.clientCertificates needs web.tls."),
    ],
)
def test_values_that_contradict_each_other_are_refused(web: dict[str, Any], words: str) -> None:
    """They would show late, as failing probes."""
    assert words in refusal({"web": web})


def test_a_sidecar_starts_its_workload_without_the_secret(parent: Path) -> None:
    """The Secret is optional, and the probe uses HTTPS."""
    values = {NAME: {"web": {**SECRET, "tls": True}}}
    pod = pod_of(only(rendered(values, chart=parent), "Deployment"))
    container = exporter_in(pod)
    assert f"--web.config.file={FILE}" in container["args"]
    assert "HTTPS" == container["livenessProbe"]["httpGet"]["scheme"]
    (volume,) = (each for each in pod["volumes"] if each["name"] == "llamacloud-web")
    secret = {"secretName": "llamacloud-web", "defaultMode": 0o444, "optional": True}
    assert secret == volume["secret"]


def test_the_kustomize_component_does_the_same() -> None:
    """It uses HTTPS, and a monitor with a password."""
    pod = pod_of(named("alone-with-tls", "Deployment", NAME))
    container = exporter_in(pod)
    variables = {each["name"]: each.get("value") for each in container["env"]}
    assert FILE == variables["LLAMACLOUD_EXPORTER_WEB__CONFIG__FILE"]
    assert probe_requests(container) == {
        name: {"httpGet": {"port": "llamacloud", "path": path, "scheme": "HTTPS"}}
        for name, path in PROBES.items()
    }
    (volume,) = (each for each in pod["volumes"] if each["name"] == "llamacloud-web")
    assert {"secretName": "llamacloud-web", "defaultMode": 0o440} == volume["secret"]
    (endpoint,) = named("alone-with-tls", "ServiceMonitor", NAME)["spec"]["endpoints"]
    assert ("llamacloud", "https") == (endpoint["port"], endpoint["scheme"])
    assert {"basicAuth", "tlsConfig"} < set(endpoint)
