"""The faults and the paging of lists, which change every second or two."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from exporter.simulator import Fault, Faults, Paging, TokenPaging, V2Style
from exporter.simulator.endpoints import PATHS, version_of
from tests.soak import oddities, restless
from tests.soak.batch_states import ALL_STATUSES
from tests.soak.births import seeded
from tests.soak.projects import LIMITED, PROJECTS, REFUSED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from random import Random

    from exporter.simulator import Simulator
    from exporter.simulator.faults import Endpoint

_ENDPOINTS: Final[tuple[Endpoint, ...]] = tuple(PATHS)
_OF_V1BETA: Final = tuple(e for e in _ENDPOINTS if version_of(e) == "v1beta")
_LISTS: Final[tuple[Endpoint, ...]] = ("list_jobs", "list_batches")
# Answers with something that is left out.
_ODD_KINDS: Final = {"wrong_shape", "odd_row"}
_SERVER_ERRORS = (500, 502, 503, 504)
# None of these is a valid answer of any endpoint.
_WRONG_SHAPES: tuple[Any, ...] = (
    [],
    "a text",
    5,
    {"items": "none"},
    {"items": None},
)
_RATE_LIMITED_AT_MOST = 6
_SECONDS_BETWEEN_REFUSALS = 8.0
# An ended job is given up after five counts, the last of them fifteen seconds after the first.
_LONGEST_SHUFFLE_SECONDS = 22.0
_LONGEST_ORDER_SECONDS = 15.0
# Reasons of failure that are always possible: a busy machine is slow, and connections end.
EVERYWHERE: Final = {"timeout", "network", "server", "bad_response", "not_found", "other"}
REASONS: Final[Mapping[str, set[str]]] = {
    project.name: EVERYWHERE
    | {
        LIMITED.name: {"rate_limited"},
        REFUSED.name: {"unauthorized", "payment_required", "forbidden"},
    }.get(project.name, set())
    for project in PROJECTS
}


def _by_kind(random: Random) -> Mapping[str, Callable[..., Fault]]:
    def server_error(**facts: Any) -> Fault:
        retry_after = random.choice((None, None, 0, 0.3))
        code = random.choice(_SERVER_ERRORS)
        return Fault("status", code=code, retry_after=retry_after, **facts)

    return {
        "server error": server_error,
        "odd status": lambda **facts: Fault("status", code=random.choice((409, 418)), **facts),
        "html": lambda **facts: Fault("html", code=random.choice((200, 404, 502)), **facts),
        "not_json": lambda **facts: Fault("not_json", **facts),
        "wrong_shape": lambda **facts: Fault(
            "wrong_shape", body=random.choice(_WRONG_SHAPES), **facts
        ),
        "odd_row": lambda **facts: oddities.draw(random, **facts),
        "slow": lambda **facts: Fault("slow", seconds=random.uniform(0.05, 0.5), **facts),
        "hang": lambda **facts: Fault("hang", **facts),
        "cut_off": lambda **facts: Fault("cut_off", **facts),
        "reset": lambda **facts: Fault("reset", **facts),
    }


class CountedFaults(Faults):
    """Faults that are counted when requests get them."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.drawn: Counter[str] = Counter()

    def take(self, endpoint: Endpoint, job_id: str | None, project_id: str | None) -> Fault | None:
        """Return the fault for a request, if any."""
        fault = super().take(endpoint, job_id, project_id)
        if fault is not None:
            self.drawn[f"{fault.kind} {fault.code}" if fault.kind == "status" else fault.kind] += 1
        return fault


