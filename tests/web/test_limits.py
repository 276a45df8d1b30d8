"""How many clients there is room for."""

import pytest

from exporter.server import connections_within


@pytest.mark.parametrize(
    ("open_files", "others", "expected"),
    [(1024, 56, 904), (256, 56, 136), (128, 56, 8), (20, 56, 8)],
)
def test_what_others_need_is_left_to_them(open_files: int, others: int, expected: int) -> None:
    """But some clients are always let in."""
    assert expected == connections_within(open_files, others=others, accepted_at_once=16)
