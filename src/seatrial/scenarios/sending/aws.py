"""Signs a request by AWS Signature Version 4. Pure.

Room scenarios. Source: AWS, "Create a signed AWS API request"; proved against the vectors AWS publishes.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import urllib.parse
from dataclasses import dataclass
from datetime import UTC, datetime

from seatrial.exchange import Headers, Request

_ALGORITHM = "AWS4-HMAC-SHA256"
_SPACES = re.compile(r" +")


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs, and for which service of which region."""

    access_key: str
    secret_key: str
    region: str
    service: str
    session_token: str | None = None


def sign(request: Request, signer: Signer, *, at: float) -> Headers:
    """The headers that make the request a signed one at that moment (UTC seconds)."""
    stamp = datetime.fromtimestamp(at, UTC).strftime("%Y%m%dT%H%M%SZ")
    payload = hashlib.sha256(request.body or b"").hexdigest()
    added: list[tuple[str, str]] = [("X-Amz-Date", stamp)]
    if signer.session_token is not None:
        added.append(("X-Amz-Security-Token", signer.session_token))
    if signer.service == "s3":
        added.append(("X-Amz-Content-Sha256", payload))
    signed = _signed_headers(request, added)
    scope = f"{stamp[:8]}/{signer.region}/{signer.service}/aws4_request"
    canonical = _canonical(request, signed, payload, service=signer.service)
    text = "\n".join((_ALGORITHM, stamp, scope, hashlib.sha256(canonical.encode()).hexdigest()))
    signature = hmac.new(_key(signer, stamp[:8]), text.encode(), hashlib.sha256).hexdigest()
    names = ";".join(signed)
    credential = f"{signer.access_key}/{scope}"
    value = f"{_ALGORITHM} Credential={credential}, SignedHeaders={names}, Signature={signature}"
    return (*added, ("Authorization", value))


def _signed_headers(request: Request, added: list[tuple[str, str]]) -> dict[str, str]:
    """The host, the content type and AWS's own headers, by lower-case name in order."""
    own = [pair for pair in request.headers if pair[0].lower() == "content-type" or pair[0].lower()[:6] == "x-amz-"]
    host = next((value for name, value in request.headers if name.lower() == "host"), _host(request.url))
    pairs = [("host", host), *own, *added]
    return dict(sorted((name.lower(), _SPACES.sub(" ", value.strip())) for name, value in pairs))


def _host(url: str) -> str:
    """The Host header as it will be sent: without the scheme's own port."""
    parts = urllib.parse.urlsplit(url)
    own = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.netloc.rpartition("@")[2].lower().removesuffix(f":{own}")


def _canonical(request: Request, headers: dict[str, str], payload: str, *, service: str) -> str:
    parts = urllib.parse.urlsplit(request.url)
    path = parts.path or "/"
    return "\n".join(
        (
            request.method,
            path if service == "s3" else urllib.parse.quote(path, safe="/-_.~"),
            _query(parts.query),
            *(f"{name}:{value}" for name, value in headers.items()),
            "",
            ";".join(headers),
            payload,
        )
    )


def _query(query: str) -> str:
    pairs = [
        tuple(urllib.parse.quote(urllib.parse.unquote(part), safe="-_.~") for part in pair.partition("=")[::2])
        for pair in query.split("&")
        if pair
    ]
    return "&".join(f"{name}={value}" for name, value in sorted(pairs))


def _key(signer: Signer, day: str) -> bytes:
    key = f"AWS4{signer.secret_key}".encode()
    for part in (day, signer.region, signer.service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key
