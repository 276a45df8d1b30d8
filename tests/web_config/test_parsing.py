"""Which web configuration files are accepted, and in which words the others are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from exporter.config import ConfigError
from exporter.web_config.go_values import parse_go_duration
from exporter.web_config.loading import load_web_config

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support.certificates import Certificates

HASH = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi"
TLS = "tls_server_config: {{cert_file: server.crt, key_file: server.key{}}}"
VERIFY = "client_auth_type: RequireAndVerifyClientCert"
NO_HASH = (
    "basic_auth_users.a must be a bcrypt hash: 60 characters that begin with $2a$, $2b$, $2x$ or"
    " $2y$, a cost from 04 to 31, and a salt as bcrypt writes it."
)
NO_EFFECT = (
    "has no effect without a client_auth_type that verifies client certificates: set"
    " RequireAndVerifyClientCert."
)
UNVERIFIED = (
    "must be another one: Python cannot request client certificates without verifying them; use"
    " VerifyClientCertIfGiven or RequireAndVerifyClientCert"
)

ACCEPTED = {
    "empty": "",
    "null sections": "tls_server_config:\nhttp_server_config:\nbasic_auth_users:\nrate_limit:\n",
    "null values": TLS.format(", min_version: , client_allowed_sans: "),
    "no tls": "tls_server_config: {}",
    "tls": TLS.format(""),
    "file and text": TLS.format(", cert: x, key: x"),
    "empty texts": "tls_server_config: {cert: '', cert_file: '', client_ca_file: ''}",
    "no client certificates": TLS.format(", client_auth_type: NoClientCert"),
    "system's CAs": TLS.format(f", {VERIFY}"),
    "client CA": TLS.format(f", {VERIFY}, client_ca_file: ca.crt, client_allowed_sans: []"),
    "versions": TLS.format(", min_version: TLS13, max_version: TLS13"),
    "cipher": TLS.format(", cipher_suites: [TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256]"),
    "cipher of TLS 1.3": TLS.format(", cipher_suites: [TLS_AES_128_GCM_SHA256]"),
    "curve": TLS.format(", curve_preferences: [X25519], prefer_server_cipher_suites: no"),
    **{
        f"http2 {word}": f"http_server_config: {{http2: {word}}}"
        for word in ("off", "y", "Yes", "ON", "true", "False")
    },
    "headers": "http_server_config: {headers: {X-Frame-Options: deny, X-XSS-Protection: ''}}",
    "blank header": "http_server_config: {headers: {Strict-Transport-Security: }}",
    "users": f"basic_auth_users: {{a: '{HASH}', '': '{HASH.replace('$2y', '$2x')}'}}",
    "rate": "rate_limit: {interval: 1m30.5s, burst: 20}",
    "rate in nanoseconds": "rate_limit: {interval: 1, burst: 20}",
    "quoted number": "rate_limit: {interval: 1s, burst: '20'}",
    "no rate": "rate_limit: {burst: 0}",
}
REFUSED = {
    "unknown key": (
        "tls_config: {}",
        "tls_config is unknown; the nearest known one is tls_server_config.",
    ),
    "unknown nested key": (
        "tls_server_config: {cert_filse: x}",
        (
            "tls_server_config.cert_filse is unknown; the nearest known one is"
            " tls_server_config.cert_file."
        ),
    ),
    "section is a list": ("rate_limit: []", "rate_limit must be a mapping."),
    "users are a text": ("basic_auth_users: x", "basic_auth_users must be a mapping."),
    "certificate alone": (
        "tls_server_config: {cert_file: server.crt}",
        "tls_server_config must have key_file or key.",
    ),
    "key alone": (
        "tls_server_config: {key: x}",
        "tls_server_config must have cert_file or cert.",
    ),
    "options alone": (
        "tls_server_config: {min_version: TLS13}",
        (
            "tls_server_config.min_version is set, but no certificate: TLS would be off; set"
            " cert_file and key_file, or leave tls_server_config out."
        ),
    ),
    "policy nonsense": (
        TLS.format(", client_auth_type: x"),
        (
            "tls_server_config.client_auth_type must be NoClientCert, VerifyClientCertIfGiven or"
            ' RequireAndVerifyClientCert, not "x".'
        ),
    ),
    "asking without verifying": (
        TLS.format(", client_auth_type: RequestClientCert"),
        f'tls_server_config.client_auth_type {UNVERIFIED}, not "RequestClientCert".',
    ),
    "requiring without verifying": (
        TLS.format(", client_auth_type: RequireAnyClientCert"),
        f'tls_server_config.client_auth_type {UNVERIFIED}, not "RequireAnyClientCert".',
    ),
    "its old name": (
        TLS.format(", client_auth_type: RequireClientCert"),
        f'tls_server_config.client_auth_type {UNVERIFIED}, not "RequireClientCert".',
    ),
    "CA without policy": (
        TLS.format(", client_ca_file: ca.crt"),
        f"tls_server_config.client_ca_file {NO_EFFECT}",
    ),
    "names without policy": (
        TLS.format(", client_allowed_sans: [a]"),
        f"tls_server_config.client_allowed_sans {NO_EFFECT}",
    ),
    "old version": (
        TLS.format(", min_version: TLS10"),
        'tls_server_config.min_version must be one of TLS12, TLS13, not "TLS10".',
    ),
    "another version": (
        TLS.format(", max_version: 1.2"),
        'tls_server_config.max_version must be one of TLS12, TLS13, not "1.2".',
    ),
    "no version": (
        TLS.format(", min_version: TLS13, max_version: TLS12"),
        (
            "tls_server_config.max_version must not be below min_version, TLS13: no client could"
            " connect."
        ),
    ),
    "OpenSSL's name of a cipher": (
        TLS.format(", cipher_suites: [ECDHE-RSA-AES128-GCM-SHA256]"),
        "tls_server_config.cipher_suites.0 must be one of ",
    ),
    "no cipher": (
        TLS.format(", max_version: TLS12, cipher_suites: [TLS_AES_128_GCM_SHA256]"),
        "tls_server_config.cipher_suites must hold one of TLS 1.2: no client could connect.",
    ),
    "several curves": (
        TLS.format(", curve_preferences: [X25519, CurveP256]"),
        (
            "tls_server_config.curve_preferences must hold one curve at most: Python can choose"
            ' only one, not "X25519,CurveP256".'
        ),
    ),
    "curve": (
        TLS.format(", curve_preferences: [P256]"),
        (
            "tls_server_config.curve_preferences.0 must be one of CurveP256, CurveP384, CurveP521,"
            ' X25519, not "P256".'
        ),
    ),
    "http2": (
        "http_server_config: {http2: yes please}",
        'http_server_config.http2 must be true or false, not "yes please".',
    ),
    "header": (
        "http_server_config: {headers: {Server: x}}",
        (
            "http_server_config.headers must hold no other headers than Content-Security-Policy,"
            " Strict-Transport-Security, X-Content-Type-Options, X-Frame-Options, X-XSS-Protection."
        ),
    ),
    "header's value": (
        "http_server_config: {headers: {X-Frame-Options: DENY}}",
        "http_server_config.headers must set X-Frame-Options to deny or sameorigin.",
    ),
    "header's line break": (
        'http_server_config: {headers: {X-XSS-Protection: "a\\nSet-Cookie: b"}}',
        "http_server_config.headers must set X-XSS-Protection to printable ASCII characters.",
    ),
    "header's blank choice": (
        "http_server_config: {headers: {X-Frame-Options: }}",
        "http_server_config.headers must set X-Frame-Options to deny or sameorigin.",
    ),
    "header's letter": (
        "http_server_config: {headers: {X-XSS-Protection: ü}}",
        "http_server_config.headers must set X-XSS-Protection to printable ASCII characters.",
    ),
    "hash too short": (f"basic_auth_users: {{a: '{HASH[:-1]}'}}", NO_HASH),
    "no hash": ("basic_auth_users: {a: hunter2}", NO_HASH),
    "null user": (
        f"basic_auth_users: {{null: '{HASH}'}}",
        'basic_auth_users must have names that are text, not null; "" is empty.',
    ),
    "null hash": ("basic_auth_users: {a: }", "basic_auth_users.a must be text."),
    "hash of another kind": (f"basic_auth_users: {{a: '{HASH.replace('$2y', '$2z')}'}}", NO_HASH),
    "hash of too low a cost": (
        f"basic_auth_users: {{a: '{HASH.replace('$10$', '$03$')}'}}",
        NO_HASH,
    ),
    "hash of too high a cost": (
        f"basic_auth_users: {{a: '{HASH.replace('$10$', '$32$')}'}}",
        NO_HASH,
    ),
    "cost in other digits": (f"basic_auth_users: {{a: '{HASH.replace('$10$', '$١٢$')}'}}", NO_HASH),
    "salt with too many bits": (
        f"basic_auth_users: {{a: '{HASH.replace('zPeM', 'zPfM')}'}}",
        NO_HASH,
    ),
    "days": (
        "rate_limit: {interval: 1d, burst: 1}",
        (
            "rate_limit.interval must be a duration as Go writes it, such as 1s, 500ms or 1m30s,"
            ' not "1d".'
        ),
    ),
    "hash with a blot": (f"basic_auth_users: {{a: '{HASH[:-1]}!'}}", NO_HASH),
    "number in another base": (
        "rate_limit: {interval: 0x10, burst: 1}",
        (
            "rate_limit.interval must be a duration as Go writes it, such as 1s, 500ms or 1m30s,"
            ' not "0x10".'
        ),
    ),
    "negative interval": (
        "rate_limit: {interval: -1s, burst: 1}",
        "rate_limit.interval must not be negative: leave it out for no limit.",
    ),
    "no burst": (
        "rate_limit: {interval: 1s}",
        "rate_limit.burst must be at least 1: every request would be refused.",
    ),
    "burst": (
        "rate_limit: {burst: x}",
        'rate_limit.burst must be a whole number, not "x".',
    ),
    "burst beyond Go's": (
        f"rate_limit: {{interval: 1s, burst: 1{'0' * 400}}}",
        "rate_limit.burst must be less than or equal to 9223372036854775807, not ",
    ),
    "pair": (
        "tls_server_config: {cert_file: server.crt, key_file: second.key}",
        "tls_server_config.key_file does not belong to the certificate.",
    ),
    "no certificate": (
        "tls_server_config: {cert: x, key_file: server.key}",
        "tls_server_config.cert_file holds no certificate in PEM form.",
    ),
    "no key": (
        "tls_server_config: {cert_file: server.crt, key: x}",
        "tls_server_config.key_file holds no private key in PEM form.",
    ),
    "encrypted key": (
        "tls_server_config: {cert_file: server.crt, key_file: encrypted.key}",
        "tls_server_config.key_file is encrypted: store the key without a passphrase.",
    ),
    "client CA without certificate": (
        TLS.format(f", {VERIFY}, client_ca_file: ca.key"),
        "tls_server_config.client_ca_file holds no certificate in PEM form.",
    ),
}


@pytest.fixture
def file(certificates: Certificates) -> Path:
    """Name a file beside the certificates."""
    return certificates.folder / "web.yml"


def problems_of(file: Path, text: str) -> tuple[str, ...]:
    file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_web_config(file, {})
    return caught.value.problems


@pytest.mark.parametrize("text", ACCEPTED.values(), ids=ACCEPTED)
def test_what_the_reference_accepts_is_accepted(file: Path, text: str) -> None:
    """With the same keys, spellings and defaults."""
    file.write_text(text)
    has_certificate = "cert_file: server" in text
    assert has_certificate == (load_web_config(file, {}).tls is not None)


@pytest.mark.parametrize(("text", "problem"), REFUSED.values(), ids=REFUSED)
def test_mistakes_are_named_with_file_and_key(file: Path, text: str, problem: str) -> None:
    """And with the value, unless it is a secret."""
    (reported,) = problems_of(file, text)
    assert reported.startswith(f'the web configuration file "{file}": {problem}')


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\na: 2", 'is not valid YAML: line 2: the key "a" stands there twice.'),
        ("- x", "must hold a mapping of settings to values."),
        ("words", "must hold a mapping of settings to values."),
        ("a: [", "is not valid YAML: line 1: "),
        ("{}\n---\n{}", "is not valid YAML: line 2: but found another document."),
        (
            f'basic_auth_users: {{"\\ud800": "{HASH}"}}',
            "is not valid YAML: line 1: an escape such as \\ud800 stands for half a character.",
        ),
        ("#" * 200_000, "is larger than 128 KiB."),
    ],
    ids=["twice", "list", "words", "brackets", "documents", "surrogate", "large"],
)
def test_a_file_that_is_no_mapping_is_refused(file: Path, text: str, problem: str) -> None:
    """As the exporter's own configuration file is."""
    (reported,) = problems_of(file, text)
    assert reported.startswith(f'the web configuration file "{file}" {problem}')


