"""Odd values in single rows, and what must be left out because of each.

None of them changes what is counted: unreadable values are absent, and others have the meaning of
the true ones.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from exporter.simulator import Fault

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from exporter.simulator import RecordedRequest
    from exporter.simulator.faults import Endpoint

# The name under which a whole row is left out, beside the names of fields.
ROW: Final = "row"
_LONG_TEXT = "long " * 20_000
_YEAR_ONE = "0001-01-01T00:00:00Z"
_UNUSABLE_IDS: tuple[object, ...] = (
    None,
    "",
    "..",
    7,
    ["job"],
    "x" * 1_001,
    "job\x00",
    "job-\udce9",
)
_NO_OBJECTS: tuple[object, ...] = (None, 5, "row", [], [[["nested"]]])
_NO_NUMBERS: tuple[object, ...] = (None, -1, "12", 1.5, [3], 10**20)
_TEXTS: tuple[object, ...] = (None, 7, {"code": "E1"}, [["nested"]], "caf\udce9", _LONG_TEXT)


def _upper(word: str | None) -> str | None:
    return word and word.upper()


def _no_text(message: str | None) -> object:
    """Return values that are not text, for fields without which no reason is lost."""
    return message or {"code": "E1"}


def _lower(word: str | None) -> str | None:
    return word and word.lower()


def _with_type_in_upper_case(config: Any) -> object:
    return {"job": {**config["job"], "type": config["job"]["type"].upper()}}


def _without_configuration(config: Any) -> object:
    return {"job": {**config["job"], "configuration_id": {"id": 1}}}


def _longer(message: str | None) -> str | None:
    """Return a text with a lone surrogate that has the same reason."""
    return message and f"{message} \udce9 {_LONG_TEXT}"


_Values = tuple[str | None, tuple[object, ...]]
_OF_ANY_ROW: tuple[_Values, ...] = (
    (None, _NO_OBJECTS),
    ("status", (_upper,)),
    ("not_documented", (_LONG_TEXT, [[{"deep": [None]}]], -1, "\udce9")),
)
_OF_JOBS: tuple[_Values, ...] = (
    *_OF_ANY_ROW,
    ("id", _UNUSABLE_IDS),
    ("job_type", (_upper,)),
    ("error_message", _TEXTS),
    ("directory_id", _TEXTS),
    ("updated_at", (None, "", 1_795_877_185, "soon", _YEAR_ONE, [])),
    *((f"{what}_items", _NO_NUMBERS) for what in ("processed", "failed", "skipped")),
)
_OF_ITEMS: tuple[_Values, ...] = (
    *_OF_ANY_ROW,
    ("item_id", _UNUSABLE_IDS),
    ("item_name", _TEXTS),
    ("error_message", (_no_text, _longer)),
)
_OF_ANY_ROW_OF_V2: tuple[_Values, ...] = (
    (None, _NO_OBJECTS),
    ("id", _UNUSABLE_IDS),
    ("status", (_lower,)),
    ("project_id", (None, 7, ["prj"])),
    ("not_documented", (_LONG_TEXT, [[{"deep": [None]}]], -1, "\udce9")),
)
_OF_BATCHES: tuple[_Values, ...] = (
    *_OF_ANY_ROW_OF_V2,
    ("source_directory_id", _TEXTS),
    ("config", (_with_type_in_upper_case, _without_configuration)),
)
_OF_RESULTS: tuple[_Values, ...] = (
    ("results.source_directory_file_id", _UNUSABLE_IDS),
    ("results.error_message", (_longer,)),
)
# The exporter reads the true reference once it has given up, thirty intervals later.
_SLOW_OF_RESULTS: tuple[_Values, ...] = (
    # Null is not odd: it means that a cancelled batch never made a job for the file.
    ("results.job_reference", (7, {"type": "parse_v2", "id": ".."})),
)
_OF_PARSE_JOBS: tuple[_Values, ...] = (
    *_OF_ANY_ROW_OF_V2,
    ("name", _TEXTS),
    ("error_message", (_no_text, _longer)),
)
_OF_EXTRACT_JOBS: tuple[_Values, ...] = (
    *_OF_ANY_ROW_OF_V2,
    ("error_message", (_no_text, _longer)),
    ("extract_result", (None, -1, "\udce9", [[{"deep": [None]}]])),
)
_OF: Mapping[Endpoint, tuple[_Values, ...]] = {
    "list_jobs": _OF_JOBS,
    "job_status": _OF_JOBS,
    "list_items": _OF_ITEMS,
    "list_batches": _OF_BATCHES,
    "batch": (*_OF_BATCHES, *_OF_RESULTS, *_SLOW_OF_RESULTS),
    "list_parse_jobs": _OF_PARSE_JOBS,
    "list_extract_jobs": _OF_EXTRACT_JOBS,
}
_IDS = frozenset({None, "id", "item_id", "source_directory_file_id"})


def _is_text(value: object) -> bool:
    return isinstance(value, str)


def _is_number(_: object) -> bool:
    return False


def _is_time(value: object) -> bool:
    return value == _YEAR_ONE


# For each field that is read, the odd values above that are readable all the same.
_CAN_BE_READ: Mapping[str, Callable[[object], bool]] = {
    **dict.fromkeys(("status", "job_type", "error_message", "directory_id", "item_name"), _is_text),
    **dict.fromkeys(("source_directory_id", "project_id", "name"), _is_text),
    "job_reference": _is_number,
    **dict.fromkeys(("processed_items", "failed_items", "skipped_items"), _is_number),
    "updated_at": _is_time,
}


def draw(
    random: Random,
    *,
    endpoint: Endpoint | None = None,
    may_be_slow: bool = False,
    **facts: Any,
) -> Fault:
    """Draw an odd value, and the row that gets it; slow ones are detected much later."""
    of = random.choice(tuple(_OF)) if endpoint is None else endpoint
    every = [values for values in _OF[of] if may_be_slow or values not in _SLOW_OF_RESULTS]
    odd_field, values = random.choice(every)
    facts |= {"endpoint": of, "odd_field": odd_field, "odd_row": random.random()}
    return Fault("odd_row", body=random.choice(values), **facts)


def all_values(endpoint: Endpoint) -> Sequence[tuple[str | None, object]]:
    """Return all odd values of an endpoint's rows, each with its field."""
    return [(odd_field, value) for odd_field, values in _OF[endpoint] for value in values]


def left_out(request: RecordedRequest) -> str | None:
    """Return the field or row to be left out of the answer to a request, if any."""
    odd = request.odd_row
    if odd is None:
        return _left_out_of_wrong_shape(request)
    if request.endpoint == "batch" and odd.field in {None, "id"}:
        # Nothing else in the answer could be read.
        return None
    if odd.field == "config":
        configuration_id = odd.value["job"]["configuration_id"]
        return None if isinstance(configuration_id, str) else "configuration_id"
    name = odd.field and odd.field.removeprefix("results.")
    if name in _IDS:
        return ROW
    can_be_read = _CAN_BE_READ.get(str(name))
    if odd.value is None or can_be_read is None or can_be_read(odd.value):
        return None
    return name


def _left_out_of_wrong_shape(request: RecordedRequest) -> str | None:
    """Return whether an object of another shape lacks its job, or has rows without a usable id."""
    fault = request.fault
    if fault is None or fault.kind != "wrong_shape" or not isinstance(fault.body, dict):
        return None
    if request.endpoint == "batch":
        return None
    rows = fault.body.get("items")
    return ROW if request.endpoint == "job_status" or (rows and isinstance(rows, list)) else None
