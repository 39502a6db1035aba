"""Queries into XML and HTML: what they find, and which documents are refused."""

from __future__ import annotations

import pytest
from asking import look

XML = b"""<?xml version="1.0"?>
<f:feed xmlns:f="urn:feed" xmlns="urn:plain"><f:title lang="de">A <b>bold</b> one</f:title>
<entry id="1">x</entry><entry id="2"/><inner xmlns:g="urn:g"><g:deep>y</g:deep></inner></f:feed>"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("//f:title", ["A bold one"]),
        ("string(//f:title/@lang)", "de"),
        ("//_:entry/@id", ["1", "2"]),
        ("count(//_:entry)", 2),
        ("boolean(//_:entry)", True),
        ("//g:deep/text()", ["y"]),
        ("//*[local-name()='entry'][2]", [""]),
    ],
)
def test_xpath_finds_a_value_or_the_texts_of_its_nodes(text, value):
    found = look("xpath", text, XML, ("Content-Type", "application/xml"))
    assert (found.exists, found.value) == (True, value)


@pytest.mark.parametrize(
    ("body", "content_type", "title"),
    [
        (b"<html><title>a<p>b", "text/html", "a<p>b"),
        ("<title>é</title>".encode(), "text/html", "é"),
        ("<title>é</title>".encode("latin-1"), "text/html; charset=latin-1", "é"),
        (b"<br><title>not closed", "application/xml", "not closed"),
        ('<?xml version="1.0" encoding="ISO-8859-1"?><title>é</title>'.encode("latin-1"), "text/xml", "é"),
    ],
)
def test_markup_is_read_as_what_it_is(body, content_type, title):
    assert look("xpath", "string(//title)", body, ("Content-Type", content_type)).value == title


@pytest.mark.parametrize(
    ("body", "text", "why"),
    [
        (b"", "//a", "the body is no document"),
        (b"<a/>", "//b", "nothing at //b"),
        (b"<a/>", "//x:b", "cannot be followed: Undefined namespace prefix"),
        (b"<a/>", "unknown()", "cannot be followed"),
    ],
)
def test_xpath_that_finds_nothing_says_why(body, text, why):
    found = look("xpath", text, body)
    assert not found.exists
    assert why in found.why


@pytest.mark.parametrize("declared", ['x "ha"', 'x SYSTEM "file:///etc/hostname"'])
def test_document_that_declares_entities_is_refused(declared):
    found = look("xpath", "string(/a)", f"<!DOCTYPE a [<!ENTITY {declared}>]><a>&x;</a>".encode())
    assert (found.value, found.exists) == (None, False)
    assert "declares entities" in found.why


def test_document_type_without_entities_is_let_by():
    assert look("xpath", "string(/a)", b"<!DOCTYPE a SYSTEM 'a.dtd'><a>x</a>").value == "x"


def test_markup_nested_without_end_is_no_document():
    assert not look("xpath", "string(//b)", b"<a>" * 100_000, ("Content-Type", "application/xml")).value
