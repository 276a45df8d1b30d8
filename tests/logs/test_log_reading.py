"""A log that is being written is read in whole lines."""

from pathlib import Path

import pytest

from tests.support.log_reading import lines_of

LINES = ['{"event": "job.ended"}', '{"name": "Größe\N{LINE SEPARATOR}"}']
WHOLE = "".join(line + "\n" for line in LINES).encode()
FIRST = len(LINES[0]) + 1


@pytest.mark.parametrize("written", range(len(WHOLE) + 1))
def test_a_line_that_is_half_written_is_none_yet(written: int, tmp_path: Path) -> None:
    """Wherever the process is in its writing, in the midst of a character too."""
    log_file = tmp_path / "log"
    log_file.write_bytes(WHOLE[:written])
    whole = 2 if written == len(WHOLE) else int(written >= FIRST)
    assert LINES[:whole] == lines_of(log_file)
