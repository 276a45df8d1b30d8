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
from typing import TYPE_CHECKING

from exporter.addresses import DEFAULT_LISTEN_ADDRESSES, HEALTHY_PATH, parse_listen_addresses
from exporter.standard_streams import write_error
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from exporter.addresses import ListenAddress

_FLAG = "--healthcheck"
_ADDRESS_VARIABLE = "LLAMACLOUD_EXPORTER_WEB__LISTEN_ADDRESS"
_FILE_VARIABLE = "LLAMACLOUD_EXPORTER_CONFIG__FILE"
_SECONDS = 3.0
_READ_BYTES = 200
_LONGEST_WORDS = 300


def run(argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Return 0 if the exporter with these settings is healthy, else 1, and say what is wrong.

    No other status: Docker reserves 2. It takes three seconds at most, beyond reading the settings.
    """
    try:
        problem = problem_at(listen_addresses(argv, environ))
    # Python raises a RuntimeError where the machine gives no thread.
    except (ValueError, RuntimeError) as error:
        problem = str(error)
    if problem is None:
        return 0
    write_error(f"{escaped(problem)[:_LONGEST_WORDS]}\n")
    return 1


def listen_addresses(argv: Sequence[str], environ: Mapping[str, str]) -> tuple[ListenAddress, ...]:
    """Return where an exporter with these settings listens; keys and projects are not read.

    Raises:
        ValueError: the settings have mistakes.
    """
    if [*argv] == [_FLAG] and not environ.get(_FILE_VARIABLE):
        text = environ.get(_ADDRESS_VARIABLE)
        try:
            return parse_listen_addresses(text) if text else DEFAULT_LISTEN_ADDRESSES
        except ValueError:
            # Reading all settings finds the mistake again, and names it as ever.
            pass
    from exporter.config import ConfigError, load  # noqa: PLC0415 - the module's docstring says why

    try:
        return load(argv, environ).settings.web.listen_address
    except ConfigError as error:
        raise ValueError(" ".join(error.problems)) from None


def problem_at(addresses: Iterable[ListenAddress], seconds: float = _SECONDS) -> str | None:
    """Say what is wrong with the exporter that listens there, ``None`` if it answers everywhere."""
    deadline = time.monotonic() + seconds
    for address in addresses:
        problem = _problem_before(deadline, seconds, address)
        if problem is not None:
            return problem
    return None


def _problem_before(deadline: float, seconds: float, address: ListenAddress) -> str | None:
    if address.port == 0:
        return (
            f"web.listen_address {address} has port 0, so that nobody can tell which port the"
            " exporter took: choose one"
        )
    found: list[str | None] = []
    asking = threading.Thread(target=lambda: found.append(_problem(address, seconds)), daemon=True)
    asking.start()
    # Looking up a name has no limit of its own, nor has an answer that comes byte by byte.
    asking.join(max(deadline - time.monotonic(), 0.0))
    return found[0] if found else _late(address, seconds)


def _problem(address: ListenAddress, seconds: float) -> str | None:
    connection = _connection(address, seconds)
    try:
        connection.request("GET", HEALTHY_PATH)
        response = connection.getresponse()
        words = response.read(_READ_BYTES).decode(errors="replace").strip()
    except TimeoutError:
        return _late(address, seconds)
    except (OSError, http.client.HTTPException, ValueError) as error:
        told = getattr(error, "strerror", None) or f"{type(error).__name__} {error}".strip()
        return (
            f"{_url(address)} cannot be asked: {told}; does the exporter run, and is this its"
            " web.listen_address?"
        )
    finally:
        connection.close()
    if response.status == HTTPStatus.OK:
        return None
    return f"{_url(address)} answered {response.status}: {words}"


def _late(address: ListenAddress, seconds: float) -> str:
    return f"{_url(address)} did not answer within {seconds:g} s"


def _connection(address: ListenAddress, seconds: float) -> http.client.HTTPConnection:
    """Open no connection yet. The one place that will know of TLS, once that can be set."""
    return http.client.HTTPConnection(_host(address), address.port, timeout=seconds)


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


def _url(address: ListenAddress) -> str:
    host = _host(address)
    bracketed = f"[{host}]" if ":" in host else host
    return f"http://{bracketed}:{address.port}{HEALTHY_PATH}"
