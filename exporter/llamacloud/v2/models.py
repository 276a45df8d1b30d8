"""What the v2 API answers, as the fields that are used of it.

Facts from the server's OpenAPI description. Only ids are required, all else may be absent or null.
Statuses and types stay plain strings here: a value newer than this exporter is as good as any.
"""

from __future__ import annotations

from datetime import datetime

from msgspec import Struct

from exporter.llamacloud.fields import Id


class JobConfig(Struct, frozen=True, kw_only=True):
    """What a batch does to each of its files."""

    type: str | None = None
    configuration_id: str | None = None


class BatchConfig(Struct, frozen=True, kw_only=True):
    """How a batch is configured."""

    job: JobConfig | None = None


class BatchRow(Struct, frozen=True, kw_only=True):
    """A batch, as in the list."""

    id: Id
    status: str | None = None
    project_id: str | None = None
    source_directory_id: str | None = None
    config: BatchConfig | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class JobReference(Struct, frozen=True, gc=False, kw_only=True):
    """Which job processes a file; a reference that cannot be read has neither type nor id."""

    type: str | None = None
    id: Id | None = None


class ResultRow(Struct, frozen=True, gc=False, kw_only=True):
    """One file of a batch; ``error_message`` says why LlamaCloud could make no job for it."""

    source_directory_file_id: Id
    job_reference: JobReference | None = None
    error_message: str | None = None


class BatchAnswer(BatchRow, frozen=True, kw_only=True):
    """A batch, as asked for by its id; ``results`` are there only where they were asked for."""

    results: list[ResultRow] | None = None


class BatchPage(Struct, frozen=True, kw_only=True):
    """A page of the list of batches."""

    items: list[BatchRow]
    next_page_token: str | None = None


class FileJobRow(Struct, frozen=True, gc=False, kw_only=True):
    """The job of one file, without the document that it made; extract jobs have no name."""

    id: Id
    name: str | None = None
    status: str | None = None
    project_id: str | None = None
    error_message: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
