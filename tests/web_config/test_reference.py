"""The same files and requests for the exporter and for exporter-toolkit's own server, row by row.

What differs is in ``DEVIATIONS``, and in the one list of deploy/docs/web-configuration.md.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import pytest

from exporter.config import ConfigError
from exporter.web_config.loading import load_web_config
from tests.support.deployed import DEPLOY
from tests.support.tls_clients import basic, hash_of, served_with
from tests.web_config.reference import Reference, build_reference
from tests.web_config.test_parsing import ACCEPTED, REFUSED

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Unpack

    from tests.support.certificates import Certificates
    from tests.support.serving import Answer
    from tests.support.tls_clients import Options

# Refused here, and accepted by the reference, mostly to do something else than what was meant: by
# the row of the list.
CLIENT_AUTH = "`client_auth_type` `RequestClientCert`, `RequireAnyClientCert`, `RequireClientCert`"
HASH = "a hash that is not 60 characters long, or begins with another letter"
HEADERS = "`headers` with other than printable ASCII characters in a value"
DEVIATIONS = {
    "asking without verifying": CLIENT_AUTH,
    "requiring without verifying": CLIENT_AUTH,
    "its old name": CLIENT_AUTH,
    "client CA without certificate": "`client_ca_file` without a certificate in it",
    "header's letter": HEADERS,
    "header's line break": HEADERS,
    "hash of another kind": HASH,
    "hash too short": HASH,
    "hash with a blot": HASH,
    "names without policy": "`client_allowed_sans` without a `client_auth_type` that verifies",
    "negative interval": "a negative `rate_limit.interval`",
    "no burst": "`rate_limit.burst` below 1",
    "no cipher": "`cipher_suites` of TLS 1.3 alone with `max_version: TLS12`",
    "no version": "`max_version` below `min_version`",
    "number in another base": "`rate_limit` with numbers that are not written in plain decimals",
    "null user": "the name `null` in `basic_auth_users`",
    "old version": "`min_version`, `max_version` `TLS10`, `TLS11`",
    "options alone": "TLS options without a certificate",
    "quoted number": "quoted numbers and booleans",
    "salt with too many bits": HASH,
    "several curves": "`curve_preferences` of several curves",
}
LONG = "l" * 80
COMPARED = ("content-type", "www-authenticate", "x-content-type-options", "x-frame-options")


class Server(Protocol):
    """Either of the two servers."""

    def request(
        self, path: str = ..., *headers: tuple[str, str], **options: Unpack[Options]
    ) -> Answer:
        """Send one request."""


@pytest.fixture(scope="session")
def reference(tmp_path_factory: pytest.TempPathFactory) -> Reference:
    """Build the reference once."""
    return build_reference(tmp_path_factory.mktemp("reference"))


@pytest.fixture
def file(certificates: Certificates) -> Path:
    """Name a file beside the certificates."""
    return certificates.folder / "compared.yml"


def test_the_list_of_deviations_is_complete() -> None:
    """A user whose file is refused finds the reason there."""
    text = (DEPLOY / "docs" / "web-configuration.md").read_text()
    for row in DEVIATIONS.values():
        assert f"\n| {row}" in text


def is_accepted(file: Path) -> bool:
    try:
        load_web_config(file, {})
    except ConfigError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "text"),
    [
        *ACCEPTED.items(),
        *((name, text) for name, (text, _) in REFUSED.items()),
    ],
)
def test_the_same_files_are_accepted(
    reference: Reference, file: Path, name: str, text: str
) -> None:
    """But for the deviations, which are refused here alone."""
    file.write_text(text)
    is_good_for_reference = not reference.refusal(file)
    assert (name in DEVIATIONS) == (is_accepted(file) != is_good_for_reference)


REQUESTS: dict[str, Options] = {
    "no credentials": {},
    "good": {"authorization": basic("alice", "secret")},
    "bad password": {"authorization": basic("alice", "other")},
    "bad user": {"authorization": basic("bob", "secret")},
    "bearer": {"authorization": "Bearer x"},
    "case of the scheme": {"authorization": basic("alice", "secret").replace("Basic", "bASIC")},
    "two spaces": {"authorization": basic("alice", "secret").replace(" ", "  ")},
    "padding too much": {"authorization": basic("alice", "secret") + "="},
    "garbage": {"authorization": "Basic !!!"},
    "no colon": {"authorization": "Basic YWxpY2U="},
    "long": {"authorization": basic("long", LONG)},
    "72 bytes": {"authorization": basic("long", LONG[:72])},
    "71 bytes": {"authorization": basic("long", LONG[:71])},
    "NUL": {"authorization": basic("alice", "secret\0")},
    "nobody": {"authorization": basic("", "empty")},
    "UTF-8": {"authorization": basic("döner", "käse")},
    "Latin-1": {"authorization": basic("döner".encode("latin-1"), "käse".encode("latin-1"))},
    "user with colon": {"authorization": basic("a:b", "colon")},
}


def of_the_gate(answer: Answer) -> tuple[object, ...]:
    """Return what of an answer is the gate's; that of a handler is not compared."""
    if answer.status == 200:
        return (200, answer.headers.get("x-frame-options"))
    return (answer.status, answer.body, *(answer.headers.get(name) for name in COMPARED))


