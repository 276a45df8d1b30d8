"""A project of the simulated LlamaCloud in virtual time, read by the real readers."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from exporter.core.actions import FetchStatus, ListJobs
from exporter.llamacloud.errors import LlamaCloudError, NotFound, UnexpectedStatus
from exporter.llamacloud.requests import Answer
from exporter.llamacloud.v1beta.api import V1BetaApi
from exporter.llamacloud.v2.api import V2Api
from exporter.simulator import Simulator, World
from exporter.simulator.endpoints import PATHS, QUERIES, read, version_of
from exporter.simulator.refusals import RefusedError
from exporter.simulator.world import DEFAULT_PROJECT_ID
from tests.support.clients import Observer
from tests.support.history import EPOCH
from tests.support.virtual_time import Polling

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine

    from exporter.core.actions import RefreshJob
    from exporter.llamacloud.api import BatchApi
    from exporter.llamacloud.requests import Endpoint, Query

NOT_FOUND = 404


@dataclass
class Sent:
    """A request that was sent, with the number of ids that it named."""

    moment: float
    endpoint: str
    path: str
    params: dict[str, Any]

    @property
    def ids(self) -> int:
        """How many file jobs it requested."""
        return len(self.params.get("job_ids", ()))


@dataclass
class VirtualClient:
    """Answers requests from a world at once; ``refused`` generations answer by such a code.

    ``in_its_place`` may answer a request to an endpoint and path, or raise.
    """

    simulator: Simulator
    moment: float = 0.0
    sent: list[Sent] = field(default_factory=list)
    epoch: float = EPOCH
    refused: dict[str, int] = field(default_factory=dict)
    in_its_place: Callable[[str, str], dict[str, Any] | None] = lambda *_: None
    observer: Observer = field(default_factory=Observer)

    async def get(
        self, endpoint: Endpoint, path: str, params: Query, *_: object, **__: object
    ) -> Answer:
        """Answer one request."""
        self.sent.append(Sent(self.moment, str(endpoint), path, dict(params)))
        now = self.epoch + self.moment
        try:
            body = self._body(str(endpoint), path)
        except RefusedError as error:
            detail = str(error)
            if error.code == NOT_FOUND:
                raise NotFound(
                    NOT_FOUND, detail, from_api=True, answered_at=now, asked_monotonic=self.moment
                ) from error
            raise UnexpectedStatus(error.code, detail) from error
        return Answer(json.dumps(body).encode(), self.moment, now)

    def answer(self, endpoint: Any, path: str) -> dict[str, Any]:
        """Answer the request that was sent last as LlamaCloud does."""
        query = QUERIES[endpoint].model_validate(_values(self.sent[-1].params))
        job_id = path.removeprefix(PATHS[endpoint].partition("{")[0]).partition("/")[0]
        return read(self.simulator, query, job_id, DEFAULT_PROJECT_ID)

    def _body(self, endpoint: Any, path: str) -> dict[str, Any]:
        if (code := self.refused.get(version_of(endpoint))) is not None:
            raise RefusedError(code, "Not Found")
        body = self.in_its_place(endpoint, path)
        return self.answer(endpoint, path) if body is None else body


def _values(params: Query) -> dict[str, Any]:
    # One value of a parameter that may be repeated is a list as well.
    lists = {"expand"}
    return {name: [value] if name in lists else value for name, value in params.items()}


class SimulatedPolling(Polling):
    """A poller in virtual time, of one project of a world that a test changes at will.

    A request takes 0.1 s, those of one action are sent one after the other, and each takes a place
    of the budget.
    """

    def __init__(self, *, api_versions: tuple[str, ...] = ("v1beta", "v2"), **facts: Any) -> None:
        super().__init__(api_versions=api_versions, **facts)
        self.world = World(clock=lambda: EPOCH + self.now)
        self.client = VirtualClient(Simulator(self.world))
        client: Any = self.client
        self.apis: dict[str, BatchApi] = {
            "v1beta": V1BetaApi(client),
            "v2": V2Api(client, clock=lambda: self.client.moment),
        }

    def sent(self, *endpoints: str, since: float = 0.0) -> list[Sent]:
        """Return the requests to endpoints that were sent since a moment."""
        return [s for s in self.client.sent if s.endpoint in endpoints and s.moment >= since]

    def counted(self, *, since: float, until: float = math.inf) -> Counter[str]:
        """Count the requests of a span of time by endpoint."""
        return Counter(s.endpoint for s in self.client.sent if since <= s.moment < until)

    def _perform(self, slot: int, action: ListJobs | RefreshJob) -> None:
        self.client.moment = self.now
        before = len(self.client.sent)
        outcome = self._outcome(action)
        sent = len(self.client.sent) - before
        # What an action did not send is given back.
        self._next_token_at = self.now + sent * self._seconds_per_token
        self.at(self.now + 0.1 * sent, lambda: self._answered(slot, action, outcome))

    def _outcome(self, action: Any) -> Any:
        if isinstance(action, ListJobs):
            return {v: self._list(v, plan) for v, plan in action.plans.items()}
        api, job = self.apis[action.job.api_version], action.job
        try:
            if isinstance(action, FetchStatus):
                return at_once(api.job_status(job, action.memory))
            return at_once(api.count_items(job, action.memory, action.limits))
        except LlamaCloudError as error:
            return error.failure()

    def _list(self, api_version: str, plan: Any) -> Any:
        try:
            return at_once(self.apis[api_version].list_jobs(plan))
        except LlamaCloudError as error:
            return error.failure()


def at_once(work: Coroutine[Any, Any, Any]) -> Any:
    """Run what waits for nothing."""
    try:
        work.send(None)
    except StopIteration as stop:
        return stop.value
    raise AssertionError("it waits")
