"""Which Dates of LlamaCloud are accepted, and what the time is otherwise."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.llamacloud.clock import UpstreamClock
from exporter.llamacloud.errors import DoubtfulDate
from tests.support.properties import EFFORT, UNHURRIED

NOW = 1_790_000_000.0
DAY = 86_400.0
IN_2099 = 4_070_908_800.0
YEARS = st.sampled_from([-400 * DAY, 400 * DAY, IN_2099 - NOW, -NOW])
# Differs from every error of a Date: if both were equal, a wrong Date would seem right.
JUMPS = YEARS.map(lambda seconds: seconds + DAY / 2)
NEARLY_RIGHT = st.floats(-25.0, 25.0)


@dataclass
class Clocks:
    """Three clocks: LlamaCloud's, and two of ours, of which the wall clock may be set."""

    upstream: float = NOW
    wall_ahead: float = 0.0
    monotonic: float = 1000.0
    suspended_seconds: float = 0.0

    def __post_init__(self) -> None:
        """Let a clock follow LlamaCloud's."""
        self.followed = UpstreamClock(monotonic=lambda: self.monotonic, wall=self._wall)

    def _wall(self) -> float:
        return NOW + self.monotonic - 1000.0 + self.suspended_seconds + self.wall_ahead

    def pass_by(self, seconds: float) -> None:
        """Let time pass."""
        self.monotonic += seconds
        self.upstream += seconds

    def suspend(self, seconds: float) -> None:
        """Let time pass that the monotonic clock does not measure."""
        self.suspended_seconds += seconds
        self.upstream += seconds

    def answered(self, off: float = 0.0, *, seconds_taken: float = 0.1) -> float:
        """Answer now, with a Date that is so far from the true time; return the resulting time."""
        return self.followed.answered(self.upstream + off, seconds_taken)

    def error(self) -> float:
        """Return the difference between the clock and LlamaCloud's true time."""
        return self.followed.now() - self.upstream


def first_answer(clocks: Clocks, *offs: float) -> tuple[float, int]:
    """Return the time of the first accepted answer, and which answer that is."""
    for number, off in enumerate(offs, start=1):
        try:
            return clocks.answered(off), number
        except DoubtfulDate:
            clocks.pass_by(1.0)
    raise AssertionError("each is doubted")


@settings(UNHURRIED, max_examples=200 * EFFORT)
@given(
    steps=st.lists(
        st.tuples(st.floats(0.0, 3600.0), st.none() | NEARLY_RIGHT | YEARS, st.none() | JUMPS),
        max_size=40,
    )
)
def test_single_wrong_dates_and_jumps_of_our_clock_change_nothing(
    steps: list[tuple[float, float | None, float | None]],
) -> None:
    """Whatever one answer says, the next is right again, and the time is never far from true."""
    clocks = Clocks()
    clocks.answered()
    for seconds, off, jump in steps:
        clocks.pass_by(seconds)
        if off is not None:
            assert abs(clocks.answered(off) - clocks.upstream) <= 60
        if jump is not None:
            clocks.wall_ahead = jump
        assert abs(clocks.answered() - clocks.upstream) <= 60
        assert abs(clocks.error()) <= 60


@pytest.mark.parametrize("off", [-59.0, 0.0, 59.0])
def test_a_first_date_near_our_own_clock_is_believed(off: float) -> None:
    """A request is not doubled because clocks differ a little."""
    assert (NOW + off, 1) == first_answer(Clocks(), off)


@pytest.mark.parametrize("wrong", [IN_2099 - NOW, -400 * DAY, 20 * 3600.0])
def test_a_single_wrong_first_date_is_not_believed(wrong: float) -> None:
    """The second agrees with our own clock."""
    assert (NOW + 1, 2) == first_answer(Clocks(), wrong, 0.0)


