"""JSON as no API would document it."""

from hypothesis import strategies as st

# As JSON, which can say what Python's writer would not.
ODD_JSON = (
    *("null", "true", "[]", "{}", '""', '"."', '".."', "-1", "-0", "-0.0", "1.5", "12.0"),
    *("1e400", "-1e400", "1e-400", "9007199254740993", "9" * 4_000, "9" * 5_000, "1e" + "9" * 400),
    *("NaN", "Infinity", "-Infinity", '"NaN"', "0x10", "01", "1_0"),
    *('"\\ud800"', '"\\u0000"', '"\ud83d\ude00"', '"\\ud83d\\ude00"', '"unended', '"\\x"'),
    *('"0001-01-01T00:00:00+23:59"', '"9999-12-31T23:59:60-23:59"', '"2026-02-30"', '"2026-W53-7"'),
    *('"2026-11-23T10:00:00+99:99"', '"2026-11-23T10:00:00 UTC"', '"\u0661"', "1763892000"),
    "[" * 200 + "]" * 200,
    '{"a":' * 200 + "1" + "}" * 200,
    '"' + "x" * 10_000 + '"',
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
