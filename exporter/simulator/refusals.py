"""Requests that LlamaCloud refuses, in its words."""

from __future__ import annotations

from typing import Any


class RefusedError(Exception):
    """A request is answered with an error: its ``code``, and its ``detail`` as JSON."""

    def __init__(self, code: int, detail: object) -> None:
        super().__init__(code, detail)
        self.code = code
        self.detail = detail


def unprocessable(name: str, kind: str, message: str, given: object, **limits: int) -> RefusedError:
    """Refuse one query parameter in the form of FastAPI's 422."""
    problem: dict[str, Any] = {"type": kind, "loc": ["query", name], "msg": message, "input": given}
    return RefusedError(422, [problem | ({"ctx": limits} if limits else {})])
