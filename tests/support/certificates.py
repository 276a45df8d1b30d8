"""Certificates for tests of TLS: servers, clients with names, and CAs."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.support.tools import require_tool

if TYPE_CHECKING:
    from pathlib import Path

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1")
CLIENT_SANS = "DNS:prometheus,email:ops@example.com,IP:10.0.0.1,IP:2001:db8::1,URI:spiffe://a/b"


@dataclass(frozen=True)
class Certificates:
    """A folder of ``NAME.crt`` and ``NAME.key``.

    ``ca`` signed ``client`` (with ``CLIENT_SANS``) and ``anonymous`` (without names); ``server``,
    ``second`` and ``stranger`` are self-signed. ``encrypted.key`` has a passphrase.
    """

    folder: Path

    def pair(self, name: str) -> tuple[Path, Path]:
        """Return the files of a certificate and its key."""
        return self.folder / f"{name}.crt", self.folder / f"{name}.key"


def make_certificates(folder: Path) -> Certificates:
    """Make all of them, which takes a fraction of a second."""
    for name in ("server", "second", "stranger", "ca"):
        extension = () if name == "ca" else ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1")
        _openssl(
            *("req", "-x509", *_EC, "-nodes", "-subj", f"/CN={name}", "-days", "2", *extension),
            *("-keyout", str(folder / f"{name}.key"), "-out", str(folder / f"{name}.crt")),
        )
    for name, names in (("client", f"subjectAltName={CLIENT_SANS}"), ("anonymous", "")):
        (folder / "extensions").write_text(f"extendedKeyUsage=clientAuth\n{names}\n")
        request = str(folder / "request")
        key, certificate = str(folder / f"{name}.key"), str(folder / f"{name}.crt")
        _openssl(
            *(
                "req",
                "-new",
                *_EC,
                "-nodes",
                "-subj",
                f"/CN={name}",
                "-keyout",
                key,
                "-out",
                request,
            )
        )
        _openssl(
            *("x509", "-req", "-in", request, "-CA", str(folder / "ca.crt"), "-days", "2"),
            *("-CAkey", str(folder / "ca.key"), "-CAcreateserial", "-out", certificate),
            *("-extfile", str(folder / "extensions")),
        )
    _openssl(
        *("ec", "-in", str(folder / "server.key"), "-out", str(folder / "encrypted.key")),
        *("-aes256", "-passout", "pass:secret"),
    )
    return Certificates(folder)


def _openssl(*arguments: str) -> None:
    subprocess.run((require_tool("openssl"), *arguments), check=True, capture_output=True)
