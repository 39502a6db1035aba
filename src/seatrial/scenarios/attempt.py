"""One attempt of a step, as a generator without I/O: from its templates to a judged answer.

Room scenarios, private to `play`. A step's own request may need others around it: a token before it, an answer to a
challenge, the redirects after it; all of them share the step's deadline. Must never send, sleep or ask a clock but
the one it is given.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from seatrial import template
from seatrial.errors import DocumentError
from seatrial.exchange import Answer, Broken, Headers, Redirect, Request, Response
from seatrial.sample import Cause
from seatrial.scenarios.answers.expect import Judgement, broken, judge, unrendered
from seatrial.scenarios.answers.reading import Reading
from seatrial.scenarios.failure import Failure
from seatrial.scenarios.model import Once, Step
from seatrial.scenarios.moves import Attempted, Claim, Move, Reply, Send, Settle
from seatrial.scenarios.once import Outputs
from seatrial.scenarios.sending.auth import (
    TOKEN,
    NoToken,
    credentials_in,
    credentials_of,
    digest,
    signed_anew,
    token_key,
    token_of,
    token_request,
    with_token,
)
from seatrial.scenarios.sending.expand import Marks, address, expand
from seatrial.scenarios.sending.redirects import next_request
from seatrial.scenarios.sending.request import Auth, ClientCredentialsAuth, DigestAuth, Follow
from seatrial.scenarios.sending.talk import unheard
from seatrial.scenarios.strand import Scope, Strand, hide_captured, passed, told, used_by

if TYPE_CHECKING:
    from seatrial.scenarios.prepared import Prepared

Tried = tuple[Attempted, Mapping[str, Any]]


def attempt(
    step: Step, scope: Scope, number: int, *, strand: Strand, within_s: float
) -> Generator[Move, Reply, Tried]:
    """Attempt the step once, within that many seconds; gives what to tell of it, and what was captured."""
    prepared = strand.context.prepared.get(id(step))
    plain = prepared is not None and prepared.is_plain and strand.jar(step.request.session).is_empty
    if prepared is not None and plain and within_s > 0.0:
        return _plainly(prepared, scope, number, strand=strand, within_s=within_s)
    return _in_full(step, scope, number, strand=strand, within_s=within_s)


def _in_full(
    step: Step, scope: Scope, number: int, *, strand: Strand, within_s: float
) -> Generator[Move, Reply, Tried]:
    hops = _Hops(step, number, strand, within_s)
    try:
        request = _rendered(step, scope, hops)
        if isinstance(step.request.auth, ClientCredentialsAuth):
            request = with_token(request, (yield from _token(step.request.auth, request, scope=scope, hops=hops)))
        strand.requests += 1
        answer = yield from _exchange(request, scope, hops)
    except DocumentError as error:
        return told(step, number, strand, request=hops.last, failures=(unrendered(error),)), {}
    except NoToken as refused:
        return told(step, number, strand, request=hops.last, failures=(refused.failure,)), {}
    return _concluded(step, scope, number, strand=strand, request=hops.last, answer=answer)


def _plainly(
    prepared: Prepared, scope: Scope, number: int, *, strand: Strand, within_s: float
) -> Generator[Move, Reply, Tried]:
    """The same for a step of one request, drafted and with no cookie to take along: as nearly all are under load."""
    step, request = prepared.step, None
    try:
        request = _drafted(prepared, scope, strand=strand, within_s=within_s)
    except DocumentError as error:
        return told(step, number, strand, failures=(unrendered(error),)), {}
    strand.requests += 1
    answer = _answered((yield Send(step, request, number, strand.trace_id)))
    if isinstance(answer, Response) and strand.scenario.cookies:
        strand.jar(step.request.session).keep(request.url, answer.headers, now=strand.context.now())
    return _concluded(step, scope, number, strand=strand, request=request, answer=answer)


def _drafted(prepared: Prepared, scope: Scope, *, strand: Strand, within_s: float) -> Request:
    assert prepared.draft is not None
    marks = Marks(strand.trace_id, strand.hex(64), strand.hex(128))
    request = prepared.draft.request(scope, strand.context, marks)
    if prepared.draft.authorizes:
        _hide_credentials(request.headers[len(prepared.draft.before) :], strand)
    return request if request.timeout_s <= within_s else dataclasses.replace(request, timeout_s=within_s)


def _concluded(
    step: Step, scope: Scope, number: int, *, strand: Strand, request: Request | None, answer: Answer
) -> Tried:
    """The step's answer judged."""
    if isinstance(answer, Broken):
        failures, used = (broken(step, answer),), used_by(step, scope, strand)
        return told(step, number, strand, request=request, answer=answer, failures=failures, used=used), {}
    strand.checks += step.expectations.explicit or step.request.talk is not None
    captured = _captured(step, answer, scope, strand)
    if captured is not None:
        hide_captured(step, captured, strand)
        return passed(step, number, strand, request=request, answer=answer), captured
    judged, missing = _judged(step, answer, scope, strand)
    hide_captured(step, judged.captured, strand)
    missed = missing or judged.degradations
    return told(
        step,
        number,
        strand,
        request=request,
        answer=answer,
        failures=missing,
        degradations=judged.degradations,
        used=used_by(step, {**scope, **judged.captured}, strand) if missed else (),
    ), judged.captured


