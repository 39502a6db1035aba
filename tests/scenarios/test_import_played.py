"""Imported, then played: the same requests reach the server as from the tool they were made for."""

from __future__ import annotations

import json
import secrets as chance
import subprocess
import threading
import urllib.parse
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seatrial import http
from seatrial.exchange import Request
from seatrial.redact import Secrets
from seatrial.sample import Phase
from seatrial.scenarios.curl import curl_line
from seatrial.scenarios.drive import drive
from seatrial.scenarios.hurl.entries import read_hurl
from seatrial.scenarios.hurl.options import HurlOptions
from seatrial.scenarios.importers import curl, har, hurl, openapi, postman
from seatrial.scenarios.importers.imported import Imported
from seatrial.scenarios.importers.writing import dump
from seatrial.scenarios.moves import Context
from seatrial.scenarios.read import read_scenario

TOLD = ("content-type", "authorization", "cookie", "x-own", "referer", "x-csrf", "idempotency-key", "x-key")


@dataclass
class Shop:
    """A server that gives out a new token, id and hidden field each time, and takes no other."""

    url: str = ""
    asked: list[tuple[str, str, dict[str, str], bytes]] = field(default_factory=list)
    token: str = ""
    csrf: str = ""
    order: str = ""

    def renew(self) -> None:
        self.token, self.csrf = f"tok.{chance.token_hex(12)}.sig", f"c5-{chance.token_hex(6)}"
        self.order = f"ord_{chance.token_hex(4)}"
        self.asked.clear()

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> tuple[int, str, str]:
        plain = path.partition("?")[0]
        if (method, plain) == ("GET", "/login"):
            return 200, "text/html", f'<form><input type="hidden" name="csrf" value="{self.csrf}"></form>'
        if (method, plain) == ("POST", "/login"):
            fits = urllib.parse.parse_qs(body.decode()).get("csrf") == [self.csrf]
            return (200 if fits else 403), "application/json", json.dumps({"token": self.token, "user": {"id": 7}})
        if headers.get("authorization") != f"Bearer {self.token}":
            return 401, "application/json", "{}"
        if (method, plain) == ("POST", "/users/7/orders"):
            return 201, "application/json", json.dumps({"id": self.order, "state": "OPEN", "amount": 250})
        if plain == f"/orders/{self.order}":
            return 200, "application/json", json.dumps({"id": self.order, "state": "OPEN"})
        return 404, "application/json", "{}"


def handler(shop: Shop) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            headers = {name.lower(): value for name, value in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            shop.asked.append((self.command, self.path, headers, body))
            status, kind, text = shop.answer(self.command, self.path, headers, body)
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(text.encode())))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None:
            pass

    for method in ("GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"):
        setattr(Handler, f"do_{method}", Handler.answer)
    return Handler


@pytest.fixture
def shop() -> Iterator[Shop]:
    made = Shop()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(made))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    made.renew()
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def play(tmp_path, clock):
    """Write what was imported, read it, play it."""

    def run(imported: Imported, **secret_values: str):
        [(name, content)] = imported.documents
        for file in imported.files:
            (tmp_path / file).write_text(f"content of {file}\n")
        (tmp_path / name).write_text(dump(content))
        context = Context(realm="test", addresses={}, secret_values=secret_values)
        with http.open_client() as client:
            scenario = read_scenario(tmp_path / name)
            return drive(
                scenario, context, client, clock=clock, record=lambda _: None, run="r", phase=Phase.ACCEPTANCE
            )

    return run


def told(asked):
    """What matters of the requests a server got: no header that differs from client to client."""
    return [
        (method, path, {name: value for name, value in headers.items() if name in TOLD}, body)
        for method, path, headers, body in asked
    ]


