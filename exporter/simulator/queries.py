"""The query parameters of the three endpoints, checked as LlamaCloud checks them."""

from __future__ import annotations

from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, Field, ValidationError

_Limit = Annotated[int, Field(ge=1, le=1000)]
_Offset = Annotated[int, Field(ge=0)]


class StatusQuery(BaseModel):
    """What a question for one job's status may say; other endpoints may say more."""

    project_id: UUID | None = None
    organization_id: UUID | None = None


class JobsQuery(StatusQuery):
    """What narrows a listing of jobs."""

    directory_id: str | None = None
    job_type: Literal["parse", "extract", "classify"] | None = None
    status: (
        Literal["pending", "running", "dispatched", "completed", "failed", "cancelled"] | None
    ) = None
    limit: _Limit = 50
    offset: _Offset = 0


class ItemsQuery(StatusQuery):
    """What narrows a listing of items."""

    status: (
        Literal["pending", "processing", "completed", "failed", "skipped", "cancelled"] | None
    ) = None
    limit: _Limit = 100
    offset: _Offset = 0


def problems(error: ValidationError) -> list[dict[str, Any]]:
    """Say what is wrong with a query in the form of FastAPI's 422."""
    return [
        {**problem, "loc": ["query", *problem["loc"]]}
        for problem in error.errors(include_url=False)
    ]
