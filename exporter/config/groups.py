"""The groups of settings: every setting with its type, bounds, default and help sentence."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, field_validator

from exporter.config.values import duration_between, format_duration, parse_api_versions
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
        description="The YAML file with other settings and the projects.",
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
        description="Time without a successful listing after which a project is stale: the data"
        " of its active jobs is withdrawn.",
        json_schema_extra={"written_default": "5 intervals, at least 5m"},
    )
    full_listing_every: Annotated[float, duration_between(1, 7 * _DAY)] = Field(
        15 * _MINUTE,
        description="How often all jobs of v1beta and at least eight days of v2 are listed;"
        " listings in between read less.",
    )
    max_pages: int = Field(
        100, ge=1, le=100_000, description="Maximum number of pages of jobs that a listing reads."
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
        30.0, description="Time limit of a request; connecting has a shorter one."
    )
    requests_per_minute: float = Field(
        10.0,
        gt=0,
        le=100_000,
        allow_inf_nan=False,
        description="Request budget of a key at a base URL; fractions are allowed.",
    )
    versions: Annotated[tuple[ApiVersion, ...], BeforeValidator(parse_api_versions)] = Field(
        tuple(ApiVersion),
        title="VERSIONS",
        description="Generations of the batch API that are read, separated by commas; one that"
        " LlamaCloud refuses while it answers the other is set aside.",
    )
    tls_strict: bool = Field(
        default=True,
        description="Whether certificates must have all fields that RFC 5280 requires, as in"
        " Python 3.13; false accepts certificates of company CAs that lack some.",
    )
    wait_for_key: bool = Field(
        default=False,
        description="Whether to start when a key file is missing or holds no usable key, and to use"
        " the key when it appears. For sidecars: a start that fails then takes five seconds, so"
        " that Kubernetes starts the workload anyway.",
    )
    concurrency: int = Field(
        8,
        ge=1,
        le=1000,
        description="Maximum number of simultaneous refreshes for a key, in addition to listings.",
    )


class Items(Group):
    """``items.*``."""

    enabled: bool = Field(default=True, description="Whether items are counted by status.")
    max_pages: int = Field(
        10,
        ge=1,
        le=100_000,
        description="Maximum number of pages in one count of an active job's items, and five"
        " times as many in the final count; of larger jobs, only some statuses are counted.",
    )


class Jobs(Group):
    """``jobs.*``."""

    max_per_project: int = Field(
        500,
        ge=0,
        le=1_000_000,
        description="Maximum number of jobs of a project that have their own series; 0 publishes"
        " totals only, and then no alert about single jobs can fire.",
    )


class Retention(Group):
    """``retention.*``."""

    finished: Annotated[float, duration_between(0, 365 * _DAY)] = Field(
        _HOUR, description="How long a job that ended without failures is kept."
    )
    failed: Annotated[float, duration_between(0, 365 * _DAY)] = Field(
        _DAY, description="How long a job that failed or has failed items is kept."
    )
    min_scrapes: int = Field(
        2,
        ge=0,
        le=1000,
        description="Number of scrapes that must have shown the final state of a job before it is"
        " removed; after retention.failed it is removed anyway.",
    )


class State(Group):
    """``state.*``."""

    file: Path | None = Field(
        None,
        title="FILE",
        description="The file that keeps counters and jobs over restarts, none by default; its"
        " folder must exist, and a relative path starts from the working directory.",
    )


class Log(Group):
    """``log.*``."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Records below this level are not logged."
    )
    format: Literal["auto", "json", "console"] = Field(
        "auto", description="Format of the log; auto is console on a terminal, else json."
    )
    documents: bool = Field(
        default=True,
        description="Whether names of documents and error texts of jobs and items are logged and"
        " shown on the status page; with false, only ids, codes and counts are.",
    )
