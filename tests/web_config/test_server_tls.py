"""TLS as the file configures it: versions, suites, certificates of clients, reload."""

from __future__ import annotations

import os
import ssl
import subprocess
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from exporter.web_config.server_tls import ServerTls
from tests.support.raw_http import connect
from tests.support.serving import wait_until
from tests.support.tls_clients import (
    basic,
    hash_of,
    open_connection,
    rewrite,
    served_with,
    server_name,
    unverifying_context,
)
from tests.support.tools import require_tool

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.certificates import Certificates
    from tests.support.tls_clients import Served

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
REFUSED = "refused"


@pytest.fixture
def file(tmp_path: Path, certificates: Certificates) -> Path:
    """Name a file in a folder with all certificates."""
    for source in certificates.folder.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    return tmp_path / "web.yml"


def write(file: Path, options: str = "", rest: str = "", *, name: str = "server") -> None:
    pair = f"cert_file: {name}.crt, key_file: {name}.key"
    rewrite(file, f"tls_server_config: {{{pair}{options}}}\n{rest}\n")


def status(
    served: Served, client: tuple[Path, Path] | None = None, tls: ssl.TLSVersion | None = None
) -> int | str:
    """Return the status of an answer, or that there is none."""
    try:
        return served.request(client=client, tls=tls).status
    except (OSError, EOFError):
        return REFUSED


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", [200, 200]),
        (", min_version: TLS13", [REFUSED, 200]),
        (", max_version: TLS12", [200, REFUSED]),
        (", cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384]", [200, 200]),
        # The certificate is of another kind.
        (", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384]", [REFUSED, 200]),
        (", cipher_suites: [TLS_AES_256_GCM_SHA384]", [REFUSED, 200]),
        (", curve_preferences: [CurveP384]", [200, 200]),
        (", curve_preferences: [X25519]", [200, 200]),
    ],
)
def test_versions_and_suites(file: Path, options: str, expected: list[int | str]) -> None:
    """With TLS 1.2 and with 1.3."""
    write(file, options)
    with served_with(file) as served:
        assert expected == [status(served, tls=version) for version in VERSIONS]


def test_certificate_and_key_may_stand_in_the_file(file: Path, certificates: Certificates) -> None:
    """Where nothing but the file can be written, as in a Secret of one key."""
    texts = [path.read_text().replace("\n", "\n    ") for path in certificates.pair("second")]
    file.write_text("tls_server_config:\n  cert: |\n    {}\n  key: |\n    {}".format(*texts))
    with served_with(file) as served:
        assert "second" == server_name(served.url)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ("", {"none": 200, "client": 200, "anonymous": 200, "stranger": 200}),
        (
            ", client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.crt",
            {"none": 200, "client": 200, "anonymous": 200, "stranger": REFUSED},
        ),
        (
            ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt",
            {"none": REFUSED, "client": 200, "anonymous": 200, "stranger": REFUSED},
        ),
        (
            ", client_auth_type: RequireAndVerifyClientCert",
            {"none": REFUSED, "client": REFUSED, "anonymous": REFUSED, "stranger": REFUSED},
        ),
        (
            (
                ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt,"
                " client_allowed_sans: [other, prometheus]"
            ),
            {"none": REFUSED, "client": 200, "anonymous": REFUSED, "stranger": REFUSED},
        ),
        (
            (
                ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt,"
                " client_allowed_sans: [Prometheus, 10.0.0.2]"
            ),
            {"none": REFUSED, "client": REFUSED, "anonymous": REFUSED, "stranger": REFUSED},
        ),
        (
            (
                ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt,"
                " client_allowed_sans: []"
            ),
            {"none": REFUSED, "client": REFUSED, "anonymous": REFUSED, "stranger": REFUSED},
        ),
        (
            (
                ", client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.crt,"
                " client_allowed_sans: ['2001:db8::1']"
            ),
            {"none": REFUSED, "client": 200, "anonymous": REFUSED, "stranger": REFUSED},
        ),
    ],
)
@pytest.mark.parametrize("tls", VERSIONS, ids=["1.2", "1.3"])
def test_certificates_of_clients(
    file: Path,
    certificates: Certificates,
    tls: ssl.TLSVersion,
    options: str,
    expected: dict[str, int | str],
) -> None:
    """Where names are required, a client without a certificate has none of them."""
    write(file, options)
    with served_with(file) as served:
        statuses = {
            name: status(served, None if name == "none" else certificates.pair(name), tls)
            for name in expected
        }
        assert expected == statuses


@pytest.mark.parametrize(
    ("allowed", "is_allowed"),
    [
        ("prometheus", True),
        ("PROMETHEUS", False),
        ("ops@example.com", True),
        ("spiffe://a/b", True),
        ("10.0.0.1", True),
        ("2001:db8::1", True),
        ("2001:DB8:0:0:0:0:0:1", True),
        ("10.0.0.10", False),
        ("", False),
    ],
)
def test_names_are_compared_as_they_are_written(allowed: str, *, is_allowed: bool) -> None:
    """But addresses by what they mean, since Python and Go write them differently."""
    names = (
        ("DNS", "prometheus"),
        ("email", "ops@example.com"),
        ("IP Address", "10.0.0.1"),
        ("IP Address", "2001:DB8:0:0:0:0:0:1"),
        ("URI", "spiffe://a/b"),
    )
    tls = ServerTls(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), frozenset({allowed}))
    assert is_allowed == tls.admits({"subjectAltName": names})


