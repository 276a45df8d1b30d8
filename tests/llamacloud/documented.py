"""Answers as LlamaCloud documents them, for tests that alter them."""

from __future__ import annotations

import json
from typing import Any

JOB: dict[str, Any] = {
    "id": "bjb-1",
    "job_type": "parse",
    "project_id": "p-1",
    "status": "running",
    "total_items": 10,
    "processed_items": 3,
    "failed_items": 1,
    "skipped_items": 0,
    "directory_id": "dir-1",
    "error_message": None,
    "created_at": "2026-11-23T10:00:00Z",
    "started_at": "2026-11-23T10:00:00.25+02:00",
    "completed_at": None,
    "updated_at": "2026-11-23T10:00:00",
}
ITEM: dict[str, Any] = {
    "item_id": "item-1",
    "item_name": "a.pdf",
    "status": "failed",
    "skip_reason": None,
    "error_message": "unreadable",
    "started_at": "2026-11-23T10:00:00Z",
    "completed_at": "2026-11-23T10:01:00Z",
}


def page_of(*rows: Any, **facts: Any) -> bytes:
    """Write a page of a list."""
    return json.dumps({"items": rows, **facts}).encode()


def with_json(body: bytes, mark: str, written: str) -> bytes:
    """Put JSON, which Python's writer may be unable to write, in the place of a text."""
    return body.replace(f'"{mark}"'.encode(), written.encode("utf-8", "surrogatepass"))
