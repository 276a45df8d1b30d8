"""What the ``LLAMA_CLOUD_*`` variables say of every project that does not say it itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from exporter.config.documentation import LLAMA_CLOUD_VARIABLES, documented_settings
from exporter.config.errors import ConfigError, shown, unknown
from exporter.config.keys import ApiKey, find_key
from exporter.config.values import DEFAULT_BASE_URL, check_base_url, check_uuid, is_service_link

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.config.misplaced import KnownKeys

IDS_VARIABLE = "LLAMA_CLOUD_PROJECT_ID"
KEY_VARIABLES = ("LLAMA_CLOUD_API_KEY", "LLAMA_CLOUD_API_KEY_FILE")
# The vendor's SDK looks there where LLAMA_CLOUD_API_KEY is not set.
_SDK_KEY_VARIABLE = "LLAMA_PARSE_API_KEY"
_ORGANIZATION_VARIABLE = "LLAMA_CLOUD_ORGANIZATION_ID"
_URL_VARIABLE = "LLAMA_CLOUD_BASE_URL"
_PREFIX = "LLAMA_CLOUD_"


class Common(NamedTuple):
    """What every project has that has none of its own."""

    api_key: ApiKey | None
    base_url: str
    organization_id: str | None


def common_key(
    environ: Mapping[str, str], problems: list[str], *, waits: bool = False
) -> ApiKey | None:
    """Return the key that the variables hold or name a file of, if any."""
    try:
        key = find_key(environ, *KEY_VARIABLES, waits=waits)
        return key or find_key(environ, _SDK_KEY_VARIABLE)
    except ConfigError as error:
        problems += error.problems
        return None


def common_settings(
    environ: Mapping[str, str], key: ApiKey | None, known_keys: KnownKeys, problems: list[str]
) -> Common:
    """Return what the variables say; one that is wrong counts as not set."""
    url = _value_of(environ, _URL_VARIABLE)
    if url:
        # A wrong one may hold a password.
        url = _checked(_URL_VARIABLE, url, check_base_url, known_keys, problems, shows=False)
    organization = _value_of(environ, _ORGANIZATION_VARIABLE)
    if organization:
        organization = _checked(
            _ORGANIZATION_VARIABLE, organization, check_uuid, known_keys, problems
        )
    return Common(key, url or DEFAULT_BASE_URL, organization)


def project_ids(
    environ: Mapping[str, str], known_keys: KnownKeys, problems: list[str]
) -> list[str | None]:
    """Return the ids that the variable names, none if one is wrong; ``None`` is for the default."""
    ids = _value_of(environ, IDS_VARIABLE)
    if ids is None:
        return [None]
    found: list[str] = []
    checked = [
        _checked(IDS_VARIABLE, text.strip(), check_uuid, known_keys, found)
        for text in ids.split(",")
    ]
    problems += found
    return [] if found else checked


def unknown_variables(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Name the variables that begin like those of LlamaCloud and are none that is read here.

    They are no mistakes: other programs have some of their own.
    """
    known = [*LLAMA_CLOUD_VARIABLES, *(doc.env for doc in documented_settings())]
    return tuple(
        f"environment variable {unknown(name, known)}"
        for name, value in environ.items()
        if name.upper().startswith(_PREFIX)
        if name not in LLAMA_CLOUD_VARIABLES and not is_service_link(_PREFIX, name, value)
    )


def _value_of(environ: Mapping[str, str], name: str) -> str | None:
    return environ.get(name, "").strip() or None


def _checked(
    name: str,
    text: str,
    check: Callable[[str], str],
    known_keys: KnownKeys,
    problems: list[str],
    *,
    shows: bool = True,
) -> str | None:
    """Return what a variable holds, ``None`` if that is wrong; the message may show it."""
    named = f"environment variable {name}"
    if known_keys.are_in(text):
        problems.append(known_keys.mistake(named))
        return None
    try:
        return check(text)
    except ValueError as error:
        problems.append(f"{named} {error}, not {shown(text)}." if shows else f"{named} {error}.")
        return None
