"""How the projects are doing, as JSON for scripts and as pages for people."""

from exporter.pages.api import api_endpoints
from exporter.pages.page import page_endpoints
from exporter.pages.report import ProjectReport, Source
from exporter.pages.worker import Worker

__all__ = ["ProjectReport", "Source", "Worker", "api_endpoints", "page_endpoints"]
