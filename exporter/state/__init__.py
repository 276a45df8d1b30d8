"""The state file: what a restart keeps of all projects."""

from exporter.state.loading import LoadedState as LoadedState
from exporter.state.loading import load_state as load_state
from exporter.state.store import StateStore as StateStore
