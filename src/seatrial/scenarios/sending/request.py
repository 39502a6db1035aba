"""A request as it is once read: its parts with their templates compiled, nothing rendered yet.

Room scenarios. `written/requests.py` gives these, `expand.py` renders them. Frozen. May import the floor, `wanted`
and `files` only.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from pathlib import Path

from seatrial.errors import Where
from seatrial.exchange import MAX_BODY_BYTES, Connection, ConversationKind
from seatrial.scenarios.answers.wanted import WantedJson
from seatrial.scenarios.files import Files
from seatrial.template import Scope, Template, Value, to_text

WRITING = frozenset({"POST", "PUT", "PATCH", "DELETE"})
"""The methods that are taken to write, in formats that do not say so themselves."""


class BodyKind(enum.StrEnum):
    """How a request's body is written."""

    JSON = "json"
    FORM = "form"
    TEXT = "text"
    MULTIPART = "multipart"
    FILE = "file"
    GRAPHQL = "graphql"
    XML = "xml"
    BYTES = "bytes"


@dataclass(frozen=True, slots=True)
class FileRef:
    """A file beside the scenario, by a path that may be a template."""

    path: Value
    files: Files
    where: Where

    def locate(self, scope: Scope) -> Path:
        """Where the file is; DocumentError when it cannot be had."""
        return self.files.find(to_text(self.path.render(scope)), self.where)

    def read(self, scope: Scope) -> bytes:
        """What is in it; DocumentError when it cannot be had."""
        return self.files.read(to_text(self.path.render(scope)), self.where)


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart body: a value, or the content of a file. `filename` and `content_type` None leave them
    to what the part is."""

    name: str
    content: Value | FileRef
    filename: Value | None = None
    content_type: Value | None = None


@dataclass(frozen=True, slots=True)
class Body:
    """A request's body before rendering. `content` renders to what its kind needs: the JSON value, the form's fields,
    the text, `{query, variables, operation}`, or bytes; of FILE it is the file; MULTIPART has its `parts`."""

    kind: BodyKind
    content: Value | FileRef
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """User and password, sent as RFC 7617 says."""

    user: Value
    password: Value


@dataclass(frozen=True, slots=True)
class BearerAuth:
    """A token, sent as RFC 6750 says."""

    token: Value


@dataclass(frozen=True, slots=True)
class DigestAuth:
    """User and password for the challenge of RFC 7616; the request is sent twice where the server asks."""

    user: Value
    password: Value


class KeyPlace(enum.StrEnum):
    """Where an API key travels."""

    HEADER = "header"
    QUERY = "query"


@dataclass(frozen=True, slots=True)
class ApiKeyAuth:
    """A key under a name of the API's choice."""

    name: str
    value: Value
    place: KeyPlace = KeyPlace.HEADER


@dataclass(frozen=True, slots=True)
class ClientCredentialsAuth:
    """OAuth 2.0 client credentials (RFC 6749, 4.4): a token is fetched once a run and sent as a bearer token."""

    token_url: Value
    client_id: Value
    client_secret: Value
    where: Where
    scope: Value | None = None
    fields: tuple[tuple[str, Value], ...] = ()


@dataclass(frozen=True, slots=True)
class AwsAuth:
    """AWS Signature Version 4."""

    access_key: Value
    secret_key: Value
    region: Value
    service: Value
    session_token: Value | None = None


Auth = BasicAuth | BearerAuth | DigestAuth | ApiKeyAuth | ClientCredentialsAuth | AwsAuth


@dataclass(frozen=True, slots=True)
class Follow:
    """Redirects are followed, at most `limit` of them. Credentials and cookies of ours go along to the host that was
    asked first and to `trusted` hosts alone; `trusted` None trusts every host."""

    limit: int = 10
    trusted: frozenset[str] | None = frozenset()


@dataclass(frozen=True, slots=True)
class TlsTemplate:
    """`exchange.Tls` before rendering."""

    verify: bool = True
    ca: FileRef | None = None
    certificate: FileRef | None = None
    key: FileRef | None = None
    password: Value | None = None
    pin: Value | None = None


@dataclass(frozen=True, slots=True)
class Talk:
    """What a step says and hears on a WebSocket or an event stream, before rendering.

    The conversation ends as soon as `hear` was met: each pattern by a message of its own, in that order, others in
    between passed over.
    """

    kind: ConversationKind
    send: tuple[Value, ...] = ()
    hear: tuple[WantedJson, ...] = ()


@dataclass(frozen=True, slots=True)
class RequestTemplate:
    """A request before rendering.

    `service` is None for an absolute `url`; else `url` is the path on that service. Values of `url` are
    percent-encoded where they are put in. `headers`, `params` and `cookies` keep the file's order. `minimal` sends
    exactly Host, Accept and User-Agent beside what the step says. `session` names the cookie jar. `connection` and
    `tls` say how to connect, `proxy` renders over the connection's.
    """

    method: str
    service: str | None
    url: Template
    headers: tuple[tuple[str, Value], ...] = ()
    params: tuple[tuple[str, Value], ...] = ()
    body: Body | None = None
    auth: Auth | None = None
    cookies: tuple[tuple[str, Value], ...] = ()
    follow: Follow | None = None
    connection: Connection = Connection()
    tls: TlsTemplate | None = None
    proxy: Value | None = None
    compressed: bool = True
    minimal: bool = False
    session: str = ""
    max_body_bytes: int = MAX_BODY_BYTES
    path_as_is: bool = False
    talk: Talk | None = None
