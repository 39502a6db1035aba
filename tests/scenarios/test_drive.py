"""The driver: what it sends, what it waits, what it records."""

from __future__ import annotations

from seatrial.exchange import Response
from seatrial.redact import Secrets
from seatrial.sample import Cause, Outcome, Phase
from seatrial.scenarios.drive import drive
from seatrial.scenarios.moves import Context, Send


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
