"""Settings of property-based tests.

In every run, `make test` uses the same examples, so that results do not depend on luck. `make
explore` sets EXPLORE to a number: it multiplies the examples, which differ in every run.
"""

import os

from hypothesis import HealthCheck, Phase, settings

EFFORT = int(os.environ.get("EXPLORE", "1"))

# Parsers written in Python are slow, and slower on a busy machine.
UNHURRIED = settings(
    derandomize="EXPLORE" not in os.environ,
    max_examples=100 * EFFORT,
    database=None,
    deadline=None,
    # The output shows how to reproduce a failure.
    print_blob=True,
    # Failures are not shrunk, because shrinking long texts takes minutes.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
