"""No secret of an answer leaves `diff`: every report at once, secrets in many shapes, every artefact searched.

Nobody told seatrial of these secrets: they are known by the name before them, or by what they look like.
"""

from __future__ import annotations

import base64
import contextlib
import html
import io
import json
import re
import signal
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seatrial.cli.main import main

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiI0MiJ9.{}"
MEMBERS = {
    "session id": lambda s: {"session_id": s},
    "member below": lambda s: {"password": {"value": s}},
    "elements below": lambda s: {"token": [{"v": s}, {"v": s + "x"}]},
    "plural": lambda s: {"tokens": {"f81d4fae-7dec-11d0-a765-00a0c91e6bf6": s}},
    "list of texts": lambda s: {"passwords": [s, s + "x"]},
    "deep": lambda s: {"a": [{"b": {"client_secret": s}}]},
    "run together": lambda s: {"accesstoken": s},
    "name and value": lambda s: [{"name": "api_key", "value": s}, {"name": "x"}],
    "key and values": lambda s: {"Key": "password", "Value": {"x": [s]}},
    "assignment": lambda s: f"login with password={s} please",
    "told": lambda s: f"api_key: {s}",
    "url": lambda s: f"https://h.example/cb?x=1&access_token={s}#id_token={s}",
    "nested url": lambda s: "https://h.example/in?next=" + urllib.parse.quote(f"/cb?session_id={s}", safe=""),
    "user of a url": lambda s: f"postgres://ada:{s}@db.example/x",
    "json in json": lambda s: json.dumps({"password": s}),
    "json in json in json": lambda s: json.dumps(json.dumps({"pwd": s})),
    "markup": lambda s: f"<x><password>{s}</password></x>",
    "form": lambda s: f'<input type="hidden" name="csrf_token" value="{s}">',
    "escaped markup": lambda s: html.escape(f'<a b="{s}" token="{s}">').replace(f"b=&quot;{s}&quot;", ""),
    "escaped element": lambda s: html.escape(f"<x><password>{s}</password></x>"),
    "escaped name": lambda s: f"user%5Bpassword%5D={s}",
    "json in a url": lambda s: "https://h.example/?q=" + urllib.parse.quote(json.dumps({"x token": s}), safe=""),
    "bearer": lambda s: f"Authorization was Bearer {s}",
    "signed": lambda s: JWT.format(s),
    "basic": lambda s: "Basic " + base64.b64encode(f"ada:{s}".encode()).decode(),
    "basic alone": lambda s: base64.b64encode(f"ada:{s}".encode()).decode(),
    "cookies": lambda s: {"cookies": f"theme=dark; sid={s}"},
    "headers": lambda s: f"GET / HTTP/1.1\r\nHost: x\r\nCookie: sid={s}\r\nX-Api-Key: {s}",
    "number": lambda s: {"pin": int.from_bytes(s.encode())},
    "key of a map": lambda s: {JWT.format(s): 1},
    "odd name": lambda s: {"the secret token": {"odd \"name\"": s}},
}  # fmt: skip
HEADERS = {
    "Location": lambda s: f"/cb?access_token={s}",
    "Link": lambda s: f'<https://h.example/x?page=2&sig={s}>; rel="next"',
    "X-Session": lambda s: s,
    "X-Auth-Token": lambda s: s,
    "Set-Cookie": lambda s: f"sid={s}; HttpOnly",
    "WWW-Authenticate": lambda s: f'Bearer realm="x", token="{s}"',
    "X-Debug": lambda s: f"password={s}",
    "X-Basic": lambda s: base64.b64encode(f"ada:{s}".encode()).decode(),
    "Refresh": lambda s: f"0;url=/x?session_id={s}",
}
LINES = {
    name: make for name, make in MEMBERS.items() if isinstance(made := make("x"), str) and "\n" not in made
}  # fmt: skip


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body, headers = self.server.says(self.path)
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Stay silent."""


class Realm:
    """Its secrets: one for each shape, and in which ways its answers are not the other realm's."""

    def __init__(self, side):
        self.side = side
        self.secrets = {}

    def secret(self, shape):
        number = len(self.secrets)
        return self.secrets.setdefault(shape, f"Zq{self.side}{number:03}xK")

    def made(self, shapes, kind):
        return {name: make(self.secret(f"{kind} {name}")) for name, make in shapes.items()}

    def says(self, path):
        """By the last part of the path: what differs is the value, the presence, the order, the type, the number."""
        kind, live = path.rpartition("/")[2], self.side == "live"
        if path.startswith("/fails"):
            make = list(CHECKS.values())[int(kind)]
            return json.dumps(make("Zqboth003xK")).encode(), {"Content-Type": "application/json"}
        if path.startswith("/text"):
            return self._text(kind, live), {"Content-Type": "text/plain"}
        if path.startswith("/headers"):
            shapes = HEADERS if kind == "value" or not live else {}
            return b"{}", {"Content-Type": "application/json", **self.made(shapes, f"header {kind}")}
        return json.dumps(self._json(kind, live)).encode(), {"Content-Type": "application/json"}

    def _json(self, kind, live):
        made = self.made(MEMBERS, kind)
        if kind == "extra":
            return {} if live else made
        if kind == "type":
            return {name: {} if live and not isinstance(value, dict) else [value] for name, value in made.items()}
        if kind == "order":
            shown = {name: [both(make, kind) for both in (FIRST, SECOND)] for name, make in MEMBERS.items()}
            return {name: pair if live else pair[::-1] for name, pair in shown.items()}
        if kind == "size":
            return {name: [value] * (1 if live else 2) for name, value in made.items()}
        return made

    def _text(self, kind, live):
        lines = list(self.made(LINES, f"text {kind}").values())
        if kind == "order":
            lines = [make("Zqboth001xK") for make in LINES.values()]
            lines = lines if live else lines[::-1]
        if kind == "extra":
            lines = ["first"] if live else ["first", *lines]
        return "\n".join(lines).encode()


