"""How properties are tried.

`make test` tries the same examples every time, so that no run is luckier than others.
`make explore` sets EXPLORE to a number: that many times as many examples, and others in every run.
"""

import os

from hypothesis import HealthCheck, Phase, settings

EFFORT = int(os.environ.get("EXPLORE", "1"))

# Parsers written in Python take their time, and a busy machine takes more.
UNHURRIED = settings(
    derandomize="EXPLORE" not in os.environ,
    max_examples=100 * EFFORT,
    database=None,
    deadline=None,
    # What is found by exploring can be tried again.
    print_blob=True,
    # A failure is reported as it was found: shrinking long texts takes minutes.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
