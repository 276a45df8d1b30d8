"""``--healthcheck``: request ``/-/healthy`` of a running exporter, for images without curl.

A container does this every 30 seconds, within the memory limit of the exporter. So the modules that
read all settings are imported only if one variable is not enough.
"""

from __future__ import annotations

import http.client
import threading
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple

from exporter.addresses import (
    DEFAULT_LISTEN_ADDRESSES,
    HEALTHY_PATH,
    ListenAddress,
    parse_listen_addresses,
)
from exporter.logs.standard_streams import write_error
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_FLAG = "--healthcheck"
_ADDRESS_VARIABLE = "LLAMACLOUD_EXPORTER_WEB__LISTEN_ADDRESS"
# If either is set, there are files to read.
_FILE_VARIABLES = ("LLAMACLOUD_EXPORTER_CONFIG__FILE", "LLAMACLOUD_EXPORTER_WEB__CONFIG__FILE")
_NEEDS_CERTIFICATE = (
    "the web configuration file requires client certificates, and --healthcheck has none: check by"
    " TCP instead"
)
_SECONDS = 3.0
_READ_BYTES = 200
_LONGEST_WORDS = 300


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Return 0 if the exporter with these settings is healthy; else print why, and return 1.

    Docker reserves the status 2. This takes three seconds at most, beyond reading the settings.
    """
    try:
        target = target_of(argv, environ)
        problem = problem_at(target.addresses, schemes=target.schemes)
        if problem is not None and target.advice:
            problem = f"{target.advice} ({problem})"
    # Python raises a RuntimeError if the machine's limit of threads is reached.
    except (ValueError, RuntimeError) as error:
        problem = str(error)
    if problem is None:
        return 0
    write_error(f"{escaped(problem)[:_LONGEST_WORDS]}\n")
    return 1


class Target(NamedTuple):
    """Where to send the request: ``schemes`` are tried in turn; ``advice`` says why none works."""

    addresses: tuple[ListenAddress, ...]
    schemes: tuple[str, ...] = ("http",)
    advice: str = ""


def target_of(argv: Sequence[str], environ: Mapping[str, str]) -> Target:
    """Return where an exporter with these settings answers, and how; keys are not read.

    Raises:
        ValueError: the settings have mistakes.
    """
    if [*argv] == [_FLAG] and not any(environ.get(name) for name in _FILE_VARIABLES):
        text = environ.get(_ADDRESS_VARIABLE)
        try:
            return Target(parse_listen_addresses(text) if text else DEFAULT_LISTEN_ADDRESSES)
        except ValueError:
            pass  # Reading all settings finds the mistake again, and reports it as always.
    from exporter.config import ConfigError, load  # noqa: PLC0415 - the module's docstring says why

    try:
        web = load(argv, environ).settings.web
    except ConfigError as error:
        raise ValueError(" ".join(error.problems)) from None
    if web.config.file is None:
        return Target(web.listen_address)
    from exporter.web_config.parsing import parse_web_config  # noqa: PLC0415 - as above

    mistakes: list[str] = []
    tls = parse_web_config(web.config.file, mistakes).tls_server_config
    if mistakes:
        # The exporter still uses the configuration that it read before.
        return Target(web.listen_address, ("https", "http"))
    # TLS is turned on or off only when the exporter starts.
    schemes = ("https", "http") if tls.is_enabled else ("http", "https")
    advice = _NEEDS_CERTIFICATE if tls.requires_client_certificate else ""
    return Target(web.listen_address, schemes, advice)


def problem_at(
    addresses: Sequence[ListenAddress],
    seconds: float = _SECONDS,
    schemes: Sequence[str] = ("http",),
) -> str | None:
    """Return what is wrong with an exporter that listens there, ``None`` if it is healthy.

    It must answer at every address, by one of the ``schemes``, within this many seconds in all.
    """
    requested = [_url(addresses[0], schemes[0])]
    found: list[str | None] = []

    def check() -> None:
        problems = (_problem_of(address, schemes, seconds, requested) for address in addresses)
        found.append(next(filter(None, problems), None))

    checking = threading.Thread(target=check, daemon=True)
    checking.start()
    # A look-up of a name has no time limit of its own, nor has an answer that comes byte by byte.
    checking.join(seconds)
    return found[0] if found else _late(requested[-1], seconds)


def _problem_of(
    address: ListenAddress, schemes: Sequence[str], seconds: float, requested: list[str]
) -> str | None:
    if address.port == 0:
        return (
            f"web.listen_address {address} has port 0, so that the port which the exporter listens"
            " on is not known: choose one"
        )
    problems = []
    for scheme in schemes:
        url = _url(address, scheme)
        requested.append(url)
        problem = _problem(url, _connection(scheme, address, seconds), seconds)
        if problem is None:
            return None
        problems.append(problem)
    return problems[0]


def _problem(url: str, connection: http.client.HTTPConnection, seconds: float) -> str | None:
    try:
        connection.request("GET", HEALTHY_PATH)
        response = connection.getresponse()
        words = response.read(_READ_BYTES).decode(errors="replace").strip()
    except TimeoutError:
        return _late(url, seconds)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or f"{type(error).__name__} {error}".strip()
        return (
            f"{url} cannot be requested: {reason}; does the exporter run, and is this its"
            " web.listen_address?"
        )
    finally:
        connection.close()
    if response.status == HTTPStatus.OK:
        return None
    return f"{url} answered {response.status}: {words}"


def _late(url: str, seconds: float) -> str:
    return f"{url} did not answer within {seconds:g} s"


def _connection(scheme: str, address: ListenAddress, seconds: float) -> http.client.HTTPConnection:
    """Return a connection that is not open yet.

    Certificates are not verified: they are made for other names than this machine has for itself.
    """
    host = _host(address)
    if scheme == "http":
        return http.client.HTTPConnection(host, address.port, timeout=seconds)
    import ssl  # noqa: PLC0415 - only who uses it pays for it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, address.port, timeout=seconds, context=context)


def _host(address: ListenAddress) -> str:
    """Return a host by which this machine reaches itself, also if it listens on all interfaces."""
    host = address.host
    try:
        is_everywhere = ip_address(host).is_unspecified
    except ValueError:
        is_everywhere = not host
    if not is_everywhere:
        return host
    return "::1" if ":" in host else "127.0.0.1"


def _url(address: ListenAddress, scheme: str) -> str:
    return f"{scheme}://{ListenAddress(_host(address), address.port)}{HEALTHY_PATH}"
