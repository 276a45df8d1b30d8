"""The state file: what a restart keeps of all projects."""

from exporter.state.loading import LoadedState, load_state
from exporter.state.store import StateStore

__all__ = ["LoadedState", "StateStore", "load_state"]