def test_all_mistakes_are_reported_at_once(file: Path) -> None:
    """Those of files that the file names as well, each with its path."""
    text = "rate_limit: {burst: x}\nhttp_server_config: {http2: 7}\ntls: {}"
    assert 3 == len(problems_of(file, text))

    missing = problems_of(file, "tls_server_config: {cert_file: no.crt, key_file: no.key}")
    assert missing == tuple(
        f'the web configuration file "{file}": tls_server_config.{kind}_file'
        f' "{file.parent / f"no.{ending}"}" cannot be read: No such file or directory.'
        for kind, ending in (("cert", "crt"), ("key", "key"))
    )


@pytest.mark.parametrize(
    ("text", "beginnings"),
    [
        (
            (
                "rate_limit: {burst: x}\nbasic_auth_users: {a: b}\n"
                "tls_server_config: {cert_file: no.crt, min_version: TLS10}"
            ),
            (
                "tls_server_config.min_version must be",
                "rate_limit.burst must be",
                "basic_auth_users.a must be",
                "tls_server_config must have key_file or key.",
                'tls_server_config.cert_file "',
            ),
        ),
        (
            (
                "tls_server_config: {cert_file: ca.key, key_file: ca.crt, client_ca_file: ca.key,"
                f" {VERIFY}, cipher_suites: [x]}}"
            ),
            (
                "tls_server_config.cipher_suites.0 must be one of",
                "tls_server_config.cert_file holds no certificate",
                "tls_server_config.key_file holds no private key",
                "tls_server_config.client_ca_file holds no certificate",
            ),
        ),
    ],
    ids=["keys", "files"],
)
def test_mistakes_of_different_kinds_are_reported_together(
    file: Path, text: str, beginnings: tuple[str, ...]
) -> None:
    """Wrong values, keys that do not go together, and files that cannot be used."""
    named = f'the web configuration file "{file}": '
    reported = [problem.removeprefix(named) for problem in problems_of(file, text)]
    assert len(beginnings) == len(reported)
    assert [] == [
        each
        for each, begins in zip(reported, beginnings, strict=True)
        if not each.startswith(begins)
    ]


