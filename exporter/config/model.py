"""All settings of the exporter, by group."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from exporter.config.groups import (
    Api,
    ConfigFile,
    Items,
    Jobs,
    Log,
    Poll,
    Retention,
    State,
)
from exporter.config.project import Project
from exporter.config.web_groups import Web

if TYPE_CHECKING:
    from pydantic_settings import PydanticBaseSettingsSource

ENV_PREFIX = "LLAMACLOUD_EXPORTER_"


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
