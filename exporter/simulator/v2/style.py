"""How the simulated v2 API answers where this is not documented."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class V2Style:
    """One way in which v2 may behave.

    ``results_in`` are the statuses in which a batch shows its results; in others they are null.
    ``project_id_prefix`` stands before project ids in rows, never in queries. With
    ``lower_case_statuses`` rows hold statuses in lower case. A request for more file jobs than
    ``max_job_ids`` is refused with ``too_many_job_ids_code`` (413, 414 or 422); with
    ``ignore_job_ids`` a listing of file jobs contains all of them, whichever were requested.
    """

    results_in: frozenset[str] = frozenset({"COMPLETED", "CANCELLED"})
    project_id_prefix: str = "prj-"
    lower_case_statuses: bool = False
    max_job_ids: int | None = None
    too_many_job_ids_code: int = 422
    ignore_job_ids: bool = False
