"""The state file: the part of all projects that survives a restart."""

from exporter.state.store import StateStore as StateStore
