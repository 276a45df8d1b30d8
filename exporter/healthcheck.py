"""``--healthcheck``: ask a running exporter whether it is healthy, for images without curl.

A container does this every 30 seconds, within the memory limit of the exporter: so the modules that
read all settings are loaded only where there is more to read than one variable.
"""

from __future__ import annotations

import http.client
import threading
import time
from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

from exporter.addresses import DEFAULT_LISTEN_ADDRESSES, HEALTHY_PATH, parse_listen_addresses
from exporter.standard_streams import write_error
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.addresses import ListenAddress

_FLAG = "--healthcheck"
_ADDRESS_VARIABLE = "LLAMACLOUD_EXPORTER_WEB__LISTEN_ADDRESS"
# Where either is set, there is more to read.
_FILE_VARIABLES = ("LLAMACLOUD_EXPORTER_CONFIG__FILE", "LLAMACLOUD_EXPORTER_WEB__CONFIG__FILE")
_NEEDS_CERTIFICATE = (
    "the web configuration file has every client show a certificate, and --healthcheck has none:"
    " check by TCP instead"
)
_SECONDS = 3.0
_READ_BYTES = 200
_LONGEST_WORDS = 300


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Return 0 if the exporter with these settings is healthy, else 1, and say what is wrong.

    No other status: Docker reserves 2. It takes three seconds at most, beyond reading the settings.
    """
    try:
        target = target_of(argv, environ)
        problem = problem_at(target.addresses, schemes=target.schemes)
        if problem is not None and target.advice:
            problem = f"{target.advice} ({problem})"
    # Python raises a RuntimeError where the machine gives no thread.
    except (ValueError, RuntimeError) as error:
        problem = str(error)
    if problem is None:
        return 0
    write_error(f"{escaped(problem)[:_LONGEST_WORDS]}\n")
    return 1


class Target(NamedTuple):
    """What to ask: ``schemes`` are tried in turn; ``advice`` says why none can work."""

    addresses: tuple[ListenAddress, ...]
    schemes: tuple[str, ...] = ("http",)
    advice: str = ""


def target_of(argv: Sequence[str], environ: Mapping[str, str]) -> Target:
    """Return where and how an exporter with these settings answers; keys are not read.

    Raises:
        ValueError: the settings have mistakes.
    """
    if [*argv] == [_FLAG] and not any(environ.get(name) for name in _FILE_VARIABLES):
        text = environ.get(_ADDRESS_VARIABLE)
        try:
            return Target(parse_listen_addresses(text) if text else DEFAULT_LISTEN_ADDRESSES)
        except ValueError:
            # Reading all settings finds the mistake again, and names it as ever.
            pass
    from exporter.config import ConfigError, load  # noqa: PLC0415 - the module's docstring says why

    try:
        web = load(argv, environ).settings.web
    except ConfigError as error:
        raise ValueError(" ".join(error.problems)) from None
    if web.config.file is None:
        return Target(web.listen_address)
    from exporter.web_config.parsing import parse_web_config  # noqa: PLC0415 - likewise

    mistakes: list[str] = []
    tls = parse_web_config(web.config.file, mistakes).tls_server_config
    if mistakes:
        # The exporter goes on by what it read before.
        return Target(web.listen_address, ("https", "http"))
    # Whether TLS is on changes with the exporter's next start only.
    schemes = ("https", "http") if tls.is_enabled else ("http", "https")
    advice = _NEEDS_CERTIFICATE if tls.requires_client_certificate else ""
    return Target(web.listen_address, schemes, advice)


def problem_at(
    addresses: Iterable[ListenAddress],
    seconds: float = _SECONDS,
    schemes: Sequence[str] = ("http",),
) -> str | None:
    """Say what is wrong with the exporter that listens there, ``None`` if it answers everywhere."""
    deadline = time.monotonic() + seconds
    for address in addresses:
        problem = _problem_before(deadline, seconds, address, schemes)
        if problem is not None:
            return problem
    return None


def _problem_before(
    deadline: float, seconds: float, address: ListenAddress, schemes: Sequence[str]
) -> str | None:
    if address.port == 0:
        return (
            f"web.listen_address {address} has port 0, so that nobody can tell which port the"
            " exporter took: choose one"
        )
    found: list[str | None] = []
    urls = [_url(address, scheme) for scheme in schemes]

    def ask() -> None:
        found.append(_first_problem(urls, seconds))

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    # Looking up a name has no limit of its own, nor has an answer that comes byte by byte.
    asking.join(max(deadline - time.monotonic(), 0.0))
    return found[0] if found else _late(urls[0], seconds)


def _first_problem(urls: Sequence[str], seconds: float) -> str | None:
    """Return the problem of the first URL, ``None`` if there is a URL without one."""
    problem = _problem(urls[0], seconds)
    return problem and (problem if all(_problem(url, seconds) for url in urls[1:]) else None)


def _problem(url: str, seconds: float) -> str | None:
    connection = _connection(url, seconds)
    try:
        connection.request("GET", HEALTHY_PATH)
        response = connection.getresponse()
        words = response.read(_READ_BYTES).decode(errors="replace").strip()
    except TimeoutError:
        return _late(url, seconds)
    except (OSError, http.client.HTTPException, ValueError) as error:
        told = getattr(error, "strerror", None) or f"{type(error).__name__} {error}".strip()
        return (
            f"{url} cannot be asked: {told}; does the exporter run, and is this its"
            " web.listen_address?"
        )
    finally:
        connection.close()
    if response.status == HTTPStatus.OK:
        return None
    return f"{url} answered {response.status}: {words}"


def _late(url: str, seconds: float) -> str:
    return f"{url} did not answer within {seconds:g} s"


def _connection(url: str, seconds: float) -> http.client.HTTPConnection:
    """Return a connection that is not open yet.

    Certificates are not verified: they are made for other names than this machine has for itself.
    """
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "http":
        return http.client.HTTPConnection(host, parts.port, timeout=seconds)
    import ssl  # noqa: PLC0415 - only who uses it pays for it

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return http.client.HTTPSConnection(host, parts.port, timeout=seconds, context=context)


def _host(address: ListenAddress) -> str:
    """Return a host by which this machine reaches itself, also where every interface is meant."""
    host = address.host
    try:
        is_unspecified = not host or ip_address(host).is_unspecified
    except ValueError:
        return host
    if not is_unspecified:
        return host
    return "::1" if ":" in host else "127.0.0.1"


def _url(address: ListenAddress, scheme: str) -> str:
    host = _host(address)
    bracketed = f"[{host}]" if ":" in host else host
    return f"{scheme}://{bracketed}:{address.port}{HEALTHY_PATH}"
