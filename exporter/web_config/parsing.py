"""Reading the web configuration file: all mistakes at once, each with the file and the key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from exporter.config import ConfigError
from exporter.config.errors import invalid, shown, unknown
from exporter.config.yamlfile import read_yaml
from exporter.web_config.go_values import CIPHERS, TLS_VERSIONS
from exporter.web_config.sections import WebConfigModel

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from pydantic_core import ErrorDetails

    from exporter.web_config.sections import RateLimitSection, TlsSection

_KIND = "web configuration file"
# They may hold secrets, or be long.
_NEVER_SHOWN = {"basic_auth_users", "cert", "client_ca", "key"}
_NO_EFFECT = (
    "has no effect without a client_auth_type that verifies client certificates: set"
    " RequireAndVerifyClientCert."
)


def named(path: Path) -> str:
    """Return what messages call the file."""
    return f"the {_KIND} {shown(path)}"


def parse_web_config(
    path: Path, problems: list[str], *, may_be_empty: bool = True
) -> WebConfigModel:
    """Read and check a web configuration file, but none of the files that it names.

    All mistakes are added to ``problems``, and keys that have one are left out of the model. An
    empty file has no settings; unless it ``may_be_empty``, that is a mistake.
    """
    try:
        tree = read_yaml(path, _KIND)
    except ConfigError as error:
        problems += error.problems
        return WebConfigModel()
    if tree is None and not may_be_empty:
        problems.append(f"{named(path)} is empty: write {{}} for no settings.")
    tree, found, invalid_keys = tree or {}, [], set()
    try:
        model = WebConfigModel.model_validate(tree)
    except ValidationError as error:
        found = [_worded(details) for details in error.errors()]
        invalid_keys = {".".join(map(str, details["loc"][:2])) for details in error.errors()}
        model = WebConfigModel.model_validate(_without(invalid_keys, tree))
    found += _tls_problems(model.tls_server_config, invalid_keys)
    found += _version_problems(model.tls_server_config)
    found += _rate_problems(model.rate_limit, invalid_keys)
    problems += [f"{named(path)}: {problem}" for problem in found]
    return model


def _worded(details: ErrorDetails) -> str:
    place = [str(part) for part in details["loc"]]
    key = shown(".".join(place)).strip('"')
    if details["type"] == "extra_forbidden":
        return unknown(".".join(place), _known_keys(".".join(place[:-1])))
    if place[-1] == "[key]":
        return f'{".".join(place[:-2])} must have names that are text, not null; "" is empty.'
    if details["type"] in {"model_type", "dict_type"}:
        return f"{key} must be a mapping."
    show_value = not _NEVER_SHOWN.intersection(place)
    return invalid(key, details, show_value=show_value)


def _known_keys(section: str) -> list[str]:
    """Return the keys of a section with its name, or the sections if there is none."""
    sections = WebConfigModel.model_fields
    if not section:
        return list(sections)
    return [f"{section}.{key}" for key in getattr(sections[section].annotation, "model_fields", ())]


def _without(keys: Collection[str], tree: Mapping[str, Any]) -> dict[str, Any]:
    """Leave sections, and keys of sections, out of a file's content."""
    return {
        name: {key: value for key, value in section.items() if f"{name}.{key}" not in keys}
        if isinstance(section, dict)
        else section
        for name, section in tree.items()
        if name not in keys
    }


def _tls_problems(tls: TlsSection, invalid_keys: Collection[str]) -> Iterator[str]:
    def is_given(key: str) -> bool:
        return bool(getattr(tls, key)) or f"tls_server_config.{key}" in invalid_keys

    if not tls.is_enabled:
        options = sorted(key for key in tls.model_fields_set if getattr(tls, key) != "")
        if options and not any(is_given(key) for key in ("cert_file", "cert", "client_auth_type")):
            yield (
                f"tls_server_config.{options[0]} is set, but no certificate: TLS would be off;"
                " set cert_file and key_file, or leave tls_server_config out."
            )
        return
    for key in ("cert", "key"):
        if not is_given(key) and not is_given(f"{key}_file"):
            yield f"tls_server_config must have {key}_file or {key}."
    if tls.verifies_clients or "tls_server_config.client_auth_type" in invalid_keys:
        return
    for key in ("client_ca_file", "client_ca", "client_allowed_sans"):
        if getattr(tls, key) not in ("", None):
            yield f"tls_server_config.{key} {_NO_EFFECT}"


def _version_problems(tls: TlsSection) -> Iterator[str]:
    if TLS_VERSIONS[tls.max_version] < TLS_VERSIONS[tls.min_version]:
        yield (
            f"tls_server_config.max_version must not be below min_version, {tls.min_version}:"
            " no client could connect."
        )
    elif (
        tls.cipher_suites and tls.max_version == "TLS12" and not set(tls.cipher_suites) & {*CIPHERS}
    ):
        yield "tls_server_config.cipher_suites must hold one of TLS 1.2: no client could connect."


def _rate_problems(limit: RateLimitSection, invalid_keys: Collection[str]) -> Iterator[str]:
    if limit.interval < 0:
        yield "rate_limit.interval must not be negative: leave it out for no limit."
    elif limit.interval > 0 and limit.burst < 1 and "rate_limit.burst" not in invalid_keys:
        yield "rate_limit.burst must be at least 1: every request would be refused."
