"""The allowed rate: halved by a 429, never too low, and slow to forget."""

from hypothesis import given
from hypothesis import strategies as st

from exporter.llamacloud.rate import AdaptiveRate
from tests.support.properties import UNHURRIED

MINUTE = 60.0
QUARTER = 15 * MINUTE


def test_without_a_429_the_limit_is_allowed() -> None:
    """At any time."""
    rate = AdaptiveRate(0.5, least=0.1)
    assert [0.5, 0.5] == [rate.at(0.0), rate.at(1e9)]


def test_a_429_halves_the_rate() -> None:
    """Again and again, while each is to a request that was sent after the last halving."""
    rate = AdaptiveRate(1.0, least=0.1)
    assert rate.refused(sent_at=9, now=10)
    assert 0.5 == rate.at(10)
    assert rate.refused(sent_at=10.5, now=10.5)
    assert abs(0.25 - rate.at(10.5)) < 0.01


def test_requests_under_way_halve_it_once() -> None:
    """They were all sent at the rate that is over."""
    rate = AdaptiveRate(1.0, least=0.1)
    answers = [rate.refused(sent_at=sent_at, now=10) for sent_at in (7, 8, 9, 10)]
    assert [True, False, False, False] == answers
    assert 0.5 == rate.at(10)


def test_it_never_falls_below_the_least() -> None:
    """One listing an interval, so that a project does not go blind."""
    rate = AdaptiveRate(1.0, least=0.2)
    for now in range(100):
        rate.refused(sent_at=now - 0.5, now=now)
    assert 0.2 == rate.at(99)


def test_a_limit_below_the_least_stays_the_limit() -> None:
    """What the user allows is never exceeded."""
    rate = AdaptiveRate(1 / 3600, least=1 / 30)
    rate.refused(sent_at=0, now=1)
    assert 1 / 3600 == rate.at(1) == rate.at(1e6)


def test_quiet_time_lets_it_recover_below_the_rate_that_was_refused() -> None:
    """For a quarter of an hour; then it goes on to the limit."""
    rate = AdaptiveRate(1.0, least=0.1)
    rate.refused(sent_at=0, now=0)
    assert 0.5 < rate.at(3 * MINUTE) < rate.at(6 * MINUTE) < 1.0
    assert 0.9 == rate.at(QUARTER - 1)
    assert 0.9 < rate.at(QUARTER + MINUTE) < 1.0
    assert 1.0 == rate.at(2 * QUARTER)


def test_a_fraction_of_a_request_an_hour_recovers_too() -> None:
    """Everything is in proportion to the limit."""
    rate = AdaptiveRate(0.25 / 3600, least=0.01 / 3600)
    rate.refused(sent_at=0, now=0)
    assert 0.125 / 3600 == rate.at(0)
    assert 0.25 / 3600 == rate.at(3 * QUARTER)


@UNHURRIED
@given(
    limit=st.floats(1e-4, 1e3),
    least_share=st.floats(0, 2),
    steps=st.lists(st.tuples(st.floats(0.01, 4000), st.floats(0, 10)), max_size=30),
)
def test_whatever_happens_it_stays_between_its_bounds(
    limit: float, least_share: float, steps: list[tuple[float, float]]
) -> None:
    """And for a quarter of an hour below what last drew a 429, or at the least."""
    least = min(limit * least_share, limit)
    rate = AdaptiveRate(limit, least=limit * least_share)
    now, refused_at, refused_rate = 0.0, float("-inf"), limit
    for quiet, under_way in steps:
        now += quiet
        assert least <= rate.at(now) <= limit
        if now - refused_at < QUARTER:
            assert rate.at(now) < refused_rate or rate.at(now) <= least
        before = rate.at(now)
        if rate.refused(sent_at=now - under_way, now=now):
            refused_at, refused_rate = now, before
            assert rate.at(now) == max(before / 2, least)
