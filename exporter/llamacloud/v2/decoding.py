"""Decoding bodies about batches: as a whole if they are as documented, else field by field."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from exporter.llamacloud.errors import BadResponse
from exporter.llamacloud.fields import (
    UnreadableError,
    document_of,
    field_of,
    fields_of,
    have_usable_ids,
    is_usable_id,
    row_of,
    text,
)
from exporter.llamacloud.json_bounds import check_number_of_values
from exporter.llamacloud.left_out import Unreadable
from exporter.llamacloud.pages import read_at_once, read_page
from exporter.llamacloud.v2.models import (
    BatchAnswer,
    BatchConfig,
    BatchPage,
    BatchRow,
    JobConfig,
    JobReference,
    ResultRow,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from exporter.llamacloud.pages import Page

_BATCH_PAGE = msgspec.json.Decoder(BatchPage)
_BATCH = msgspec.json.Decoder(BatchAnswer)


@dataclass(frozen=True, slots=True)
class BatchRead:
    """A single batch; entries of ``results`` without a usable id are counted as unreadable rows."""

    row: BatchRow
    results: Sequence[ResultRow] | None
    unreadable: Unreadable


def read_batches(body: bytes) -> Page[BatchRow]:
    """Read a page of the list of batches, as ``read_page`` does."""
    return read_page(body, _BATCH_PAGE, _batch_row)


def read_batch(body: bytes) -> BatchRead:
    """Read one batch, and its results if there are any.

    Raises:
        BadResponse: it is no JSON object with a usable id.
    """
    check_number_of_values(body)
    batch = read_at_once(_BATCH, body)
    if batch is not None and have_usable_ids([batch.id, *_ids_in(batch.results or ())]):
        return BatchRead(batch, batch.results, Unreadable())
    document, unreadable = document_of(body), Unreadable()
    row = _batch_row(document, unreadable)
    if row is None:
        raise BadResponse("the batch: no usable id")
    values = field_of(document, "results", _a_list, unreadable, row.id)
    if values is None:
        return BatchRead(row, None, unreadable)
    results = [result for value in values if (result := _result_row(value, unreadable)) is not None]
    return BatchRead(row, results, unreadable)


def _ids_in(results: Sequence[ResultRow]) -> list[str]:
    references = [result.job_reference for result in results]
    ids = [reference.id for reference in references if reference is not None]
    return [*(result.source_directory_file_id for result in results), *filter(None, ids)]


def _batch_row(value: object, unreadable: Unreadable) -> BatchRow | None:
    row = row_of(BatchRow, "id", value, unreadable)
    if row is None or not isinstance(value, dict):
        return None
    return msgspec.structs.replace(row, config=_config(value, unreadable, row.id))


def _config(value: Mapping[str, Any], unreadable: Unreadable, row_id: str) -> BatchConfig:
    config = field_of(value, "config", _an_object, unreadable, row_id) or {}
    job = field_of(config, "job", _an_object, unreadable, row_id) or {}
    return BatchConfig(job=JobConfig(**fields_of(JobConfig, job, unreadable, row_id)))


def _result_row(value: object, unreadable: Unreadable) -> ResultRow | None:
    row = row_of(ResultRow, "source_directory_file_id", value, unreadable)
    if row is None or not isinstance(value, dict):
        return None
    # An unreadable reference is kept as one without id: the file may have been processed.
    reference = field_of(
        value, "job_reference", _reference, unreadable, row.source_directory_file_id
    )
    if reference is None and value.get("job_reference") is not None:
        reference = JobReference()
    return msgspec.structs.replace(row, job_reference=reference)


def _reference(value: object) -> JobReference:
    reference = _an_object(value)
    kind, job_id = reference.get("type"), reference.get("id")
    if not is_usable_id(job_id):
        raise UnreadableError
    return JobReference(type=text(kind) if kind is not None else None, id=job_id)


def _an_object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise UnreadableError
    return value


def _a_list(value: object) -> list[Any]:
    if not isinstance(value, list):
        raise UnreadableError
    return value
