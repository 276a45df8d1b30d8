"""The composition root: reads the settings, builds everything once, runs it, and ends it."""

from exporter.app.modes import run

__all__ = ["run"]
