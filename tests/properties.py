"""How properties are tried: the same examples every time, so that no run is luckier than others."""

from hypothesis import HealthCheck, Phase, settings

# Parsers written in Python take their time, and a busy machine takes more.
UNHURRIED = settings(
    derandomize=True,
    database=None,
    deadline=None,
    # A failure is told as it was found: to shrink long texts takes minutes.
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
