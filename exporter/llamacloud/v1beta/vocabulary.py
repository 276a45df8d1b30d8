"""The statuses and types of v1beta."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from exporter.domain import ItemStatus, JobStatus, JobType
from exporter.llamacloud.known_values import Vocabulary

if TYPE_CHECKING:
    from enum import StrEnum

Word = TypeVar("Word", bound="StrEnum")

# Words of ours, or of another generation: in v1beta they would mean something else.
_NOT_OF_V1BETA = frozenset({"unknown", str(JobStatus.GONE), str(JobStatus.THROTTLED)})


def _vocabulary(kind: str, words: type[Word]) -> Vocabulary[Word]:
    meanings = {str(word): word for word in words if word not in _NOT_OF_V1BETA}
    return Vocabulary(kind, meanings, words("unknown"))


JOB_TYPES = _vocabulary("job type", JobType)
JOB_STATUSES = _vocabulary("job status", JobStatus)
ITEM_STATUSES = _vocabulary("item status", ItemStatus)
