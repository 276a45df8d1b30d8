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
    from exporter.redaction import Secrets

# As long as a budget remembers a 429; it is full again long before.
_KEPT_SECONDS = 900.0
_DEFAULT_PORTS = {"http": 80, "https": 443}
_KEY_STAYS = "the previous key stays in use; correct the file: it is read again within an interval"

log = structlog.get_logger("exporter")


class ServerAddress(NamedTuple):
    """What a base URL stands for, however it is spelled."""

    scheme: str
    host: str
    port: int
    path: str


def server_address_of(base_url: str) -> ServerAddress:
    """Return the address in a valid base URL: one value for all spellings (RFC 3986, 6.2.2-3)."""
    url = urlsplit(base_url)
    port = url.port or _DEFAULT_PORTS[url.scheme]
    return ServerAddress(url.scheme, url.hostname or "", port, url.path.rstrip("/"))


class BudgetLimits(NamedTuple):
    """What each budget allows; a 429 never leaves less than the ``least`` requests a second."""

    requests_per_second: float
    least: float
    concurrency: int


class Budgets:
    """One request budget for each key and server, shared by the projects that use them.

    ``limits`` are those of each.
    """

    def __init__(self, limits: BudgetLimits, clock: Callable[[], float] = time.monotonic) -> None:
        self.limits = limits
        self._clock = clock
        # A budget lives as long as a project uses it: keys are replaced, some every day.
        self._budgets: WeakValueDictionary[tuple[str, ServerAddress], RequestBudget] = (
            WeakValueDictionary()
        )
        self._kept: dict[RequestBudget, float] = {}

    def of(self, api_key: str, base_url: str, *, key_name: str) -> RequestBudget:
        """Return the budget of a key; ``key_name`` is what the log calls a key that is new."""
        server = server_address_of(base_url)
        budget = self._budgets.get((api_key, server))
        if budget is None:
            budget = self._budgets[api_key, server] = self._new(key_name)
        return budget

    def configure(self, limits: BudgetLimits) -> None:
        """Have other limits apply, to the budgets that there are as well."""
        self.limits = limits
        for budget in self._budgets.values():
            budget.configure(
                limits.requests_per_second, least=limits.least, concurrency=limits.concurrency
            )

    def keep(self, budget: RequestBudget) -> None:
        """Keep a budget that a project used, in case that its key is used again soon.

        A new one would hold as many requests as may be saved up, and know of no 429.
        """
        now = self._clock()
        self._kept[budget] = now
        self._kept = {kept: at for kept, at in self._kept.items() if now - at < _KEPT_SECONDS}

    def _new(self, key_name: str) -> RequestBudget:
        limits = self.limits
        rate = AdaptiveRate(limits.requests_per_second, least=limits.least)
        return RequestBudget(rate, limits.concurrency, self._clock, key_name=key_name)


class ProjectAccess:
    """Owns the key of one project; ``secrets`` receives the keys that come later.

    ``changes`` counts how often the key was replaced, the first one that was waited for included.
    """

    def __init__(self, project: Project, budgets: Budgets, secrets: Secrets) -> None:
        self._project = project
        self._budgets = budgets
        self._secrets = secrets
        self._log = log.bind(project=project.name)
        # What was wrong with the file since it was last usable. The failing listing tells what it
        # lacks at the start.
        self._problem = project.api_key_problem
        self._known_problems = {self._problem} - {""}
        self.changes = 0
        self._use(project.api_key.get_secret_value() if project.api_key else "")

    @property
    def api_key(self) -> str:
        """The key in force.

        Raises:
            KeyMissing: there is none yet.
        """
        if not self._api_key:
            raise KeyMissing(self._problem)
        return self._api_key

    def adjust(self, project: Project) -> None:
        """Go on with the same key, or file of it, which other settings may call otherwise."""
        self._project = project
        self.budget.rename(project.api_key_origin)

    def renew(self) -> None:
        """Read the key's file again.

        A file that holds no usable key, as while it is written, changes nothing.
        """
        file = self._project.api_key_file
        if file is None:
            return
        try:
            api_key = file.read().get_secret_value()
        except ConfigError as error:
            self._note_problem(" ".join(error.problems))
            return
        was_unreadable = bool(self._known_problems)
        self._known_problems.clear()
        if api_key != self._api_key:
            self._replace(api_key)
        elif was_unreadable:
            self._log.info("key.readable", key=self._project.api_key_origin)

    def _note_problem(self, problem: str) -> None:
        """Log a problem once: while a key is in use, the first; while none is, each other one."""
        in_use, known = bool(self._api_key), self._known_problems
        is_news = not known if in_use else problem not in known
        self._problem = problem
        known.add(problem)
        if is_news:
            advice = _KEY_STAYS if in_use else KeyMissing.advice
            self._log.warning("key.unreadable", detail=problem, advice=advice)

    def _replace(self, api_key: str) -> None:
        event = "key.changed" if self._api_key else "key.readable"
        former = self.budget
        self._secrets.add(api_key)
        self._use(api_key)
        former.dismiss(self)
        self.changes += 1
        self._log.info(event, key=self._project.api_key_origin)

    def _use(self, api_key: str) -> None:
        self._api_key = api_key
        self.budget = self._budgets.of(
            api_key, self._project.base_url, key_name=self._project.api_key_origin
        )
