"""An exporter whose keys LlamaCloud repeats wherever it can, and the search for what leaks."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from exporter.simulator import (
    DEFAULT_PROJECT_ID,
    Fault,
    SimulatedFile,
    SimulatedFileJob,
    SimulatedItem,
)

if TYPE_CHECKING:
    from pathlib import Path

    from exporter.simulator.faults import Endpoint
    from tests.support.cloud import Cloud

KEYS = {
    "variable": "llx-variable-Zq7Jw2Xr9Lk4Tn8Bv3Yd",
    "file": "llx-file-Hm5Gc1Pf6Sa0Ue9Io7Kz",
    "yaml": "llx-yaml-Rw8Et3Qy2Nb6Vx4Mj1Dl",
    "json": "llx-json-Cs9Fo4Xu7Ai2Wg5Zh8Np",
}
# So much of a key is no accident.
REVEALING = 9
ECHO = " ".join(KEYS.values())


def leaks(*outputs: str) -> list[str]:
    """Name the keys of which a recognisable part is in an output, in any case."""
    text = "\n".join(outputs).lower()
    return [
        name
        for name, key in KEYS.items()
        if any(
            key[at : at + REVEALING].lower() in text for at in range(4, len(key) - REVEALING + 1)
        )
    ]


def _until_cut(length: int, key: str) -> str:
    """Return a text of which ``length`` characters end in the middle of ``key``."""
    return "x" * (length - len(key) + 2) + key


def echo_everywhere(cloud: Cloud) -> None:
    """Let the server repeat the keys in every field that is free text, and in its errors."""
    for number, key in enumerate(KEYS.values()):
        cloud.world.add_key(key, DEFAULT_PROJECT_ID)
        items = [
            SimulatedItem("item-1", ECHO, "failed", error_message=ECHO),
            SimulatedItem("item-2", _until_cut(500, key), "failed"),
            SimulatedItem("item-3", "c.pdf", "failed", error_message=_until_cut(500, key)),
            SimulatedItem("item-4", "d.pdf", "skipped", skip_reason=ECHO),
            SimulatedItem("item-5", "e.pdf", ECHO),
        ]
        message = _until_cut(1_000, key) if number else ECHO
        cloud.add_job(f"job-{number}", items=items, status="failed", error_message=message)
        cloud.add_job(f"active-{number}", items=items, status=ECHO, job_type=_until_cut(1_000, key))
    endpoints: tuple[Endpoint, ...] = ("list_jobs", "job_status", "list_items")
    for endpoint in endpoints:
        for fault in _echoing_faults(endpoint, KEYS["variable"]):
            cloud.simulator.faults.add(fault)
    row = {"id": "a", "job_type": "parse", "status": "running", "project_id": "p", "total_items": 1}
    wrong = {"items": [row | {"created_at": KEYS["variable"]}]}
    cloud.simulator.faults.add(Fault("wrong_shape", times=2, endpoint="list_jobs", body=wrong))


def echo_in_batches(cloud: Cloud) -> None:
    """Let the server repeat the keys in the texts of batches and file jobs, and in its errors."""
    cloud.simulator.v2.results_in = frozenset({"RUNNING"})
    for number, key in enumerate(KEYS.values()):
        cloud.world.add_key(key, DEFAULT_PROJECT_ID)
        message = _until_cut(500, key)
        failed = SimulatedFileJob(
            f"pjb-{number}", status="FAILED", name=ECHO, error_message=message
        )
        files = [
            SimulatedFile("dfl-1", failed),
            SimulatedFile("dfl-2", error_message=ECHO),
            SimulatedFile("dfl-3", SimulatedFileJob(f"pjb-odd-{number}", status=ECHO)),
            SimulatedFile("dfl-4", SimulatedFileJob(f"x-{number}", type=_until_cut(1_000, key))),
        ]
        cloud.add_batch(f"bat-{number}", files=files)
        cloud.add_batch(f"odd-{number}", files=[], status=ECHO, job_type=_until_cut(1_000, key))
    # A listing that fails is requested again after an interval.
    cloud.simulator.faults.add(_echoing_faults("list_batches", KEYS["variable"])[0])
    endpoints: tuple[Endpoint, ...] = ("batch", "list_parse_jobs")
    for endpoint in endpoints:
        for fault in _echoing_faults(endpoint, KEYS["variable"]):
            cloud.simulator.faults.add(fault)


def _echoing_faults(endpoint: Endpoint, key: str) -> list[Fault]:
    once = partial(Fault, times=1, endpoint=endpoint)
    return [
        once("wrong_shape", code=422, body={"detail": ECHO}),
        once("wrong_shape", code=422, body={"detail": [{"input": _until_cut(280, key)}]}),
        once("wrong_shape", code=500, body={"detail": _until_cut(300, key)}, retry_after=0),
        once("status", code=302, headers={"location": f"http://[{ECHO}"}),
        once("status", code=429, headers={"x-echo": ECHO}, retry_after=0),
    ]


@dataclass
class Configured:
    """A server that repeats keys, and the settings that hold these."""

    cloud: Cloud
    file: Path

    def variables(self, **more: str) -> dict[str, str]:
        """Return the variables of projects with keys from a variable, a file and YAML."""
        return {
            "LLAMA_CLOUD_API_KEY": KEYS["variable"],
            "LLAMA_CLOUD_BASE_URL": self.cloud.base_url,
            "LLAMACLOUD_EXPORTER_CONFIG__FILE": str(self.file),
            "LLAMACLOUD_EXPORTER_API__REQUESTS_PER_MINUTE": "100000",
            "LLAMACLOUD_EXPORTER_API__VERSIONS": "v1beta",
            "LLAMACLOUD_EXPORTER_POLL__INTERVAL": "1s",
            "LLAMACLOUD_EXPORTER_LOG__LEVEL": "debug",
        } | more

    def as_json(self) -> dict[str, str]:
        """Return the same with the projects in a variable, and all keys in it."""
        projects = [{"name": f"by-json-{name}", "api_key": key} for name, key in KEYS.items()]
        variables = self.variables(LLAMACLOUD_EXPORTER_PROJECTS=json.dumps(projects))
        del variables["LLAMACLOUD_EXPORTER_CONFIG__FILE"]
        return variables
