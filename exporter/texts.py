"""Making texts from other programs safe to write to the log, a page or an exposition."""

from __future__ import annotations


def escaped(text: str) -> str:
    """Return ``text`` with line breaks, terminal escapes and the like made visible."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


def well_formed(text: str) -> str:
    r"""Write lone surrogates, which UTF-8 cannot carry, as ``\udc80``: others stay distinct."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def cut(text: str | None, length: int) -> str | None:
    """Return at most ``length`` characters of ``text``, which may have megabytes."""
    return text and text[:length]
