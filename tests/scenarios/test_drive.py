"""The driver: what it sends, what it waits, what it records."""

from __future__ import annotations

import threading

import pytest

from seatrial.exchange import Response
from seatrial.redact import Secrets
from seatrial.sample import Cause, Ending, Outcome, Phase, PlayedStep
from seatrial.scenarios.drive import drive, evidence_of, play_of
from seatrial.scenarios.moves import Context, PlayHalted, Send
from seatrial.scenarios.once import Onces, OnceStore


class FakeClient:
    """Answers from a list, and takes half a second of the fake clock for each."""

    def __init__(self, clock, *answers):
        self.clock = clock
        self.answers = list(answers)

    def send(self, request):
        self.clock.advance(0.5)
        return self.answers.pop(0)


def driven(scenario, clock, *answers, watch=None, secrets=None):
    samples = []
    context = Context(realm="test", addresses={"api": "http://api.test"}, secrets=secrets or Secrets())
    client = FakeClient(clock, *answers)
    result = drive(
        scenario, context, client, clock=clock, record=samples.append, run="r", phase=Phase.MONITOR, watch=watch
    )
    return result, samples


POLL = '- {name: poll, request: {url: "/a/{{ 1 }}"}, expect: {status: 200}, retry: {max: 3, interval: 2s}}'


def test_every_attempt_becomes_a_sample_and_waits_are_slept(journey, clock, canned):
    start = clock.now()
    result, samples = driven(journey(POLL), clock, canned.ok(404), canned.broken(Cause.RESET), canned.ok(200, {}))
    assert result.passed
    assert [sample.started_at - start for sample in samples] == [0.0, 2.5, 5.0]
    assert [(one.outcome, one.cause, one.status, one.final, one.attempt) for one in samples] == [
        (Outcome.UNEXPECTED, Cause.STATUS, 404, False, 1),
        (Outcome.BROKEN, Cause.RESET, None, False, 2),
        (Outcome.OK, None, 200, True, 3),
    ]


def test_sample_names_the_route_and_never_the_address(journey, clock, canned):
    _, [sample] = driven(journey(POLL), clock, canned.ok(200, {"a": 1}))
    assert (sample.scenario, sample.step, sample.service) == ("s", "poll", "api")
    assert (sample.method, sample.route) == ("GET", "/a/*")
    assert (sample.run, sample.phase, sample.bytes_in) == ("r", Phase.MONITOR, 8)


def test_step_that_could_not_be_rendered_is_a_sample_too(journey, clock):
    _, [sample] = driven(journey('- {request: {url: "/{{ nobody }}"}}'), clock)
    assert (sample.outcome, sample.cause, sample.latency_s) == (Outcome.UNEXPECTED, Cause.TEMPLATE, 0.0)


def test_detail_of_a_sample_is_redacted(journey, clock):
    secrets = Secrets()
    secrets.add("key", "secret-value")
    answer = Response(200, (), b'{"a": "secret-value"}', 0.1)
    _, [sample] = driven(journey("- {request: {url: /}, expect: {json: {a: 1}}}"), clock, answer, secrets=secrets)
    assert "***(key)" in sample.detail
    assert "secret-value" not in sample.detail


def test_watcher_sees_every_move_before_it_is_followed(journey, clock, canned):
    seen = []
    driven(journey(POLL), clock, canned.ok(200), watch=lambda move: seen.append((type(move), clock.monotonic())))
    assert seen[0] == (Send, 0.0)
    assert len(seen) == 2


def _kept(scenario, clock, *answers):
    """The end of a play, and the texts kept of it."""
    secrets = Secrets()
    secrets.add("key", "secret-value")
    result, _ = driven(scenario, clock, *answers, secrets=secrets)
    play = play_of(result, run="r", phase=Phase.ACCEPTANCE, started_at=1.0, secrets=secrets)
    return play, evidence_of(result, run="r", secrets=secrets)


def test_a_play_that_passed_is_kept_with_its_skipped_steps(journey, clock, canned):
    left_out = "- {name: never, request: {url: /}, skip: not today}"
    play, evidence = _kept(journey(f"{POLL}\n{left_out}"), clock, canned.ok(200))
    assert (play.scenario, play.ending, play.reason, play.started_at) == ("s", Ending.PASSED, "", 1.0)
    assert play.steps == (PlayedStep("poll", Ending.PASSED), PlayedStep("never", Ending.SKIPPED, "not today"))
    assert evidence == ()


def test_a_failed_step_is_kept_redacted_with_its_whole_text(journey, clock):
    answer = Response(200, (), b'{"a": "secret-value"}', 0.1)
    play, [text] = _kept(journey("- {name: look, request: {url: /}, expect: {json: {a: 1}}}"), clock, answer)
    assert (play.ending, play.reason) == (Ending.FAILED, "")
    [step] = play.steps
    assert step.ending is Ending.FAILED
    assert "***(key)" in step.reason
    assert (text.step, text.trace_id) == ("look", play.trace_id)
    assert "secret-value" not in step.reason + text.text


def test_a_play_that_failed_outside_its_steps_says_why(journey, clock, canned):
    play, [text] = _kept(journey("- {name: look, request: {url: /}}"), clock, canned.ok(200))
    assert (play.ending, play.reason) == (Ending.FAILED, "the scenario evaluated no check")
    assert [step.ending for step in play.steps] == [Ending.PASSED]
    assert text.step == ""


