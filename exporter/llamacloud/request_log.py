"""The log lines about requests and request budgets."""

from __future__ import annotations

import structlog

_SECONDS_PER_MINUTE = 60

log = structlog.get_logger("exporter")


class RequestLog:
    """Logs the requests of one project: each at debug level, and that LlamaCloud is unreachable."""

    def __init__(self, project: str) -> None:
        self._log = log.bind(project=project)
        self._is_silent = False

    def sent(
        self, endpoint: str, code: str, seconds: float, *, waited_seconds: float, rate: float
    ) -> None:
        """Log one request; ``rate`` is what the budget allows now, in requests a second."""
        self._log.debug(
            "request.sent",
            endpoint=str(endpoint),
            code=code,
            seconds=round(seconds, 3),
            waited_seconds=round(waited_seconds, 3),
            budget_per_minute=_per_minute(rate),
        )

    def answered(self) -> None:
        """Note that the server can be reached; later failures are logged after their retries."""
        self._is_silent = True

    def not_reached(self, detail: str, advice: str) -> None:
        """Log the first request without an answer, if there was no answer before.

        At a first start, somebody waits for the reason, and retries would delay it by seconds.
        """
        if not self._is_silent:
            self._is_silent = True
            self._log.warning(
                "request.not_answered", detail=detail, advice=f"it is tried again; {advice}"
            )


class BudgetLog:
    """Logs the budget of one key, named ``key_name``; rates are requests a second."""

    def __init__(self, key_name: str) -> None:
        self.key_name = key_name
        self._is_reduced = False

    def reduced(self, rate: float, limit: float) -> None:
        """Log that the rate fell below the limit, once until it recovers."""
        if self._is_reduced:
            return
        self._is_reduced = True
        log.warning(
            "budget.reduced",
            key=self.key_name,
            requests_per_minute=_per_minute(rate),
            limit_per_minute=_per_minute(limit),
            advice="LlamaCloud answered 429 and may do so to your own work: if that lasts, lower"
            " api.requests_per_minute; jobs are refreshed more slowly until it recovers",
        )

    def grew(self, rate: float, limit: float) -> None:
        """Log that the rate is at the limit again."""
        if self._is_reduced and rate >= limit:
            self._is_reduced = False
            recovered = _per_minute(rate)
            log.info("budget.recovered", key=self.key_name, requests_per_minute=recovered)


def _per_minute(rate: float) -> float:
    return round(rate * _SECONDS_PER_MINUTE, 3)
