"""A small API on loopback that answers with what it was asked: what the examples of the docs are played against.

`/anything` tells method, path, query, headers, cookies and body; the other routes do what their name says. It speaks
WebSocket and server-sent events too, and stands in for a forward proxy. State (accounts, counters) is the server's.
"""

from __future__ import annotations

import base64
import collections
import contextlib
import email.parser
import email.policy
import gzip
import hashlib
import http.cookies
import http.server
import itertools
import json
import re
import threading
import time
import urllib.parse
from typing import Any

from wsproto.connection import Connection as Frames
from wsproto.connection import ConnectionType
from wsproto.events import CloseConnection, TextMessage

USER, PASSWORD = "ada", "correct horse"
TOKEN = "tok-0123456789"
REALM, NONCE = "echo", "dcd98b7102dd2f0e8b11d0f600bfb0c0"
PRICES = {"ACME": 42.5, "INIT": 7.25}
LATE_S = 0.25


class Echo(http.server.ThreadingHTTPServer):
    """The server; `url` is where it is. With `tls` (an `ssl` context) it is there over TLS."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, tls: Any = None) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.tls = tls
        self.counters: collections.Counter[str] = collections.Counter()
        self.accounts: dict[str, collections.Counter[str]] = {}
        self.numbers = itertools.count(1)
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.server_address[1]}"

    def get_request(self) -> Any:
        """Over TLS the handshake is left to the connection's own thread."""
        connection, peer = super().get_request()
        if self.tls:
            connection = self.tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        return connection, peer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that left is nothing to report."""

    def close(self) -> None:
        self.shutdown()
        self.server_close()
        self._thread.join(10)


class Handler(http.server.BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: Echo

    def log_message(self, *_: Any) -> None:
        """Nothing: the tests look at answers."""

    def answer_any(self) -> None:
        self.proxied = self.path.startswith("http://")
        target = urllib.parse.urlsplit(self.path)
        self.route = target.path
        self.query = urllib.parse.parse_qs(target.query, keep_blank_values=True)
        self.content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        for pattern, respond in ROUTES:
            found = re.fullmatch(pattern, self.route)
            if found:
                respond(self, *found.groups())
                return
        self.say({"error": "no such route"}, 404)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = answer_any  # noqa: N815

    def say(self, content: Any, status: int = 200, *headers: tuple[str, str]) -> None:
        """Answer with a JSON value, or with bytes as they are."""
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        given = {name.lower() for name, _ in headers}
        self.send_response(status)
        if "content-type" not in given:
            self.send_header("Content-Type", "application/json")
        for name, value in headers:
            self.send_header(name, value)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    @property
    def one_query(self) -> dict[str, str]:
        return {name: values[0] for name, values in self.query.items()}

    def form(self) -> dict[str, Any]:
        if self.headers.get_content_type() != "application/x-www-form-urlencoded":
            return {}
        return _lone(urllib.parse.parse_qs(self.content.decode(), keep_blank_values=True))

    def cookies(self) -> dict[str, str]:
        jar = http.cookies.SimpleCookie(self.headers.get("Cookie", ""))
        return {name: morsel.value for name, morsel in jar.items()}

    def is_bearer(self) -> bool:
        return self.headers.get("Authorization") == f"Bearer {TOKEN}"


def _lone(listed: dict[str, list[str]]) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else values for name, values in listed.items()}


def _multipart(handler: Handler) -> dict[str, Any]:
    if handler.headers.get_content_maintype() != "multipart":
        return {}
    head = f"Content-Type: {handler.headers['Content-Type']}\r\n\r\n".encode()
    whole = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + handler.content)
    return {
        str(part.get_param("name", header="content-disposition")): {
            "filename": part.get_filename(),
            "type": part.get_content_type(),
            "text": (part.get_payload(decode=True) or b"").decode("utf-8", "replace"),
        }
        for part in whole.iter_parts()
    }


def _json_of(content: bytes) -> Any:
    try:
        return json.loads(content)
    except ValueError:
        return None


def _client_name(handler: Handler) -> str | None:
    peer = getattr(handler.connection, "getpeercert", dict)()
    names = dict(pair for group in peer.get("subject", ()) for pair in group) if peer else {}
    return names.get("commonName")


def anything(handler: Handler, *_: str) -> None:
    handler.say(
        {
            "method": handler.command,
            "path": handler.route,
            "args": _lone(handler.query),
            "headers": dict(handler.headers.items()),
            "cookies": handler.cookies(),
            "form": handler.form(),
            "parts": _multipart(handler),
            "json": _json_of(handler.content),
            "text": handler.content.decode("utf-8", "replace"),
            "proxied": handler.proxied,
            "client": _client_name(handler),
        }
    )


def status(handler: Handler, number: str) -> None:
    handler.say(b"" if number in ("204", "304") else {"status": int(number)}, int(number))


def redirect(handler: Handler, left: str) -> None:
    place = f"/redirect/{int(left) - 1}" if int(left) > 1 else "/anything"
    handler.say({}, 302, ("Location", place))


def redirect_to(handler: Handler) -> None:
    handler.say({}, int(handler.one_query.get("status", "302")), ("Location", handler.one_query["url"]))


def set_cookies(handler: Handler) -> None:
    said = [("Set-Cookie", f"{name}={value}; Path=/; Max-Age=3600") for name, value in handler.one_query.items()]
    handler.say({}, 200, *said)


def cookies(handler: Handler) -> None:
    handler.say({"cookies": handler.cookies()})


def basic_auth(handler: Handler) -> None:
    wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    ok = handler.headers.get("Authorization") == f"Basic {wanted}"
    handler.say({"user": USER} if ok else {}, 200 if ok else 401, ("WWW-Authenticate", f'Basic realm="{REALM}"'))


def digest_auth(handler: Handler) -> None:
    given = dict(re.findall(r'(\w+)="?([^",]+)"?', handler.headers.get("Authorization", "")))
    first = _md5(f"{USER}:{REALM}:{PASSWORD}")
    second = _md5(f"{handler.command}:{handler.route}")
    parts = (first, NONCE, given.get("nc", ""), given.get("cnonce", ""), "auth", second)
    if given.get("response") == _md5(":".join(parts)):
        handler.say({"user": USER})
        return
    challenge = f'Digest realm="{REALM}", nonce="{NONCE}", qop="auth", algorithm=MD5'
    handler.say({}, 401, ("WWW-Authenticate", challenge))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode()).hexdigest()


def bearer(handler: Handler) -> None:
    handler.say({"ok": handler.is_bearer()}, 200 if handler.is_bearer() else 401)


def token(handler: Handler) -> None:
    wanted = base64.b64encode(f"shop:{PASSWORD.replace(' ', '-')}".encode()).decode()
    fields = handler.form()
    ok = handler.headers.get("Authorization") == f"Basic {wanted}"
    if ok and fields.get("grant_type") == "client_credentials":
        handler.server.counters["tokens"] += 1
        handler.say({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600})
    else:
        handler.say({"error": "invalid_client"}, 401)


def login(handler: Handler) -> None:
    fields = handler.form() or _json_of(handler.content) or {}
    ok = fields.get("user") == USER and fields.get("password") == PASSWORD
    handler.say({"token": TOKEN} if ok else {"error": "wrong"}, 201 if ok else 401)


def open_account(handler: Handler) -> None:
    number = f"a-{next(handler.server.numbers)}"
    handler.server.accounts[number] = collections.Counter()
    owner = (_json_of(handler.content) or {}).get("owner", "")
    handler.say({"id": number, "state": "OPEN", "owner": owner, "balance": 0}, 201)


def account(handler: Handler, number: str) -> None:
    """An account becomes ACTIVE after it was looked at twice, as if a queue had to be worked off."""
    seen = handler.server.accounts.get(number)
    if seen is None:
        handler.say({"error": "unknown"}, 404)
    elif handler.command == "DELETE":
        del handler.server.accounts[number]
        handler.say({}, 200)
    else:
        seen["looks"] += 1
        handler.say({"id": number, "state": "OPEN" if seen["looks"] < 3 else "ACTIVE", "looks": seen["looks"]})


def counter(handler: Handler, name: str) -> None:
    handler.server.counters[name] += 1
    handler.say({"name": name, "n": handler.server.counters[name]})


def page(handler: Handler, number: str) -> None:
    n = int(number)
    handler.say({"items": [3 * n - 2, 3 * n - 1, 3 * n], "next": n + 1 if n < 3 else None})


def slow(handler: Handler) -> None:
    time.sleep(LATE_S)
    handler.say({"late": True})


def zipped(handler: Handler) -> None:
    handler.say(gzip.compress(b'{"zipped": true}'), 200, ("Content-Encoding", "gzip"))


def long_body(handler: Handler) -> None:
    handler.say(b"x" * 4096, 200, ("Content-Type", "text/plain"))


def xml(handler: Handler) -> None:
    handler.say(handler.content or b"<order id='7'><item>rope</item></order>", 200, ("Content-Type", "text/xml"))


def html(handler: Handler) -> None:
    page = b"<!DOCTYPE html><html><head><title>Shop &amp; Co</title></head><body><p>rope<p>sail</body></html>"
    handler.say(page, 200, ("Content-Type", "text/html"))


def card(handler: Handler) -> None:
    """The answer that docs/ANSWERS.md looks into."""
    handler.say(
        {
            "id": "0b0e6e9c-4f2f-4c5e-9d3c-6f1c2f0a7b11",
            "state": "ACTIVE",
            "balance": 12.5,
            "limits": [100, 20, 20],
            "owner": {"name": "Ada", "email": "ada@example.com", "site": "https://example.com/a?page=2"},
            "since": "2020-02-29",
            "note": " <b>a, b</b> ",
            "receipt": "aMOpIQ==",
            "closed": None,
            "frozen": False,
            "tags": [],
        },
        200,
        ("Cache-Control", "no-store, private"),
        ("Link", "<https://example.com/cards?page=2>"),
        (
            "Set-Cookie",
            "SID=s3ss10n; Path=/cards; Max-Age=3600; HttpOnly; SameSite=Lax; Expires=Wed, 31 Dec 2098 23:59:59 GMT",
        ),
        ("Set-Cookie", "theme=dark; Domain=127.0.0.1; Secure"),
    )


def websocket(handler: Handler) -> None:
    """Says `ready`, then a price for every `{"symbol": ...}` and every other message back."""
    key = handler.headers.get("Sec-WebSocket-Key", "")
    proof = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
    handler.send_response(101)
    handler.send_header("Upgrade", "websocket")
    handler.send_header("Connection", "Upgrade")
    handler.send_header("Sec-WebSocket-Accept", base64.b64encode(proof).decode())
    handler.end_headers()
    handler.close_connection = True
    _converse(handler)


def _converse(handler: Handler) -> None:
    frames = Frames(ConnectionType.SERVER)
    handler.connection.sendall(frames.send(TextMessage(json.dumps({"type": "ready"}))))
    while data := handler.connection.recv(65536):
        frames.receive_data(data)
        for event in frames.events():
            if isinstance(event, CloseConnection):
                with contextlib.suppress(OSError):
                    handler.connection.sendall(frames.send(event.response()))
                return
            if isinstance(event, TextMessage):
                handler.connection.sendall(frames.send(TextMessage(_price_or_echo(event.data))))


def _price_or_echo(text: str) -> str:
    asked = _json_of(text.encode())
    if not isinstance(asked, dict) or "symbol" not in asked:
        return text
    symbol = asked["symbol"]
    return json.dumps({"type": "price", "symbol": symbol, "price": PRICES.get(symbol, 0)})


def events(handler: Handler) -> None:
    """Three ticks and `done`, as server-sent events; the connection ends with them."""
    handler.send_response(200)
    handler.send_header("Content-Type", "text/event-stream")
    handler.send_header("Connection", "close")
    handler.end_headers()
    for number in range(1, 4):
        handler.wfile.write(f'id: {number}\nevent: tick\ndata: {{"n": {number}}}\n\n'.encode())
    handler.wfile.write(b"event: done\ndata: bye\n\n")
    handler.close_connection = True


ROUTES = (
    (r"/anything(/.*)?", anything),
    (r"/status/(\d{3})", status),
    (r"/redirect/(\d+)", redirect),
    (r"/redirect-to", redirect_to),
    (r"/cookies/set", set_cookies),
    (r"/cookies", cookies),
    (r"/basic-auth", basic_auth),
    (r"/digest-auth", digest_auth),
    (r"/bearer", bearer),
    (r"/token", token),
    (r"/login", login),
    (r"/accounts", open_account),
    (r"/accounts/([\w-]+)", account),
    (r"/counter/([\w-]+)", counter),
    (r"/pages/(\d)", page),
    (r"/slow", slow),
    (r"/gzip", zipped),
    (r"/long", long_body),
    (r"/xml", xml),
    (r"/html", html),
    (r"/card", card),
    (r"/ws", websocket),
    (r"/events", events),
)
