"""The keys of a web configuration file, and the values that each accepts.

The keys are those of Prometheus's exporter-toolkit v0.20.0.
"""

from __future__ import annotations

import re
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from exporter.web_config.go_values import (
    CIPHERS,
    CLIENT_VERIFICATION,
    CURVES,
    TLS13_CIPHERS,
    TLS_VERSIONS,
    parse_go_duration,
)

# In bcrypt's alphabet: 22 characters of salt and 31 of the hash. Only two bits of the salt's last
# character are used: Python's library raises where others are set.
_COST = "(?:0[4-9]|[12][0-9]|3[01])"
_HASH = re.compile(rf"\$2[abxy]\${_COST}\$[./A-Za-z0-9]{{21}}[.Oeu][./A-Za-z0-9]{{31}}")
_HEADERS: dict[str, tuple[str, ...]] = {
    "Content-Security-Policy": (),
    "Strict-Transport-Security": (),
    "X-Content-Type-Options": ("nosniff",),
    "X-Frame-Options": ("deny", "sameorigin"),
    "X-XSS-Protection": (),
}
# That of Go; a number beyond a float's range would be an error later.
_GREATEST_INT = 2**63 - 1
_UNVERIFIED = ("RequestClientCert", "RequireAnyClientCert", "RequireClientCert")


def _one_of(*names: str) -> AfterValidator:
    def check(name: str) -> str:
        if name not in names:
            raise ValueError(f"must be one of {', '.join(names)}")
        return name

    return AfterValidator(check)


def _check_client_auth_type(name: str) -> str:
    if name in _UNVERIFIED:
        raise ValueError(
            "must be another one: Python cannot request client certificates without verifying"
            " them;"
            f" use {' or '.join(CLIENT_VERIFICATION)}"
        )
    if name not in ("", "NoClientCert", *CLIENT_VERIFICATION):
        raise ValueError(f"must be NoClientCert, {' or '.join(CLIENT_VERIFICATION)}")
    return name


def _check_curves(names: tuple[str, ...]) -> tuple[str, ...]:
    if len(names) > 1:
        raise ValueError("must hold one curve at most: Python can choose only one")
    return names


def _check_headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if name not in _HEADERS:
            raise ValueError(f"must hold no other headers than {', '.join(_HEADERS)}")
        allowed = _HEADERS[name]
        if allowed and value not in allowed:
            raise ValueError(f"must set {name} to {' or '.join(allowed)}")
        if not re.fullmatch(r"[ -~\t]*", value):
            raise ValueError(f"must set {name} to printable ASCII characters")
    return headers


def _check_hash(text: str) -> str:
    if not _HASH.fullmatch(text):
        raise ValueError(
            "must be a bcrypt hash: 60 characters that begin with $2a$, $2b$, $2x$ or $2y$, a cost"
            " from 04 to 31, and a salt as bcrypt writes it"
        )
    return text


def _blank_if_null(value: object) -> object:
    return "" if value is None else value


_Version = Annotated[str, _one_of(*TLS_VERSIONS)]
_Path = str | None


class Section(BaseModel):
    """Keys of one section; null stands for the default, as in Go."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _without_nulls(cls, keys: Any) -> Any:  # noqa: ANN401 - any YAML
        if not isinstance(keys, dict):
            return keys
        return {key: value for key, value in keys.items() if value is not None}


class TlsSection(Section):
    """``tls_server_config``; an empty text means that a file, certificate or key is not given."""

    cert: str = ""
    key: str = ""
    client_ca: str = ""
    cert_file: str = ""
    key_file: str = ""
    client_ca_file: str = ""
    client_auth_type: Annotated[str, AfterValidator(_check_client_auth_type)] = ""
    client_allowed_sans: tuple[str, ...] | None = None
    cipher_suites: tuple[Annotated[str, _one_of(*CIPHERS, *TLS13_CIPHERS)], ...] = ()
    curve_preferences: Annotated[
        tuple[Annotated[str, _one_of(*CURVES)], ...], AfterValidator(_check_curves)
    ] = ()
    min_version: _Version = "TLS12"
    max_version: _Version = "TLS13"
    prefer_server_cipher_suites: bool = True

    @property
    def is_enabled(self) -> bool:
        """Whether TLS is on: a certificate, key, CA or policy turns it on, other options do not."""
        files = (self.cert_file, self.key_file, self.client_ca_file)
        return any((*files, self.cert, self.key, self.client_ca, self.client_auth_type))

    @property
    def verifies_clients(self) -> bool:
        """Whether the certificates of clients are requested and verified."""
        return self.client_auth_type in CLIENT_VERIFICATION

    @property
    def requires_client_certificate(self) -> bool:
        """Whether a client without a certificate is refused."""
        return self.client_auth_type == "RequireAndVerifyClientCert" or (
            self.verifies_clients and self.client_allowed_sans is not None
        )


class HttpSection(Section):
    """``http_server_config``."""

    http2: bool = True
    headers: Annotated[
        dict[str, Annotated[str, BeforeValidator(_blank_if_null)]], AfterValidator(_check_headers)
    ] = {}


class RateLimitSection(Section):
    """``rate_limit``; an ``interval`` of 0 switches it off."""

    interval: Annotated[float, BeforeValidator(parse_go_duration)] = 0.0
    burst: Annotated[int, Field(le=_GREATEST_INT)] = 0


class WebConfigModel(Section):
    """The whole file."""

    tls_server_config: TlsSection = TlsSection()
    http_server_config: HttpSection = HttpSection()
    rate_limit: RateLimitSection = RateLimitSection()
    basic_auth_users: dict[str, Annotated[str, AfterValidator(_check_hash)]] = {}