@pytest.mark.parametrize(
    "text",
    [
        TLS.format(", client_auth_type: RequireAnyClientCert, client_ca_file: ca.crt"),
        "tls_server_config: {cert_file: [x], key_file: server.key}",
        "tls_server_config: {cert_file: [x], min_version: TLS13}",
        "rate_limit: {interval: 1s, burst: x}",
        f"basic_auth_users: {{null: '{HASH}'}}",
        f"basic_auth_users: {{'.': '{HASH}', a.b: x}}",
        "tls_server_config: [x]",
    ],
)
def test_a_mistake_is_not_reported_twice(file: Path, text: str) -> None:
    """Keys that depend on one with a mistake are not blamed for it."""
    assert 1 == len(problems_of(file, text))


def test_secrets_are_never_repeated(certificates: Certificates, file: Path) -> None:
    """Neither an inline key nor what stands for a hash."""
    key = certificates.pair("server")[1].read_text().replace("\n", "\\n")
    for text in (
        f'tls_server_config: {{key: ["{key}"], cert: 1}}',
        "basic_auth_users: {a: hunter2}",
        "basic_auth_users: {a: [hunter2]}",
    ):
        reported = " ".join(problems_of(file, text))
        assert "hunter2" not in reported
        assert "PRIVATE" not in reported


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("1h2m3.5s", 3723.5), ("100ms", 0.1), (".5s", 0.5), ("1.s", 1), ("2us", 2e-6), ("2µs", 2e-6)],
)
def test_durations_are_written_as_in_go(text: str, seconds: float) -> None:
    """Not as in Prometheus, which knows days."""
    assert seconds == pytest.approx(parse_go_duration(text))


@pytest.mark.parametrize("text", ["", "s", "1", "1d", "1 s", "1s ", "--1s", "1s-", "1.1.1s"])
def test_what_is_no_duration(text: str) -> None:
    """A number alone is nanoseconds."""
    if text == "1":
        assert parse_go_duration(text) == 1e-9
        return
    with pytest.raises(ValueError, match="must be a duration as Go writes it"):
        parse_go_duration(text)
