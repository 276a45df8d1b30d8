"""What stands in a page: its elements, links and words."""

from __future__ import annotations

from html.parser import HTMLParser
from urllib.parse import parse_qs, urlsplit

_VOID = frozenset({"meta", "link", "input", "br"})


class Page(HTMLParser):
    """A page, parsed once; ``words`` are its texts, joined by single spaces."""

    def __init__(self, html: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._open: list[str] = []
        self._texts: list[str] = []
        self.feed(html.decode())
        assert [] == self._open

    @property
    def words(self) -> str:
        """The texts of the page."""
        return " ".join(" ".join(self._texts).split())

    @property
    def links(self) -> list[str]:
        """What the page leads to or loads."""
        names = ("href", "src", "action")
        links = [attrs[name] or "" for _, attrs in self.elements for name in names if name in attrs]
        return [link for link in links if link not in {"#main", "data:,"}]

    def link(self, words: str) -> str:
        """Return the first link whose ``data-key`` is ``words``."""
        for _, attrs in self.elements:
            if attrs.get("data-key") == words and "href" in attrs:
                return attrs["href"] or ""
        raise AssertionError(f"no link {words}")

    def jobs(self) -> list[str]:
        """Return the ids of the jobs in the table, in their order."""
        rows = [
            a["href"] or "" for _, a in self.elements if (a.get("href") or "").startswith("./job?")
        ]
        return [parse_qs(urlsplit(link).query)["job_id"][0] for link in rows]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element."""
        assert len(attrs) == len(dict(attrs)), f"an attribute of {tag} stands there twice"
        self.elements.append((tag, dict(attrs)))
        if tag not in _VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        """Check that elements end in their order."""
        if tag in {"option", "li"} and self._open[-1] != tag:
            return
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Note a text."""
        self._texts.append(data)