def _captured(step: Step, answer: Response, scope: Scope, strand: Strand) -> dict[str, Any] | None:
    """What is captured from an answer that is seen at once to be as expected; None where it must be judged."""
    prepared = strand.context.prepared.get(id(step))
    if prepared is None or prepared.direct is None:
        return None
    return prepared.direct.captured(Reading(answer, trace_id=strand.trace_id, now=strand.context.now), scope)


def _judged(step: Step, answer: Response, scope: Scope, strand: Strand) -> tuple[Judgement, tuple[Failure, ...]]:
    """The judgement, and every failure, of a conversation too.

    A target's answer must never end more than its step, so what nobody foresaw in judging it fails the step.
    """
    try:
        judged = judge(step, answer, scope, trace_id=strand.trace_id, now=strand.context.now)
        return judged, (*judged.failures, *unheard(step, answer, scope))
    except Exception as error:  # noqa: BLE001 - a defect of ours, told as one
        what = f"{type(error).__name__}: {error}; this is a defect of seatrial"
        failure = Failure(step.where, Cause.CHECK, f"the answer could not be judged: {what}", actual=what)
        return Judgement((failure,), (), {}), (failure,)


@dataclass(slots=True)
class _Hops:
    """The requests of one attempt, which together have `within_s`. `last` is the step's one sent last, as it was
    sent; a request for a token is none of the step's."""

    step: Step
    number: int
    strand: Strand
    within_s: float
    last: Request | None = None
    sent: int = 0
    spent_s: float = 0.0
    redirects: list[Redirect] = field(default_factory=list)

    def send(self, request: Request) -> Generator[Move, Reply, Answer]:
        """Send one with the time that is left, and keep the cookies it brings."""
        answer = yield from self._send(request, self.sent)
        self.sent += 1
        if isinstance(answer, Response) and self.strand.scenario.cookies:
            jar = self.strand.jar(self.step.request.session)
            jar.keep(request.url, answer.headers, now=self.strand.context.now())
        return answer

    def send_before(self, request: Request) -> Generator[Move, Reply, Answer]:
        """Send one that the step's own needs first."""
        answer = yield from self._send(request, -1)
        self.last = None
        return answer

    def _send(self, request: Request, hop: int) -> Generator[Move, Reply, Answer]:
        left_s = self.within_s - self.spent_s
        if left_s <= 0.0:
            return Broken(Cause.TIMEOUT, f"no time left of {self.within_s:g} s after {self.sent} requests", 0.0)
        self.last = request if request.timeout_s <= left_s else dataclasses.replace(request, timeout_s=left_s)
        answer = _answered((yield Send(self.step, self.last, self.number, self.strand.trace_id, hop)))
        self.spent_s += answer.latency_s
        return answer

    def whole(self, answer: Answer) -> Answer:
        """The last answer as the step's, which took as long as all of its requests."""
        if self.sent < 2 and self.spent_s == answer.latency_s:
            return answer
        if isinstance(answer, Broken):
            return dataclasses.replace(answer, latency_s=self.spent_s)
        return dataclasses.replace(answer, latency_s=self.spent_s, redirects=tuple(self.redirects))


