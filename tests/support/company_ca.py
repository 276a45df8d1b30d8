"""A company's own CA, whose certificates follow RFC 5280 or not."""

from __future__ import annotations

import ssl
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.tools import require_tool

if TYPE_CHECKING:
    from pathlib import Path

_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
_CONFIG = """
[req]
distinguished_name = name
x509_extensions = ca
[name]
[ca]
basicConstraints = {basic}
keyUsage = critical, keyCertSign
subjectKeyIdentifier = hash
[leaf]
subjectAltName = DNS:localhost
authorityKeyIdentifier = {authority}
"""


@dataclass(frozen=True)
class CompanyCA:
    """The CA's certificate, and a certificate for ``localhost`` that it signed, with its key."""

    file: Path
    localhost: Path

    def server_context(self) -> ssl.SSLContext:
        """Return the TLS context of a server on ``localhost``."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.localhost)
        return context

    def name_in_folder(self) -> str:
        """Return the file name by which OpenSSL finds the CA in a folder: its subject's hash."""
        return f"{_openssl('x509', '-noout', '-hash', '-in', str(self.file)).strip()}.0"


def company_ca(
    folder: Path, *, basic: str = "critical, CA:TRUE", authority: str = "keyid"
) -> CompanyCA:
    """Make a CA and a certificate; without ``authority``, that does not name its issuer."""
    folder.mkdir()
    config, request = folder / "config", folder / "request"
    ca, ca_key, leaf, key = (folder / name for name in ("ca.pem", "ca.key", "leaf.pem", "key"))
    config.write_text(_CONFIG.format(basic=basic, authority=authority))
    common = ("-config", str(config))
    _openssl(
        *("req", "-x509", *_KEY, *common, "-subj", "/CN=Company", "-days", "2"),
        *("-keyout", str(ca_key), "-out", str(ca)),
    )
    _openssl(
        *("req", "-new", *_KEY, *common, "-subj", "/CN=localhost"),
        *("-keyout", str(key), "-out", str(request)),
    )
    _openssl(
        *("x509", "-req", "-in", str(request), "-CA", str(ca), "-CAkey", str(ca_key)),
        *("-CAcreateserial", "-days", "2", "-extfile", str(config), "-extensions", "leaf"),
        *("-out", str(leaf)),
    )
    both = folder / "localhost.pem"
    both.write_text(key.read_text() + leaf.read_text())
    return CompanyCA(ca, both)


def _openssl(*arguments: str) -> str:
    command = (require_tool("openssl"), *arguments)
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