def FIRST(make, _):  # noqa: N802
    return make("Zqboth001xK")


def SECOND(make, _):  # noqa: N802
    return make("Zqboth002xK")


PATHS = [
    *(f"/json/{kind}" for kind in ("value", "extra", "type", "order", "size")),
    *(f"/text/{kind}" for kind in ("value", "order", "extra")),
    *("/headers/value", "/headers/extra"),
]


CHECKS = {
    "$.session_id": lambda s: {"session_id": s},
    "$.note": lambda s: {"note": f"password={s}"},
    "$.login": lambda s: {"login": {"token": s}},
    "$": lambda s: [{"name": "api_key", "value": s}],
    "$.url": lambda s: {"url": f"https://h.example/?sig={s}"},
}
"""What a failed check quotes, by its query."""


@contextlib.contextmanager
def serving(realm):
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.says = realm.says
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            thread.join()


def written(folder, sides, urls):
    """The workspace: a journey in which all differs, and some that fail alike in both realms."""
    steps = "".join(f"- {{name: '{path}', request: {{url: {path}}}, expect: {{status: 200}}}}\n" for path in PATHS)
    journeys = {"j": steps}
    for number, query in enumerate(CHECKS):
        checks = f"{{checks: [{{jsonpath: '{query}', eq: x}}]}}"
        journeys[f"fails {number}"] = f"- {{request: {{url: /fails/{number}}}, expect: {checks}}}\n"
    (folder / "scenarios").mkdir()
    for name, text in journeys.items():
        (folder / "scenarios" / f"{name}.yaml").write_text(f"scenario: {name}\nservice: api\nsteps:\n{text}")
    realms = (f"  {side.side}: {{services: {{api: '{url}'}}}}\n" for side, url in zip(sides, urls, strict=True))
    (folder / "realms.yaml").write_text("realms:\n" + "".join(realms))


@pytest.fixture(scope="module")
def compared(tmp_path_factory):
    """Every artefact of one `diff` by its name, and the secrets of both realms by shape."""
    folder, sides = tmp_path_factory.mktemp("leaks"), (Realm("live"), Realm("next"))
    reports = [word for form in ("json", "markdown", "html") for word in (f"--{form}", f"out.{form}")]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.ExitStack() as stack:
        written(folder, sides, [stack.enter_context(serving(side)) for side in sides])
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        patch.chdir(folder)
        patch.setattr(sys, "argv", ["seatrial", "diff", "live", "next", "--rounds", "7", *reports])
        patch.setattr(sys, "stdout", out)
        patch.setattr(sys, "stderr", err)
        stack.enter_context(signals_kept())
        with pytest.raises(SystemExit) as ended:
            main()
    assert ended.value.code == 1, (out.getvalue(), err.getvalue())
    kept = {str(file.relative_to(folder)): file.read_text() for file in folder.rglob("*") if file.is_file()}
    secrets = {f"{side.side}, {shape}": secret for side in sides for shape, secret in side.secrets.items()}
    secrets |= {name: f"Zqboth{name}xK" for name in ("001", "002", "003")}
    return {"stdout": out.getvalue(), "stderr": err.getvalue(), **kept}, secrets


@contextlib.contextmanager
def signals_kept():
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def forms(secret):
    """As it is, and within the base64 of `user:password`, and as the number it was made."""
    encoded = base64.b64encode(f"ada:{secret}".encode()).decode().rstrip("=")
    return {secret, encoded[6:], str(int.from_bytes(secret.encode())), secret.encode().hex()}


def test_no_secret_of_an_answer_is_in_any_artefact(compared):
    kept, secrets = compared
    assert {"out.json", "out.markdown", "out.html"} < kept.keys()
    assert sum(name.startswith("reports") for name in kept) >= 3
    found = [
        (shape, name, text[max(0, text.index(form) - 80) : text.index(form) + 60])
        for name, text in kept.items()
        for shape, secret in secrets.items()
        for form in forms(secret)
        if form in text
    ]
    assert not found, "\n".join(map(repr, found[:30]))
    whole = "".join(kept.values())
    assert not re.search(r"Zq(live|next|both)", whole)


def test_why_a_journey_failed_is_told_without_secrets(compared):
    kept, _ = compared
    notes = json.loads(kept["out.json"])["notes"]
    assert len(notes) == len(CHECKS)
    assert all("failed on every side" in note for note in notes)
    assert all("***" in note for note in notes), notes


def test_every_shape_did_differ_and_is_told_masked(compared):
    kept, _ = compared
    told = json.loads(kept["out.json"])["fields"]
    assert {(one["step"].split("/")[1], one["kind"]) for one in told} >= {
        *(("json", kind) for kind in ("value", "extra", "type", "order", "size", "missing")),
        *(("text", kind) for kind in ("value", "order", "size", "extra")),
        ("headers", "header"),
    }
    for path, shapes in (("/json/value", MEMBERS), ("/text/value", LINES), ("/headers/value", HEADERS)):
        different = [one for one in told if one["step"] == path and one["standing"] == "difference"]
        assert len(different) >= len(shapes) - 1, path  # of cookies only the names are compared
        for one in different:
            assert one["examples"], one
            assert all("***" in one["path"] + pair["primary"] for pair in one["examples"]), one
