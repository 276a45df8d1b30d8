"""Mistakes in the settings: collected, worded without secrets, and told all at once."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, ParamSpec, TypeVar

from exporter.logs import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

_Params = ParamSpec("_Params")
_Result = TypeVar("_Result")

_SHOWN_LENGTH = 200
_KEY_PREFIX = "llx-"


class ConfigError(Exception):
    """The settings cannot be used; ``problems`` holds each mistake as one sentence."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(*self.problems)

    def __str__(self) -> str:
        """Word all mistakes and how to go on, ready for standard error."""
        count = len(self.problems)
        heading = "a mistake" if count == 1 else f"{count} mistakes"
        listed = "\n".join(f"  - {problem}" for problem in self.problems)
        advice = "Nothing was started. `llamacloud-batch-exporter --help` explains every setting."
        return f"The settings have {heading}:\n{listed}\n{advice}"


class Mistakes:
    """Gathers the mistakes of several steps, so that one bad setting does not hide another."""

    def __init__(self) -> None:
        self._problems: list[str] = []

    def attempt(
        self, step: Callable[_Params, _Result], *args: _Params.args, **kwargs: _Params.kwargs
    ) -> _Result | None:
        """Return what ``step`` returns, or ``None`` where it raised a ``ConfigError``."""
        try:
            return step(*args, **kwargs)
        except ConfigError as error:
            self._problems.extend(error.problems)
            return None

    def add(self, *problems: str) -> None:
        """Take note of mistakes."""
        self._problems.extend(problems)

    def all(self) -> ConfigError:
        """Return all that was gathered, to be raised."""
        return ConfigError(self._problems)

    def conclude(
        self, step: Callable[_Params, _Result], *args: _Params.args, **kwargs: _Params.kwargs
    ) -> _Result:
        """Return what the last step returns.

        Raises:
            ConfigError: with all that was gathered, if any step made a mistake.
        """
        try:
            result = step(*args, **kwargs)
        except ConfigError as error:
            raise ConfigError([*self._problems, *error.problems]) from None
        if self._problems:
            raise ConfigError(self._problems)
        return result


def shown(value: object) -> str:
    """Return a value that is no secret in quotes, escaped and of bounded length.

    What holds the beginning of a LlamaCloud key is not shown: it may have been put in the wrong
    place.
    """
    text = str(value)
    if _KEY_PREFIX in text:
        return "[redacted]"
    short = text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "..."
    return f'"{escaped(short)}"'


def unknown(name: str, known: Iterable[str]) -> str:
    """Say that ``name`` is unknown, and which of the ``known`` is nearest."""
    named = shown(name).strip('"')
    by_folded = {each.casefold(): each for each in known}
    folded = name[:_SHOWN_LENGTH].casefold()
    nearest = get_close_matches(folded, by_folded, n=1, cutoff=0.0)[0]
    return f"{named} is unknown; the nearest known one is {by_folded[nearest]}."
