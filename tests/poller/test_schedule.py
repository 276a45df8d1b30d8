"""When a project is listed: every interval, and less often while its key is refused."""

from exporter.poller.schedule import Schedule

LATE = 0.25


def test_listings_begin_every_interval() -> None:
    """However long each takes, as long as that is less."""
    schedule = Schedule(30, 1000)
    assert 1030 == schedule.next_after(1002, key_refused=False)
    assert 1060 == schedule.next_after(1030 + LATE, key_refused=False)


def test_turns_that_were_missed_are_left_out() -> None:
    """After a slow listing, or a suspended machine."""
    schedule = Schedule(30, 1000)
    assert 1120 == schedule.next_after(1095, key_refused=False)
    assert 51_130 - 51_130 % 30 + 10 == schedule.next_after(51_101, key_refused=False)


def test_a_refused_key_is_tried_less_and_less_often() -> None:
    """From one interval, doubling up to five minutes."""
    schedule = Schedule(30, 1000)
    now, waits = 1000.0, []
    for _ in range(7):
        later = schedule.next_after(now, key_refused=True)
        waits.append(later - now)
        now = later
    assert [30, 60, 120, 240, 300, 300, 300] == waits


def test_a_long_interval_is_kept() -> None:
    """It is seldom enough."""
    schedule = Schedule(3600, 0)
    assert [3600, 3600] == [schedule.next_after(0, key_refused=True) for _ in range(2)]


def test_an_accepted_key_ends_the_backing_off() -> None:
    """At once."""
    schedule = Schedule(30, 0)
    for now in (0, 30, 90):
        schedule.next_after(now, key_refused=True)
    assert 240 == schedule.next_after(210 + LATE, key_refused=False)
    assert 30 == schedule.next_after(240, key_refused=True) - 240


def test_a_listing_before_its_time_is_followed_by_one_an_interval_later() -> None:
    """As when the key is replaced while it backs off."""
    schedule = Schedule(30, 0)
    for now in (0, 30, 90, 210):
        schedule.next_after(now, key_refused=True)
    assert 240 == schedule.next_after(230, key_refused=False)
