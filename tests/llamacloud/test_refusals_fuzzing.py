"""Whatever a server refuses with: a named exception, a bounded wait and a time that is one."""

import json
import math
import subprocess
import sys

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.llamacloud.errors import StatusRefused
from exporter.llamacloud.headers import date
from exporter.llamacloud.refusals import refusal
from tests.llamacloud.odd_json import ODD_JSON, json_values
from tests.support.properties import EFFORT, UNHURRIED

dates = st.builds(
    "{}{} {} {} {} {}".format,
    st.sampled_from(["Mon, ", "", "Mon ", ","]),
    st.integers(-1, 99),
    st.sampled_from(["Nov", "nov", "11", "", "-"]),
    st.sampled_from(["0", "1", "69", "1969", "2026", "9999", "10000", "9" * 30, "-1"]),
    st.sampled_from(["10:00:00", "24:00:00", "23:59:60", "10", "1:1", "::", "10.00.00", ""]),
    st.sampled_from(["GMT", "-0000", "+2359", "-9999", "+99999999999", "EST", "", "ZZZ"]),
)
numbers = st.floats().map(str) | st.sampled_from(["1_0", "\u0661", "1e400", "-1", "9" * 5_000, ""])
headers = st.dictionaries(
    st.sampled_from(["date", "retry-after", "retry-after-ms"]),
    dates | numbers | st.text(st.characters(max_codepoint=255), max_size=30),
)


@settings(UNHURRIED, max_examples=300 * EFFORT)
@given(
    code=st.integers(100, 599),
    headers=headers,
    body=st.binary(max_size=60)
    | json_values.map(lambda detail: json.dumps({"detail": detail}).encode())
    | st.sampled_from(ODD_JSON).map(
        lambda odd: f'{{"detail":{odd}}}'.encode("utf-8", "surrogatepass")
    ),
)
@example(429, {"retry-after": "Mon, 23 Nov 9999 10:00:00 GMT", "date": "1 Jan 1 0:0:0 +0000"}, b"")
def test_any_refusal_is_named(code: int, headers: dict[str, str], body: bytes) -> None:
    """In bounded words, with a wait of a minute at most and a time that is one."""
    error = refusal(code, headers, body, answered_at=1.0)

    assert isinstance(error, StatusRefused)
    assert error.code == code
    assert len(str(error)) <= len(f"HTTP {code}: ") + 300
    wait = error.retry_after_seconds
    assert wait is None or 0 <= wait <= 60
    moment = date(headers)
    assert moment is None or math.isfinite(moment)


@pytest.mark.parametrize("zone", ["Asia/Tokyo", "America/New_York"])
def test_a_date_without_zone_is_utc_wherever_we_are(zone: str) -> None:
    """As in the oldest of HTTP's three forms (RFC 9110, 5.6.7)."""
    code = (
        "from exporter.llamacloud.headers import date;"
        "print(date({'date': 'Sun Nov  6 08:49:37 1994'}))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], env={"TZ": zone}, capture_output=True, text=True, check=True
    )
    assert "784111777.0\n" == ended.stdout
