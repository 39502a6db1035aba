"""One attempt of a step, as a generator without I/O: from its templates to a judged answer.

Room scenarios, private to `play`. A step's own request may need others around it: a token before it, an answer to a
challenge, the redirects after it; all of them share the step's deadline. Must never send, sleep or ask a clock but
the one it is given.
"""

from __future__ import annotations

import dataclasses
import functools
import random
from collections.abc import Generator, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial import template
from seatrial.errors import DocumentError
from seatrial.exchange import Answer, Broken, Redirect, Request, Response
from seatrial.redact import MIN_LENGTH
from seatrial.sample import Cause, Outcome
from seatrial.scenarios.answers.expect import broken, judge, unrendered
from seatrial.scenarios.answers.wanted import Capture
from seatrial.scenarios.failure import Failure, Used
from seatrial.scenarios.model import Once, Scenario, Section, Step
from seatrial.scenarios.moves import Attempted, Claim, Context, Move, Reply, Send, Settle
from seatrial.scenarios.once import Outputs
from seatrial.scenarios.sending.auth import TOKEN, credentials_of, digest, token_key, token_of, token_request
from seatrial.scenarios.sending.cookies import Jar
from seatrial.scenarios.sending.expand import Marks, address, expand
from seatrial.scenarios.sending.redirects import next_request
from seatrial.scenarios.sending.request import ClientCredentialsAuth, DigestAuth, Follow
from seatrial.scenarios.sending.talk import unheard

