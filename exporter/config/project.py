"""A project to watch: as it is configured, and as it is used."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, StringConstraints

from exporter.config.keys import KeyFile  # noqa: TC001 - pydantic evaluates it: Settings hold projects

DEFAULT_BASE_URL = "https://api.cloud.llamaindex.ai"
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class Project:
    """A project with all that is needed to watch it.

    ``project_id`` is ``None`` where the key's default project is meant; empty ``directory_ids`` and
    ``job_types`` stand for all. ``api_key_origin`` says where the key came from; ``api_key_file``
    is ``None`` where that is no file.
    """

    name: str
    project_id: str | None
    organization_id: str | None
    api_key: SecretStr
    base_url: str
    directory_ids: tuple[str, ...]
    job_types: tuple[str, ...]
    api_key_origin: str = ""
    api_key_file: KeyFile | None = None


def check_uuid(text: str) -> str:
    """Return a LlamaCloud id in lower case.

    Raises:
        ValueError: with words that complete "the setting ...".
    """
    if not _UUID.fullmatch(text.lower()):
        raise ValueError("must be a UUID such as 123e4567-e89b-12d3-a456-426614174000")
    return text.lower()


def check_base_url(text: str) -> str:
    """Return a base URL without the slash at its end.

    Raises:
        ValueError: with words that complete "the setting ...", without the URL: it may hold a
            password.
    """
    try:
        parts = urlsplit(text)
        whole = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        whole = False
    if not whole or not re.fullmatch(r"[!-~]+", text) or "\\" in text:
        raise ValueError(f"must be an http or https URL such as {DEFAULT_BASE_URL}")
    if "@" in text:
        raise ValueError("must not hold a user name or a password")
    if "?" in text or "#" in text:
        raise ValueError("must not have a query or a fragment")
    return text.rstrip("/")


def _check_name(text: str) -> str:
    if not text.isprintable():
        raise ValueError("must hold printable characters only")
    return text


def _without_repetition(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(values))


_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
_Id = Annotated[_Text, AfterValidator(check_uuid)]
_Once = AfterValidator(_without_repetition)


class ConfiguredProject(BaseModel):
    """An entry of ``projects``; what it leaves out comes from the ``LLAMA_CLOUD_*`` variables."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    name: Annotated[_Text, AfterValidator(_check_name)] | None = None
    project_id: _Id | None = None
    organization_id: _Id | None = None
    api_key: SecretStr | None = None
    api_key_file: str | None = Field(None, max_length=4096)
    base_url: Annotated[_Text, AfterValidator(check_base_url)] | None = None
    directory_ids: Annotated[tuple[_Text, ...], _Once] = ()
    job_types: Annotated[tuple[Literal["parse", "extract", "classify"], ...], _Once] = ()
