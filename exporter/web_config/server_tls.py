"""The TLS context for ``tls_server_config``, and which client certificates are accepted."""

from __future__ import annotations

import os
import re
import ssl
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, NoReturn

from exporter.config import ConfigError
from exporter.web_config.go_values import CIPHERS, CLIENT_VERIFICATION, CURVES, TLS_VERSIONS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from exporter.web_config.sections import TlsSection

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class ServerTls:
    """A context; if there are ``allowed_sans``, clients' certificates must have one of them."""

    context: ssl.SSLContext
    allowed_sans: frozenset[str] | None

    def admits(self, certificate: Mapping[str, Any] | None) -> bool:
        """Return whether a client may stay, by its verified certificate as of ``getpeercert``.

        IP addresses are compared by their values: Python and Go write IPv6 addresses differently.
        """
        if self.allowed_sans is None:
            return True
        addresses = {_address(name) for name in self.allowed_sans} - {None}
        return any(
            value in self.allowed_sans or (kind == "IP Address" and _address(value) in addresses)
            for kind, value in (certificate or {}).get("subjectAltName", ())
        )


def server_tls(tls: TlsSection, cert: bytes, key: bytes, client_ca: bytes | None) -> ServerTls:
    """Make a new context of PEM texts; without ``client_ca`` the system's CAs are trusted.

    Raises:
        ConfigError: with all mistakes, each of which begins with the name of the key.
    """
    # Not create_default_context: with that, Python 3.13 refuses certificates that Go accepts.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = TLS_VERSIONS[tls.min_version]
    context.maximum_version = TLS_VERSIONS[tls.max_version]
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.set_alpn_protocols(["http/1.1"])
    if tls.cipher_suites:
        _choose_ciphers(context, tls.cipher_suites)
    for curve in tls.curve_preferences:
        context.set_ecdh_curve(CURVES[curve])
    problems = [*_load_pair(context, cert, key)]
    if tls.verifies_clients:
        problems += _verify_clients(context, tls, client_ca)
    if problems:
        raise ConfigError(*problems)
    sans = tls.client_allowed_sans
    return ServerTls(context, None if sans is None else frozenset(sans))


def _load_pair(context: ssl.SSLContext, cert: bytes, key: bytes) -> Iterator[str]:
    has_cert, has_key = _CERTIFICATE.search(cert), b"PRIVATE KEY-----" in key
    if not has_cert:
        yield "cert_file holds no certificate in PEM form."
    if not has_key:
        yield "key_file holds no private key in PEM form."
    if not (has_cert and has_key):
        return
    try:
        with _as_file(cert) as cert_path, _as_file(key) as key_path:
            # Without a callback, OpenSSL asks for a passphrase on the terminal.
            context.load_cert_chain(cert_path, key_path, password=_refuse_to_decrypt)
    except _EncryptedKeyError:
        yield "key_file is encrypted: store the key without a passphrase."
    except OSError as error:
        # An SSLError has a reason, others have what the system says.
        reason = getattr(error, "reason", None) or error.strerror or "no reason given"
        if reason == "KEY_VALUES_MISMATCH":
            yield "key_file does not belong to the certificate."
        else:
            yield f"cert_file and key_file cannot be used: {reason}."


class _EncryptedKeyError(Exception):
    """The private key has a passphrase."""


def _refuse_to_decrypt() -> NoReturn:
    raise _EncryptedKeyError


@contextmanager
def _as_file(content: bytes) -> Iterator[str]:
    """Yield a path that holds ``content``: ssl reads certificates from files only.

    It is in memory where the system supports that: a container may have no writable folder.
    """
    if hasattr(os, "memfd_create"):
        with os.fdopen(os.memfd_create("pem"), "wb", buffering=0) as memory:
            memory.write(content)
            yield f"/proc/self/fd/{memory.fileno()}"
    else:
        with tempfile.NamedTemporaryFile(buffering=0) as file:
            file.write(content)
            yield file.name


def _choose_ciphers(context: ssl.SSLContext, suites: tuple[str, ...]) -> None:
    chosen = [CIPHERS[suite] for suite in suites if suite in CIPHERS]
    if chosen:
        context.set_ciphers(":".join(chosen))
    else:
        # Only suites of TLS 1.3 are given.
        context.minimum_version = ssl.TLSVersion.TLSv1_3


def _verify_clients(
    context: ssl.SSLContext, tls: TlsSection, client_ca: bytes | None
) -> Iterator[str]:
    context.verify_mode = CLIENT_VERIFICATION[tls.client_auth_type]
    # Go trusts all certificates in the file, those of intermediate CAs as well.
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if client_ca is None:
        context.load_default_certs(ssl.Purpose.CLIENT_AUTH)
        return
    certificates = b"\n".join(_CERTIFICATE.findall(client_ca))
    if not certificates:
        yield "client_ca_file holds no certificate in PEM form."
        return
    try:
        context.load_verify_locations(cadata=certificates.decode("ascii"))
    except (ssl.SSLError, ValueError):
        yield "client_ca_file holds a certificate that cannot be read."


def _address(text: str) -> object:
    try:
        return ip_address(text)
    except ValueError:
        return None
