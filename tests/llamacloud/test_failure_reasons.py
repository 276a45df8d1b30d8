"""Reasons of failed items, found in messages that are free text."""

from __future__ import annotations

import time

import pytest

from exporter.domain import FAILURE_REASONS
from exporter.llamacloud.failure_reasons import failure_reason

# As LlamaCloud spells them, in the order in which they count.
CODES = (
    *("UNSUPPORTED_FILE_TYPE", "PDF_IS_PROTECTED", "PDF_IS_BROKEN", "NO_DATA_FOUND_IN_FILE"),
    *("DOCUMENT_TOO_LARGE", "TOO_MANY_PAGES", "TIMEOUT", "EXPIRED", "ERROR_DURING_PROCESSING"),
    *("MARKDOWN_EXTRACTION_FAILED", "RECONSTRUCTION_ERROR", "parsing_error", "schema_validation"),
    *("inputs_invalid", "engine_error", "llm_refusal"),
)
PAGE_OF_FAILURES = 900
# 1 ms where it was written; a search of whole messages would take more than a second.
LONGEST_SECONDS = 0.05


@pytest.mark.parametrize("code", CODES)
def test_a_code_is_a_reason_in_lower_case(code: str) -> None:
    """Alone, at the beginning, in the middle and at the end of a message."""
    messages = (code, f"{code}: page 7", f"Job pjb-1 ended ({code}) after 3 s", f"Error:{code}")
    assert {code.lower()} == {failure_reason(message) for message in messages}


def test_the_set_of_reasons_is_closed() -> None:
    """The codes, a file that v2 could not map, no message, and any other message."""
    codes = [code.lower() for code in CODES]
    assert (*codes, "not_mapped", "none", "other") == FAILURE_REASONS


@pytest.mark.parametrize("message", [None, "", " ", "\n\t \N{NO-BREAK SPACE}"])
def test_without_a_message_the_reason_is_none(message: str | None) -> None:
    """Blanks are as good as no message."""
    assert "none" == failure_reason(message)


@pytest.mark.parametrize(
    "message",
    [
        "The document could not be read",
        "none",
        "not_mapped",
        "MY_TIMEOUT",
        "TIMEOUT_ERROR",
        "TIMEOUTS",
        "TIMEOUT2",
        "\N{LATIN CAPITAL LETTER U WITH DIAERESIS}TIMEOUT",
        "a timeout, a Timeout",
        "PARSING_ERROR",
        "parsing_errors",
        "PDF IS BROKEN",
        "\ud800",
        '{"reason": "expired"}',
    ],
)
def test_a_message_without_a_code_is_other(message: str) -> None:
    """A code is a whole word in LlamaCloud's spelling, and free text never becomes a label."""
    assert "other" == failure_reason(message)


def test_of_several_codes_the_first_of_the_list_counts() -> None:
    """Wherever they stand; a part of a longer word is none of them."""
    assert "pdf_is_broken" == failure_reason("parsing_error: TIMEOUT after PDF_IS_BROKEN")
    assert "timeout" == failure_reason("parsing_error: TIMEOUT after PDF_IS_BROKEN_NOW")


def test_a_code_is_found_beside_a_longer_word_that_holds_it() -> None:
    """The longer word does not hide it."""
    assert "timeout" == failure_reason("MY_TIMEOUT_2, then TIMEOUT")


@pytest.mark.parametrize(("before", "reason"), [(993, "timeout"), (994, "other"), (10**6, "other")])
def test_a_code_counts_in_the_first_1000_characters(before: int, reason: str) -> None:
    """It stands near the beginning; what follows may be megabytes."""
    assert reason == failure_reason(f"{'x' * (before - 1)} TIMEOUT")


@pytest.mark.parametrize(
    "message",
    [
        "Job pjb-1 failed: no_data in /tmp/file_1.pdf, see https://example.com/help",
        "PDF_IS_" * 20_000,
        "TIMEOUT_" * 20_000,
        " " * 200_000,
    ],
    ids=["ordinary", "nearly a code", "nearly a word", "blank"],
)
def test_a_page_of_failures_costs_little(message: str) -> None:
    """Whatever their messages are, and however long."""
    began = time.process_time()
    for _ in range(PAGE_OF_FAILURES):
        failure_reason(message)
    assert time.process_time() - began < LONGEST_SECONDS
