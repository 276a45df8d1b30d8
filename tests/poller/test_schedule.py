"""When a project is listed: every interval, and less often while its key is refused."""

from exporter.poller.schedule import Schedule

LATE = 0.25


def test_listings_begin_every_interval() -> None:
    """However long each takes, as long as that is less."""
    schedule = Schedule(30, 1000)
    assert 1030 == schedule.next_after(1002, refused_key=None)
    assert 1060 == schedule.next_after(1030 + LATE, refused_key=None)


def test_turns_that_were_missed_are_left_out() -> None:
    """After a slow listing, or a suspended machine."""
    schedule = Schedule(30, 1000)
    assert 1120 == schedule.next_after(1095, refused_key=None)
    assert 51_130 - 51_130 % 30 + 10 == schedule.next_after(51_101, refused_key=None)


def test_a_refused_key_is_tried_less_and_less_often() -> None:
    """From one interval, doubling up to five minutes."""
    schedule = Schedule(30, 1000)
    now, waits = 1000.0, []
    for _ in range(7):
        later = schedule.next_after(now, refused_key=0)
        waits.append(later - now)
        now = later
    assert [30, 60, 120, 240, 300, 300, 300] == waits


def test_a_long_interval_is_kept() -> None:
    """It is seldom enough."""
    schedule = Schedule(3600, 0)
    assert [3600, 3600] == [schedule.next_after(0, refused_key=0) for _ in range(2)]


def test_an_accepted_key_ends_the_backing_off() -> None:
    """At once."""
    schedule = Schedule(30, 0)
    for now in (0, 30, 90):
        schedule.next_after(now, refused_key=0)
    assert 240 == schedule.next_after(210 + LATE, refused_key=None)
    assert 30 == schedule.next_after(240, refused_key=0) - 240


def test_another_key_that_is_refused_is_backed_off_from_anew() -> None:
    """It was not refused for long."""
    schedule = Schedule(30, 0)
    for now in (0, 30, 90):
        schedule.next_after(now, refused_key=0)
    assert [30, 60] == [schedule.next_after(240, refused_key=1) - 240 for _ in range(2)]


def test_a_listing_before_its_time_is_followed_by_one_an_interval_later() -> None:
    """As when the key is replaced while it backs off."""
    schedule = Schedule(30, 0)
    for now in (0, 30, 90, 210):
        schedule.next_after(now, refused_key=0)
    assert 240 == schedule.next_after(230, refused_key=None)
