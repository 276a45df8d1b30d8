"""The groups of settings: every setting with its type, bounds, default and help sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from exporter.config.values import (
    duration_between,
    format_duration,
    parse_api_versions,
)
from exporter.domain import ApiVersion

if TYPE_CHECKING:
    from pydantic import ValidationInfo

_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0


class Group(BaseModel):
    """Settings that share the first part of their name."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ConfigFile(Group):
    """``config.*``."""

    file: Path | None = Field(
        None,
        title="FILE",
        description="The YAML file that holds any of the other settings, and projects.",
    )


def _stale_after_default(validated: dict[str, Any]) -> float:
    return max(5 * float(validated.get("interval", 0.0)), 5 * _MINUTE)


class Poll(Group):
    """``poll.*``."""

    interval: Annotated[float, duration_between(1, _DAY)] = Field(
        30.0, description="How often jobs are listed, such as 30s, 5m or 1h30m."
    )
    stale_after: Annotated[float, duration_between(1, 30 * _DAY)] = Field(
        default_factory=_stale_after_default,
        description="A project that was not listed for so long is stale: what it says of active"
        " jobs is withdrawn.",
        json_schema_extra={"written_default": "5 intervals, at least 5m"},
    )
    full_listing_every: Annotated[float, duration_between(1, 7 * _DAY)] = Field(
        15 * _MINUTE,
        description="How often the whole history of v1beta, and eight days of v2 at least, are"
        " listed, whatever shortcut is in use.",
    )
    max_pages: int = Field(
        100, ge=1, le=100_000, description="The most pages of jobs that one listing reads."
    )

    @field_validator("stale_after")
    @classmethod
    def _not_before_the_next_listing(cls, seconds: float, info: ValidationInfo) -> float:
        interval = info.data.get("interval")
        if interval is not None and seconds < interval:
            raise ValueError(
                f"must be at least poll.interval, which is {format_duration(interval)}"
            )
        return seconds


class Api(Group):
    """``api.*``."""

    timeout: Annotated[float, duration_between(0.1, 10 * _MINUTE)] = Field(
        30.0, description="How long one request may take; connecting has its own shorter limit."
    )
    requests_per_minute: float = Field(
        10.0,
        gt=0,
        le=100_000,
        allow_inf_nan=False,
        description="Request budget of one key at one base URL; may be a fraction.",
    )
    versions: Annotated[tuple[ApiVersion, ...], BeforeValidator(parse_api_versions)] = Field(
        tuple(ApiVersion),
        title="VERSIONS",
        description="The generations of the batch API that are read, separated by commas; one that"
        " LlamaCloud refuses while it answers the other is set aside.",
    )
    tls_strict: bool = Field(
        default=True,
        description="Whether certificates must have what RFC 5280 asks for, as Python 3.13 insists"
        " on; false accepts those of company CAs that lack it.",
    )
    wait_for_key: bool = Field(
        default=False,
        description="Whether to start without a key file that is not there yet, or holds no usable"
        " key, and to use its key when it appears. For sidecars: a start that fails takes five"
        " seconds, so that Kubernetes starts the workload all the same.",
    )
    concurrency: int = Field(
        8, ge=1, le=1000, description="The most refreshes at once for one key, beside its listings."
    )


class Items(Group):
    """``items.*``."""

    enabled: bool = Field(default=True, description="Whether items are counted by status.")
    max_pages: int = Field(
        10,
        ge=1,
        le=100_000,
        description="The most pages that one reading of an active job's items takes, five times"
        " that for its final count; a list that moves is read again, of a larger one what matters.",
    )


class Jobs(Group):
    """``jobs.*``."""

    max_per_project: int = Field(
        500,
        ge=0,
        le=1_000_000,
        description="The most jobs of a project with series of their own; 0 publishes totals only,"
        " and no alert about single jobs can fire.",
    )


class Retention(Group):
    """``retention.*``."""

    finished: Annotated[float, duration_between(0, 365 * _DAY)] = Field(
        _HOUR, description="How long a job that ended without failures stays."
    )
    failed: Annotated[float, duration_between(0, 365 * _DAY)] = Field(
        _DAY, description="How long a job that failed, or has failed items, stays."
    )
    min_scrapes: int = Field(
        2,
        ge=0,
        le=1000,
        description="How many scrapes must have shown a job's final state before it leaves,"
        " within retention.failed at most.",
    )


class State(Group):
    """``state.*``."""

    file: Path | None = Field(
        None,
        title="FILE",
        description="The file that keeps counters and jobs over a restart, none by default; its"
        " folder must exist, and a relative path is one of the working directory.",
    )


class Log(Group):
    """``log.*``."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Records below this level are left out."
    )
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="How records are written; auto: console on a terminal, else json."
    )
    documents: bool = Field(
        default=True,
        description="Whether names of documents and error texts of jobs and items are logged; false"
        " leaves ids, codes and counts.",
    )
