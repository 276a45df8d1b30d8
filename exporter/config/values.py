"""Kinds of values that settings have: durations, paths, URLs, ids and names.

Each function that reads or checks one raises a ``ValueError`` whose text completes "the setting".
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from pydantic import PlainValidator

from exporter.addresses import FIXED_PATHS
from exporter.domain import ApiVersion

_UNIT_SECONDS = {"w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1, "ms": 0.001}
_WRITTEN_IN_DAYS_FROM = 2 * 86400
_DURATION = re.compile("".join(f"(?:([0-9]{{1,9}}){unit})?" for unit in _UNIT_SECONDS))
_BARE_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]*)?")
_PATH = re.compile(r"/[A-Za-z0-9._~/-]*")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
# A host without a scheme: it can be shown, because it cannot hold a password.
_HOST_ALONE = re.compile(r"(localhost|[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+)(:[0-9]{1,5})?/?")
_API_PATH = re.compile(r"/api/v[0-9][a-z0-9/]*$")
# Kubernetes sets these in every pod for a Service whose name begins like our prefixes.
_SERVICE_LINK = re.compile(
    r"(\w+_)?(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_\w+)?)?)"
)
_SERVICE_LINK_PORT = re.compile(r"(tcp|udp|sctp)://.*")
DEFAULT_BASE_URL = "https://api.cloud.llamaindex.ai"


def parse_duration(text: str) -> float:
    """Return the seconds of a duration written as Prometheus writes it: ``1h30m``, ``500ms``."""
    if text == "0":
        return 0.0
    if _BARE_NUMBER.fullmatch(text):
        number = text[:20].lstrip("+-")
        raise ValueError(f"must have a unit, as in {number}s, {number}m or {number}h")
    match = _DURATION.fullmatch(text)
    if not text or match is None:
        raise ValueError("must be a duration such as 30s, 5m or 1h30m")
    parts = zip(match.groups(), _UNIT_SECONDS.values(), strict=True)
    return float(sum(int(count) * seconds for count, seconds in parts if count))


def format_duration(seconds: float) -> str:
    """Return a duration as ``parse_duration`` reads it; parts under a millisecond are lost."""
    left = round(seconds * 1000)
    parts = []
    for unit, unit_seconds in _UNIT_SECONDS.items():
        # A day is written 24h, as Prometheus's users do; weeks are read, not written.
        if unit != "w" and not (unit == "d" and seconds < _WRITTEN_IN_DAYS_FROM):
            count, left = divmod(left, round(unit_seconds * 1000))
            parts.append(f"{count}{unit}" if count else "")
    return "".join(parts) or "0s"


def duration_between(at_least: float, at_most: float) -> PlainValidator:
    """Return a validator for float seconds that are written as a duration within bounds."""

    def parse(value: object) -> float:
        seconds = parse_duration(value.strip() if isinstance(value, str) else str(value))
        if not at_least <= seconds <= at_most:
            low, high = format_duration(at_least), format_duration(at_most)
            raise ValueError(f"must be from {low} to {high}")
        return seconds

    return PlainValidator(parse)


def parse_api_versions(value: object) -> tuple[ApiVersion, ...]:
    """Return the generations of the API in a list of names, or in a text with commas between."""
    known = " and ".join(ApiVersion)
    given = value.split(",") if isinstance(value, str) else value
    names = [str(name).strip() for name in given] if isinstance(given, list) else []
    if not names or not set(names) <= set(ApiVersion):
        raise ValueError(f"must be one or more of {known}, separated by commas")
    if len(set(names)) < len(names):
        raise ValueError(f"must not name a version twice; the known ones are {known}")
    return tuple(map(ApiVersion, names))


def check_telemetry_path(path: str) -> str:
    """Return the path under which metrics are served."""
    if not _PATH.fullmatch(path):
        raise ValueError("must start with / and hold letters, digits and . _ ~ - only")
    if (path.rstrip("/") or "/") in FIXED_PATHS:
        raise ValueError(f"must not be one of {', '.join(FIXED_PATHS)}, which serve other pages")
    return path


def check_uuid(text: str) -> str:
    """Return a LlamaCloud id in lower case."""
    found = _UUID.search(text.lower())
    if found and found[0] != text.lower():
        raise ValueError(f"must be the UUID alone, which is {found[0]}")
    if not found:
        raise ValueError("must be a UUID such as 123e4567-e89b-12d3-a456-426614174000")
    return text.lower()


def check_base_url(text: str) -> str:
    """Return a base URL without the slash at its end."""
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if _HOST_ALONE.fullmatch(text):
        raise ValueError(f"must begin with https:// or http://, as in https://{text}")
    if not whole or not re.fullmatch(r"[!-~]+", text) or "\\" in text:
        raise ValueError(f"must be an http or https URL such as {DEFAULT_BASE_URL}")
    if "@" in text:
        raise ValueError("must not hold a user name or a password")
    if "?" in text or "#" in text:
        raise ValueError("must not have a query or a fragment")
    if path := _API_PATH.search(text):
        raise ValueError(f"must end before {path[0]}, which every request adds")
    return text.rstrip("/")


def check_name(text: str) -> str:
    """Return a name, whose every character the log and the page can show."""
    if not text.isprintable():
        raise ValueError("must hold printable characters only")
    return text


def is_service_link(prefix: str, name: str, value: str) -> bool:
    """Return whether Kubernetes set the variable, for a Service named like ``prefix``."""
    rest = name.removeprefix(prefix)
    if rest == "PORT":
        return bool(_SERVICE_LINK_PORT.fullmatch(value))
    return bool(_SERVICE_LINK.fullmatch(rest))