def test_the_same_requests_get_the_same_answers(reference: Reference, tmp_path: Path) -> None:
    """With passwords and headers."""
    users = {"alice": "secret", "long": LONG, "": "empty", "döner": "käse", "a:b": "colon"}
    hashes = "\n".join(f"  '{user}': '{hash_of(word)}'" for user, word in users.items())
    file = tmp_path / "web.yml"
    file.write_text(
        f"basic_auth_users:\n{hashes}\nhttp_server_config: {{headers: {{X-Frame-Options: deny}}}}\n"
    )
    with served_with(file) as ours, reference.serving(file) as theirs:
        for name, request in REQUESTS.items():
            answers = [of_the_gate(each.request("/metrics", **request)) for each in (ours, theirs)]
            assert answers[0] == answers[1], name
        # Within what runs: another password, then no users at all.
        file.write_text(f"basic_auth_users: {{alice: '{hash_of('other')}'}}")
        for request in (REQUESTS["good"], REQUESTS["bad password"]):
            statuses = [each.request("/metrics", **request).status for each in (ours, theirs)]
            assert statuses[0] == statuses[1]
        file.write_text("{}")
        assert [200, 200] == [each.request().status for each in (ours, theirs)]


def test_the_rate_limit_refuses_the_same_requests(reference: Reference, tmp_path: Path) -> None:
    """Before it requires a password, and without the configured headers."""
    file = tmp_path / "web.yml"
    file.write_text(
        "rate_limit: {interval: 1h, burst: 2}\n"
        f"basic_auth_users: {{alice: '{hash_of('secret')}'}}\n"
        "http_server_config: {headers: {X-Frame-Options: deny}}\n"
    )
    with served_with(file) as ours, reference.serving(file) as theirs:
        answers = [[of_the_gate(each.request()) for _ in range(4)] for each in (ours, theirs)]
    assert answers[0] == answers[1]
    assert [401, 401, 429, 429] == [answer[0] for answer in answers[0]]


@pytest.mark.parametrize(
    "options",
    [
        "",
        ", client_auth_type: NoClientCert",
        ", client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.crt",
        ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt",
        (
            ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt,"
            " client_allowed_sans: [prometheus]"
        ),
        (
            ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt,"
            " client_allowed_sans: ['2001:db8::1']"
        ),
        (
            ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt,"
            " client_allowed_sans: ['spiffe://a/b', x]"
        ),
        (
            ", client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.crt,"
            " client_allowed_sans: [other]"
        ),
        (
            ", client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.crt,"
            " client_allowed_sans: []"
        ),
    ],
)
def test_the_same_clients_are_accepted(
    reference: Reference, file: Path, certificates: Certificates, options: str
) -> None:
    """By their certificates, or without one."""
    file.write_text(f"tls_server_config: {{cert_file: server.crt, key_file: server.key{options}}}")

    def statuses(server: Server) -> list[int | None]:
        found: list[int | None] = []
        for name in ("", "client", "anonymous", "stranger"):
            client = certificates.pair(name) if name else None
            try:
                found.append(server.request("/metrics", client=client).status)
            except OSError:
                found.append(None)
        return found

    with served_with(file) as ours, reference.serving(file) as theirs:
        assert statuses(theirs) == statuses(ours)
