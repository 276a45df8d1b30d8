"""Whole pages that are kept: ``python -m tests.status_pages.golden_pages`` rewrites them."""

from __future__ import annotations

from pathlib import Path

from exporter.pages import PageSource
from exporter.pages.html import job_page, status_page
from exporter.pages.selection import Query, find
from tests.support.status_reports import SECRET, full_report

FOLDER = Path(__file__).parent / "golden"


def written() -> dict[str, str]:
    """Return the main part of each page as it is now, by the name of its file."""
    source = PageSource(
        reports=list,
        clean=lambda text: text.replace(SECRET, "[redacted]"),
        version="1.2.3",
        telemetry_path="/metrics",
    )
    reports = [full_report()]
    found = find(reports, "default", "job-2")
    assert found is not None
    return {
        "status.html": _main(status_page(source, reports, Query(search="job-2"), "tag")),
        "job.html": _main(job_page(source, reports, found, "tag")),
    }


def _main(html: str) -> str:
    main = html[html.index("<main") : html.index("</main>")]
    return "".join(f"{line}\n" for line in main.split("\n") if line.strip())


if __name__ == "__main__":
    for name, text in written().items():
        (FOLDER / name).write_text(text)