def test_a_play_that_was_skipped_says_why(journey, clock):
    text = "scenario: s\nskip: moving house\nservice: api\nsteps: [{name: look, request: {url: /}}]"
    play, evidence = _kept(journey(text), clock)
    assert (play.ending, play.reason, evidence) == (Ending.SKIPPED, "moving house", ())


class Meeting:
    """A client whose requests all wait until as many as are expected are under way."""

    def __init__(self, canned, parties):
        self.barrier = threading.Barrier(parties, timeout=20)
        self.answer = canned.ok(200, {"v": 1})

    def send(self, request):
        self.barrier.wait()
        return self.answer


BLOCK = """
    - parallel:
        - {name: a, request: {url: /a}, expect: {status: 200}}
        - {name: b, request: {url: /b}, expect: {status: 200}}
        - {name: c, request: {url: /c}, expect: {status: 200}}
"""


def test_the_parts_of_a_block_are_under_way_at_once_and_each_is_recorded(journey, clock, canned):
    samples = []
    context = Context(realm="test", addresses={"api": "http://api.test"})
    result = drive(
        journey(BLOCK),
        context,
        Meeting(canned, 3),
        clock=clock,
        record=samples.append,
        run="r",
        phase=Phase.MONITOR,
    )
    assert result.passed
    assert [step.step.name for step in result.steps] == ["a", "b", "c"]
    assert sorted(sample.step for sample in samples) == ["a", "b", "c"]


def test_what_one_part_of_a_block_raises_ends_the_play_and_gives_up_its_claims(journey, clock, canned):
    class Interrupted:
        def send(self, request):
            raise KeyboardInterrupt

    onces = Onces()
    flow = "flow: f\nsteps: [{request: {url: /in}}]"
    scenario = journey("- parallel: [{use: f.yaml, once: run}, {request: {url: /a}}]", f=flow)
    context = Context(realm="test", addresses={"api": "http://api.test"})
    with pytest.raises(KeyboardInterrupt):
        drive(scenario, context, Interrupted(), clock=clock, record=print, run="r", phase=Phase.MONITOR, onces=onces)
    assert onces.run.claim(("", "f.yaml", "f", "{}"), 0.0) is None  # another may try: nobody waits for ever


def test_an_interrupt_frees_a_branch_that_waits_for_what_another_claimed(journey, clock, canned):
    """Two branches want one flow: one is at it, the other waits. What ends the first must not leave the second."""
    waiting = threading.Event()

    class Watched(OnceStore):
        def claim(self, key, now):
            if self._at_work:
                waiting.set()
            return super().claim(key, now)

    class Interrupted:
        def send(self, request):
            assert waiting.wait(20)
            raise KeyboardInterrupt

    flow = "flow: f\nsteps: [{request: {url: /in}}]"
    scenario = journey("- parallel: [{use: f.yaml, once: run}, {use: f.yaml, once: run}]", f=flow)
    context = Context(realm="test", addresses={"api": "http://api.test"})
    onces = Onces(Watched())
    with pytest.raises(KeyboardInterrupt):
        drive(scenario, context, Interrupted(), clock=clock, record=print, run="r", phase=Phase.MONITOR, onces=onces)


def test_every_exchange_is_heard_with_its_hop(journey, clock, canned):
    heard = []
    client = FakeClient(clock, canned.ok(302, headers=(("Location", "/b"),)), canned.ok(200))
    drive(
        journey("- {request: {url: /a, follow: true}, expect: {status: 200}}"),
        Context(realm="test", addresses={"api": "http://api.test"}),
        client,
        clock=clock,
        record=lambda _: None,
        run="r",
        phase=Phase.MONITOR,
        heard=lambda send, answer, at: heard.append((send.request.url, send.hop, answer.status)),
    )
    assert heard == [("http://api.test/a", 0, 302), ("http://api.test/b", 1, 200)]


class Interrupting:
    """A client whose second exchange is struck by Ctrl-C."""

    def __init__(self, canned):
        self.canned, self.urls = canned, []

    def send(self, request):
        self.urls.append(request.url.removeprefix("http://api.test"))
        if len(self.urls) == 2:
            raise KeyboardInterrupt
        return self.canned.ok(200, {"id": 7})


def test_an_interrupted_play_runs_its_teardown_with_what_it_captured(journey, clock, canned):
    client = Interrupting(canned)
    scenario = journey("""
        scenario: s
        service: api
        steps:
          - {request: {method: POST, url: /items}, capture: {item: {jsonpath: $.id}}}
          - {request: {url: /long}}
          - {request: {url: /never}}
        teardown: [{request: {method: DELETE, url: "/items/{{ item }}"}}]
    """)
    context = Context(realm="test", addresses={"api": "http://api.test"})
    samples = []
    with pytest.raises(PlayHalted) as halted:
        drive(scenario, context, client, clock=clock, record=samples.append, run="r", phase=Phase.MONITOR)
    assert client.urls == ["/items", "/long", "/items/7"]
    result = halted.value.result
    assert not result.passed
    assert [failure.summary for failure in result.failures] == ["the scenario was interrupted before its end"]
    assert isinstance(halted.value, KeyboardInterrupt)
