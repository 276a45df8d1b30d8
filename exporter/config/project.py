"""A project to poll: as it is configured, and as it is used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
)

from exporter.config.keys import ApiKey  # noqa: TC001 - pydantic evaluates it: Settings hold projects
from exporter.config.values import check_base_url, check_name, check_uuid, parse_api_versions
from exporter.domain import ApiVersion


@dataclass(frozen=True, slots=True)
class Project:
    """A project with all that is needed to poll it.

    ``project_id`` is ``None`` for the key's default project. Empty ``directory_ids`` and
    ``job_types`` mean all, empty ``api_versions`` those of ``api.versions``. While a key file is
    waited for, the ``key`` has no value.
    """

    name: str
    project_id: str | None
    organization_id: str | None
    key: ApiKey
    base_url: str
    directory_ids: tuple[str, ...] = ()
    job_types: tuple[str, ...] = ()
    api_versions: tuple[ApiVersion, ...] = ()


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
# Gateways of companies have long host names and paths.
_Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]
_Id = Annotated[_Text, AfterValidator(check_uuid)]
_Once = AfterValidator(lambda values: tuple(dict.fromkeys(values)))


class ConfiguredProject(BaseModel):
    """An entry of ``projects``; what it leaves out comes from the ``LLAMA_CLOUD_*`` variables."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[_Text, AfterValidator(check_name)] | None = None
    project_id: _Id | None = None
    organization_id: _Id | None = None
    api_key: SecretStr | None = None
    api_key_file: str | None = Field(None, max_length=4096)
    base_url: Annotated[_Url, AfterValidator(check_base_url)] | None = None
    directory_ids: Annotated[tuple[_Text, ...], _Once] = ()
    job_types: Annotated[tuple[Literal["parse", "extract", "classify"], ...], _Once] = ()
    api_versions: Annotated[tuple[ApiVersion, ...], BeforeValidator(parse_api_versions)] = ()

    @property
    def called(self) -> str:
        """The name of the project, or else its id, or else ``default``."""
        return self.name or self.project_id or "default"
