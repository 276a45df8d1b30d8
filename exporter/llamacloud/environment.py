"""What connections depend on and is no setting of ours: proxies, certificates, packages."""

from __future__ import annotations

from importlib.metadata import version


class BadEnvironmentError(Exception):
    """One of the named ``variables`` cannot be used, or of the packages named in their place.

    Values may hold passwords: none is told.
    """

    def __init__(self, variables: str, advice: str) -> None:
        super().__init__(f"{variables} cannot be used: {advice}")
        self.variables = variables
        self.advice = advice


def bad_certificates(variable: str) -> BadEnvironmentError:
    """Blame a variable about certificates."""
    return BadEnvironmentError(
        variable,
        "name a readable file of certificates in PEM format, in SSL_CERT_DIR a folder of them, or"
        " unset the variable",
    )


def bad_packages(*names: str) -> BadEnvironmentError:
    """Blame the installed versions of packages."""
    installed = ", ".join(f"{name} {version(name)}" for name in names)
    return BadEnvironmentError(installed, "install the versions that requirements.lock names")
