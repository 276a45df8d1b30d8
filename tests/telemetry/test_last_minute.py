"""How many requests were sent within the last minute."""

from exporter.telemetry.last_minute import LastMinute


def test_what_is_a_minute_old_is_forgotten() -> None:
    """To the second."""
    now = 1000.5
    lately = LastMinute(lambda: now)
    for _ in range(3):
        lately.add()
    now = 1030.0
    lately.add()
    now = 1059.9
    assert 4 == lately.count()
    now = 1060.0
    assert 1 == lately.count()
    now = 1090.0
    assert 0 == lately.count()


def test_a_long_time_costs_no_memory() -> None:
    """One number for each second that counts."""
    now = 0.0
    lately = LastMinute(lambda: now)
    for second in range(100_000):
        now = float(second)
        lately.add()
    assert 60 == lately.count() == len(lately._seconds)  # noqa: SLF001
