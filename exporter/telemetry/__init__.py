"""The exporter's own metrics: how far to trust what it says of batch jobs."""

from exporter.telemetry.exporter import Telemetry
from exporter.telemetry.families import FAMILIES
from exporter.telemetry.project import ProjectTelemetry
from exporter.telemetry.rendering import render

__all__ = ["FAMILIES", "ProjectTelemetry", "Telemetry", "render"]
