"""What goes wrong, and how lists are cut into pages: another weather every second or two."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from soak import oddities
from soak.growing import seeded
from soak.projects import LIMITED, PROJECTS, REFUSED

from exporter.simulator import Fault, Faults, Paging

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from random import Random

    from exporter.simulator import Simulator
    from exporter.simulator.faults import Endpoint
    from exporter.simulator.paging import Order, Page, Row

_ENDPOINTS: Final[tuple[Endpoint, ...]] = ("list_jobs", "job_status", "list_items")
_SERVER_ERRORS = (500, 502, 503, 504)
# None of them is an answer of any endpoint.
_WRONG_SHAPES: tuple[Any, ...] = (
    [],
    "a text",
    5,
    {"items": "none"},
    {"items": None},
    {"items": [{"id": 1}]},
)
_RATE_LIMITED_AT_MOST = 6
_SECONDS_BETWEEN_REFUSALS = 8.0
# An ended job is given up after five counts, the last of them fifteen seconds after the first.
_LONGEST_SHUFFLE_SECONDS = 22.0
_LONGEST_ORDER_SECONDS = 15.0
_ROWS_OF_ITEMS: Final = (None, None, 400, 150)
# A job with no more items than this is counted by one page, whatever happens to lists.
ITEMS_ON_ONE_PAGE: Final = 150
# What LlamaCloud may give as reasons anywhere: a busy machine is slow, and connections end.
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
    """Faults that are counted as they befall requests."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed=seed)
        self.drawn: Counter[str] = Counter()

    def take(self, endpoint: Endpoint, job_id: str | None, project_id: str | None) -> Fault | None:
        """Draw the fault that befalls a request, if any."""
        fault = super().take(endpoint, job_id, project_id)
        if fault is not None:
            self.drawn[f"{fault.kind} {fault.code}" if fault.kind == "status" else fault.kind] += 1
        return fault


class RestlessPaging(Paging):
    """Cuts every page in another way, though never so that a list seems to end before its end.

    If it ``reshuffles``, every page is cut out of a list in another order.
    """

    def __init__(
        self,
        random: Random,
        sizes: Sequence[int | None],
        order: Order,
        *,
        reshuffles: bool = False,
    ) -> None:
        super().__init__(order=order)
        self._random = random
        self._sizes = sizes
        self._reshuffles = reshuffles

    def ordered(self, oldest_first: Sequence[Row], id_of: Callable[[Row], str]) -> Sequence[Row]:
        """Put rows into order, or into another one each time."""
        if self._reshuffles:
            return self._random.sample(oldest_first, len(oldest_first))
        return super().ordered(oldest_first, id_of)

    def page(self, rows: Sequence[Row], *, limit: int, offset: int) -> Page[Row]:
        """Cut one page."""
        random = self._random
        size = random.choice(self._sizes)
        token = random.random() < 0.5
        total_sizes = (
            [True, len(rows) + random.randint(1, 5)] if size and not token else [True, False]
        )
        style = Paging(
            total_size=random.choice(total_sizes),
            page_token=token,
            max_rows=size,
            ignore_offset=self.ignore_offset,
            repeat_last_row=self.repeat_last_row,
        )
        return style.page(rows, limit=limit, offset=offset)


class Weather:
    """Changes faults and paging while a simulator runs."""

    def __init__(self, simulator: Simulator, faults: CountedFaults, seed: int) -> None:
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

    def advance(self, now: float) -> None:
        """Change if it is time; ``now`` is monotonic."""
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
            self._drizzle()
        self._shuffle(now)
        self._page(reshuffles=now < self._shuffled_until)

    def clear(self) -> None:
        """End all trouble; lists are cut as LlamaCloud is known to cut them."""
        self._faults.clear()
        self._simulator.jobs_paging = Paging()
        self._simulator.items_paging = Paging(order="oldest")

    def make_a_row_of_each_project_odd(self) -> None:
        """Take a job's id away in the next listing of each project."""
        for project in PROJECTS:
            row = Fault("odd_row", odd_field="id", body="", endpoint="list_jobs", times=1)
            self._faults.add(replace(row, project_id=project.project_id))

    def _showers(self) -> None:
        """Let all kinds of faults befall few requests each."""
        for name, kind in self._kinds.items():
            chance = self._random.uniform(0, 0.004 if name == "hang" else 0.015)
            if chance:
                self._faults.add(kind(chance=chance))

    def _drizzle(self) -> None:
        """Let some rows be odd."""
        for _ in range(4):
            self._faults.add(oddities.draw(self._random, chance=self._random.uniform(0.0, 0.05)))

    def _storm(self) -> None:
        """Let one kind of fault befall every request of a project, or all requests of one kind."""
        kind = self._kinds[self._random.choice(list(self._kinds))]
        if self._random.random() < 0.5:
            self._faults.add(kind(project_id=self._random.choice(PROJECTS).project_id))
        else:
            self._faults.add(kind(endpoint=self._random.choice(_ENDPOINTS)))

    def _trouble_of_keys(self, now: float) -> None:
        random = self._random
        if self._rate_limited < _RATE_LIMITED_AT_MOST and random.random() < 0.4:
            self._rate_limited += 1
            retry_after = random.choice((None, 0, 0.2))
            limited = Fault("status", code=429, retry_after=retry_after, times=1)
            self._faults.add(replace(limited, project_id=LIMITED.project_id))
        if now >= self._next_refusal:
            self._next_refusal = now + _SECONDS_BETWEEN_REFUSALS
            code = random.choice((401, 402, 403))
            refused = Fault("status", code=code, times=random.randint(1, 2), endpoint="list_jobs")
            self._faults.add(replace(refused, project_id=REFUSED.project_id))

    def _shuffle(self, now: float) -> None:
        """Let lists of items come in another order each time for a while."""
        if now >= self._next_shuffle:
            self._shuffled_until = now + self._random.uniform(1.0, _LONGEST_SHUFFLE_SECONDS)
            order_seconds = self._random.uniform(1.0, _LONGEST_ORDER_SECONDS)
            self._next_shuffle = self._shuffled_until + order_seconds

    def _page(self, *, reshuffles: bool) -> None:
        random = self._random
        orders: tuple[Order, ...] = ("newest", "newest", "newest", "oldest", "shuffled")
        jobs = RestlessPaging(random, (None, None, 250, 100), random.choice(orders))
        jobs.repeat_last_row = random.random() < 0.2
        items = RestlessPaging(random, _ROWS_OF_ITEMS, "oldest", reshuffles=reshuffles)
        jobs.ignore_offset = items.ignore_offset = random.random() < 0.05
        self._simulator.jobs_paging, self._simulator.items_paging = jobs, items
