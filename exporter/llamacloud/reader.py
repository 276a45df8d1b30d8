"""What the readers of both generations share: requests about one project, and pages of lists."""

from __future__ import annotations

import copy
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

import structlog

from exporter.llamacloud.errors import Unprocessable
from exporter.llamacloud.known_values import KnownValues
from exporter.llamacloud.left_out import LeftOut
from exporter.llamacloud.page_sizes import PageSizes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from exporter.llamacloud.client import Client
    from exporter.llamacloud.pages import Mismatch, Page
    from exporter.llamacloud.permit import Permit
    from exporter.llamacloud.requests import Answer, Endpoint, Query

Row = TypeVar("Row")
Converted = TypeVar("Converted")


class ProjectReader:
    """Sends requests about one project to one generation of the API, and reads pages of lists.

    ``scope`` are the query parameters that name the project, ``project`` is its name in the log.
    It remembers which page sizes work, and what was logged.
    """

    def __init__(
        self,
        client: Client,
        scope: Mapping[str, str],
        *,
        project: str | None,
        size_parameter: str,
        sizes: tuple[int, ...],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        log = structlog.get_logger("exporter")
        self.log = log if project is None else log.bind(project=project)
        self.left_out = LeftOut(client.observer, self.log)
        self.known_values = KnownValues(self.log)
        self.page_sizes = PageSizes(size_parameter, sizes, self.log, clock)
        self._scope = scope
        self._client = client
        self._permit: Permit | None = None

    def using(self, permit: Permit | None) -> Self:
        """Return a reader that sends its first request by ``permit``, with the same memory."""
        reader = copy.copy(self)
        reader._permit = permit  # noqa: SLF001 - its own kind
        return reader

    async def _get(
        self, endpoint: Endpoint, path: str, params: Query, *, retries_bodies: bool = True
    ) -> Answer:
        params = {**self._scope, **params}
        return await self._client.get(
            endpoint, path, params, self._permit, retries_bodies=retries_bodies
        )

    async def _get_page(
        self,
        endpoint: Endpoint,
        path: str,
        params: Query,
        read: Callable[[bytes], Page[Row]],
        *,
        job_id: str | None = None,
        most_rows: int | None = None,
        retries_bodies: bool = True,
    ) -> Page[Row]:
        """Get a page of the largest size that works, up to ``most_rows``.

        What cannot be read of it is logged, with ``job_id`` if the list is about one job.
        """
        sizes = self.page_sizes
        while True:
            size = sizes.of(endpoint)
            limit = size if size is None else min(size, most_rows or size)
            sized = params if limit is None else {**params, sizes.parameter: str(limit)}
            try:
                answer = await self._get(endpoint, path, sized, retries_bodies=retries_bodies)
                break
            except Unprocessable as error:
                if not sizes.refused(endpoint, size, error):
                    raise
        page = read(answer.body)
        self.left_out.record_unreadable(endpoint, page.unreadable, job_id)
        return replace(
            page,
            limit=limit,
            asked_monotonic=answer.asked_monotonic,
            answered_at=answer.answered_at,
        )

    def _matching(
        self,
        page: Page[Row],
        mismatch: Callable[[Row], Mismatch | None],
        convert: Callable[[Row], Converted],
    ) -> Page[Converted]:
        """Convert the rows of a page; leave out and log those that contradict a filter."""
        rows: list[Converted] = []
        mismatches: list[Mismatch] = []
        for row in page.rows:
            if (found := mismatch(row)) is not None:
                mismatches.append(found)
                self.left_out.record_mismatch(found)
            else:
                rows.append(convert(row))
        return replace(cast("Page[Any]", page), rows=rows, mismatches=mismatches)
