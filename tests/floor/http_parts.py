"""Requests to a server of the tests, sent in one line."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from seatrial import http
from seatrial.exchange import Connection, HttpVersion, Request
from seatrial.http.tls import public_key_digest

GENEROUS_S = 20.0
V2 = HttpVersion.V2


def sent(url, connection=Connection(), **fields):
    with http.open_client() as client:
        return client.send(Request("GET", url, timeout_s=GENEROUS_S, connection=connection, **fields))


def pin_of(path):
    read = x509.load_pem_x509_certificate(Path(path).read_bytes())
    return public_key_digest(read.public_bytes(Encoding.DER))
