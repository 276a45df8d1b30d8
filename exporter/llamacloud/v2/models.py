"""The fields of v2 answers that the exporter uses.

They follow the server's OpenAPI description, but only ids are required. Statuses and types are
plain strings, so that an unknown new value does not fail decoding.
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
    """The job that processes a file; an unreadable reference has neither type nor id."""

    type: str | None = None
    id: Id | None = None


class ResultRow(Struct, frozen=True, gc=False, kw_only=True):
    """One file of a batch; ``error_message`` says why LlamaCloud made no job for it."""

    source_directory_file_id: Id
    job_reference: JobReference | None = None
    error_message: str | None = None


class BatchAnswer(BatchRow, frozen=True, kw_only=True):
    """A batch, as requested by its id; ``results`` are present only if they were requested."""

    results: list[ResultRow] | None = None


class BatchPage(Struct, frozen=True, kw_only=True):
    """A page of the list of batches."""

    items: list[BatchRow]
    next_page_token: str | None = None


class FileJobRow(Struct, frozen=True, gc=False, kw_only=True):
    """The parse or extract job of one file."""

    id: Id
    status: str | None = None
    project_id: str | None = None
    error_message: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None


class ParseJobRow(FileJobRow, frozen=True, gc=False, kw_only=True):
    """The parse job of one file."""

    name: str | None = None