@pytest.mark.parametrize("wall_ahead", [400 * DAY, -400 * DAY, -NOW])
def test_our_own_clock_may_be_the_wrong_one(wall_ahead: float) -> None:
    """Two Dates that agree are accepted, even after another wrong one."""
    assert (NOW + 1, 2) == first_answer(Clocks(wall_ahead=wall_ahead), 0.0, 0.0)
    assert (NOW + 2, 3) == first_answer(Clocks(wall_ahead=wall_ahead), IN_2099 - NOW, 0.0, 0.0)


def test_among_first_dates_that_never_agree_our_own_clock_serves() -> None:
    """Requests are not repeated forever; a right Date is accepted later."""
    clocks = Clocks(wall_ahead=400 * DAY)
    assert (NOW + 2 + 400 * DAY, 3) == first_answer(clocks, DAY, -DAY, 2 * DAY)
    for _ in range(4):
        clocks.pass_by(100.0)
        clocks.answered()
    assert 0 == clocks.error()


def test_a_wrong_clock_that_was_believed_is_found_out_by_ours() -> None:
    """The first two answers of one server agree; later its Dates are refused beside right ones."""
    clocks = Clocks()
    assert (NOW + 7201, 2) == first_answer(clocks, 7200.0, 7200.0)
    for off in (0.0, 7200.0, 0.0, 7200.0, 7200.0):
        clocks.pass_by(10.0)
        assert clocks.upstream == clocks.answered(off)


def test_without_dates_our_own_clock_serves_until_one_is_known() -> None:
    """Then it goes on from there."""
    clocks = Clocks(wall_ahead=30.0)
    assert NOW + 30 == clocks.followed.answered(None, 0.1) == clocks.followed.now()
    clocks.answered()
    clocks.wall_ahead = 400 * DAY
    clocks.pass_by(50.0)
    assert NOW + 50 == clocks.followed.answered(None, 0.1) == clocks.followed.now()


@settings(UNHURRIED, max_examples=100 * EFFORT)
@given(jump=YEARS | st.floats(200.0, 1e6), noise=st.lists(NEARLY_RIGHT, min_size=3, max_size=3))
def test_a_clock_that_jumped_for_good_is_followed(jump: float, noise: list[float]) -> None:
    """After minutes, for one server with a wrong clock may answer all requests of a poll."""
    clocks = Clocks()
    clocks.answered()
    clocks.upstream += jump
    for _ in range(20):
        clocks.answered()
    assert abs(clocks.error() + jump) < 1e-3
    for off in noise:
        clocks.pass_by(150.0)
        clocks.answered(off)
    assert abs(clocks.error()) <= 60


def test_two_wrong_dates_are_not_followed_however_long_they_lie_apart() -> None:
    """Where polls are an hour apart, say."""
    clocks = Clocks()
    clocks.answered()
    for _ in range(2):
        clocks.pass_by(3600.0)
        assert clocks.upstream == clocks.answered(400 * DAY)


@given(seconds=st.floats(61.0, 30 * DAY))
def test_a_machine_that_was_suspended_is_right_at_once(seconds: float) -> None:
    """By its wall clock, which went on."""
    clocks = Clocks()
    clocks.answered()
    clocks.suspend(seconds)
    assert clocks.upstream == clocks.answered()


def test_a_machine_that_was_suspended_is_right_soon_if_its_wall_clock_is_wrong_too() -> None:
    """As after any jump."""
    clocks = Clocks()
    clocks.answered()
    clocks.suspend(8 * 3600.0)
    clocks.wall_ahead = 400 * DAY
    for _ in range(4):
        clocks.answered()
        clocks.pass_by(100.0)
    clocks.answered()
    assert 0 == clocks.error()


def test_a_date_may_be_as_old_as_the_request() -> None:
    """An answer is dated when it begins."""
    clocks = Clocks()
    clocks.answered()
    clocks.pass_by(300.0)
    assert NOW + 10 == clocks.answered(-290.0, seconds_taken=299.0)
