"""A step's request with all that never changes made beforehand; what is left is to fill in.

Room scenarios. For drivers that play a step again and again. `compile_draft` takes the kinds of which most steps are
and leaves any other to `expand`; both make the same request of a scope, and draw from it in the same order. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from json.encoder import encode_basestring
from typing import Any

from seatrial.errors import Where
from seatrial.exchange import Headers, Request
from seatrial.realm import Tracing
from seatrial.scenarios.model import Step
from seatrial.scenarios.moves import Context
from seatrial.scenarios.sending.auth import headers_of
from seatrial.scenarios.sending.bodies import JSON_TYPE, Content, content_of, json_text_of
from seatrial.scenarios.sending.expand import Marks, half_a_character, headers_in, url_of, usual
from seatrial.scenarios.sending.request import ApiKeyAuth, BasicAuth, BearerAuth, Body, BodyKind, KeyPlace
from seatrial.template import Fields, Fixed, Items, Scope, Value

_NO_MARKS = Marks("", "", "")
_SAID_AT_ONCE = (type(None), BasicAuth, BearerAuth, ApiKeyAuth)

Fill = Callable[[Scope], Content | None]
Piece = str | Value


@dataclass(frozen=True, slots=True)
class Draft:
    """One step's request but for what its scope and its ids make of it.

    `before` are the fixed headers, `traceparent` and `request_id` the names of those that carry ids (empty for none),
    `own` the step's own where they are fixed. `keeps_type` and `keeps_auth`: the step sets no such header itself.
    `authorizes`: a header may tell who we are.
    """

    step: Step
    before: Headers
    traceparent: str
    request_id: str
    fill: Fill
    own: Headers | None
    keeps_type: bool
    keeps_auth: bool
    authorizes: bool

    def request(self, scope: Scope, context: Context, marks: Marks) -> Request:
        """The request as `expand` makes it for a jar without cookies; DocumentError as there."""
        step, template = self.step, self.step.request
        try:
            url = url_of(template, scope, context)
            content = self.fill(scope)
            own = tuple(headers_in(template.headers, scope, step.where)) if self.own is None else self.own
            return Request(
                template.method,
                url,
                (*self.before, *self._filled(content, scope, marks), *own),
                content.body if content else None,
                step.timeout_s,
                template.connection,
                template.max_body_bytes,
                template.path_as_is,
            )
        except UnicodeEncodeError as error:
            raise half_a_character(step, error) from None

    def _filled(self, content: Content | None, scope: Scope, marks: Marks) -> list[tuple[str, str]]:
        """The headers that are not the same each time, and the body's type."""
        filled = []
        if self.traceparent:
            filled.append((self.traceparent, f"00-{marks.trace_id}-{marks.span_id}-01"))
        if self.request_id:
            filled.append((self.request_id, marks.request_id))
        if content is not None and content.content_type and self.keeps_type:
            filled.append(("Content-Type", content.content_type))
        if self.step.request.auth is not None:
            filled += headers_of(self.step.request.auth, scope) if self.keeps_auth else ()
        return filled


def compile_draft(step: Step, tracing: Tracing) -> Draft | None:
    """The step's draft for a realm of that tracing; None for a request that only `expand` makes."""
    template = step.request
    auth = template.auth
    in_query = isinstance(auth, ApiKeyAuth) and auth.place is not KeyPlace.HEADER
    special = template.talk or template.tls or template.proxy or template.cookies or in_query
    if special or not isinstance(auth, _SAID_AT_ONCE):
        return None
    fill = _fill(template.body, step.where)
    if fill is None:
        return None
    chosen = {name.lower() for name, _ in template.headers}
    named = auth.name.lower() if isinstance(auth, ApiKeyAuth) else "authorization"
    ids = {} if template.minimal else {"traceparent": tracing.traceparent, "request_id": tracing.request_id}
    fixed = all(isinstance(value, Fixed) for _, value in template.headers)
    without_ids = usual(template, Tracing(traceparent="", request_id=""), _NO_MARKS)
    kept = {mark: name if name and name.lower() not in chosen else "" for mark, name in ids.items()}
    return Draft(
        step=step,
        before=tuple(header for header in without_ids if header[0].lower() not in chosen),
        traceparent=kept.get("traceparent", ""),
        request_id=kept.get("request_id", ""),
        fill=fill,
        own=tuple(headers_in(template.headers, {}, step.where)) if fixed else None,
        keeps_type="content-type" not in chosen,
        keeps_auth=named not in chosen,
        authorizes="authorization" in chosen or (auth is not None and named == "authorization"),
    )


def _fill(body: Body | None, where: Where) -> Fill | None:
    if body is None:
        return lambda scope: None
    if body.kind is BodyKind.MULTIPART or not isinstance(body.content, (Fixed, Fields, Items)):
        return None
    if isinstance(body.content, Fixed):
        content = content_of(body, {}, where, boundary="")
        return lambda scope: content
    if body.kind is not BodyKind.JSON:
        return lambda scope: content_of(body, scope, where, boundary="")
    pieces = _joined(_pieces(body.content, where))
    return lambda scope: Content("".join([_piece(piece, scope, where) for piece in pieces]).encode(), JSON_TYPE)


def _pieces(value: Value, where: Where) -> list[Piece]:
    """The JSON of a value in order, its templates unrendered."""
    if isinstance(value, Fixed):
        return [json_text_of(value.value, where)]
    if isinstance(value, Items):
        return ["[", *_listed([_pieces(part, where) for part in value.parts]), "]"]
    if not isinstance(value, Fields):
        return [value]
    members = [[json_text_of(key, where), ":", *_pieces(part, where)] for key, part in value.parts]
    return ["{", *_listed(members), "}"]


def _listed(parts: list[list[Piece]]) -> list[Piece]:
    listed: list[Piece] = []
    for number, part in enumerate(parts):
        listed += [",", *part] if number else part
    return listed


def _joined(pieces: list[Piece]) -> tuple[Piece, ...]:
    """Neighbours that are text as one."""
    joined: list[Piece] = []
    for piece in pieces:
        if joined and isinstance(piece, str) and isinstance(joined[-1], str):
            joined[-1] += piece
        else:
            joined.append(piece)
    return tuple(joined)


def _piece(piece: Piece, scope: Scope, where: Where) -> str:
    if isinstance(piece, str):
        return piece
    value: Any = piece.render(scope)
    if type(value) is str:
        return encode_basestring(value)
    return str(value) if type(value) is int else json_text_of(value, where)