CURL_LINES = [
    "curl {url}/a",
    "curl '{url}/a?x=1&y=a%20b&y=%C3%A9&flag'",
    "curl {url}/a -H 'X-Own: one: two' -H 'Accept: text/csv' -A probe/1 -e https://example.com/",
    "curl {url}/a -d 'a=1&b=two+words' -d c=%26",
    'curl {url}/a --data-raw \'{{"a": "{{{{x}}}} {{% y", "n": 1.5}}\' -H \'Content-Type: application/vnd.own\'',
    "curl {url}/a --data-urlencode 'q=a & b' --data-urlencode '=c d'",
    "curl -G {url}/a -d x=1 --data-urlencode 'y=a b'",
    "curl -X DELETE {url}/a/%2F/b",
    "curl -I {url}/a",
    "curl -XPATCH {url}/a -H 'Content-Type: text/plain' -d $'one\\ntwo \\'three\\' \\xc3\\xa9'",
    "curl -u ada:secret1 {url}/a",
    "curl {url}/a -b 'one=1; two=2'",
    "curl {url}/a --oauth2-bearer abcdefgh",
    "curl {url}/a --json '[1]'",
    "curl {url}/a -d @data.txt -H 'Content-Type: text/plain'",
    "curl {url}/a -H 'X-Own;' -H 'Content-Type:' -d x",
    "curl {url}/a -X PUT -d ''",
]


@pytest.mark.needs_curl
@pytest.mark.parametrize("line", CURL_LINES)
def test_imported_line_sends_what_curl_sends(line, shop, play, tmp_path):
    line = line.format(url=shop.url)
    (tmp_path / "data.txt").write_text("content of data.txt")
    subprocess.run(["bash", "-c", f"{line} -sS -o /dev/null"], check=True, cwd=tmp_path, timeout=20)
    by_curl = told(shop.asked)
    shop.asked.clear()
    imported = curl.convert(line, "line")
    (tmp_path / "data.txt").write_text("content of data.txt")
    play(imported, password="secret1", token="abcdefgh")
    got = told(shop.asked)
    if "data.txt" in line:
        by_curl, got = [(*one[:3], one[3].rstrip()) for one in by_curl], [(*one[:3], one[3].rstrip()) for one in got]
    assert got == by_curl


def test_line_of_a_failed_step_imports_back(shop, play):
    url = f"{shop.url}/a/b%2Fc?x=%7B1%7D"
    headers = (("Authorization", "Bearer tok-123456"), ("X-Own", "it's {{fine}}"), ("Content-Type", "text/plain"))
    sent = Request("PUT", url, headers, "one\ntwo 'é' tok-123456".encode())
    secrets = Secrets()
    secrets.add("token", "tok-123456")
    imported = curl.convert(curl_line(sent, secrets), "report")
    play(imported, token="tok-123456")
    [(method, path, got, body)] = shop.asked
    assert (method, shop.url + path, body) == (sent.method, url, sent.body)
    assert {name: got[name.lower()] for name, _ in headers} == dict(headers)


def recorded(shop: Shop) -> str:
    """What a browser saves of a visit: log in by a form with a hidden field, order, look at the order."""
    entries = []

    def visit(method, path, *, headers=(), mime="", body=""):
        request = Request(method, shop.url + path, headers, body.encode() or None)
        with http.open_client() as client:
            answer = client.send(request)
        named = [{"name": name, "value": value} for name, value in (*headers, ("User-Agent", "browser"))]
        posted = {"postData": {"mimeType": mime, "text": body}} if body else {}
        kind, text = answer.header("content-type"), answer.body.decode()
        told = [{"name": name, "value": value} for name, value in answer.headers]
        entries.append(
            {
                "request": {"method": method, "url": request.url, "headers": named, **posted},
                "response": {"status": answer.status, "headers": told, "content": {"mimeType": kind, "text": text}},
            }
        )

    form = "application/x-www-form-urlencoded"
    visit("GET", "/login")
    visit(
        "POST",
        "/login",
        headers=(("Content-Type", form),),
        mime=form,
        body=f"user=ada&password=corr3ct&csrf={shop.csrf}",
    )
    bearer = ("Authorization", f"Bearer {shop.token}")
    json_type = "application/json"
    order = json.dumps({"amount": 250, "user_id": 7, "note": "{{tea}}"})
    visit("POST", "/users/7/orders", headers=(bearer, ("Content-Type", json_type)), mime=json_type, body=order)
    visit("GET", f"/orders/{shop.order}?expand=user", headers=(bearer,))
    return json.dumps({"log": {"version": "1.2", "entries": entries}})


