"""What TLS tells and refuses, over whichever way a connection is made."""

from __future__ import annotations

import os
import re
import ssl
from pathlib import Path

import pytest
from http_parts import GENEROUS_S, pin_of, sent

import misbehaving as bad
from seatrial import http
from seatrial.exchange import Connection, Request, Tls
from seatrial.http.tls import PIN_PREFIX, certificate_of
from seatrial.sample import Cause


def test_certificate_is_told_also_of_a_reused_connection(authority):
    settings = Connection(tls=Tls(ca=authority.ca))
    with (
        bad.Server(bad.keeps_saying(bad.OK, bad.OK), tls=authority.context()) as server,
        http.open_client() as client,
    ):
        first, second = (
            client.send(Request("GET", server.url, timeout_s=GENEROUS_S, connection=settings)) for _ in range(2)
        )
    shown = first.certificate
    assert (shown.subject, shown.issuer) == ("CN=server", r"CN=Sea Trial CA,O=Trials\, Inc.")
    assert re.fullmatch("AB..", shown.serial)
    assert shown.not_after - shown.not_before == 2 * 86400
    assert second.timings.tls_s is None
    assert second.certificate is shown


def test_certificate_that_is_not_verified_is_told_the_same(authority):
    with bad.Server(bad.says(bad.OK), tls=authority.context()) as server:
        verified = sent(server.url, Connection(tls=Tls(ca=authority.ca)))
        unverified = sent(server.url, Connection(tls=Tls(verify=False)))
    assert verified.certificate == unverified.certificate


def test_unknown_authority_is_passed_over_with_verify_off_only(authority):
    with bad.Server(bad.says(bad.OK), tls=authority.context(hosts=("other.invalid",), to_day=-0.5)) as server:
        assert sent(server.url, Connection(tls=Tls(verify=False))).body == b"hi"
        assert sent(server.url).cause is Cause.TLS


def test_client_certificate_is_shown(authority):
    certificate, key = authority.issue("client", password="open sesame")
    tls = Tls(ca=authority.ca, certificate=certificate, key=key, password="open sesame")
    seen = []

    def looks(server, connection):
        seen.append(connection.getpeercert()["subject"])
        bad.says(bad.OK)(server, connection)

    with bad.Server(looks, tls=authority.context(client_ca=authority.ca)) as server:
        assert sent(server.url, Connection(tls=tls)).body == b"hi"
    assert seen == [((("commonName", "client"),),)]


def test_pinned_key_is_the_servers_or_nothing_is_sent(authority):
    certificate, key = authority.issue("pinned")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    other = pin_of(authority.issue("another")[0])
    with bad.Server(bad.says(bad.OK), tls=context) as server:
        for pin in (pin_of(certificate), PIN_PREFIX + pin_of(certificate)):
            assert sent(server.url, Connection(tls=Tls(verify=False, pin=pin))).body == b"hi"
        answer = sent(server.url, Connection(tls=Tls(ca=authority.ca, pin=other)))
    assert answer.cause is Cause.TLS
    assert answer.detail == f"the server's public key is sha256//{pin_of(certificate)}, not the pinned one"
    assert len(server.requests) == 2


@pytest.fixture
def faulty(authority, tmp_path):
    """Settings that cannot be used, each with a word of the sentence that says so."""
    certificate, key = authority.issue("good")
    locked, locked_key = authority.issue("locked", password="secret")
    _, other_key = authority.issue("other")
    empty = tmp_path / "empty.pem"
    empty.write_text("no PEM\n")
    pipe = tmp_path / "pipe.pem"
    os.mkfifo(pipe)
    return {
        "no ca": (Tls(ca="/no/such.pem"), "'/no/such.pem' cannot be read: no such file or directory"),
        "a pipe": (Tls(ca=str(pipe)), "it is no file"),
        "a folder": (Tls(ca=str(tmp_path)), "cannot be read"),
        "empty ca": (Tls(ca=str(empty)), "holds no PEM certificate to trust"),
        "no certificate": (Tls(certificate="/no/such.crt", key=key), "'/no/such.crt' cannot be read"),
        "empty certificate": (Tls(certificate=str(empty), key=key), "holds no PEM certificate"),
        "empty key": (Tls(certificate=certificate, key=str(empty)), "holds no PEM private key"),
        "no key at all": (Tls(certificate=certificate), "holds no PEM private key"),
        "another key": (Tls(certificate=certificate, key=other_key), "does not belong to the certificate"),
        "no password": (Tls(certificate=locked, key=locked_key), "is encrypted"),
        "wrong password": (Tls(certificate=locked, key=locked_key, password="x"), "is encrypted"),
        "a short pin": (Tls(pin="YWJj"), "the pin 'YWJj' is no base64 of a SHA-256"),
        "no base64": (Tls(pin="*" * 44), "is no base64"),
    }


FAULTY = (
    *("no ca", "a pipe", "a folder", "empty ca", "no certificate", "empty certificate", "empty key", "no key at all"),
    *("another key", "no password", "wrong password", "a short pin", "no base64"),
)


@pytest.mark.parametrize("kind", FAULTY)
def test_what_is_wrong_with_tls_settings_is_told_before_and_while_sending(faulty, kind):
    tls, words = faulty[kind]
    assert words in http.check_tls(tls)
    answer = sent("https://127.0.0.1:1/", Connection(tls=tls))
    assert (answer.cause, answer.detail) == (Cause.TLS, http.check_tls(tls))


def test_nothing_is_wrong_with_good_tls_settings(authority):
    certificate, key = authority.issue("good")
    assert http.check_tls(Tls(ca=authority.ca, certificate=certificate, key=key, pin=pin_of(certificate))) == ""


def test_changed_file_is_read_anew(authority, tmp_path):
    ca = tmp_path / "ca.pem"
    ca.write_bytes(Path(bad.Authority(tmp_path, "Old").ca).read_bytes())
    with bad.Server(bad.says(bad.OK), tls=authority.context()) as server:
        assert sent(server.url, Connection(tls=Tls(ca=str(ca)))).cause is Cause.TLS
        ca.write_bytes(Path(authority.ca).read_bytes() + b"\n")
        assert sent(server.url, Connection(tls=Tls(ca=str(ca)))).body == b"hi"


class Shown:
    """An `ssl` socket that shows one certificate."""

    def __init__(self, told):
        self._told = told

    def getpeercert(self, binary_form=False):
        return self._told


def test_names_are_told_as_rfc_4514_says():
    odd = ((("countryName", "DE"),), (("organizationName", " a+b,c"), ("userId", "#1 ")), (("serialNumber", "7"),))
    told = {
        "subject": odd,
        "issuer": (),
        "serialNumber": "0A",
        "notBefore": "Jan  1 00:00:00 1970 GMT",
        "notAfter": "Jan  2 00:00:00 1970 GMT",
    }
    found = certificate_of(Shown(told))
    assert found.subject == r"serialNumber=7,O=\ a\+b\,c+UID=\#1\ ,C=DE"
    assert (found.issuer, found.not_before, found.not_after) == ("", 0.0, 86400.0)
