"""The query parameters of the three v1beta endpoints, checked as LlamaCloud checks them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_origin
from uuid import UUID

from pydantic import BaseModel, Field, ValidationError

if TYPE_CHECKING:
    from starlette.datastructures import QueryParams

_Limit = Annotated[int, Field(ge=1, le=1000)]
_Offset = Annotated[int, Field(ge=0)]


class StatusQuery(BaseModel):
    """The parameters of a request for one job's status; other endpoints have more."""

    project_id: UUID | None = None
    organization_id: UUID | None = None


class JobsQuery(StatusQuery):
    """The parameters of a listing of jobs."""

    directory_id: str | None = None
    job_type: Literal["parse", "extract", "classify"] | None = None
    status: (
        Literal["pending", "running", "dispatched", "completed", "failed", "cancelled"] | None
    ) = None
    limit: _Limit = 50
    offset: _Offset = 0


class ItemsQuery(StatusQuery):
    """The parameters of a listing of items."""

    status: (
        Literal["pending", "processing", "completed", "failed", "skipped", "cancelled"] | None
    ) = None
    limit: _Limit = 100
    offset: _Offset = 0


def parameters(sent: QueryParams, understood: type[BaseModel]) -> dict[str, Any]:
    """Return the values by name: a list if ``understood`` has one, else the last value."""
    return {
        name: sent.getlist(name) if _is_list(understood, name) else value
        for name, value in dict(sent).items()
    }


def _is_list(understood: type[BaseModel], name: str) -> bool:
    if name not in understood.model_fields:
        return False
    annotation = understood.model_fields[name].annotation
    return list in {get_origin(annotation), *map(get_origin, get_args(annotation))}


def problems(error: ValidationError) -> list[dict[str, Any]]:
    """Return the mistakes in a query in the form of FastAPI's 422."""
    return [
        {**problem, "loc": ["query", *problem["loc"]]}
        for problem in error.errors(include_url=False)
    ]
