"""The endpoints of generation v1beta."""

from __future__ import annotations

from exporter.llamacloud.requests import Endpoint


class V1BetaEndpoint(Endpoint):
    """The endpoints that are requested for jobs."""

    LIST_JOBS = "list_jobs"
    JOB_STATUS = "job_status"
    LIST_ITEMS = "list_items"

    @property
    def is_listing(self) -> bool:
        """Whether it lists jobs; the others are about one job."""
        return self is V1BetaEndpoint.LIST_JOBS
