"""Reading a YAML file: scalars as text, no key twice, and messages that quote no value.

A file that is made to exhaust its reader is a mistake like any other.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from exporter.config.errors import ConfigError, shown
from exporter.config.file_reading import read_text
from exporter.texts import escaped, well_formed

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

# About the size of a thousand projects; PyYAML reads it in a few tenths of a second.
_LARGEST_FILE_KIB = 128
_MOST_VALUES = 10_000
# A project has nine settings. Mappings that each merge the one before twice grow exponentially.
_LARGEST_MAPPING = 100
_MOST_ALIASES = 1000
_NULL, _MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"
# PyYAML's messages about usual mistakes, and ours, which say what to write instead.
_ADVICE = {
    r"found character '\\t' that .*": "a tab is in the place of spaces; indent with spaces",
    r"found character '(.)' that .*": r"put a text that begins with \1 into quotation marks",
    r"mapping values are not allowed.*": (
        "a colon is where none can be; indent the line as its neighbours are, or put a text that"
        " holds a colon into quotation marks"
    ),
    r"expected <block end>.*": (
        "the line is not indented as those that it belongs to; settings of one group begin in one"
        " column"
    ),
    r"expected ',' or '(.)'.*": r"a comma or a \1 is missing",
    r"could not find expected ':'": "a colon is missing; write NAME: VALUE",
    r"found unexpected end of stream": "a quotation mark that opens here is never closed",
}
# In these contexts PyYAML's mark is the place where it gave up, not where the mistake began.
_BEGAN_EARLIER = ("while scanning a quoted scalar", "while scanning a simple key")
_KINDS = (_NULL, "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map", None)


class _PlainLoader(yaml.SafeLoader):
    """Reads scalars as text, without white space around them: the model converts them.

    YAML itself would read ``1:30`` as 90, ``on`` as true and ``1e3`` in an id as a number.
    """

    _values = 0
    _aliases = 0

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML declares it so
        first: [(tag, pattern) for tag, pattern in resolvers if tag in {_NULL, _MERGE}]
        for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    yaml_constructors: ClassVar[dict[str | None, Any]] = {
        tag: construct
        for tag, construct in yaml.SafeLoader.yaml_constructors.items()
        if tag in _KINDS
    }

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - PyYAML's signature
        """Build a mapping; a key that stands in it twice is a mistake."""
        seen: set[str] = set()
        for key in (key for key, _ in node.value if isinstance(key, yaml.ScalarNode)):
            if key.value.strip() in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {shown(key.value)} stands there twice",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value.strip())
        return super().construct_mapping(node, deep=deep)

    def construct_scalar(self, node: yaml.ScalarNode | yaml.MappingNode) -> str:
        """Return the text of a scalar; an escape for half a character is a mistake."""
        text = str(super().construct_scalar(node)).strip()
        if text != well_formed(text):
            problem = "an escape such as \\ud800 stands for half a character"
            raise yaml.constructor.ConstructorError(problem=problem, problem_mark=node.start_mark)
        return text

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        """Read a value or an alias; too many are a mistake."""
        self._values += 1
        self._aliases += self.check_event(yaml.AliasEvent)
        if self._values > _MOST_VALUES or self._aliases > _MOST_ALIASES:
            problem = f"there are more than {_MOST_VALUES} values, or {_MOST_ALIASES} aliases"
            raise yaml.composer.ComposerError(problem=problem, problem_mark=self.get_mark())
        return super().compose_node(parent, index)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Merge other mappings into one; a mapping that grows large is a mistake."""
        merges = any(key.tag == _MERGE for key, _ in node.value)
        super().flatten_mapping(node)
        if merges and len(node.value) > _LARGEST_MAPPING:
            raise yaml.constructor.ConstructorError(
                problem=f"a mapping that merges others has more than {_LARGEST_MAPPING} keys",
                problem_mark=node.start_mark,
            )


def read_yaml(path: Path, kind: str = "configuration file") -> dict[str, Any] | None:
    """Return the mapping that a YAML file holds, its scalars as text, ``None`` if it is empty.

    Messages name the ``kind`` of the file.

    Raises:
        ConfigError: if the file cannot be read, or is not one YAML mapping.
    """
    named = f"the {kind} {shown(path)}"
    text = read_text(path, named, most_kib=_LARGEST_FILE_KIB)
    try:
        # PyYAML's loader of untrusted input is the base of ours.
        tree = yaml.load(text, _PlainLoader)  # noqa: S506 - see above
    except yaml.YAMLError as error:
        raise ConfigError(f"{named} is not valid YAML: {_problem(error)}.") from None
    except RecursionError:
        raise ConfigError(f"{named} is nested too deeply.") from None
    if tree is None:
        return None
    if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        raise ConfigError(f"{named} must hold a mapping of settings to values.")
    return tree


def _problem(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "it holds characters that YAML does not allow"
    problem = error.problem or "it cannot be read"
    begun = error.context_mark if (error.context or "") in _BEGAN_EARLIER else None
    line = (begun or error.problem_mark).line + 1
    for pattern, advice in _ADVICE.items():
        if found := re.fullmatch(pattern, problem):
            return f"line {line}: {found.expand(advice)}"
    # PyYAML quotes words of the file, and any of them may be a key.
    problem = re.sub(r"'[^'<,\s][^'].*", "'...'", problem)
    return f"line {line}: {escaped(problem)}"
