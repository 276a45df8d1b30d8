"""The rate limit: one bucket for everybody, as in the reference."""

from __future__ import annotations

from typing import TYPE_CHECKING

from exporter.web_config.gate import TokenBucket
from exporter.web_config.sections import RateLimitSection
from tests.support.tls_clients import served_with

if TYPE_CHECKING:
    from pathlib import Path


def test_a_burst_and_then_one_for_each_interval() -> None:
    """A pause earns no more than the burst."""
    now = [0.0]
    bucket = TokenBucket(RateLimitSection(interval=2.0, burst=3), lambda: now[0])

    def takes(seconds_later: float) -> int:
        now[0] += seconds_later
        return sum(bucket.allows() for _ in range(10))

    assert [3, 0, 1, 0, 1, 3] == [takes(later) for later in (0, 1.9, 0.1, 1, 1, 1000)]


def test_beyond_the_limit_all_but_health_is_refused(tmp_path: Path) -> None:
    """Without the configured headers; another limit counts from the next request on."""
    file = tmp_path / "web.yml"
    headers = "http_server_config: {headers: {X-Frame-Options: deny}}"
    file.write_text(f"rate_limit: {{interval: 1h, burst: 2}}\n{headers}")
    with served_with(file) as served:
        answers = [served.request() for _ in range(3)]
        assert [200, 200, 429] == [answer.status for answer in answers]
        assert b"Too Many Requests\n" == answers[2].body
        assert "x-frame-options" not in answers[2].headers
        assert [200, 200] == [served.request(path).status for path in ("/-/healthy", "/-/ready")]

        file.write_text("rate_limit: {interval: 1h, burst: 1}")
        assert [200, 429] == [served.request().status for _ in range(2)]
        file.write_text("{}")
        assert 200 == served.request().status
