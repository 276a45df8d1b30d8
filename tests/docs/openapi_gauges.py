"""The metrics of a job in openapi.yaml: ``python -m tests.docs.openapi_gauges`` writes them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import exporter.pages
from exporter.domain import JobView
from exporter.exposition import JOB_FAMILIES

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.exposition.job_families import JobFamily

OPENAPI = Path(exporter.pages.__file__).parent / "openapi.yaml"
_BLOCK = re.compile(r"( *# <!-- gauges -->\n).*?( *# <!-- end -->)", re.DOTALL)
_SCHEMAS: Mapping[str, str] = {
    "int | None": "type: integer, minimum: 0",
    "float | None": "type: number",
}


def with_gauges(description: str) -> str:
    """Return openapi.yaml with a property for each family that has one sample for each job."""
    lines = "".join(_property(family) for family in JOB_FAMILIES if family.attribute)
    return _BLOCK.sub(lambda block: f"{block[1]}{lines}{block[2]}", description)


def _property(family: JobFamily) -> str:
    name = family.name.removeprefix("llamacloud_batch_job_")
    schema = _SCHEMAS[JobView.__annotations__[family.attribute]]
    if name.endswith("_ratio"):
        schema += ", minimum: 0, maximum: 1"
    return f"        {name}: {{{schema}, description: {json.dumps(family.help)}}}\n"


if __name__ == "__main__":
    OPENAPI.write_text(with_gauges(OPENAPI.read_text()))
