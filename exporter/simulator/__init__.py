"""A LlamaCloud small enough to run on the loopback: for the demo, the tests and fault injection."""

from exporter.simulator.arrivals import DEMO_PROJECTS, DemoProject
from exporter.simulator.faults import Fault, Faults
from exporter.simulator.paging import Paging
from exporter.simulator.rate_limit import RateLimit
from exporter.simulator.scenario import Scenario
from exporter.simulator.server import RecordedRequest, Simulator
from exporter.simulator.serving import serving, serving_in_thread
from exporter.simulator.v2.batches import (
    SimulatedBatch,
    SimulatedFile,
    SimulatedFileJob,
    extract_result,
    files_of,
)
from exporter.simulator.v2.style import V2Style
from exporter.simulator.v2.tokens import TokenPaging
from exporter.simulator.world import (
    DEFAULT_PROJECT_ID,
    OMIT,
    SimulatedItem,
    SimulatedJob,
    World,
    items_of,
)

__all__ = [
    "DEFAULT_PROJECT_ID",
    "DEMO_PROJECTS",
    "OMIT",
    "DemoProject",
    "Fault",
    "Faults",
    "Paging",
    "RateLimit",
    "RecordedRequest",
    "Scenario",
    "SimulatedBatch",
    "SimulatedFile",
    "SimulatedFileJob",
    "SimulatedItem",
    "SimulatedJob",
    "Simulator",
    "TokenPaging",
    "V2Style",
    "World",
    "extract_result",
    "files_of",
    "items_of",
    "serving",
    "serving_in_thread",
]
