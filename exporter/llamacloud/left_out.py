"""What was left out of LlamaCloud's answers: counted, and logged once for each kind."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from structlog.stdlib import BoundLogger

    from exporter.llamacloud.pages import Mismatch
    from exporter.llamacloud.requests import Endpoint, RequestObserver


@dataclass(slots=True)
class Unreadable:
    """The numbers of ``rows``, and of ``fields`` by name, that could not be read in one answer.

    ``first_rows`` holds the id of the first row in which each of these fields was unreadable.
    """

    rows: int = 0
    fields: Counter[str] = field(default_factory=Counter)
    first_rows: dict[str, str | None] = field(default_factory=dict)

    def add_field(self, name: str, row_id: str | None) -> None:
        """Record an unreadable field."""
        self.fields[name] += 1
        self.first_rows.setdefault(name, row_id)


# A recurring mismatch is logged again only after this many listings without it.
_LISTINGS_UNTIL_LOGGED_AGAIN = 10


class LeftOut:
    """Counts and logs what is left out of the answers to one project.

    What it remembers is bounded, as field names are those of the API's description.
    """

    def __init__(self, observer: RequestObserver, log: BoundLogger) -> None:
        self._observer = observer
        self._log = log
        self._logged: set[object] = set()
        # Listings since the last mismatch, by filter.
        self._listings_without: dict[str, int] = {}

    def record_unreadable(
        self, endpoint: Endpoint, found: Unreadable, job_id: str | None = None
    ) -> None:
        """Count and log what could not be read in an answer, which is about ``job_id`` if given."""
        for name, number in found.fields.items():
            self._observer.fields_left_out(endpoint, name, number)
            self._warn_once(
                "api.unreadable_field",
                endpoint,
                job_id or found.first_rows[name],
                field=name,
                advice="treated as absent; if it is as LlamaCloud documents it, report it",
            )
        if found.rows:
            self._observer.rows_left_out(endpoint, found.rows)
            self._warn_once(
                "api.unreadable_row",
                endpoint,
                job_id,
                rows=found.rows,
                advice="rows without a usable id are left out: contact LlamaCloud's support",
            )

    def record_mismatch(self, mismatch: Mismatch) -> None:
        """Log that a list showed a row that contradicts a filter of its request.

        It is logged the first time, and again after ten listings in a row without any.
        """
        is_new = mismatch.filter not in self._listings_without
        # The current listing has a mismatch.
        self._listings_without[mismatch.filter] = -1
        if not is_new:
            return
        self._log.warning(
            "api.row_not_asked_for",
            filter=mismatch.filter,
            job_id=mismatch.row_id,
            advice="left out; check whether a proxy or cache sends answers of other requests",
        )

    def listing_ended(self) -> None:
        """Note that a listing is complete."""
        self._listings_without = {
            what: listings + 1
            for what, listings in self._listings_without.items()
            if listings + 1 < _LISTINGS_UNTIL_LOGGED_AGAIN
        }

    def _warn_once(
        self, event: str, endpoint: Endpoint, job_id: str | None, **facts: str | int
    ) -> None:
        kind = (event, endpoint, facts.get("field"))
        if kind not in self._logged:
            self._logged.add(kind)
            about = {} if job_id is None else {"job_id": job_id}
            self._log.warning(event, endpoint=str(endpoint), **about, **facts)