Scope = Mapping[str, Any]
Tried = tuple[Attempted, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where the value of a variable came from, in words."""

    text: str
    captured: bool = False


@dataclass(slots=True)
class Strand:
    """What the attempts of one strand of a play share: chance, cookies by session, what was counted, and where the
    variables in sight came from. A block's parts run in strands of their own."""

    scenario: Scenario
    context: Context
    trace_id: str
    rng: random.Random
    jars: dict[str, Jar]
    origins: dict[str, Origin] = field(default_factory=dict)
    requests: int = 0
    checks: int = 0

    def jar(self, session: str) -> Jar:
        """The cookies of that session."""
        return self.jars.setdefault(session, Jar())

    def text_of(self, path: str) -> str:
        """The text of a file of the scenario's workspace, for templates; ValueError when it cannot be had."""
        if self.scenario.files is None:
            raise ValueError(f"no file can be read here, so not '{path}'")
        try:
            return self.scenario.files.text(path, self.scenario.where)
        except DocumentError as error:
            raise ValueError(error.problem) from None

    def hex(self, bits: int) -> str:
        """A random id; never zero, which W3C trace context forbids."""
        return random_hex(self.rng, bits)


def random_hex(rng: random.Random, bits: int) -> str:
    """A random id of that many bits, never zero."""
    return f"{rng.getrandbits(bits) or 1:0{bits // 4}x}"


def attempt(step: Step, scope: Scope, number: int, *, strand: Strand) -> Generator[Move, Reply, Tried]:
    """Attempt the step once; gives what to tell of it, and what was captured."""
    try:
        request = yield from _ready(step, scope, strand)
    except DocumentError as error:
        return told(step, number, strand, failures=(unrendered(error),)), {}
    strand.requests += 1
    try:
        request, answer = yield from _exchange(step, request, number, scope=scope, strand=strand)
    except DocumentError as error:
        return told(step, number, strand, request=request, failures=(unrendered(error),)), {}
    if isinstance(answer, Broken):
        failures, used = (broken(step, answer),), _used(step, scope, strand)
        return told(step, number, strand, request=request, answer=answer, failures=failures, used=used), {}
    strand.checks += step.expectations.explicit or step.request.talk is not None
    judged = judge(step, answer, scope, trace_id=strand.trace_id, now=strand.context.now)
    warnings = tuple(_hide(step, judged.captured, strand))
    missing = (*judged.failures, *unheard(step, answer, scope))
    missed = missing or judged.degradations
    return told(
        step,
        number,
        strand,
        request=request,
        answer=answer,
        failures=missing,
        degradations=judged.degradations,
        used=_used(step, {**scope, **judged.captured}, strand) if missed else (),
        warnings=warnings,
    ), judged.captured


def told(
    step: Step,
    number: int,
    strand: Strand,
    *,
    request: Request | None = None,
    answer: Answer | None = None,
    failures: tuple[Failure, ...] = (),
    degradations: tuple[Failure, ...] = (),
    used: tuple[Used, ...] = (),
    warnings: tuple[str, ...] = (),
) -> Attempted:
    """What to tell of an attempt."""
    cause = failures[0].cause if failures else None
    response = answer if isinstance(answer, Response) else None
    return Attempted(
        step=step,
        request=request,
        answer=answer,
        attempt=number,
        final=True,
        outcome=cause.outcome if cause else Outcome.OK,
        cause=cause,
        degraded=bool(degradations),
        latency_s=answer.latency_s if answer else 0.0,
        status=response.status if response else None,
        detail=next((missed.summary for missed in (*failures, *degradations)), ""),
        failures=failures,
        trace_id=strand.trace_id,
        bytes_in=len(response.body) if response else 0,
        bytes_out=len(request.body) if request and request.body else 0,
        degradations=degradations,
        used=used,
        warnings=warnings,
    )


def origin_of(step: Step, capture: Capture) -> Origin:
    """Where a captured value came from: `step 2 'log in' ($.token)`."""
    section = "" if step.section is Section.STEPS else f"{step.section} "
    return Origin(f"{section}step {step.number} '{step.name}' ({capture.query})", captured=True)


def _ready(step: Step, scope: Scope, strand: Strand) -> Generator[Move, Reply, Request]:
    """The request rendered, with its token where it needs one."""
    marks = Marks(strand.trace_id, strand.hex(64), strand.hex(128))
    request = expand(step, scope, strand.context, jar=strand.jar(step.request.session), marks=marks)
    auth = step.request.auth
    if not isinstance(auth, ClientCredentialsAuth):
        return request
    token = yield from _token(step, auth, request, scope=scope, strand=strand)
    return dataclasses.replace(request, headers=(*request.headers, ("Authorization", f"Bearer {token}")))


def _token(
    step: Step, auth: ClientCredentialsAuth, request: Request, *, scope: Scope, strand: Strand
) -> Generator[Move, Reply, str]:
    """The run's token, fetched by whoever needs it first."""
    key = token_key(auth, scope)
    outputs = yield Claim(Once.RUN, key)
    if not isinstance(outputs, Outputs):
        try:
            outputs = yield from _fetch(step, auth, request, scope=scope, strand=strand)
        except DocumentError:
            yield Settle(Once.RUN, key, None)
            raise
        yield Settle(Once.RUN, key, outputs)
    token = str(outputs.values[TOKEN])
    strand.context.secrets.add(TOKEN, token)
    return token


def _fetch(
    step: Step, auth: ClientCredentialsAuth, request: Request, *, scope: Scope, strand: Strand
) -> Generator[Move, Reply, Outputs]:
    url = address(template.to_text(auth.token_url.render(scope)), strand.context, auth.where)
    answer = yield Send(step, token_request(auth, url, scope, like=request), 1, strand.trace_id, -1)
    return token_of(_answered(answer), url, auth, now=strand.context.now())


@dataclass(slots=True)
class _Hops:
    """The requests of one attempt, which share its step's deadline. `last` is the one sent last, as it was sent."""

    last: Request
    step: Step
    number: int
    strand: Strand
    sent: int = 0
    spent_s: float = 0.0
    redirects: list[Redirect] = field(default_factory=list)

    def send(self, request: Request) -> Generator[Move, Reply, Answer]:
        """Send one with the time that is left, and keep the cookies it brings."""
        step, strand = self.step, self.strand
        left_s = step.timeout_s - self.spent_s
        if left_s <= 0.0:
            return Broken(Cause.TIMEOUT, f"no time left of {step.timeout_s:g} s after {self.sent} requests", 0.0)
        if self.sent:
            request = dataclasses.replace(request, timeout_s=left_s)
        self.last = request
        answer = _answered((yield Send(step, request, self.number, strand.trace_id, self.sent)))
        self.sent += 1
        self.spent_s += answer.latency_s
        if isinstance(answer, Response) and strand.scenario.cookies:
            jar = strand.jar(step.request.session)
            jar.keep(request.url, answer.headers, now=strand.context.now())
        return answer

    def whole(self, answer: Answer) -> Answer:
        """The last answer as the step's, which took as long as all of them."""
        if self.sent < 2:
            return answer
        if isinstance(answer, Broken):
            return dataclasses.replace(answer, latency_s=self.spent_s)
        return dataclasses.replace(answer, latency_s=self.spent_s, redirects=tuple(self.redirects))


def _exchange(
    step: Step, request: Request, number: int, *, scope: Scope, strand: Strand
) -> Generator[Move, Reply, tuple[Request, Answer]]:
    """Send it, answer a challenge, follow redirects: the last request, and the step's answer."""
    auth, follow = step.request.auth, step.request.follow
    hops = _Hops(request, step, number, strand)
    answer = yield from hops.send(request)
    if isinstance(auth, DigestAuth):
        again = digest(request, answer, auth, scope)
        if again is not None:
            request, answer = again, (yield from hops.send(again))
    if follow is not None:
        answer = yield from _follow(request, answer, follow, hops=hops)
    return hops.last, hops.whole(answer)


def _follow(request: Request, answer: Answer, follow: Follow, *, hops: _Hops) -> Generator[Move, Reply, Answer]:
    """Go where redirects lead; one too many breaks the exchange."""
    first, jar = request, hops.strand.jar(hops.step.request.session)
    cookies = functools.partial(jar.header, now=hops.strand.context.now())
    credentials = credentials_of(hops.step.request.auth)
    while isinstance(answer, Response):
        again = next_request(first, request, answer, follow=follow, cookies=cookies, credentials=credentials)
        if again is None:
            break
        if len(hops.redirects) == follow.limit:
            detail = f"more than {follow.limit} redirects, the last one to {again.url}"
            return Broken(Cause.REDIRECTS, detail, hops.spent_s)
        hops.redirects.append(Redirect(request.url, answer.status, answer.header("location") or ""))
        request, answer = again, (yield from hops.send(again))
    return answer


def _answered(reply: Reply) -> Answer:
    if not isinstance(reply, (Response, Broken)):
        raise TypeError("a Send must be answered by an Answer")
    return reply


def _used(step: Step, scope: Scope, strand: Strand) -> tuple[Used, ...]:
    """The variables this step's templates mention, for whoever has to understand its failure."""
    origins = {**strand.origins, **{capture.name: origin_of(step, capture) for capture in step.captures}}
    names = sorted(step.uses & origins.keys() & scope.keys())
    return tuple(Used(name, scope[name], origins[name].text, origins[name].captured) for name in names)


def _hide(step: Step, captured: Mapping[str, Any], strand: Strand) -> Iterator[str]:
    """A secret capture is masked before anything of this answer can leave the play; one that cannot be is told."""
    for capture in step.captures:
        if not capture.secret or capture.name not in captured:
            continue
        if not strand.context.secrets.add(capture.name, template.to_text(captured[capture.name])):
            yield f"the secret '{capture.name}' is shorter than {MIN_LENGTH} characters and is not masked"
