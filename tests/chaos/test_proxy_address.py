"""Addresses as Go reads them; those that a machine may lack are asked here, the others in the table of the API."""

from __future__ import annotations

import re

import pytest

from seatrial.chaos.proxy.address import Address, parse_address


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("", "here", 0),
        (":80", "here", 80),
        ("127.0.0.1:", "127.0.0.1", 0),
        ("[::1]:8", "::1", 8),
        ("[::1]:", "::1", 0),
        ("name:http", "name", 80),
        ("name:+7", "name", 7),
    ],
)
def test_address_is_read(text, host, port):
    assert parse_address(text, default_host="here") == Address(host, port)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name", "address name: missing port in address"),
        ("[::1]", "address [::1]: missing port in address"),
        ("[::1]x:1", "address [::1]x:1: missing port in address"),
        ("[::1]:1:2", "address [::1]:1:2: too many colons in address"),
        ("::1", "address ::1: too many colons in address"),
        ("[::1:1", "address [::1:1: missing ']' in address"),
        ("a]:1", "address a]:1: unexpected ']' in address"),
        ("a[:1", "address a[:1: unexpected '[' in address"),
        ("a:70000", "address 70000: invalid port"),
        ("a:" + "9" * 5_000, f"address {'9' * 5_000}: invalid port"),
        ("a:nonsense", "lookup tcp/nonsense: unknown port"),
        ("a:\0", "lookup tcp/\0: unknown port"),
    ],
)
def test_address_that_is_none_is_told_in_gos_words(text, said):
    with pytest.raises(ValueError, match=f"^{re.escape(said)}$"):
        parse_address(text, default_host="here")
