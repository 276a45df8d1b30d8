"""The exporter's own metrics: how complete and how fresh its data is."""

from exporter.telemetry.exporter import Telemetry as Telemetry
from exporter.telemetry.metrics import FAMILIES as FAMILIES
from exporter.telemetry.project import ProjectTelemetry as ProjectTelemetry
from exporter.telemetry.rendering import render as render
