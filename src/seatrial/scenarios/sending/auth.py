"""How a request says who sends it: what a step's `auth:` becomes once rendered.

Room scenarios. Most ways are a header or a parameter; AWS signs the finished request, a digest answers a challenge,
and client credentials ask for a token first. Pure; sends nothing itself: `attempt.py` does what needs an answer.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import urllib.parse
from collections.abc import Callable, Iterator
from typing import Any

from seatrial.exchange import Answer, Broken, Headers, Request, Response
from seatrial.realm import Tracing
from seatrial.redact import MASKED_HEADERS
from seatrial.sample import Cause, Outcome
from seatrial.scenarios.failure import Failure
from seatrial.scenarios.once import Outputs
from seatrial.scenarios.sending.aws import Signer, sign
from seatrial.scenarios.sending.bodies import FORM_TYPE
from seatrial.scenarios.sending.request import (
    ApiKeyAuth,
    Auth,
    AwsAuth,
    BasicAuth,
    BearerAuth,
    ClientCredentialsAuth,
    DigestAuth,
    KeyPlace,
)
from seatrial.template import Scope, Value, to_text

TOKEN = "token"  # noqa: S105 - the name it is kept under
SIGNATURE = frozenset({"authorization", "x-amz-date", "x-amz-security-token", "x-amz-content-sha256"})
TOKEN_MARGIN_S = 30.0
"""How long before its end a token is no longer used: the request it is sent with must still arrive."""


class NoToken(Exception):
    """A token was asked for and not given; `failure` is the step's."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.summary)
        self.failure = failure


def headers_of(auth: Auth | None, scope: Scope) -> Headers:
    """The headers that can be said at once; none for ways that need the finished request or an answer."""
    if isinstance(auth, BearerAuth):
        return (("Authorization", f"Bearer {_text(auth.token, scope)}"),)
    if isinstance(auth, BasicAuth):
        return (("Authorization", basic(_text(auth.user, scope), _text(auth.password, scope))),)
    if isinstance(auth, ApiKeyAuth) and auth.place is KeyPlace.HEADER:
        return ((auth.name, _text(auth.value, scope)),)
    return ()


def params_of(auth: Auth | None) -> tuple[tuple[str, Value], ...]:
    """The parameters an API key travels in."""
    in_query = isinstance(auth, ApiKeyAuth) and auth.place is KeyPlace.QUERY
    return ((auth.name, auth.value),) if isinstance(auth, ApiKeyAuth) and in_query else ()


def credentials_in(headers: Headers) -> Iterator[tuple[str, str]]:
    """What an Authorization header tells of us, by a name for its mask: a bearer token, a password."""
    for name, value in headers:
        if name.lower() != "authorization":
            continue
        scheme, _, told = value.partition(" ")
        if scheme.lower() == "bearer":
            yield "token", told
        elif scheme.lower() == "basic":
            yield "password", _password(told)


def _password(told: str) -> str:
    try:
        return base64.b64decode(told, validate=True).decode().partition(":")[2]
    except ValueError:  # not base64, or no text
        return ""


def credentials_of(auth: Auth | None) -> frozenset[str]:
    """The headers, in lower case, that tell a host who we are."""
    return MASKED_HEADERS | ({auth.name.lower()} if isinstance(auth, ApiKeyAuth) else set())


def signed(request: Request, auth: Auth | None, scope: Scope, *, now: Callable[[], float]) -> Request:
    """The request with AWS's signature where the step asks for it."""
    if not isinstance(auth, AwsAuth):
        return request
    signer = Signer(
        access_key=_text(auth.access_key, scope),
        secret_key=_text(auth.secret_key, scope),
        region=_text(auth.region, scope),
        service=_text(auth.service, scope),
        session_token=None if auth.session_token is None else _text(auth.session_token, scope),
    )
    return dataclasses.replace(request, headers=(*request.headers, *sign(request, signer, at=now())))


def signed_anew(request: Request, auth: Auth | None, scope: Scope, *, now: Callable[[], float]) -> Request:
    """A request that follows a redirect, signed for its own address where the first one was and its host may know."""
    if not isinstance(auth, AwsAuth) or not any(name.lower() == "x-amz-date" for name, _ in request.headers):
        return request
    kept = [(name, value) for name, value in request.headers if name.lower() not in SIGNATURE]
    return signed(dataclasses.replace(request, headers=tuple(kept)), auth, scope, now=now)


