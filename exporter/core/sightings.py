"""Which views of ended jobs scrapes have shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection

    from exporter.domain import JobView


class Sightings:
    """Owns the view of each ended job that scrapes show, and the generations of the last scrapes.

    A generation is the number of a publication.
    """

    def __init__(self) -> None:
        self.scraped_generations: tuple[int, ...] = ()
        self._shown_since: dict[str, tuple[JobView, int]] = {}

    def scraped(self, generation: int, *, keep: int) -> bool:
        """Note a complete scrape, and tell whether it is one of the newest that are kept."""
        newest = sorted((*self.scraped_generations, generation), reverse=True)
        scraped, before = tuple(newest[:keep]), self.scraped_generations
        self.scraped_generations = scraped
        return scraped != before

    def published(
        self, generation: int, views: Collection[JobView], ended: Collection[str]
    ) -> bool:
        """Note what scrapes show from now on of ``ended`` jobs, and tell whether that is news."""
        is_news = False
        for view in views:
            if view.job_id in ended and view != self._shown_since.get(view.job_id, (None,))[0]:
                self._shown_since[view.job_id] = view, generation
                is_news = True
        return is_news

    def shown_since(self, view: JobView) -> int | None:
        """Return the first generation that showed a view, if one did."""
        shown, generation = self._shown_since.get(view.job_id, (None, 0))
        return generation if shown == view else None

    def forget(self, job_id: str) -> None:
        """Forget a job that is active again, or has left."""
        self._shown_since.pop(job_id, None)