def test_recording_plays_on_a_server_whose_tokens_and_ids_have_changed(shop, play):
    recording = recorded(shop)
    before = told(shop.asked)
    shop.renew()
    result = play(har.convert(recording, "visit.har", name="visit"), password="corr3ct")
    assert result.passed
    after = told(shop.asked)
    assert [one[:2] for one in after[:3]] == [one[:2] for one in before[:3]]
    assert after[3][1] == f"/orders/{shop.order}?expand=user"
    assert json.loads(after[2][3]) == {"amount": 250, "user_id": 7, "note": "{{tea}}"}
    assert after[3][2]["authorization"] == f"Bearer {shop.token}"


def collection(shop: Shop) -> str:
    def item(name, method, url, *, body=None, script=(), headers=(), auth=None):
        request = {"method": method, "url": url, "header": [{"key": key, "value": value} for key, value in headers]}
        request |= {"body": body} if body else {}
        request |= {"auth": auth} if auth else {}
        return {"name": name, "request": request, "event": [{"listen": "test", "script": {"exec": list(script)}}]}

    form = [{"key": "user", "value": "{{user}}"}, {"key": "password", "value": "{{password}}"}]
    form += [{"key": "csrf", "value": shop.csrf}]
    log_in = ["const told = pm.response.json();", "pm.environment.set('token', told.token);"]
    log_in += ["pm.collectionVariables.set('uid', told.user.id); pm.response.to.have.status(200);"]
    order = ["pm.test('made', () => { pm.expect(pm.response.json().state).to.eql('OPEN'); });"]
    order += ["pm.expect(pm.response.code).to.be.oneOf([200, 201]); pm.globals.set('order', pm.response.json().id)"]
    raw = '{"amount": {{amount}}, "note": "for {{user}}", "big": {"x": [1, null, true]}}'
    content = {
        "info": {"name": "shop", "schema": "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"},
        "auth": {"type": "bearer", "bearer": [{"key": "token", "value": "{{token}}"}]},
        "variable": [{"key": "base", "value": shop.url}, {"key": "amount", "value": "250"}],
        "item": [
            item(
                *("log in", "POST", "{{base}}/login"),
                body={"mode": "urlencoded", "urlencoded": form},
                script=log_in,
                auth={"type": "noauth"},
            ),
            item(
                *("order", "POST", "{{base}}/users/{{uid}}/orders"),
                body={"mode": "raw", "raw": raw, "options": {"raw": {"language": "json"}}},
                script=order,
                headers=[("Idempotency-Key", "{{$guid}}")],
            ),
            item(*("look", "GET", "{{base}}/orders/{{order}}?at={{user}}")),
        ],
    }
    return json.dumps(content)


def test_collection_plays_as_newman_plays_it(shop, play):
    values = [{"key": "user", "value": "ada b"}, {"key": "password", "value": "corr3ct", "type": "secret"}]
    environment = postman.Source(json.dumps({"name": "e", "values": values}), "e.json")
    imported = postman.convert(postman.Source(collection(shop), "c.json"), [environment])
    result = play(imported, password="corr3ct")
    assert result.passed
    log_in, order, look = told(shop.asked)
    assert log_in[3] == f"user=ada+b&password=corr3ct&csrf={shop.csrf}".encode()
    assert "authorization" not in log_in[2]
    assert order[1] == "/users/7/orders"
    assert json.loads(order[3]) == {"amount": 250, "note": "for ada b", "big": {"x": [1, None, True]}}
    assert len(order[2]["idempotency-key"]) == 36
    assert look[1] == f"/orders/{shop.order}?at=ada%20b"


