"""What of LlamaCloud's answers was left out: counted, and logged once for each kind."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from exporter.llamacloud.requests import Endpoint, RequestObserver


@dataclass(slots=True)
class Unread:
    """What could not be read in one answer: ``rows``, and ``fields`` by name and id of the row."""

    rows: int = 0
    fields: list[tuple[str, str | None]] = field(default_factory=list)


class LeftOut:
    """Counts and logs what is left out of the answers to one project.

    Names of fields are those of the API's description, so that what is remembered is bounded.
    """

    def __init__(self, observer: RequestObserver, log: BoundLogger) -> None:
        self._observer = observer
        self._log = log
        self._logged: set[tuple[str, str]] = set()

    def unread(self, endpoint: Endpoint, unread: Unread, job_id: str | None = None) -> None:
        """Note what could not be read in an answer, about ``job_id`` if it is about one job."""
        for name, row_id in unread.fields:
            self._observer.field_left_out(endpoint, name)
            if self._is_news(f"{endpoint}.field", name):
                self._log.warning(
                    "api.unreadable_field",
                    endpoint=str(endpoint),
                    field=name,
                    **_about(job_id or row_id),
                    advice="taken as absent; if it is as LlamaCloud documents it, report it",
                )
        for _ in range(unread.rows):
            self._observer.row_left_out(endpoint)
        if unread.rows and self._is_news(f"{endpoint}.row", ""):
            self._log.warning(
                "api.unreadable_row",
                endpoint=str(endpoint),
                rows=unread.rows,
                **_about(job_id),
                advice="rows without a usable id are left out: ask LlamaCloud's support",
            )

    def not_asked_for(self, what: str, job_id: str) -> None:
        """Note that a listing showed a job although a filter, named by ``what``, excludes it."""
        if self._is_news("filter", what):
            self._log.warning(
                "api.row_not_asked_for",
                filter=what,
                job_id=job_id,
                advice="left out; does a proxy or cache answer with other requests' answers?",
            )

    def _is_news(self, kind: str, name: str) -> bool:
        if (kind, name) in self._logged:
            return False
        self._logged.add((kind, name))
        return True


def _about(job_id: str | None) -> dict[str, str]:
    return {} if job_id is None else {"job_id": job_id}
