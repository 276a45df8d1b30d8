"""The projects' keys, read again where they come from files, and the budget of each key."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

import structlog

from exporter.config import ConfigError
from exporter.llamacloud.budget import RequestBudget
from exporter.llamacloud.errors import KeyMissing
from exporter.llamacloud.rate import AdaptiveRate

if TYPE_CHECKING:
    from collections.abc import Callable

    from exporter.config import Project
    from exporter.logs.redaction import Secrets

# As long as a budget stays reduced after a 429; its tokens are full again long before.
_KEPT_SECONDS = 900.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_KEY_STAYS = "the previous key stays in use; correct the file: it is read again within an interval"

log = structlog.get_logger("exporter")


def normalized_url(base_url: str) -> str:
    """Return one spelling for all equivalent spellings of a valid base URL (RFC 3986, 6.2.2-3)."""
    url = urlsplit(base_url)
    port = url.port or _DEFAULT_PORTS[url.scheme]
    return f"{url.scheme}://{url.hostname}:{port}{url.path.rstrip('/')}"


class BudgetLimits(NamedTuple):
    """What each budget allows; a 429 never leaves less than the ``least`` requests a second."""

    requests_per_second: float
    least: float
    concurrency: int


class Budgets:
    """One request budget, with these ``limits``, for each key and server; projects share it."""

    def __init__(self, limits: BudgetLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        # A budget lives as long as a project uses it: keys are replaced, some every day.
        self._budgets: WeakValueDictionary[tuple[str, str], RequestBudget] = WeakValueDictionary()
        self._kept: dict[RequestBudget, float] = {}

    def of(self, api_key: str, base_url: str, *, key_name: str) -> RequestBudget:
        """Return the budget of a key; ``key_name`` is what the log calls a key that is new."""
        place = api_key, normalized_url(base_url)
        budget = self._budgets.get(place)
        if budget is None:
            limits = self.limits
            rate = AdaptiveRate(limits.requests_per_second, least=limits.least)
            budget = RequestBudget(rate, limits.concurrency, self._clock, key_name=key_name)
            self._budgets[place] = budget
        return budget

    def configure(self, limits: BudgetLimits) -> None:
        """Apply other limits, also to the existing budgets."""
        self.limits = limits
        for budget in self._budgets.values():
            budget.configure(
                limits.requests_per_second, least=limits.least, concurrency=limits.concurrency
            )

    def keep(self, budget: RequestBudget) -> None:
        """Keep the budget of a project that was stopped, because its key may soon be used again.

        A new one would start with saved-up requests, and without the rate that a 429 reduced.
        """
        now = self._clock()
        self._kept[budget] = now
        self._kept = {kept: at for kept, at in self._kept.items() if now - at < _KEPT_SECONDS}


class ProjectAccess:
    """Owns the key of one project; later keys are added to ``secrets``.

    ``changes`` counts how often the key was replaced, the first one of a file that was waited for
    included.
    """

    def __init__(self, project: Project, budgets: Budgets, secrets: Secrets) -> None:
        self._project = project
        self._budgets = budgets
        self._secrets = secrets
        self._log = log.bind(project=project.name)
        # What was wrong with the file since it was last usable. The failing listing logs what it
        # lacks at the start.
        self._problem = project.key.problem
        self._known_problems = {self._problem} - {""}
        self.changes = 0
        self._use(project.key.value.get_secret_value() if project.key.value else "")

    @property
    def api_key(self) -> str:
        """The current key.

        Raises:
            KeyMissing: there is none yet.
        """
        if not self._api_key:
            raise KeyMissing(self._problem)
        return self._api_key

    def apply(self, project: Project) -> None:
        """Apply other settings of the same key or key file; its origin may have changed."""
        self._project = project
        self.budget.rename(project.key.origin)

    def renew(self) -> None:
        """Read the key's file again.

        A file that holds no usable key, as while it is written, changes nothing.
        """
        file = self._project.key.file
        if file is None:
            return
        try:
            api_key = file.read().get_secret_value()
        except ConfigError as error:
            self._note_problem(" ".join(error.problems))
            return
        is_new, was_unreadable = api_key != self._api_key, bool(self._known_problems)
        event = "key.changed" if is_new and self._api_key else "key.readable"
        self._known_problems.clear()
        if is_new:
            former = self.budget
            self._secrets.add(api_key)
            self._use(api_key)
            former.dismiss(self)
            self.changes += 1
        if is_new or was_unreadable:
            self._log.info(event, key=self._project.key.origin)

    def _note_problem(self, problem: str) -> None:
        """Log the first problem while a key is in use, and each new problem while none is."""
        if self._api_key:
            is_new, advice = not self._known_problems, _KEY_STAYS
        else:
            is_new, advice = problem not in self._known_problems, KeyMissing.advice
        self._problem = problem
        self._known_problems.add(problem)
        if is_new:
            self._log.warning("key.unreadable", detail=problem, advice=advice)

    def _use(self, api_key: str) -> None:
        self._api_key = api_key
        self.budget = self._budgets.of(
            api_key, self._project.base_url, key_name=self._project.key.origin
        )
