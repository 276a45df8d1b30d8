"""Answers that are right but for one odd value in one of their rows."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

if TYPE_CHECKING:
    from exporter.simulator.faults import Fault


@dataclass(frozen=True, slots=True)
class OddRow:
    """The odd ``value`` of one answer: of a ``field`` of the row, or of the whole row if ``None``.

    ``row_id`` is the true id of that row, a job's or an item's.
    """

    row_id: str
    field: str | None
    value: Any


def with_odd_row(answer: Response, fault: Fault) -> tuple[Response, OddRow | None]:
    """Put the value of a fault into one row of a right answer; without rows it stays right."""
    if answer.status_code != HTTPStatus.OK:
        return answer, None
    document = json.loads(bytes(answer.body))
    rows: Any = document if "job" in document else document["items"]
    if not rows:
        return answer, None
    place: Any = "job" if "job" in document else int(fault.odd_row * len(rows))
    row = rows[place]
    before = row if fault.odd_field is None else row.get(fault.odd_field)
    value = fault.body(before) if callable(fault.body) else fault.body
    if value == before:
        return answer, None
    odd = OddRow(row.get("id") or row["item_id"], fault.odd_field, value)
    if fault.odd_field is None:
        rows[place] = value
    else:
        row[fault.odd_field] = value
    # Escaped, as a lone surrogate has no UTF-8.
    return Response(json.dumps(document), media_type="application/json"), odd