def with_token(request: Request, token: str) -> Request:
    """The request with a bearer token, unless its step says itself what authorizes it."""
    if any(name.lower() == "authorization" for name, _ in request.headers):
        return request
    return dataclasses.replace(request, headers=(*request.headers, ("Authorization", f"Bearer {token}")))


def basic(user: str, password: str) -> str:
    """The value of an Authorization header by RFC 7617."""
    return f"Basic {base64.b64encode(f'{user}:{password}'.encode()).decode()}"


def digest(request: Request, answer: Answer, auth: DigestAuth, scope: Scope) -> Request | None:
    """The request once more, with the answer to the server's challenge (RFC 7616); None when there is none."""
    challenged = isinstance(answer, Response) and answer.status == 401 and answer.header("www-authenticate")
    if not challenged or not isinstance(answer, Response):
        return None
    from seatrial.http import answer_challenge  # httpx only where a step asks for it

    value = answer_challenge(request, answer, user=_text(auth.user, scope), password=_text(auth.password, scope))
    if value is None:
        return None
    kept = tuple(header for header in request.headers if header[0].lower() != "authorization")
    return dataclasses.replace(request, headers=(*kept, ("Authorization", value)))


def token_key(auth: ClientCredentialsAuth, scope: Scope) -> tuple[Any, ...]:
    """What tells one token of a run from another."""
    fields = tuple((name, _text(value, scope)) for name, value in auth.fields)
    said = (auth.token_url, auth.client_id, auth.client_secret, auth.scope)
    return ("oauth2", *(None if value is None else _text(value, scope) for value in said), fields)


def token_request(auth: ClientCredentialsAuth, url: str, scope: Scope, *, like: Request, tracing: Tracing) -> Request:
    """The request for a token (RFC 6749, 4.4.2), over the connection of the request that needs it, with its ids."""
    asked = {"grant_type": "client_credentials", "scope": auth.scope, **dict(auth.fields)}
    fields = {
        name: value if isinstance(value, str) else _text(value, scope)
        for name, value in asked.items()
        if value is not None
    }
    ids = {name.lower() for name in (tracing.traceparent, tracing.request_id) if name}
    # Both are form-encoded first (RFC 6749, 2.3.1), so that neither a colon nor another alphabet is in the way.
    client = [urllib.parse.quote_plus(_text(value, scope)) for value in (auth.client_id, auth.client_secret)]
    headers = (
        *(header for header in like.headers if header[0].lower() in {"user-agent", *ids}),
        ("Accept", "application/json"),
        ("Content-Type", FORM_TYPE),
        ("Authorization", basic(*client)),
    )
    return Request("POST", url, headers, urllib.parse.urlencode(fields).encode(), like.timeout_s, like.connection)


def token_of(answer: Answer, url: str, auth: ClientCredentialsAuth, *, now: float) -> Outputs:
    """The tokens a server gave and until when they are good; NoToken when it gave none."""
    if isinstance(answer, Broken):
        raise _no_token(auth, url, answer.cause, f"{answer.cause}: {answer.detail}")
    try:
        content = json.loads(answer.body)
    except (ValueError, RecursionError):
        content = None
    if answer.status != 200 or not isinstance(content, dict) or not isinstance(content.get("access_token"), str):
        error = content.get("error") if isinstance(content, dict) else None
        cause = Cause.STATUS if answer.status >= 400 else Cause.CHECK
        raise _no_token(auth, url, cause, f"status {answer.status}{f', {error}' if error else ''}")
    life_s = content.get("expires_in")
    if not isinstance(life_s, (int, float)) or isinstance(life_s, bool):
        life_s = None
    expires_at = None if life_s is None else now + max(0.0, life_s - TOKEN_MARGIN_S)
    named = {name: value for name, value in content.items() if name.endswith("_token") and isinstance(value, str)}
    values = {TOKEN: named.pop("access_token"), **named}
    return Outputs(values, frozenset(values), expires_at)


def _no_token(auth: ClientCredentialsAuth, url: str, cause: Cause, what: str) -> NoToken:
    hint = () if cause.outcome is Outcome.BROKEN else (("hint", "check client and secret"),)
    summary = f"no token from {url}: {what}"
    return NoToken(Failure(auth.where, cause, summary, actual=summary, expected="a token", notes=hint))


def _text(value: Value, scope: Scope) -> str:
    return to_text(value.render(scope))
