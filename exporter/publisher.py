"""Publishing a project: after changes, and at least every few seconds."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, NoReturn

from exporter.core.observations import Shown, TimePassed
from exporter.waiting import happens

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from exporter.core.project import ProjectCore
    from exporter.domain import ProjectView

# So that jobs leave soon after their retention, at no cost.
_PUBLISH_AT_LEAST_EVERY_SECONDS = 5.0
_LEAST_SECONDS_BETWEEN_PUBLICATIONS = 1.0


class Publisher:
    """Publishes the views of one project by ``publish_view``, once something has ``changed``.

    ``receive`` returns observations to the core. ``last_view`` is the view that was published last.
    ``last_alive_monotonic`` advances while the publisher is alive, whether LlamaCloud answers or
    not.
    """

    def __init__(
        self,
        core: ProjectCore,
        publish_view: Callable[[ProjectView], Awaitable[None]],
        *,
        receive: Callable[[TimePassed | Shown], None],
        clock: Callable[[], float],
    ) -> None:
        self._core = core
        self._publish_view = publish_view
        self._receive = receive
        self._clock = clock
        self.changed = asyncio.Event()
        self.first_poll_is_over = asyncio.Event()
        self.first_poll_is_published = asyncio.Event()
        self.last_view: ProjectView | None = None
        self.last_alive_monotonic = clock()

    async def run(self) -> NoReturn:
        """Publish until cancelled."""
        while True:
            await happens(self.changed, _PUBLISH_AT_LEAST_EVERY_SECONDS)
            self.changed.clear()
            self._receive(TimePassed())
            await self.publish()
            self.last_alive_monotonic = self._clock()
            await asyncio.sleep(_LEAST_SECONDS_BETWEEN_PUBLICATIONS)

    async def publish(self) -> None:
        """Publish the project if its view has changed."""
        is_over = self.first_poll_is_over.is_set()
        view, last = self.view(), self.last_view
        if last is None or replace(view, number=last.number) != last:
            await self._publish_view(view)
            self.published(view)
        if is_over:
            self.first_poll_is_published.set()

    def view(self) -> ProjectView:
        """Return what to publish of the project now."""
        return self._core.view(self._clock())

    def published(self, view: ProjectView) -> None:
        """Record that scrapes show a view from now on."""
        self.last_view = view
        self._receive(Shown(view))
