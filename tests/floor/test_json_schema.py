"""Schemas: what is valid, what is told of what is not, and that nothing is ever fetched."""

from __future__ import annotations

import socket

import pytest

from seatrial import regexes
from seatrial.json_schema import FORMATS, MAX_ERRORS, as_schema, compile_schema
from seatrial.predicates import predicate

CARD = {
    "type": "object",
    "required": ["id"],
    "properties": {"id": {"$ref": "#/$defs/id"}, "tags": {"type": "array", "items": {"type": "string"}}},
    "patternProperties": {"^x_": {"type": "integer"}},
    "additionalProperties": False,
    "$defs": {"id": {"type": "integer", "minimum": 1}},
}


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    def refused(*_, **__):
        raise AssertionError("a schema asked the network")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)


@pytest.mark.parametrize(
    ("value", "errors"),
    [
        ({"id": 1, "x_a": 5, "tags": ["a"]}, []),
        ({"id": 0}, [("$.id", "0 is less than the minimum of 1")]),
        ({"id": 1, "tags": ["a", 5]}, [("$.tags[1]", "5 is not of type 'string'")]),
        ({"id": 1, "x_a": "5"}, [("$.x_a", "'5' is not of type 'integer'")]),
        ({"id": 1, "more": 5}, [("$", "'more' is not allowed here")]),
        ([], [("$", "[] is not of type 'object'")]),
    ],
)
def test_errors_are_told_by_their_paths(value, errors):
    schema = compile_schema(CARD)
    assert list(schema.errors(value)) == errors
    assert schema.accepts(value) is not bool(errors)


def test_only_the_first_errors_are_told():
    assert len(compile_schema({"items": {"type": "string"}}).errors([1] * 10)) == MAX_ERRORS


def test_draft_is_the_one_the_schema_names():
    tuples = {"items": [{"type": "string"}]}
    old = compile_schema({"$schema": "http://json-schema.org/draft-07/schema#", **tuples})
    assert not old.accepts([5])
    with pytest.raises(ValueError, match="not a JSON Schema"):
        compile_schema(tuples)
    with pytest.raises(ValueError, match="unknown draft"):
        compile_schema({"$schema": "http://example.com/draft"})


@pytest.mark.parametrize(
    "content",
    [
        {"$ref": "https://example.com/card.json"},
        {"properties": {"a": {"$ref": "card.json#/$defs/id"}}},
        {"$ref": "#/$defs/none"},
        {"$id": "https://example.com/a", "anyOf": [{"$ref": "b"}]},
    ],
)
def test_reference_that_leads_nowhere_is_refused_before_any_value_comes(content):
    with pytest.raises(ValueError, match="leads nowhere; a schema is never fetched"):
        compile_schema(content)


def test_reference_is_loaded_from_what_the_caller_has():
    asked = {"card.json": {"$defs": {"id": {"type": "integer"}}}}
    schema = compile_schema({"$ref": "card.json#/$defs/id"}, load=asked.__getitem__)
    assert schema.accepts(5)
    assert not schema.accepts("5")


def test_reference_among_data_is_data():
    assert compile_schema({"const": {"$ref": "none"}}).accepts({"$ref": "none"})


def test_schema_that_refers_to_itself_without_end_is_told():
    with pytest.raises(ValueError, match="nested too deep"):
        compile_schema({"$ref": "#"}).accepts(5)


@pytest.mark.parametrize("content", [{"type": "strng"}, {"pattern": 5}, {"minimum": "a"}])
def test_wrong_schema_is_told(content):
    with pytest.raises(ValueError, match=r"not a JSON Schema: .*, at \$"):
        compile_schema(content)


@pytest.mark.parametrize("content", [{"pattern": "("}, {"items": {"patternProperties": {"(": True}}}])
def test_wrong_pattern_of_a_schema_is_told_before_any_value_comes(content):
    with pytest.raises(ValueError, match="is not a regular expression"):
        compile_schema(content)


@pytest.mark.parametrize("content", [5, "a.json", None, []])
def test_what_is_no_schema_is_told(content):
    with pytest.raises(ValueError, match="a schema is an object"):
        as_schema(content)


def test_pattern_of_a_schema_is_bounded_in_time(monkeypatch):
    monkeypatch.setattr(regexes, "BUDGET_S", 0.02)
    endless, subject = "(a|a)*(a|a)*(a|a)*$", "a" * 5000 + "!"
    for content, value in [
        ({"pattern": endless}, subject),
        ({"patternProperties": {endless: True}}, {subject: 1}),
        ({"patternProperties": {endless: True}, "additionalProperties": False}, {subject: 1}),
    ]:
        with pytest.raises(ValueError, match="took longer than"):
            compile_schema(content).accepts(value)


VALUES = {
    "date": ("2026-01-31", "2026-02-30"),
    "date-time": ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00"),
    "email": ("ada@example.com", "ada"),
    "ipv4": ("127.0.0.1", "127.0.0.256"),
    "ipv6": ("::1", "127.0.0.1"),
    "uri": ("https://example.com/", "/x"),
    "uuid": ("12345678-1234-4234-8234-123456789abc", "1234"),
}


@pytest.mark.parametrize("name", FORMATS)
def test_known_format_is_checked_and_an_unknown_one_is_a_note(name):
    good, bad = VALUES[name]
    schema = compile_schema({"format": name})
    assert schema.accepts(good)
    assert schema.accepts(5)
    assert not schema.accepts(bad)
    assert compile_schema({"format": "colour"}).accepts(bad)


@pytest.mark.parametrize("text", ["root@localhost", "ada@example.com", "a@b@c", "ada lovelace@example.com", "@a", ""])
def test_type_and_format_agree_on_what_an_email_is(text):
    assert predicate("type").holds(text, "email") is as_schema({"format": "email"}).accepts(text)
