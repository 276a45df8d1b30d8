"""The state of the projects, as JSON for scripts and as pages for people."""

from exporter.pages.endpoints import endpoints_of
from exporter.pages.project_report import PageSource, ProjectReport

__all__ = ["PageSource", "ProjectReport", "endpoints_of"]