def _rendered(step: Step, scope: Scope, hops: _Hops) -> Request:
    """The request, without a token yet; what it tells of us is secret from now on."""
    strand = hops.strand
    marks = Marks(strand.trace_id, strand.hex(64), strand.hex(128))
    request = expand(step, scope, strand.context, jar=strand.jar(step.request.session), marks=marks)
    _hide_credentials(request.headers, strand)
    return request


def _hide_credentials(headers: Headers, strand: Strand) -> None:
    """Whatever else repeats what identifies us, an echo say, is masked."""
    for name, value in credentials_in(headers):
        strand.context.secrets.add(name, value)


def _token(
    auth: ClientCredentialsAuth, request: Request, *, scope: Scope, hops: _Hops
) -> Generator[Move, Reply, str]:
    """The run's token, fetched by whoever needs it first."""
    key, context = token_key(auth, scope), hops.strand.context
    outputs = yield Claim(Once.RUN, key)
    if not isinstance(outputs, Outputs):
        try:
            url = address(template.to_text(auth.token_url.render(scope)), context, auth.where)
            asked = token_request(auth, url, scope, like=request, tracing=context.tracing)
            outputs = token_of((yield from hops.send_before(asked)), url, auth, now=context.now())
        except (DocumentError, NoToken):
            yield Settle(Once.RUN, key, None)
            raise
        yield Settle(Once.RUN, key, outputs)
    for name, value in outputs.values.items():
        hops.strand.hide(name, value)
    return str(outputs.values[TOKEN])


def _exchange(request: Request, scope: Scope, hops: _Hops) -> Generator[Move, Reply, Answer]:
    """Send it, answer a challenge, follow redirects: the step's answer."""
    auth, follow = hops.step.request.auth, hops.step.request.follow
    answer = yield from _challenged(request, auth, scope, hops=hops)
    if follow is not None:
        answer = yield from _follow(request, answer, scope, hops=hops, follow=follow)
    return hops.whole(answer)


def _challenged(request: Request, auth: Auth | None, scope: Scope, *, hops: _Hops) -> Generator[Move, Reply, Answer]:
    """Send it, and once more where the server asks for a digest."""
    answer = yield from hops.send(request)
    again = digest(request, answer, auth, scope) if isinstance(auth, DigestAuth) else None
    return answer if again is None else (yield from hops.send(again))


def _follow(
    request: Request, answer: Answer, scope: Scope, *, hops: _Hops, follow: Follow
) -> Generator[Move, Reply, Answer]:
    """Go where redirects lead; one too many breaks the exchange."""
    first, jar, auth = request, hops.strand.jar(hops.step.request.session), hops.step.request.auth
    cookies = functools.partial(jar.header, now=hops.strand.context.now())
    credentials = credentials_of(auth)
    while isinstance(answer, Response):
        again = next_request(first, request, answer, follow=follow, cookies=cookies, credentials=credentials)
        if again is None:
            break
        if len(hops.redirects) == follow.limit:
            detail = f"more than {follow.limit} redirects, the last one to {again.url}"
            return Broken(Cause.REDIRECTS, detail, hops.spent_s)
        hops.redirects.append(Redirect(request.url, answer.status, answer.header("location") or ""))
        request = signed_anew(again, auth, scope, now=hops.strand.context.now)
        answer = yield from _challenged(request, auth, scope, hops=hops)
    return answer


def _answered(reply: Reply) -> Answer:
    if not isinstance(reply, (Response, Broken)):
        raise TypeError("a Send must be answered by an Answer")
    return reply
