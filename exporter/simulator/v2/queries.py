"""The query parameters of the v2 endpoints, checked as LlamaCloud checks them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Literal
from zlib import crc32

from pydantic import AfterValidator, Field

from exporter.simulator.queries import StatusQuery

_Moment = Annotated[
    datetime,
    # A time without a zone is UTC.
    AfterValidator(lambda moment: moment if moment.tzinfo else moment.replace(tzinfo=UTC)),
]
_BatchStatus = Literal["PENDING", "THROTTLED", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"]


class BatchQuery(StatusQuery):
    """The parameters of a request for one batch."""

    expand: list[str] = Field(default_factory=list)


class PageQuery(StatusQuery):
    """The parameters of every list of v2."""

    # The greatest size is not documented: it is part of the paging style.
    page_size: Annotated[int, Field(ge=1)] | None = None
    page_token: str | None = None
    created_at_on_or_after: _Moment | None = None
    created_at_on_or_before: _Moment | None = None
    status: str | None = None

    def admits(self, created_at: float | None, status: str) -> bool:
        """Return whether a row matches the time window and the status."""
        created = created_at or 0.0
        after, before = self.created_at_on_or_after, self.created_at_on_or_before
        return (
            (after is None or created >= after.timestamp())
            and (before is None or created <= before.timestamp())
            and self.status in {None, status}
        )

    def fingerprint(self) -> str:
        """Return a text that differs for queries that must not share page tokens."""
        narrowing = self.model_dump_json(exclude={"page_size", "page_token"})
        return f"{type(self).__name__}-{crc32(narrowing.encode()):08x}"


class BatchesQuery(PageQuery):
    """The parameters of a listing of batches."""

    status: _BatchStatus | None = None
    source_directory_id: str | None = None


class ParseJobsQuery(PageQuery):
    """The parameters of a listing of parse jobs."""

    status: Literal["PENDING", "RUNNING", "COMPLETED", "FAILED", "CANCELLED"] | None = None
    job_ids: list[str] | None = None


class ExtractJobsQuery(PageQuery):
    """The parameters of a listing of extract jobs; ``expand`` is accepted and adds nothing."""

    status: _BatchStatus | None = None
    job_ids: list[str] | None = None
    expand: list[str] = Field(default_factory=list)
    document_input_type: str | None = None
    document_input_value: str | None = None
    file_input: str | None = None
    configuration_id: str | None = None
