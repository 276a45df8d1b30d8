"""The names of the demo's documents, and the messages about their failures."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

_COMPANIES = (
    "Acme Industrial",
    "Blue Harbor Logistics",
    "Contoso",
    "Fabrikam",
    "Globex",
    "Initech",
    "Müller & Söhne",
    "Northwind Traders",
    "Tailspin Toys",
    "Wide World Importers",
)
_TEMPLATES = {
    "invoices": (
        "INV-2026-{number:06d}.pdf",
        "{company} invoice {number}.pdf",
        "{company} credit note {number}.pdf",
        "scan_202611_{number:06d}.tiff",
        "Rechnung {number} {company}.pdf",
        "receipt-{number:06d}.jpg",
    ),
    "contracts": (
        "MSA - {company} - {number} (signed).pdf",
        "NDA {company} {number}.docx",
        "Lease agreement {number} (amended).pdf",
        "SOW {number} - {company}.pdf",
        "DPA {company} v{number}.pdf",
        "Purchase terms {company} {number}.docx",
    ),
    "reports": (
        "{company} annual report {number}.pdf",
        "{company} 10-K {number}.pdf",
        "Audit {number} - {company}.pdf",
        "Geschäftsbericht {number} {company}.pdf",
        "board-deck-{number:06d}.pptx",
    ),
}
# Most contain a code; LlamaCloud may also send no message, or one without a code.
_ITEM_ERRORS = (
    "PDF_IS_PROTECTED: the PDF is password protected",
    "PDF_IS_BROKEN: the file is corrupted or not a valid PDF",
    "TOO_MANY_PAGES: the document exceeds the maximum of 1000 pages",
    "schema_validation: field 'total_amount': value is not a number",
    "Parsing job ended with TIMEOUT after 1800 seconds",
    "ERROR_DURING_PROCESSING on page 17. Please contact support with the job id.",
    "Internal error. Please contact support with the job id.",
    None,
)
_MAPPING_ERRORS = (
    "UNSUPPORTED_FILE_TYPE: files of this type cannot be processed",
    "The file is no longer in the source directory",
    "You've already reached the maximum number of queued jobs",
)
_JOB_ERRORS = (
    "Workflow execution failed: source directory is no longer accessible",
    "Workflow execution failed: credit limit of the organization was reached",
    "Workflow execution failed: activity timed out after 3 attempts",
)


def document_name(project_name: str, random: Random) -> str:
    """Make up the file name of one document of a project."""
    template = random.choice(_TEMPLATES[project_name])
    return template.format(number=random.randint(1000, 99_999), company=random.choice(_COMPANIES))


def item_error(random: Random) -> str | None:
    """Make up why one item failed; ``None`` for no message."""
    return random.choice(_ITEM_ERRORS)


def mapping_error(random: Random) -> str:
    """Make up why LlamaCloud could make no job for a file of a batch."""
    return random.choice(_MAPPING_ERRORS)


def job_error(random: Random) -> str:
    """Make up why a whole job failed."""
    return random.choice(_JOB_ERRORS)
