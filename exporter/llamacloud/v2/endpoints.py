"""The endpoints of generation v2."""

from __future__ import annotations

from exporter.llamacloud.requests import Endpoint


class V2Endpoint(Endpoint):
    """The endpoints that are requested for batches."""

    LIST_BATCHES = "list_batches"
    BATCH = "batch"
    LIST_PARSE_JOBS = "list_parse_jobs"
    LIST_EXTRACT_JOBS = "list_extract_jobs"

    @property
    def is_listing(self) -> bool:
        """Whether it lists batches; the others are about one batch."""
        return self is V2Endpoint.LIST_BATCHES
