"""The exporter's own metric families, in the order in which they are exposed."""

from __future__ import annotations

from exporter.telemetry.family import OwnFamily
from exporter.telemetry.project_families import PROJECT_FAMILIES

FAMILIES = (
    OwnFamily(
        "llamacloud_exporter_build_info",
        "gauge",
        ("version", "revision", "python_version"),
        "Version and revision of the exporter, and version of Python, as labels; always 1.",
    ),
    *PROJECT_FAMILIES,
    OwnFamily(
        "llamacloud_exporter_log_records_dropped_total",
        "counter",
        (),
        "Log records that could not be written because standard error is closed, full or read too"
        " slowly.",
    ),
    OwnFamily(
        "llamacloud_exporter_config_last_reload_successful",
        "gauge",
        (),
        "1 if the last reload of the settings and of the web configuration file succeeded or there"
        " was none, otherwise 0.",
    ),
    OwnFamily(
        "llamacloud_exporter_config_last_reload_success_timestamp_seconds",
        "gauge",
        (),
        "Unix time of the last successful reload of the settings or the web configuration file;"
        " before the first, that of the start.",
    ),
    OwnFamily(
        "llamacloud_exporter_state_last_write_successful",
        "gauge",
        (),
        "1 if the state file contains what is published, 0 if it could not be written or is not"
        " used; absent without state.file.",
    ),
)
