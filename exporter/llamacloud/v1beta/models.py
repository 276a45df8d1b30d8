"""What the v1beta API answers, validated: strict about what it requires, tolerant of the rest.

Facts from the server's OpenAPI description. Statuses and types stay plain strings here, so that a
value newer than this exporter is an answer like any other.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    ValidationError,
)

from exporter.llamacloud.errors import BadResponse

# The most that may be asked for, so that a page can be held and read at once.
MOST_ROWS = 1000
# An id is kept as long as its job and stands in each of its series; LlamaCloud's take 40.
_LONGEST_ID = 1_000
# With nanoseconds and an offset a time takes 35; searching megabytes for one takes seconds.
_LONGEST_TIME = 100
# A page of 1000 rows has 20,000. Each takes some 40 bytes of memory, however little of the body it
# took, and what is read is read at once: without this bound, 600 MB in half a second.
_MOST_VALUES = 500_000
# No batch is larger, and larger integers would not survive as a metric's float.
_LARGEST_COUNT = 2**53
# One is told, and collecting those of a page of wrong rows would take gigabytes.
_FIRST_MISTAKE = FailFast()
_ONE_PAGE = Field(max_length=MOST_ROWS)
_LEAP_SECOND = re.compile(r"(T\d\d:\d\d):60")


def _whole_number(value: object) -> object:
    """Accept 12.0 for 12, as JSON writers without integers send it; leave the rest to pydantic."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _unix_seconds(value: object) -> float:
    """Read RFC 3339; a time without zone is UTC, the only zone that the API writes."""
    if not isinstance(value, str) or len(value) > _LONGEST_TIME:
        raise ValueError("a time is an RFC 3339 string")
    try:
        moment = _moment(value)
    except ValueError:
        # Python's own words would quote the value.
        raise ValueError("a time is an RFC 3339 string") from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _moment(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        # RFC 3339 allows both a small z and a leap second, which Python's reader does not know.
        return datetime.fromisoformat(_LEAP_SECOND.sub(r"\1:59", text.upper()))


def _path_segment(value: str) -> str:
    """Refuse ids that, as a part of a path, would ask for something else."""
    if value in {".", ".."}:
        raise ValueError("an id must not be a path")
    return value


Count = Annotated[int, BeforeValidator(_whole_number), Field(ge=0, le=_LARGEST_COUNT, strict=True)]
Time = Annotated[float, BeforeValidator(_unix_seconds)]
Id = Annotated[str, Field(min_length=1, max_length=_LONGEST_ID)]
AskedForById = Annotated[Id, AfterValidator(_path_segment)]
IdOfAnother = Annotated[str, Field(max_length=_LONGEST_ID)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True)


class JobRow(_Model):
    """A job, as in the list and in a status answer."""

    id: AskedForById
    job_type: str
    status: str
    project_id: IdOfAnother
    total_items: Count
    processed_items: Count | None = None
    failed_items: Count | None = None
    skipped_items: Count | None = None
    directory_id: IdOfAnother | None = None
    error_message: str | None = None
    created_at: Time | None = None
    started_at: Time | None = None
    completed_at: Time | None = None
    updated_at: Time | None = None


class JobStatusAnswer(_Model):
    """The answer of the status endpoint; progress runs from 0 to 100."""

    job: JobRow
    progress_percentage: Annotated[float, Field(allow_inf_nan=False, strict=True)] | None = None


class ItemRow(_Model):
    """An item of a job."""

    item_id: Id
    item_name: str
    status: str
    skip_reason: str | None = None
    error_message: str | None = None
    started_at: Time | None = None
    completed_at: Time | None = None


class _PageAnswer(_Model):
    next_page_token: str | None = None
    total_size: Count | None = None


class JobPage(_PageAnswer):
    """A page of the list of jobs."""

    items: Annotated[list[JobRow], _FIRST_MISTAKE, _ONE_PAGE]


class ItemPage(_PageAnswer):
    """A page of a job's items; the API may leave ``items`` out."""

    items: Annotated[list[ItemRow], _FIRST_MISTAKE, _ONE_PAGE] = Field(default_factory=list)


M = TypeVar("M", bound=_Model)


def parse(model: type[M], body: bytes) -> M:
    """Validate a body against a model.

    Raises:
        BadResponse: it is not JSON or not of this shape; the message says where, not what.
    """
    # With what parts it from the next, a value takes two bytes.
    if len(body) > 2 * _MOST_VALUES:
        # Each value but the first follows one of these.
        values_at_most = 1 + body.count(b",") + body.count(b"[") + body.count(b"{")
        if values_at_most > _MOST_VALUES:
            raise BadResponse(f"the body: more than {_MOST_VALUES} values")
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        place = ".".join(str(part) for part in first["loc"])[:100] or "the body"
        raise BadResponse(f"{place}: {first['msg'][:200]}") from None
