"""A conversation is held until what was waited for came, and what came instead is told."""

from __future__ import annotations

import dataclasses

import pytest

from seatrial import match
from seatrial.errors import DocumentError
from seatrial.exchange import ConversationKind

SOCKET = """
    - websocket: {url: /live, send: [hello, {topic: "{{ topic }}"}], expect: [{type: ready}, {price: {$gt: 1}}]}
      capture: {first: {jsonpath: "$[0].type"}}
"""


@pytest.fixture
def talk(journey, run):
    """Plays a conversation whose driver heard these messages."""

    def of(text, answer):
        return run(journey(text), answer, variables={"topic": "prices"})

    return of


def test_messages_are_said_in_order_and_data_as_json(talk, canned):
    [sent] = talk(SOCKET, canned.ok(101, [{"type": "ready"}])).requests
    assert sent.conversation.kind is ConversationKind.WEBSOCKET
    assert sent.conversation.send == ("hello", '{"topic": "prices"}')


def test_enough_is_heard_once_each_pattern_was_met_in_order(talk, canned):
    [sent] = talk(SOCKET, canned.ok(101, [])).requests
    enough = sent.conversation.enough
    assert not enough([{"price": 2}, {"type": "ready"}])
    assert not enough([{"type": "ready"}, {"price": 1}, "noise"])
    assert enough([{"type": "hi"}, {"type": "ready"}, {"price": 1}, {"price": 2}])


def test_each_message_is_asked_once_and_of_another_conversation_anew(talk, canned, monkeypatch):
    [sent] = talk(SOCKET, canned.ok(101, [])).requests
    asked, heard = [], []
    mismatches = match.mismatches
    monkeypatch.setattr(
        match, "mismatches", lambda wanted, message: asked.append(message) or mismatches(wanted, message)
    )
    for message in ("a", "b", {"type": "ready"}, "c", {"price": 2}):
        assert not sent.conversation.enough(heard)
        heard.append(message)
    assert sent.conversation.enough(heard)
    assert asked == heard
    assert not sent.conversation.enough([{"type": "ready"}])
    assert sent.conversation.enough([{"type": "ready"}, {"price": 2}, "more"])


def test_what_was_heard_can_be_captured_and_counts_as_a_check(talk, canned):
    played = talk(SOCKET, canned.ok(101, [{"type": "ready"}, {"price": 2}]))
    assert played.result.passed


def test_a_conversation_that_ended_too_early_says_what_was_missing_and_what_came(talk, canned):
    heard = dataclasses.replace(canned.ok(101, [{"type": "ready"}, "bye"]), stopped="the server closed (1001)")
    played = talk(SOCKET, heard)
    [failure] = played.told[0].failures
    assert failure.actual == 'the server closed (1001); 2 messages, the last: {"type": "ready"}, "bye"'
    assert (failure.where.line, failure.where.column) == (4, 92)


def test_events_are_waited_for_by_shape(talk, canned):
    [sent] = talk("- sse: {url: /feed, until: {event: done}}", canned.ok(200, [{"event": "done"}])).requests
    assert sent.conversation.kind is ConversationKind.SSE
    assert dict(sent.headers)["Accept"] == "text/event-stream"
    assert sent.conversation.enough([{"event": "tick", "data": 1}, {"event": "done", "data": {}}])


def test_the_address_of_a_socket_may_begin_with_ws(talk, canned):
    [sent] = talk("- websocket: {url: 'wss://a.test/x', expect: hi}", canned.ok(101, ["hi"])).requests
    assert sent.url == "wss://a.test/x"


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ("websocket: {url: /, send: a}", "the conversation waits for nothing"),
        ("sse: {url: /}", "'until' is missing"),
        ("websocket: {url: /, expect: a}, request: {url: /}", "'websocket' and 'request' in one step"),
        ("websocket: {url: /, expect: [{$gtt: 1}]}", "unknown matcher '$gtt'; did you mean '$gt'?"),
        ("websocket: {url: /, expect: a, json: 1}", "unknown key 'json'"),
    ],
)
def test_a_conversation_that_means_nothing_is_refused(journey, step, message):
    with pytest.raises(DocumentError, match=r"^s\.yaml:4") as caught:
        journey(f"- {{{step}}}")
    assert message in str(caught.value)
