"""Calls the vendor's SDK on request: a program for an environment that holds another SDK.

Each line of standard input is one call as JSON. Each line of standard output is its outcome: the
result, a list of all rows if the SDK pages, or the error that it raised.
"""

from __future__ import annotations

import json
import sys
from operator import attrgetter
from typing import Any

from llama_cloud import APIResponseValidationError, APIStatusError, LlamaCloud, __version__


def main() -> None:
    """Answer calls until standard input ends; first print the SDK's version."""
    write({"version": __version__, "has_v1beta": hasattr(LlamaCloud(api_key="none").beta, "batch")})
    for line in sys.stdin:
        write(outcome(**json.loads(line)))


def outcome(
    base_url: str, api_key: str, call: str, arguments: list[Any], options: dict[str, Any]
) -> dict[str, Any]:
    """Make one call, with every response checked against the SDK's own types."""
    with LlamaCloud(
        base_url=base_url,
        api_key=api_key,
        max_retries=0,
        timeout=10,
        _strict_response_validation=True,
    ) as client:
        try:
            returned = attrgetter(call)(client)(*arguments, **options)
            if call.endswith(".list"):
                return {"returned": [row.to_dict(mode="json") for row in returned]}
            return {"returned": returned.to_dict(mode="json")}
        except (APIStatusError, APIResponseValidationError) as error:
            return {"error": type(error).__name__, "code": error.status_code, "body": error.body}


def write(words: dict[str, Any]) -> None:
    """Write one line and flush it."""
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
