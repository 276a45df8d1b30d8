"""The HTTP server: uvicorn, with an end to every wait and room for the next client."""

from exporter.server.limits import Limits
from exporter.server.open_files import connections_within, raise_open_files_limit
from exporter.server.server import Server

__all__ = ["Limits", "Server", "connections_within", "raise_open_files_limit"]
