"""How Go writes the values of the web configuration file: durations and names of TLS."""

from __future__ import annotations

import re
import ssl
from types import MappingProxyType

_UNIT_SECONDS = MappingProxyType(
    {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
)
_UNITS = "|".join(sorted(_UNIT_SECONDS, key=len, reverse=True))
_PART = rf"(\d{{1,12}}(?:\.\d{{0,12}})?|\.\d{{1,12}})({_UNITS})"
_DURATION = re.compile(rf"([+-]?)((?:{_PART})+)")
_NANOSECONDS = re.compile(r"[+-]?\d{1,18}")

TLS_VERSIONS = MappingProxyType({"TLS12": ssl.TLSVersion.TLSv1_2, "TLS13": ssl.TLSVersion.TLSv1_3})
# The values of client_auth_type that request and verify clients' certificates.
CLIENT_VERIFICATION = MappingProxyType(
    {
        "VerifyClientCertIfGiven": ssl.CERT_OPTIONAL,
        "RequireAndVerifyClientCert": ssl.CERT_REQUIRED,
    }
)
# The suites that exporter-toolkit knows; those of TLS 1.3 cannot be chosen, in Go either.
CIPHERS = MappingProxyType(
    {
        "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA": "ECDHE-ECDSA-AES128-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA": "ECDHE-ECDSA-AES256-SHA",
        "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA": "ECDHE-RSA-AES128-SHA",
        "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA": "ECDHE-RSA-AES256-SHA",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256": "ECDHE-ECDSA-AES128-GCM-SHA256",
        "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384": "ECDHE-ECDSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256": "ECDHE-RSA-AES128-GCM-SHA256",
        "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384": "ECDHE-RSA-AES256-GCM-SHA384",
        "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-RSA-CHACHA20-POLY1305",
        "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256": "ECDHE-ECDSA-CHACHA20-POLY1305",
    }
)
TLS13_CIPHERS = ("TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256")
CURVES = MappingProxyType(
    {
        "CurveP256": "prime256v1",
        "CurveP384": "secp384r1",
        "CurveP521": "secp521r1",
        "X25519": "X25519",
    }
)


def parse_go_duration(text: object) -> float:
    """Return the seconds of a duration as Go writes it: ``1m30s``, ``0.5s``.

    A bare number is nanoseconds.

    Raises:
        ValueError: the text is no duration; the message completes "KEY ...".
    """
    if isinstance(text, (int, float)):
        return float(text)
    written = str(text)
    if _NANOSECONDS.fullmatch(written):
        return int(written) / 1e9
    match = _DURATION.fullmatch(written)
    if match is None:
        raise ValueError("must be a duration as Go writes it, such as 1s, 500ms or 1m30s")
    seconds = sum(float(n) * _UNIT_SECONDS[unit] for n, unit in re.findall(_PART, match[2]))
    return -seconds if match[1] == "-" else seconds
