"""The settings of the exporter's own HTTP side."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from exporter.addresses import DEFAULT_LISTEN_ADDRESSES, ListenAddress, parse_listen_addresses
from exporter.config.groups import Group
from exporter.config.values import check_telemetry_path


class WebConfig(Group):
    """``web.config.*``."""

    file: Path | None = Field(
        None,
        title="FILE",
        description="The file with TLS, client certificates, basic authentication, headers and rate"
        " limit, in the format of Prometheus's exporter toolkit; none by default.",
    )


class Web(Group):
    """``web.*``."""

    listen_address: Annotated[
        tuple[ListenAddress, ...], BeforeValidator(parse_listen_addresses)
    ] = Field(
        DEFAULT_LISTEN_ADDRESSES,
        title="ADDRESS",
        description="Address to listen on: host:port, :port or [::1]:port; the flag may be"
        " repeated, the variable takes several separated by commas.",
    )
    telemetry_path: Annotated[str, AfterValidator(check_telemetry_path)] = Field(
        "/metrics", title="PATH", description="The path under which metrics are served."
    )
    enable_lifecycle: bool = Field(
        default=False,
        description="Whether POST /-/reload applies the settings again, as SIGHUP always does, and"
        " POST /-/quit stops the exporter; with false, both answer 403.",
    )
    config: WebConfig = WebConfig()