class Weather:
    """Changes faults and paging while a simulator runs.

    Until it is ``open``, nothing is left out of v2's lists, because the first listing decides what
    counts of batches that existed before the exporter.
    """

    def __init__(self, simulator: Simulator, faults: CountedFaults, seed: int) -> None:
        self.is_open = False
        self._simulator = simulator
        self._faults = faults
        self._seed = seed
        self._random = seeded(seed, "weather")
        self._kinds = _by_kind(self._random)
        self._next_change = 0.0
        self._next_refusal = 0.0
        self._shuffled_until = 0.0
        self._next_shuffle = 0.0
        self._rate_limited = 0
        self._simulator.v2 = V2Style(results_in=ALL_STATUSES)

    def advance(self, now: float, *, may_be_slow: bool) -> None:
        """Change the faults if that is due; ``now`` is monotonic.

        Odd values ``may_be_slow`` to be detected if there is time for it.
        """
        if now < self._next_change:
            return
        self._next_change = now + self._random.uniform(0.7, 2.5)
        self._faults.clear()
        self._trouble_of_keys(now)
        if self._random.random() < 0.3:
            self._storm()
        if self._random.random() < 0.85:
            self._showers()
        if self._random.random() < 0.6:
            self._drizzle(may_be_slow=may_be_slow)
        self._shuffle(now)
        self._page(reshuffles=now < self._shuffled_until)

    def clear(self) -> None:
        """End all faults; lists are paged as LlamaCloud is known to page them."""
        self._faults.clear()
        self._simulator.jobs_paging = Paging()
        self._simulator.items_paging = Paging(order="oldest")
        self._simulator.batches_paging = TokenPaging()
        self._simulator.file_jobs_paging = TokenPaging()
        self._simulator.v2 = V2Style(results_in=ALL_STATUSES)

    def make_rows_odd(self) -> None:
        """Remove the id of a row on each page of jobs and batches."""
        for endpoint in _LISTS:
            self._faults.add(Fault("odd_row", odd_field="id", body="", endpoint=endpoint))

    def _showers(self) -> None:
        """Let all kinds of faults hit a few requests each."""
        for name, kind in self._kinds.items():
            chance = self._random.uniform(0, 0.004 if name == "hang" else 0.015)
            if chance:
                self._add(kind(chance=chance))

    def _drizzle(self, *, may_be_slow: bool) -> None:
        """Make some rows odd."""
        for _ in range(6):
            chance = self._random.uniform(0.0, 0.05)
            self._add(oddities.draw(self._random, may_be_slow=may_be_slow, chance=chance))

    def _storm(self) -> None:
        """Let one kind of fault hit every request of a project, or all requests of one kind."""
        kind = self._kinds[self._random.choice(list(self._kinds))]
        if self._random.random() < 0.5:
            self._add(kind(project_id=self._random.choice(PROJECTS).project_id))
        else:
            self._add(kind(endpoint=self._random.choice(_ENDPOINTS)))

    def _add(self, fault: Fault) -> None:
        if fault.kind in _ODD_KINDS and not self.is_open:
            fault = replace(fault, endpoint=fault.endpoint or self._random.choice(_OF_V1BETA))
            if fault.endpoint not in _OF_V1BETA:
                return
        self._faults.add(fault)

    def _trouble_of_keys(self, now: float) -> None:
        random = self._random
        if self._rate_limited < _RATE_LIMITED_AT_MOST and random.random() < 0.4:
            self._rate_limited += 1
            retry_after = random.choice((None, 0, 0.2))
            limited = Fault("status", code=429, retry_after=retry_after, times=1)
            self._faults.add(replace(limited, project_id=LIMITED.project_id))
        if now >= self._next_refusal:
            self._next_refusal = now + _SECONDS_BETWEEN_REFUSALS
            code, endpoint = random.choice((401, 402, 403)), random.choice(_LISTS)
            refused = Fault("status", code=code, times=random.randint(1, 2), endpoint=endpoint)
            self._faults.add(replace(refused, project_id=REFUSED.project_id))

    def _shuffle(self, now: float) -> None:
        """Return lists of items in changing order for a while."""
        if now >= self._next_shuffle:
            self._shuffled_until = now + self._random.uniform(1.0, _LONGEST_SHUFFLE_SECONDS)
            order_seconds = self._random.uniform(1.0, _LONGEST_ORDER_SECONDS)
            self._next_shuffle = self._shuffled_until + order_seconds

    def _page(self, *, reshuffles: bool) -> None:
        simulator, random = self._simulator, self._random
        simulator.jobs_paging = jobs = restless.jobs_paging(random)
        simulator.items_paging = restless.items_paging(
            random, reshuffles=reshuffles, ignore_offset=jobs.ignore_offset
        )
        if self.is_open:
            simulator.batches_paging = restless.batches_paging(random)
            simulator.file_jobs_paging = restless.file_jobs_paging(random)
            simulator.v2 = restless.v2_style(random)
