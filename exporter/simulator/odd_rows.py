"""Normal answers with one odd value in one of their rows."""

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

    ``row_id`` is the true id of that row, a job's or an item's. The field of an entry in the
    results of a batch is called ``results.`` and its name.
    """

    row_id: str
    field: str | None
    value: Any


_OF_RESULTS = "results."
_IDS = ("id", "item_id", "source_directory_file_id")


def with_odd_row(answer: Response, fault: Fault) -> tuple[Response, OddRow | None]:
    """Put the value of a fault into one row of a normal answer, if that has rows."""
    if answer.status_code != HTTPStatus.OK:
        return answer, None
    held = {"answer": json.loads(bytes(answer.body))}
    rows, place, name = _place_of(held, fault)
    if not rows:
        return answer, None
    row = rows[place]
    before = row if name is None else row.get(name)
    value = fault.body(before) if callable(fault.body) else fault.body
    if value == before:
        return answer, None
    row_id = next(row[id_field] for id_field in _IDS if id_field in row)
    if name is None:
        rows[place] = value
    else:
        row[name] = value
    # Escaped, as a lone surrogate has no UTF-8.
    odd_answer = Response(json.dumps(held["answer"]), media_type="application/json")
    return odd_answer, OddRow(row_id, fault.odd_field, value)


def _place_of(held: dict[str, Any], fault: Fault) -> tuple[Any, Any, str | None]:
    """Return the container of the row, its place there, and the name of the row's field."""
    answer, name = held["answer"], fault.odd_field
    if "job" in answer:
        return answer, "job", name
    rows = answer.get("items")
    if name is not None and name.startswith(_OF_RESULTS):
        rows, name = answer.get("results") or [], name.removeprefix(_OF_RESULTS)
    if rows is None:
        return held, "answer", name
    return rows, int(fault.odd_row * len(rows)), name
