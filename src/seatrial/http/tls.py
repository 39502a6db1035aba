"""TLS: contexts made of what a request asks for, the server's certificate, the pin of its public key.

Takes `exchange.Tls`, reads the PEM files it names, gives `ssl` contexts. A context costs some 15 ms, for all trusted
certificates are read: it is made when the first https URL is asked and kept. `cryptography` is imported only to
read a certificate that `ssl` did not verify and therefore does not tell.
"""

from __future__ import annotations

import base64
import binascii
import functools
import hashlib
import re
import ssl
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from seatrial.exchange import Certificate, HttpVersion, Tls
from seatrial.http.engine import httpx
from seatrial.http.failure import Failed
from seatrial.sample import Cause

PIN_PREFIX = "sha256//"
_PIN_BYTES = 32
_Stamps = tuple[tuple[int, int], ...]

# RFC 4514, section 3, and what RFC 4519 adds; others are told by the name OpenSSL has for them.
_SHORT = {
    "commonName": "CN",
    "localityName": "L",
    "stateOrProvinceName": "ST",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "countryName": "C",
    "streetAddress": "STREET",
    "domainComponent": "DC",
    "userId": "UID",
}
_ESCAPED = re.compile(r'[,+"\\<>;]')


def check_tls(tls: Tls) -> str:
    """What is wrong with the files, the password or the pin it names, as a sentence; empty when nothing is."""
    try:
        context_of(tls, HttpVersion.V1_1)
    except Failed as failed:
        return failed.detail
    return ""


def context_of(tls: Tls, version: HttpVersion) -> ssl.SSLContext:
    """The context for these settings; Failed(TLS) where a file cannot be used. Changed files are read anew."""
    files = (tls.ca, tls.certificate, tls.key)
    return _context(tls, version, tuple(_stamp(file) for file in files if file is not None))


def proxy_context(tls: Tls) -> ssl.SSLContext:
    """The context for an https proxy: checked like the server, but neither our certificate nor the pin is for it."""
    return context_of(Tls(verify=tls.verify, ca=tls.ca), HttpVersion.V1_1)


def check_pin(tls: Tls, connection: Any) -> None:
    """Failed(TLS) when a public key is pinned and the server's on this `ssl` socket is another."""
    if tls.pin is None:
        return
    found = PIN_PREFIX + public_key_digest(connection.getpeercert(True))
    if found != PIN_PREFIX + tls.pin.removeprefix(PIN_PREFIX):
        raise Failed(Cause.TLS, f"the server's public key is {found}, not the pinned one")


def public_key_digest(certificate: bytes) -> str:
    """The base64 SHA-256 of a DER certificate's public key (its SubjectPublicKeyInfo), as a pin is written."""
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
    except ModuleNotFoundError:
        raise Failed(Cause.TLS, "a pin needs the package 'cryptography', which is not installed") from None
    key = x509.load_der_x509_certificate(certificate).public_key()
    return base64.b64encode(
        hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()
    ).decode()


def certificate_of(connection: Any) -> Certificate | None:
    """The certificate the server showed on this `ssl` socket; None when it cannot be read, or not without
    `cryptography`, because nobody verified it."""
    told = connection.getpeercert()
    if told:
        return _as_told(told)
    encoded = connection.getpeercert(True)
    return _as_encoded(encoded) if encoded else None


def _as_told(told: Any) -> Certificate:
    return Certificate(
        subject=_name(told["subject"]),
        issuer=_name(told["issuer"]),
        serial=told["serialNumber"],
        not_before=float(ssl.cert_time_to_seconds(told["notBefore"])),
        not_after=float(ssl.cert_time_to_seconds(told["notAfter"])),
    )


