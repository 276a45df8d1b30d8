"""What connections depend on and is no setting of ours: proxies, certificates, packages."""

from __future__ import annotations

import os
from importlib.metadata import version

_PROXIES = frozenset({"all_proxy", "http_proxy", "https_proxy", "no_proxy"})
_CERTIFICATES = frozenset({"ssl_cert_file", "ssl_cert_dir"})


class BadEnvironmentError(Exception):
    """One of the named ``variables`` cannot be used, or of the packages named in their place.

    Values may hold passwords: none is told.
    """

    def __init__(self, variables: str, advice: str) -> None:
        super().__init__(f"{variables} cannot be used: {advice}")
        self.variables = variables
        self.advice = advice


def bad_proxies() -> BadEnvironmentError | None:
    """Blame the variables about proxies, where there are any."""
    return _blamed(
        _PROXIES,
        "write a proxy as http://HOST:PORT or https://HOST:PORT (SOCKS is not supported) and "
        "NO_PROXY as HOST,HOST, or unset the variable",
    )


def bad_certificates() -> BadEnvironmentError | None:
    """Blame the variables about certificates, where there are any."""
    return _blamed(
        _CERTIFICATES,
        "name a readable file of certificates in PEM format, or unset the variable",
    )


def bad_packages(*names: str) -> BadEnvironmentError:
    """Blame the installed versions of packages."""
    installed = ", ".join(f"{name} {version(name)}" for name in names)
    return BadEnvironmentError(installed, "install the versions that requirements.lock names")


def _blamed(possible: frozenset[str], advice: str) -> BadEnvironmentError | None:
    names = sorted(name for name, value in os.environ.items() if value and name.lower() in possible)
    return BadEnvironmentError(", ".join(names), advice) if names else None
