"""The log lines about a request budget that is reduced or has recovered."""

from __future__ import annotations

import structlog

_SECONDS_PER_MINUTE = 60

log = structlog.get_logger("exporter")


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
