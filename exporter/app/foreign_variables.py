"""Environment variables of our libraries and of Python's ``ssl`` that must have no effect."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import MutableMapping

# A test compares the list with what the installed libraries read. Proxies and SSL_CERT_FILE,
# SSL_CERT_DIR are not among them: these are documented, and read by ourselves or on purpose.
FOREIGN_VARIABLES: Final = (
    # structlog; its colours depend on the terminal alone.
    "FORCE_COLOR",
    "NO_COLOR",
    # prometheus_client: writes files, and serves the counters of former processes.
    "PROMETHEUS_MULTIPROC_DIR",
    "prometheus_multiproc_dir",
    "PROMETHEUS_DISABLE_CREATED_SERIES",
    "PROMETHEUS_LEGACY_NAME_VALIDATION",
    # pydantic and pydantic-settings; the last one logs values of settings.
    "PYDANTIC_DISABLE_PLUGINS",
    "PYDANTIC_ERRORS_INCLUDE_URL",
    "PYDANTIC_PRIVATE_ALLOW_UNHANDLED_SCHEMA_TYPES",
    "PYDANTIC_SETTINGS_DEBUG",
    # ssl: writes the secrets of connections, and with them the key, into a file.
    "SSLKEYLOGFILE",
    # uvicorn
    "FORWARDED_ALLOW_IPS",
    "WEB_CONCURRENCY",
)


def forget_foreign_variables(environ: MutableMapping[str, str]) -> None:
    """Remove the variables from ``environ``, before any of the libraries is imported."""
    for name in FOREIGN_VARIABLES:
        environ.pop(name, None)
