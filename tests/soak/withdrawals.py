"""API generations of LlamaCloud that vanish for some seconds, and their effects on the exporter."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from tests.soak.births import seeded
from tests.soak.projects import PROJECTS, STALE_AFTER_SECONDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from exporter.simulator import Simulator
    from exporter.simulator.endpoints import ApiVersion
    from tests.soak.exposition import Exposition

_VANISHING: Final[tuple[tuple[ApiVersion, ...], ...]] = (
    *(("v2",), ("v2",), ("v2",)),
    *(("v1beta",), ("v1beta",)),
    ("v1beta", "v2"),
)
# Statuses that mean that the requested resource is not offered.
_CODES: Final = (404, 404, 404, 405, 410, 501)
_FIRST_AFTER_SECONDS: Final = 1.0
# Some last until active jobs are withdrawn, but none until its jobs leave.
_LONGEST_SECONDS: Final = STALE_AFTER_SECONDS + 10.0
# Without any generation, the project cannot be listed.
_LONGEST_WITHOUT_ANY_SECONDS: Final = 6.0
# By then, a listing that began before has ended, and an answer has been sent.
_TOLD_WITHIN_SECONDS: Final = 8.0
_SENT_WITHIN_SECONDS: Final = 2.0


class Withdrawals:
    """Makes API generations vanish and return while a simulator runs."""

    def __init__(self, simulator: Simulator, seed: int) -> None:
        self.number = 0
        # When each missing generation vanished, by LlamaCloud's clock.
        self.since: dict[str, float] = {}
        self._simulator = simulator
        self._random = seeded(seed, "withdrawals")
        self._next_change: float | None = None

    def advance(self, now: float) -> None:
        """Change the generations if that is due; ``now`` is monotonic."""
        if self._next_change is None:
            self._next_change = now + _FIRST_AFTER_SECONDS
        if now < self._next_change:
            return
        if self.since:
            self.clear()
            self._next_change = now + self._random.uniform(8, 25)
        else:
            self._next_change = now + self._withdraw()

    def clear(self) -> None:
        """Restore all generations."""
        self._simulator.withdrawn.clear()
        self.since.clear()

    def _withdraw(self) -> float:
        """Make one generation vanish, or all; return for how many seconds."""
        random = self._random
        vanishing = random.choice(_VANISHING)
        self._simulator.withdrawn |= dict.fromkeys(vanishing, random.choice(_CODES))
        self.since = dict.fromkeys(vanishing, self._simulator.world.clock())
        # The first one is short, so that a short soak sees the return as well.
        is_short = self.number == 0
        self.number += 1
        if is_short:
            return random.uniform(1.2, 2.5)
        return random.uniform(
            2.0, _LONGEST_SECONDS if len(vanishing) == 1 else _LONGEST_WITHOUT_ANY_SECONDS
        )


def wrong_offers(exposition: Exposition, since: Mapping[str, float]) -> list[str]:
    """Report generations that a scrape shows as present although they are not.

    ``since`` is when each missing generation vanished, by LlamaCloud's clock.
    """
    wrong = []
    for project in PROJECTS:
        listed_at = exposition.value(
            "llamacloud_exporter_last_listing_timestamp_seconds", project=project.name
        )
        for api_version, vanished_at in since.items():
            of = {"project": project.name, "api_version": api_version}
            offered = exposition.value("llamacloud_exporter_api_offered", **of)
            answered_at = exposition.value(
                "llamacloud_exporter_api_last_answered_timestamp_seconds", **of
            )
            if (answered_at or 0.0) > vanished_at + _SENT_WITHIN_SECONDS:
                wrong.append(f"{of}: answered at {answered_at}, and vanished at {vanished_at}")
            if (listed_at or 0.0) > vanished_at + _TOLD_WITHIN_SECONDS and offered != 0.0:
                wrong.append(f"{of}: offered {offered}, though it vanished at {vanished_at}")
    return wrong
