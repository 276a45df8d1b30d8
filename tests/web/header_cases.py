"""The meaning of Accept and Accept-Encoding, written out by hand after RFC 9110."""

from exporter.exposition import Form

TEXT = Form.TEXT
OPENMETRICS = Form.OPENMETRICS
PROMETHEUS_3 = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "application/openmetrics-text;version=0.0.1;q=0.5,"
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
    "text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
)
PROMETHEUS_3_TEXT = (
    "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.6,"
    "text/plain;version=0.0.4;q=0.5,"
    "application/openmetrics-text;version=1.0.0;q=0.4,*/*;q=0.2"
)
PROMETHEUS_2 = (
    "application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
)
PROTOBUF = (
    "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited"
)
BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"

ACCEPT = [
    (None, TEXT),
    ("", TEXT),
    ("*/*", TEXT),
    (BROWSER, TEXT),
    (PROMETHEUS_3, OPENMETRICS),
    (PROMETHEUS_3_TEXT, TEXT),
    (PROMETHEUS_2, OPENMETRICS),
    (f"{PROTOBUF},{PROMETHEUS_3}", OPENMETRICS),
    # By name, with and without a version.
    ("text/plain", TEXT),
    ("text/plain;version=0.0.4", TEXT),
    ("text/plain; charset=utf-8", TEXT),
    ("application/openmetrics-text", OPENMETRICS),
    ("application/openmetrics-text;version=1.0.0", OPENMETRICS),
    ('application/openmetrics-text; version="1.0.0"', OPENMETRICS),
    ("application/openmetrics-text;version=0.0.1", OPENMETRICS),
    ("Application/OpenMetrics-Text;Version=1.0.0;Q=1", OPENMETRICS),
    # What is not offered.
    ("application/openmetrics-text;version=2.0.0", TEXT),
    ("application/openmetrics-text;version=2.0.0,text/plain;q=0.1", TEXT),
    ("text/plain;version=1.0.0,application/openmetrics-text;q=0.1", OPENMETRICS),
    ("application/json", TEXT),
    (PROTOBUF, TEXT),
    # Quality decides first.
    ("application/openmetrics-text;q=0.2,text/plain;q=0.3", TEXT),
    ("application/openmetrics-text;q=0.3,text/plain;q=0.2", OPENMETRICS),
    ("text/plain;q=0.001,application/openmetrics-text;q=0.002", OPENMETRICS),
    ("application/openmetrics-text;q=0.3,*/*;q=0.4", TEXT),
    # Then how specific a preference is, then OpenMetrics if it was requested by name.
    ("text/plain,application/openmetrics-text", OPENMETRICS),
    ("text/plain;version=0.0.4,application/openmetrics-text;version=1.0.0", OPENMETRICS),
    ("text/plain;version=0.0.4,application/openmetrics-text", TEXT),
    ("text/plain,application/*", TEXT),
    ("text/*,application/openmetrics-text", OPENMETRICS),
    ("text/*,application/*", TEXT),
    ("*/*,application/*", OPENMETRICS),
    ("application/*", OPENMETRICS),
    # The most specific wish says a form's quality.
    ("text/*;q=0.9,text/plain;q=0.1,application/openmetrics-text;q=0.5", OPENMETRICS),
    (
        "application/openmetrics-text;version=1.0.0;q=0.1,application/openmetrics-text,*/*;q=0.5",
        TEXT,
    ),
    # Zero excludes.
    ("application/openmetrics-text;q=0,*/*", TEXT),
    ("text/plain;q=0,*/*;q=0.1", OPENMETRICS),
    ("text/plain;q=0.000,application/openmetrics-text;q=0.1", OPENMETRICS),
    ("application/openmetrics-text;q=0", TEXT),
    ("text/plain;q=0", TEXT),
    ("*/*;q=0", TEXT),
    # What is malformed is ignored.
    ("application/openmetrics-text;q=2", TEXT),
    ("application/openmetrics-text;q=-1", TEXT),
    ("application/openmetrics-text;q=nan", TEXT),
    ("application/openmetrics-text;q=0.1234", TEXT),
    ("application/openmetrics-text;q", TEXT),
    ("application openmetrics-text,,;,=,/", TEXT),
    (";q=1,application/openmetrics-text;q=0.5,text/;q=1", OPENMETRICS),
    ('"application/openmetrics-text', TEXT),
    ('"application/openmetrics-text"', TEXT),
    ("application/openmetrics-text/x", TEXT),
    ("application /openmetrics-text", TEXT),
    ("application/openmetrics-text version=1.0.0", TEXT),
    ("application/openmetrics-text;q=.5", TEXT),
    ("application/openmetrics-text;q=1.001", TEXT),
    ('application/openmetrics-text;q="0"', TEXT),
    ("application/openmetrics-text\xff", TEXT),
    # Empty elements and parameters are allowed (5.6.1.2, 5.6.6).
    (",application/openmetrics-text", OPENMETRICS),
    ("text/html, ,application/openmetrics-text,", OPENMETRICS),
    ("application/openmetrics-text;;version=1.0.0;", OPENMETRICS),
]

ACCEPT_ENCODING = [
    (None, False),
    ("", False),
    ("gzip", True),
    ("GZIP", True),
    ("x-gzip", True),
    ("gzip, deflate, br, zstd", True),
    ("deflate, br", False),
    ("identity", False),
    ("*", True),
    ("*;q=0.1", True),
    ("*;q=0", False),
    ("gzip;q=0", False),
    ("gzip;q=0.0, *", False),
    ("gzip;q=0.001", True),
    ("gzip;q=1.0, identity;q=0.5", True),
    ("gzip;q=0.5, identity;q=1", False),
    ("gzip;q=0.5, identity;q=0.5", True),
    ("identity;q=0, gzip;q=0.1", True),
    ("gzip;q=2", False),
    ("gzip;q=", False),
    ("gzipped", False),
    ("br;q=1, *;q=0, gzip;q=0.3", True),
    # What is malformed is ignored.
    ('"gzip', False),
    ('"gzip"', False),
    ("gzip/", False),
    (";gzip", False),
    ("=gzip", False),
    ("gzip q=1", False),
    ("gzip deflate", False),
    ("gzip\xff", False),
    ("gzip;q=.5", False),
    ("gzip;q=1.001", False),
    ("gzip;q=0.5000", False),
    ("gzip;q=1e0", False),
    ("gzip;q=-0", False),
    ('gzip;q="0"', False),
    ('"gzip, deflate", gzip', True),
    ('"deflate", gzip;q=0.5', True),
    # Empty elements are allowed (5.6.1.2); an empty parameter says nothing.
    (",gzip", True),
    ("br, ,gzip,", True),
    ("gzip;;q=1", True),
    ("gzip;;q=0", False),
]
