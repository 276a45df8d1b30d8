"""Cookies, of which none is kept."""

from __future__ import annotations

from http.cookiejar import CookieJar


class NoCookies(CookieJar):
    """Keeps no cookie, nor reads any: projects that share a key must never share a session."""

    def extract_cookies(self, response: object, request: object) -> None:
        """Leave all of them."""
