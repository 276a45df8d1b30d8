"""Which times of LlamaCloud are plausible, how its words are read, and which ids are equal."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st

from exporter.domain import ItemStatus, JobStatus, JobType
from exporter.domain.ids import bare_id, contradicts
from exporter.llamacloud.known_values import KnownValues, Vocabulary
from exporter.llamacloud.times import (
    CLOCKS_DIFFER_BY_SECONDS,
    EARLIEST_TIME,
    LATEST_TIME_AHEAD_SECONDS,
    plausible_time,
    plausible_times,
)
from exporter.llamacloud.v1beta.items import ITEM_STATUSES
from exporter.llamacloud.v1beta.jobs import JOB_STATUSES, JOB_TYPES
from tests.support.properties import UNHURRIED

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
ANSWERED_AT = NOW.timestamp()
CREATED = NOW - timedelta(hours=3)
UUID = "7c1d6f1e-7d4a-4b8e-9c52-0f5f3a9d2b11"
OTHER_UUID = "0b9b8d5c-2f60-4f2c-8a3e-6a1c7e5d4f22"
zones = st.none() | st.timedeltas(
    min_value=timedelta(hours=-23), max_value=timedelta(hours=23)
).map(timezone)
moments = st.none() | st.builds(
    lambda moment, zone: moment.replace(tzinfo=zone), st.datetimes(), zones
)


@pytest.mark.parametrize(
    ("moment", "is_believed"),
    [
        (datetime(1, 1, 1, tzinfo=UTC), False),
        (datetime(1970, 1, 1, tzinfo=UTC), False),
        (datetime(2014, 12, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2015, 1, 1, tzinfo=UTC), True),
        (datetime(2015, 1, 1), True),  # noqa: DTZ001 - LlamaCloud may leave the zone out
        (NOW, True),
        (NOW + timedelta(days=1), True),
        (NOW + timedelta(days=1, seconds=1), False),
        (datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC), False),
    ],
)
def test_a_time_is_believed_from_2015_to_a_day_after_the_answer(
    moment: datetime, *, is_believed: bool
) -> None:
    """By the answer's own clock."""
    seconds = moment.replace(tzinfo=UTC).timestamp() if is_believed else None
    assert seconds == plausible_time(moment, ANSWERED_AT)


@pytest.mark.parametrize(
    ("moment", "is_believed"),
    [
        (CREATED - timedelta(hours=23), False),
        (CREATED - timedelta(seconds=61), False),
        (CREATED - timedelta(seconds=60), True),
        (CREATED, True),
        (NOW, True),
    ],
)
def test_no_job_ends_before_its_creation(moment: datetime, *, is_believed: bool) -> None:
    """Beyond a minute, by which the clocks of LlamaCloud's servers may differ."""
    times = plausible_times(
        ANSWERED_AT, created=CREATED, started=moment, completed=moment, updated=moment
    )
    expected = moment.timestamp() if is_believed else None
    assert [expected] * 2 == [times.completed_at, times.updated_at]
    assert moment.timestamp() == times.started_at


def test_without_a_creation_that_is_believed_the_other_times_stand_for_themselves() -> None:
    """There is nothing to compare them with."""
    for created in (None, datetime(1970, 1, 1, tzinfo=UTC)):
        times = plausible_times(ANSWERED_AT, created=created, completed=CREATED)
        assert (None, CREATED.timestamp()) == (times.created_at, times.completed_at)


@UNHURRIED
@given(created=moments, started=moments, completed=moments, updated=moments)
def test_whatever_times_come_those_that_are_believed_can_be_true(
    created: datetime | None,
    started: datetime | None,
    completed: datetime | None,
    updated: datetime | None,
) -> None:
    """Each is as it was sent, or absent."""
    times = plausible_times(
        ANSWERED_AT, created=created, started=started, completed=completed, updated=updated
    )
    sent = {"created": created, "started": started, "completed": completed, "updated": updated}
    for name, moment in sent.items():
        seconds = getattr(times, f"{name}_at")
        if seconds is None:
            continue
        assert moment is not None
        assert (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() == seconds
        assert EARLIEST_TIME <= seconds <= ANSWERED_AT + LATEST_TIME_AHEAD_SECONDS
        if name != "started":
            assert seconds >= (times.created_at or 0) - CLOCKS_DIFFER_BY_SECONDS


@pytest.mark.parametrize("write", [str.upper, str.title, str.lower])
def test_words_are_compared_without_case(write: type[str]) -> None:
    """Whatever case LlamaCloud comes to write them in."""
    known = KnownValues(structlog.get_logger())
    read: tuple[tuple[Vocabulary[Any], set[Any]], ...] = (
        (JOB_STATUSES, set(JobStatus) - {JobStatus.GONE, JobStatus.THROTTLED}),
        (ITEM_STATUSES, set(ItemStatus)),
        (JOB_TYPES, set(JobType)),
    )
    for vocabulary, members in read:
        for member in members - {"unknown"}:
            assert member is known.read(vocabulary, write(str(member)))


@pytest.mark.parametrize("word", [None, "", "gone", "GONE", "Unknown", "throttled", "é" * 10**6])
def test_a_word_that_is_not_known_is_unknown(word: str | None) -> None:
    """As is one that is not there."""
    assert JobStatus.UNKNOWN is KnownValues(structlog.get_logger()).read(JOB_STATUSES, word)


@pytest.mark.parametrize(
    "other", [UUID, f"proj-{UUID}", f"prj-{UUID}", f"prj_{UUID.upper()}", UUID.replace("-", "")]
)
def test_ids_that_hold_the_same_uuid_are_one(other: str) -> None:
    """Whatever stands before it, on either side."""
    for requested, came in ((UUID, other), (other, UUID), (f"proj-{UUID}", other)):
        assert not contradicts(requested, came)
        assert contradicts(requested.replace(requested[-1], "0"), other)


@pytest.mark.parametrize(
    ("requested", "came", "is_other"),
    [
        (UUID, OTHER_UUID, True),
        (f"proj-{UUID}", f"prj-{OTHER_UUID}", True),
        (UUID, None, False),
        (UUID, "my-project", False),
        ("my-project", UUID, False),
        ("dir-1", "dir-1", False),
        ("dir-1", "dir-2", True),
        (UUID, "x" * 10_000, False),
        (UUID, f"{UUID}0", False),
    ],
)
def test_ids_are_compared_where_both_or_none_hold_a_uuid(
    requested: str, came: str | None, *, is_other: bool
) -> None:
    """Where only one of them does, nothing is known."""
    assert is_other == contradicts(requested, came)


@pytest.mark.parametrize(
    ("text", "bare"),
    [(UUID, UUID), (f"proj-{UUID}", UUID), ("my-project", "my-project"), ("", ""), ("İ", "İ")],
)
def test_an_id_is_shown_without_its_prefix(text: str, bare: str) -> None:
    """So that it is the same in every generation of the API."""
    assert bare == bare_id(text)
