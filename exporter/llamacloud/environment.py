"""What connections depend on besides settings: proxies, certificates and installed packages."""

from __future__ import annotations


class BadEnvironmentError(Exception):
    """One of the named ``variables``, or of the packages named in their place, cannot be used.

    Values may hold passwords, so the message contains none.
    """

    def __init__(self, variables: str, advice: str) -> None:
        super().__init__(f"{variables} cannot be used: {advice}")
        self.variables = variables
        self.advice = advice
