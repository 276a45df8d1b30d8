"""Checks of the results of polls."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.soak.exposition import Exposition
    from tests.soak.projects import SoakProject

_POLLS = "llamacloud_exporter_polls_total"


def not_partial(
    before: Exposition, after: Exposition, projects: Iterable[SoakProject]
) -> list[str]:
    """Report projects without a partial poll between two scrapes, though a row was left out."""
    wrong = []
    for project in projects:
        earlier, later = (
            exposition.value(_POLLS, project=project.name, result="partial") or 0.0
            for exposition in (before, after)
        )
        if later <= earlier:
            wrong.append(
                f"{project.name}: {earlier:g} polls were partial before a row was odd,"
                f" and {later:g} after it"
            )
    return wrong
