"""Polling one project: list its jobs every interval, refresh them as the budget allows."""

from exporter.poller.pace import Pace
from exporter.poller.project import ProjectPoller
from exporter.poller.settings import PollerSettings

__all__ = ["Pace", "PollerSettings", "ProjectPoller"]
