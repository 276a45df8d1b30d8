"""Reading the YAML file: words as they stand, each key once, mistakes without quotations."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, ClassVar

import yaml

from exporter.config.errors import ConfigError, shown
from exporter.texts import escaped

if TYPE_CHECKING:
    from collections.abc import Hashable
    from pathlib import Path

_NULL, _MERGE = "tag:yaml.org,2002:null", "tag:yaml.org,2002:merge"
_KINDS = (_NULL, "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map", None)


class _PlainLoader(yaml.SafeLoader):
    """Leaves scalars as the text that stands there, so that the model alone decides what it means.

    YAML itself would read ``1:30`` as 90, ``on`` as true and ``1e3`` in an id as a number.
    """

    yaml_implicit_resolvers = {  # noqa: RUF012 - PyYAML declares it, and nobody writes to it
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
            if key.value in seen:
                raise yaml.constructor.ConstructorError(
                    problem=f"the key {shown(key.value)} stands there twice",
                    problem_mark=key.start_mark,
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def read_yaml(path: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds, its scalars as text.

    Raises:
        ConfigError: if the file cannot be read, or is not one YAML mapping.
    """
    named = f"the configuration file {shown(path)}"
    try:
        # PyYAML's loader of untrusted input is the base of ours.
        tree = yaml.load(path.read_bytes().decode(), _PlainLoader)  # noqa: S506 - see above
    except OSError as error:
        raise ConfigError(f"{named} cannot be read: {error.strerror}.") from None
    except yaml.YAMLError as error:
        raise ConfigError(f"{named} is not valid YAML: {_problem(error)}.") from None
    except ValueError:
        raise ConfigError(f"{named} is not UTF-8 text.") from None
    if tree is None:
        return {}
    if not isinstance(tree, dict) or not all(isinstance(key, str) for key in tree):
        raise ConfigError(f"{named} must hold a mapping of settings to values.")
    return tree


def _problem(error: yaml.YAMLError) -> str:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return "it holds characters that YAML does not allow"
    # PyYAML quotes words of the file, and any of them may be a key.
    problem = re.sub(r"'[^'<,\s][^'].*", "'...'", error.problem or "it cannot be read")
    return f"line {error.problem_mark.line + 1}: {escaped(problem)}"
