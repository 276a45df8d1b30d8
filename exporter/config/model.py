"""All settings of the exporter, by group."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from exporter.addresses import DEFAULT_LISTEN_ADDRESSES, ListenAddress, parse_listen_addresses
from exporter.config.groups import (
    Api,
    ConfigFile,
    Group,
    Items,
    Jobs,
    Log,
    Poll,
    Retention,
    State,
)
from exporter.config.project import Project
from exporter.config.values import check_telemetry_path

if TYPE_CHECKING:
    from pydantic_settings import PydanticBaseSettingsSource

ENV_PREFIX = "LLAMACLOUD_EXPORTER_"


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


class Settings(BaseSettings):
    """All settings, validated; durations are seconds."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        env_prefix=ENV_PREFIX,
        env_nested_delimiter="__",
        # Lists are written with commas, and projects' mistakes are worded by ourselves.
        enable_decoding=False,
    )

    config: ConfigFile = ConfigFile()
    poll: Poll = Poll()
    api: Api = Api()
    items: Items = Items()
    jobs: Jobs = Jobs()
    retention: Retention = Retention()
    state: State = State()
    web: Web = Web()
    log: Log = Log()
    projects: tuple[Project, ...] = Field(
        (),
        description="List of name, project_id, organization_id, api_key_file (or api_key),"
        " base_url, directory_ids, job_types and api_versions; in the file, or as JSON in the"
        " variable.",
        json_schema_extra={"written_default": "one, from the LLAMA_CLOUD_* variables"},
    )

    def api_keys(self) -> list[str]:
        """Return the keys of the projects, without those that are waited for."""
        keys = (project.key.value for project in self.projects)
        return [key.get_secret_value() for key in keys if key is not None]

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 - pydantic-settings passes it
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Merge the ``sources`` that ``load`` passes, the first the strongest, and no others."""
        return tuple(init_settings()["sources"])
