"""Where the exporter is reached over HTTP: the addresses that it listens on, and fixed paths.

Errors of the parsers are a ``ValueError`` whose message completes "the setting ...".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address

HEALTHY_PATH = "/-/healthy"
READY_PATH = "/-/ready"
RELOAD_PATH = "/-/reload"
QUIT_PATH = "/-/quit"
ROOT_PATH = "/"
JOB_PATH = "/job"
STATUS_PATH = "/api/v1/status"
JOBS_PATH = "/api/v1/jobs"
OPENAPI_PATH = "/api/v1/openapi.yaml"
STYLE_PATH = "/status.css"
SCRIPT_PATH = "/status.js"
FIXED_PATHS = (
    *(ROOT_PATH, JOB_PATH, STATUS_PATH, JOBS_PATH, OPENAPI_PATH, STYLE_PATH, SCRIPT_PATH),
    *(HEALTHY_PATH, READY_PATH, RELOAD_PATH, QUIT_PATH),
)

_HOST_AND_PORT = re.compile(r"(?:\[(?P<v6>[^\]]*)\]|(?P<host>[A-Za-z0-9._-]*)):(?P<port>\d{1,5})")
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """Where to listen; an empty host stands for every interface."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return the address as it is written in the settings."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


DEFAULT_LISTEN_ADDRESSES = (ListenAddress("", 9910),)


def parse_listen_address(text: str) -> ListenAddress:
    """Return the address written as ``host:port``, ``:port`` or ``[::1]:port``."""
    match = _HOST_AND_PORT.fullmatch(text)
    if match is None or int(match["port"]) > _MAX_PORT:
        raise ValueError("must be written host:port, :port or [::1]:port, the port at most 65535")
    if match["v6"] is None:
        return ListenAddress(match["host"], int(match["port"]))
    try:
        return ListenAddress(str(IPv6Address(match["v6"])), int(match["port"]))
    except ValueError:
        raise ValueError("must have an IPv6 address between its brackets") from None


def parse_listen_addresses(value: object) -> tuple[ListenAddress, ...]:
    """Return the addresses of a list of texts, or of one text in which commas separate them."""
    given = value if isinstance(value, list) else [value]
    texts = [text for text in given if isinstance(text, str)]
    if not texts or len(texts) < len(given):
        raise ValueError("must be an address such as :9910, or a list of them")
    addresses = [parse_listen_address(part.strip()) for text in texts for part in text.split(",")]
    if len(set(addresses)) < len(addresses):
        raise ValueError("must not name an address twice")
    return tuple(addresses)
