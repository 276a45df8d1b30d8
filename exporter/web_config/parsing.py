"""Reading the web configuration file: all mistakes at once, each with the file and the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import ValidationError

from exporter.config import ConfigError
from exporter.config.errors import invalid, shown, unknown
from exporter.config.yamlfile import read_yaml
from exporter.web_config.go_values import CIPHERS, TLS_VERSIONS
from exporter.web_config.model import Section, WebConfigModel

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from exporter.web_config.model import RateLimitSection, TlsSection

_KIND = "web configuration file"
# They may hold secrets, or be long.
_NEVER_SHOWN = {"basic_auth_users", "cert", "client_ca", "key"}


def named(path: Path) -> str:
    """Return what messages call the file."""
    return f"the {_KIND} {shown(path)}"


def parse_web_config(path: Path, *, may_be_empty: bool = True) -> WebConfigModel:
    """Read and check a web configuration file, but none of the files that it names.

    An empty file has no settings, or is a mistake unless it ``may_be_empty``.

    Raises:
        ConfigError: with all mistakes.
    """
    tree = read_yaml(path, _KIND)
    if tree is None and not may_be_empty:
        raise ConfigError(f"{named(path)} is empty: write {{}} for no settings.")
    try:
        model = WebConfigModel.model_validate(tree or {})
    except ValidationError as error:
        problems = [f"{named(path)}: {_told(details)}" for details in error.errors()]
        raise ConfigError(*problems) from None
    tls, rate_limit = model.tls_server_config, model.rate_limit
    found = [*_tls_problems(tls), *_version_problems(tls), *_rate_problems(rate_limit)]
    if found:
        raise ConfigError(*(f"{named(path)}: {problem}" for problem in found))
    return model


def _told(details: ErrorDetails) -> str:
    place = [str(part) for part in details["loc"]]
    key = ".".join(part if len(part) < _LONGEST_KEY else "..." for part in place)
    if details["type"] == "extra_forbidden":
        section = ".".join(place[:-1])
        return unknown(".".join(place), _keys_of(WebConfigModel, section))
    if details["type"] in {"model_type", "dict_type"}:
        return f"{key} must be a mapping."
    show_value = not _NEVER_SHOWN.intersection(place)
    return invalid(shown(key).strip('"'), details, show_value=show_value)


_LONGEST_KEY = 100


def _keys_of(model: type[Section], section: str) -> list[str]:
    """Return the keys that a section may hold, with its name."""
    if not section:
        return list(model.model_fields)
    annotation = model.model_fields[section].annotation
    assert isinstance(annotation, type)  # noqa: S101 - only sections forbid other keys
    assert issubclass(annotation, Section)  # noqa: S101 - likewise
    return [f"{section}.{key}" for key in annotation.model_fields]


def _tls_problems(tls: TlsSection) -> Iterator[str]:
    if not tls.is_enabled:
        if options := sorted(key for key in tls.model_fields_set if getattr(tls, key) != ""):
            yield (
                f"tls_server_config.{options[0]} is set, but no certificate: TLS would be off;"
                " set cert_file and key_file, or leave tls_server_config out."
            )
        return
    for certificate in ("cert", "key"):
        if not (getattr(tls, certificate) or getattr(tls, f"{certificate}_file")):
            yield f"tls_server_config must have {certificate}_file or {certificate}."
    if tls.verifies_clients:
        return
    for key in ("client_ca_file", "client_ca"):
        if getattr(tls, key):
            yield (
                f"tls_server_config.{key} has no effect without a client_auth_type that verifies"
                " client certificates: set RequireAndVerifyClientCert."
            )
    if tls.client_allowed_sans is not None:
        yield (
            "tls_server_config.client_allowed_sans has no effect without a client_auth_type that"
            " verifies client certificates: set RequireAndVerifyClientCert."
        )


def _version_problems(tls: TlsSection) -> Iterator[str]:
    if TLS_VERSIONS[tls.max_version] < TLS_VERSIONS[tls.min_version]:
        yield (
            f"tls_server_config.max_version must not be below min_version, {tls.min_version}:"
            " nobody could connect."
        )
    elif (
        tls.cipher_suites and tls.max_version == "TLS12" and not set(tls.cipher_suites) & {*CIPHERS}
    ):
        yield "tls_server_config.cipher_suites must hold one of TLS 1.2: nobody could connect."


def _rate_problems(rate_limit: RateLimitSection) -> Iterator[str]:
    if rate_limit.interval < 0:
        yield "rate_limit.interval must not be negative: leave it out for no limit."
    elif rate_limit.interval > 0 and rate_limit.burst < 1:
        yield "rate_limit.burst must be at least 1: every request would be refused."