def test_another_certificate_is_used_from_the_next_handshake_on(file: Path) -> None:
    """Whether the file names another one, or another one is put in its place."""
    write(file)
    with served_with(file) as served:
        kept = open_connection(served.url)
        kept.request("GET", "/-/healthy")
        assert b"ok\n" == kept.getresponse().read()
        names = [server_name(served.url)]
        write(file, name="second")
        names.append(server_name(served.url))
        folder = file.parent
        # Atomically, as certificate managers do: key and certificate cannot change at once.
        for ending in ("key", "crt"):
            (folder / f"stranger.{ending}").rename(folder / f"second.{ending}")
        names.append(server_name(served.url))
        kept.request("GET", "/-/healthy")
        assert b"ok\n" == kept.getresponse().read()
        kept.close()

    assert ["server", "second", "stranger"] == names


def test_a_secret_that_is_mounted_is_followed(tmp_path: Path, certificates: Certificates) -> None:
    """Kubernetes replaces a symbolic link to a folder, and no file that the configuration names."""
    for name in ("server", "second"):
        folder = tmp_path / f"..{name}"
        folder.mkdir()
        for ending, source in zip(("crt", "key"), certificates.pair(name), strict=True):
            (folder / f"tls.{ending}").write_bytes(source.read_bytes())
        (folder / "web.yml").write_text(
            "tls_server_config: {cert_file: tls.crt, key_file: tls.key}"
        )
    for link, target in (("..data", "..server"), ("web.yml", "..data/web.yml")):
        (tmp_path / link).symlink_to(target)
    for ending in ("crt", "key"):
        (tmp_path / f"tls.{ending}").symlink_to(f"..data/tls.{ending}")
    with served_with(tmp_path / "web.yml") as served:
        assert "server" == server_name(served.url)
        (tmp_path / "..data_tmp").symlink_to("..second")
        (tmp_path / "..data_tmp").rename(tmp_path / "..data")
        assert "second" == server_name(served.url)


def test_policies_and_versions_change_too(file: Path, certificates: Certificates) -> None:
    """With the next handshake."""
    write(file)
    with served_with(file) as served:
        assert 200 == status(served)
        write(file, ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt")
        assert REFUSED == status(served)
        assert 200 == status(served, certificates.pair("client"))
        write(file, ", min_version: TLS13")
        assert REFUSED == status(served, tls=ssl.TLSVersion.TLSv1_2)


def test_a_handshake_is_decided_by_the_file_that_it_began_with(file: Path) -> None:
    """A client that waits for a change must not pass between the former policy and the new one."""
    ca = ", client_ca_file: ca.crt"
    write(file, f", client_auth_type: VerifyClientCertIfGiven{ca}, client_allowed_sans: [x]")
    received, to_send = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = unverifying_context().wrap_bio(received, to_send)
    with served_with(file) as served, connect(served.address) as wire:
        with pytest.raises(ssl.SSLWantReadError):
            client.do_handshake()
        wire.sendall(to_send.read())
        while not client.version():
            received.write(wire.recv(10_000))
            with suppress(ssl.SSLWantReadError):
                client.do_handshake()
        write(file, f", client_auth_type: RequireAndVerifyClientCert{ca}")
        assert REFUSED == status(served)
        client.write(b"GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n")
        wire.sendall(to_send.read())
        wait_until(lambda: served.exporter.connections() == 0)
        assert not served.exporter.requests_ended


def test_curl_and_openssl_agree(file: Path, certificates: Certificates) -> None:
    """Clients of other makers, with a certificate, a password, and verification of the server."""
    rest = f"basic_auth_users: {{alice: '{hash_of('secret')}'}}"
    write(file, ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt", rest)
    client, key = certificates.pair("client")
    curl = (require_tool("curl"), "--silent", "--show-error", "--max-time", "10")
    trust = ("--cacert", str(certificates.pair("server")[0]))
    identity = ("--cert", str(client), "--key", str(key))
    with served_with(file) as served:
        port = served.address.rpartition(":")[2]
        url = f"https://localhost:{port}/-/healthy"
        resolve = ("--resolve", f"localhost:{port}:127.0.0.1")

        def run(*arguments: str) -> subprocess.CompletedProcess[str]:
            command = [*curl, *trust, *resolve, *arguments]
            return subprocess.run(command, capture_output=True, text=True, check=False)

        assert "ok\n" == run(*identity, url).stdout
        metrics = url.replace("/-/healthy", "/metrics")
        reported = ("--output", os.devnull, "--write-out", "%{http_code} %{http_version}")
        assert "401 1.1" == run(*identity, *reported, metrics).stdout
        assert "200 1.1" == run(*identity, *reported, "--user", "alice:secret", metrics).stdout
        assert 0 != run(url).returncode
        shown = subprocess.run(
            [
                *(
                    require_tool("openssl"),
                    "s_client",
                    "-connect",
                    served.address,
                    "-alpn",
                    "h2,http/1.1",
                ),
                *(
                    "-cert",
                    str(client),
                    "-key",
                    str(key),
                    "-CAfile",
                    trust[1],
                    "-verify_return_error",
                ),
            ],
            input="",
            capture_output=True,
            text=True,
            timeout=10,
            check=False,
        )
        assert "ALPN protocol: http/1.1" in shown.stdout
        assert "Verify return code: 0 (ok)" in shown.stdout


def test_a_password_that_changes_counts_within_a_kept_connection(file: Path) -> None:
    """And the former one no longer."""
    users = "basic_auth_users: {{alice: '{}'}}"
    write(file, rest=users.format(hash_of("secret")))
    with served_with(file) as served:
        kept = open_connection(served.url)

        def request(password: str) -> int:
            kept.request("GET", "/", headers={"Authorization": basic("alice", password)})
            answer = kept.getresponse()
            answer.read()
            return answer.status

        assert 200 == request("secret")
        write(file, rest=users.format(hash_of("other")))
        assert [401, 200] == [request("secret"), request("other")]
        write(file)
        assert 200 == request("whatever")
        kept.close()