def _as_encoded(encoded: bytes) -> Certificate | None:
    try:
        from cryptography import x509

        read = x509.load_der_x509_certificate(encoded)
        serial = f"{read.serial_number:X}"
        return Certificate(
            subject=read.subject.rfc4514_string(),
            issuer=read.issuer.rfc4514_string(),
            serial=serial if len(serial) % 2 == 0 else f"0{serial}",
            not_before=read.not_valid_before_utc.timestamp(),
            not_after=read.not_valid_after_utc.timestamp(),
        )
    except (ValueError, ModuleNotFoundError):
        return None


def _name(told: Iterable[Iterable[tuple[str, str]]]) -> str:
    """RFC 4514: the most specific part first, pairs of one part joined by `+`."""
    parts = ["+".join(f"{_SHORT.get(key, key)}={_escaped(value)}" for key, value in part) for part in told]
    return ",".join(reversed(parts))


def _escaped(value: str) -> str:
    text = _ESCAPED.sub(r"\\\g<0>", value).replace("\0", r"\00")
    if text[:1] in ("#", " "):
        text = "\\" + text
    return text[:-1] + r"\ " if text.endswith(" ") and len(text) > 1 else text


@functools.lru_cache(maxsize=32)
def _context(tls: Tls, version: HttpVersion, stamps: _Stamps) -> ssl.SSLContext:
    """One for each version, because httpx's engine writes the protocols to agree on (ALPN) into the context."""
    context = _trusting(tls)
    if tls.certificate is not None:
        _show_certificate(context, tls)
    if tls.pin is not None:
        _check_pin_form(tls.pin)
    return context


def _trusting(tls: Tls) -> ssl.SSLContext:
    if not tls.verify:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        return context
    if tls.ca is None:
        return httpx.create_ssl_context()
    try:
        return ssl.create_default_context(cafile=tls.ca)
    except ssl.SSLError:
        raise Failed(Cause.TLS, f"'{tls.ca}' holds no PEM certificate to trust") from None


def _show_certificate(context: ssl.SSLContext, tls: Tls) -> None:
    """An empty password where none is given, or OpenSSL would ask for one on the terminal and wait."""
    assert tls.certificate is not None
    key = tls.key or tls.certificate
    try:
        context.load_cert_chain(tls.certificate, tls.key, password=tls.password or "")
    except ssl.SSLError as error:
        raise Failed(Cause.TLS, _not_shown(error, tls.certificate, key)) from None


def _not_shown(error: ssl.SSLError, certificate: str, key: str) -> str:
    if error.reason == "KEY_VALUES_MISMATCH":
        return f"the key '{key}' does not belong to the certificate '{certificate}'"
    if b"-----BEGIN CERTIFICATE-----" not in Path(certificate).read_bytes():
        return f"'{certificate}' holds no PEM certificate"
    text = Path(key).read_bytes()
    if b"PRIVATE KEY-----" not in text:
        return f"'{key}' holds no PEM private key"
    if b"ENCRYPTED" in text:
        return f"the key '{key}' is encrypted, and the password given does not open it"
    return f"the certificate '{certificate}' with the key '{key}' cannot be used: {error.reason or error}"


def _stamp(file: str) -> tuple[int, int]:
    """What tells that a file has changed; Failed(TLS) where it cannot be read."""
    try:
        found = Path(file).stat()
        if not stat.S_ISREG(found.st_mode):  # opening a pipe would wait for its other end
            raise Failed(Cause.TLS, f"'{file}' cannot be read: it is no file")
        with Path(file).open("rb"):
            pass
    except OSError as error:
        raise Failed(Cause.TLS, f"'{file}' cannot be read: {(error.strerror or str(error)).lower()}") from None
    return found.st_mtime_ns, found.st_size


def _check_pin_form(pin: str) -> None:
    try:
        decoded = base64.b64decode(pin.removeprefix(PIN_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        decoded = b""
    if len(decoded) != _PIN_BYTES:
        raise Failed(Cause.TLS, f"the pin '{pin}' is no base64 of a SHA-256 ({_PIN_BYTES} bytes)")
