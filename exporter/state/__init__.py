"""The state file: the part of all projects that survives a restart."""

from exporter.state.loading import LoadedState as LoadedState
from exporter.state.loading import load_state as load_state
from exporter.state.store import StateStore as StateStore