def test_failing_claim_of_a_script_fails_the_step(shop, play):
    changed = collection(shop).replace("eql('OPEN')", "eql('SHUT')")
    values = [{"key": "user", "value": "ada"}, {"key": "password", "value": "corr3ct", "type": "secret"}]
    environment = postman.Source(json.dumps({"name": "e", "values": values}), "e.json")
    result = play(postman.convert(postman.Source(changed, "c.json"), [environment]), password="corr3ct")
    assert [step.failed for step in result.steps] == [False, True, False]


def described(shop: Shop) -> str:
    order = {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "string"}, "amount": {"type": "integer"}},
    }
    made = {"201": {"description": "", "content": {"application/json": {"schema": order}}}}
    found = {
        "200": {"description": "", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/O"}}}}
    }
    token = {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}, "schemas": {"O": order}}
    body = {"content": {"application/json": {"schema": order}}}
    paths = {
        "/orders/{orderId}": {"get": {"tags": ["orders"], "responses": found}},
        "/users/7/orders": {"post": {"tags": ["orders"], "requestBody": body, "responses": made}},
        "/users/7/orders/{orderId}": {},
    }
    info = {"title": "shop", "version": "1"}
    return json.dumps(
        {
            "openapi": "3.1.0",
            "info": info,
            "servers": [{"url": shop.url}],
            "security": [{"token": []}],
            "paths": paths,
            "components": token,
        }
    )


def test_smoke_journey_of_a_described_api_checks_its_schema(shop, play):
    imported = openapi.convert(described(shop).replace("/users/7/orders/{orderId}", "/unused"), "api.json")
    [(_, content)] = imported.documents
    content["vars"] = {"orderId": shop.order}
    assert play(imported, token=shop.token).passed
    shop.order = ""
    assert not play(imported, token=shop.token).passed


HURL_SECRETS = [
    ("POST {url}/a\nAuthorization: Bearer abc/def+1\n", {"token": "abc/def+1"}),
    ("POST {url}/a\nAuthorization: Basic YWRhOnB3ICUh\n", {"password": "pw %!"}),
    ("POST {url}/a\nAuthorization: Own abc def\n", {"authorization": "Own abc def"}),
    ("POST {url}/a\n[BasicAuth]\nada: pw: {{%x\n", {"password": "pw: {%x"}),
    ("POST {at}/a\n", {"password": "p/w d"}),
    ("POST {url}/a?x=1&token=a%2Fb%20c&y\n", {"token": "a/b c"}),
    ("POST {url}/a\n[Query]\ntoken: a/b c\n", {"token": "a/b c"}),
    ("POST {url}/a\n[Form]\nn: 1\npassword: p&w\n", {"password": "p&w"}),
    ("POST {url}/a\n[Cookies]\nsession: abcdefgh\n", {"session": "abcdefgh"}),
    ('POST {url}/a\n{{"pin":123456,"password":"p\\"w"}}\n', {"pin": "123456", "password": 'p"w'}),
    ("POST {url}/a\nContent-Type: application/x-www-form-urlencoded\n`a=b&password=p%26w`\n", {"password": "p%26w"}),
    ("POST {url}/a\n<a><password>p&amp;w</password></a>\n", {"password": "p&amp;w"}),
]


@pytest.mark.parametrize(("text", "values"), HURL_SECRETS)
def test_imported_hurl_file_sends_what_the_file_does_once_its_secrets_are_given(
    text, values, shop, play, tmp_path, clock
):
    path = tmp_path / "x.hurl"
    path.write_text(text.format(url=shop.url, at=shop.url.replace("//", "//ada:p%2Fw%20d@")))
    context = Context(realm="test", addresses={}, secret_values={})
    with http.open_client() as client:
        drive(read_hurl(path), context, client, clock=clock, record=lambda _: None, run="r", phase=Phase.ACCEPTANCE)
    by_file = told(shop.asked)
    shop.asked.clear()
    imported = hurl.convert([path], HurlOptions())
    assert set(imported.secrets) == set(values)
    play(imported, **values)
    assert told(shop.asked) == by_file
    assert len(by_file) == 1
