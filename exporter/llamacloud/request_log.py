"""The log lines about single requests: each at debug level, and that LlamaCloud is out of reach."""

from __future__ import annotations

import structlog

_SECONDS_PER_MINUTE = 60

log = structlog.get_logger("exporter")


class RequestLog:
    """Logs the requests of one project, which the log calls ``project``."""

    def __init__(self, project: str) -> None:
        self._log = log.bind(project=project)
        self._says_nothing_more = False

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
            budget_per_minute=round(rate * _SECONDS_PER_MINUTE, 3),
        )

    def answered(self) -> None:
        """Note that the server can be reached: later failures are logged once retries are over."""
        self._says_nothing_more = True

    def not_reached(self, detail: str, advice: str) -> None:
        """Log that a request got no answer, the first time if there was no answer before.

        A first start is waited for: the retries that follow would keep the reason back for seconds.
        """
        if not self._says_nothing_more:
            self._says_nothing_more = True
            self._log.warning(
                "request.not_answered", detail=detail, advice=f"it is tried again; {advice}"
            )
