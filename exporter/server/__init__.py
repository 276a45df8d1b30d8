"""The HTTP server: uvicorn's protocol with deadlines, a limit of connections, and TLS."""

from exporter.server.limits import Limits, limits_within, raise_open_files_limit
from exporter.server.server import Server
from exporter.server.tls import Tls

__all__ = ["Limits", "Server", "Tls", "limits_within", "raise_open_files_limit"]
