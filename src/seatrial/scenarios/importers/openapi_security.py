"""How an OpenAPI operation wants to be called: its security schemes as `auth`, with every credential a secret.

Room scenarios, importers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from seatrial.scenarios.importers.foreign import Part
from seatrial.scenarios.importers.imported import quoted
from seatrial.scenarios.importers.marks import Marks
from seatrial.scenarios.importers.openapi_refs import resolved


@dataclass(frozen=True, slots=True)
class Credentials:
    """What an operation is called with; values hold marks."""

    auth: dict[str, Any] | None = None
    cookies: tuple[tuple[str, str], ...] = ()


def credentials(operation: Part, root: Part, marks: Marks) -> Credentials:
    """Those of the first alternative; none where the operation is open."""
    wanted = operation["security"] if operation["security"] else root["security"]
    alternatives = wanted.items()
    if not alternatives or any(not one.members() for one in alternatives):
        return Credentials()
    ways = [_way(name, scopes, root, marks) for name, scopes in alternatives[0].members()]
    auths = [way.auth for way in ways if way.auth]
    if len(auths) > 1:
        operation.tally.note(alternatives[0].at, "several credentials at once; the first one alone is sent")
    return Credentials(auths[0] if auths else None, tuple(cookie for way in ways for cookie in way.cookies))


def _way(name: str, scopes: Part, root: Part, marks: Marks) -> Credentials:
    scheme = resolved(root["components"]["securitySchemes"][name], root)
    kind, http = scheme["type"].text(), scheme["scheme"].text().lower()

    def secret(hint: str) -> str:
        return marks.mark(root.tally.secret_called(f"{name}_{hint}" if hint else name))

    if kind == "http" and http in ("basic", "digest"):
        return Credentials({http: {"user": secret("user"), "password": secret("password")}})
    if kind == "http" and http == "bearer":
        return Credentials({"bearer": secret("")})
    if kind == "apiKey":
        return _api_key(scheme, secret(""))
    if kind == "oauth2" and scheme["flows"]["clientCredentials"]:
        flow = scheme["flows"]["clientCredentials"]
        scope = " ".join(one.text() for one in scopes.items())
        said = {"token_url": flow["tokenUrl"].text(), "client_id": secret("client_id")}
        hidden = {"client_secret": secret("client_secret"), **({"scope": scope} if scope else {})}
        return Credentials({"oauth2": {**said, **hidden}})
    if kind in ("oauth2", "openIdConnect"):
        root.tally.note(scheme.at, f"{quoted(kind)} needs a person to log in; its token is taken as a secret")
        return Credentials({"bearer": secret("token")})
    root.tally.note(scheme.at, f"the security scheme {quoted(name)} of type {quoted(kind)}")
    return Credentials()


def _api_key(scheme: Part, value: str) -> Credentials:
    place, name = scheme["in"].text(), scheme["name"].text()
    if place == "cookie":
        return Credentials(cookies=((name, value),))
    said = {"name": name, "value": value}
    return Credentials({"api_key": {**said, "in": "query"} if place == "query" else said})
