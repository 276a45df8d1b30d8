"""Which listings that fail or succeed are news."""

from exporter.domain import ErrorReason
from exporter.poller.troubles import ListingTrouble

FAILED, WELL = "failed", "recovered"
WHILE = 10


def told(trouble: ListingTrouble, listings: list[ErrorReason | None]) -> list[tuple[int, str]]:
    """Return which of the listings are told; ``None`` is one that worked."""
    lines = []
    for number, reason in enumerate(listings):
        if reason is None:
            if trouble.listed(at_once=False):
                lines.append((number, WELL))
        elif trouble.failed(reason):
            lines.append((number, FAILED))
    return lines


def test_the_first_failure_and_the_first_success_after_it_are_told_at_once() -> None:
    """And what lasts is told once."""
    listings = [None, *[ErrorReason.NETWORK] * 3, None, None]
    assert [(1, FAILED), (4, WELL)] == told(ListingTrouble(), listings)


def test_trouble_that_comes_back_soon_is_over_when_it_stays_away() -> None:
    """The log never says last that all is well while it is not."""
    listings = [ErrorReason.NETWORK, None] * 1000 + [None] * WHILE
    lines = told(ListingTrouble(), listings)
    assert [(0, FAILED), (1, WELL), (2, FAILED), (1999 + WHILE - 1, WELL)] == lines


def test_trouble_that_comes_back_late_is_new() -> None:
    """Its end is told at once again."""
    trouble = ListingTrouble()
    told(trouble, [ErrorReason.NETWORK, None] * 3 + [None] * WHILE)
    assert [(0, FAILED), (1, WELL)] == told(trouble, [ErrorReason.NETWORK, None])


def test_a_new_reason_is_told_at_once_and_its_end_too() -> None:
    """Also soon after another; in trouble that comes and goes its end waits for that of all."""
    network, timeout = ErrorReason.NETWORK, ErrorReason.TIMEOUT
    assert [(0, FAILED), (1, WELL), (2, FAILED), (3, WELL)] == told(
        ListingTrouble(), [network, None, timeout, None]
    )
    assert [(0, FAILED), (1, WELL), (2, FAILED), (4, FAILED)] == told(
        ListingTrouble(), [network, None] * 2 + [timeout, None]
    )


def test_a_success_that_is_to_be_told_at_once_is() -> None:
    """As where it was told that the project is stale."""
    trouble = ListingTrouble()
    told(trouble, [ErrorReason.NETWORK, None] * 3)
    assert trouble.listed(at_once=True)
    assert [] == told(trouble, [None] * WHILE)
