"""A real Prometheus that scrapes with a client certificate and a password."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support.prometheus import Prometheus, running_prometheus
from tests.support.tls_clients import hash_of, served_with

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.certificates import Certificates


def scrape(job: str, address: str, certificates: Certificates, **changes: Any) -> dict[str, Any]:
    """Return a scrape configuration that verifies the server, and identifies the client."""
    cert, key = certificates.pair("client")
    return {
        "job_name": job,
        "scheme": "https",
        "basic_auth": {"username": "prometheus", "password": "secret"},
        "tls_config": {
            "ca_file": str(certificates.pair("server")[0]),
            "cert_file": str(cert),
            "key_file": str(key),
        },
        "static_configs": [{"targets": [address]}],
    } | changes


def up_of(prometheus: Prometheus) -> dict[str, str]:
    found = prometheus.query("up")
    return {sample["metric"]["job"]: sample["value"][1] for sample in found}


def test_prometheus_scrapes_with_tls_and_a_password(
    tmp_path: Path, certificates: Certificates
) -> None:
    """With the settings that its own documentation names; each that lacks one is refused."""
    cert, key = certificates.pair("server")
    file = tmp_path / "web.yml"
    file.write_text(
        "tls_server_config:\n"
        f"  cert_file: {cert}\n  key_file: {key}\n"
        f"  client_ca_file: {certificates.pair('ca')[0]}\n"
        "  client_auth_type: RequireAndVerifyClientCert\n"
        "  client_allowed_sans: [prometheus]\n"
        f"basic_auth_users: {{prometheus: '{hash_of('secret')}'}}\n"
    )
    with served_with(file) as served:
        address = served.address
        no_certificate = {"ca_file": str(cert)}
        other = {"username": "prometheus", "password": "other"}
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
            "scrape_configs": [
                scrape("good", address, certificates),
                scrape("bad_password", address, certificates, basic_auth=other),
                scrape("no_certificate", address, certificates, tls_config=no_certificate),
                scrape("no_tls", address, certificates, scheme="http"),
            ],
        }
        with running_prometheus(json.dumps(config)) as prometheus:
            prometheus.wait_for(lambda: len(up_of(prometheus)) == 4)
            prometheus.wait_for(lambda: up_of(prometheus)["good"] == "1")
            assert {"good": "1"} | dict.fromkeys(
                ("bad_password", "no_certificate", "no_tls"), "0"
            ) == up_of(prometheus)
        assert served.exporter.scraped
