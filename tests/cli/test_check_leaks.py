"""No secret leaves `check`: every report at once, secrets wherever one can be put, every artefact searched.

The service answers with all it was sent, every step fails, and what is written is searched for each secret in every
form another program might show it in, made here and not by `redact`.
"""

from __future__ import annotations

import base64
import html
import json
import re
import urllib.parse
import xml.sax.saxutils

import pytest

from seatrial.reports.plays.formats import FORMATS

PASSWORD = "p&ss<wörd>/\"o'f+=%20 \\ada"
KEY = "kéy-with-plain-2f9a1c77"
PEM = "-----BEGIN KEY-----\nfirst+line/of+a+key+5e1d\nother+line/of+a+key+77c0\n-----END KEY-----\n"
REALMS = """
realms:
  test:
    services: {api: "http://127.0.0.1:%d", gone: "http://127.0.0.1:1"}
    secrets: {password: {env: LEAK_PASSWORD}, key: {env: LEAK_KEY}, pem: {env: LEAK_PEM}}
    allows: {mutations: true}
"""
JOURNEY = """
scenario: leaks nothing
service: api
rows: [{who: "ada"}, {who: "bob"}]
vars: {shown: "<{{ secrets.password }}>"}
setup:
  - name: take a token
    request: {url: "/token/{{ row.who }}"}
    expect: {status: 200}
    capture: {token: {jsonpath: $.token, secret: true}}
steps:
  - name: in the query and the path
    request:
      url: "/echo/{{ secrets.key }}?p={{ secrets.password }}"
      params: {k: "{{ secrets.key }}", t: "{{ token }}"}
    expect: {status: 201, json: {path: nothing}}
    continue: true
  - name: in headers and cookies
    request:
      url: /echo/x
      headers: {X-Key: "{{ token }}", X-Mixed: "a {{ token }} b"}
      cookies: {session: "{{ token }}"}
      auth: {basic: {user: ada, password: "{{ secrets.password }}"}}
    expect: {checks: [{body: {eq: "{{ secrets.password }}"}}, {header: Set-Cookie, eq: "{{ token }}"}]}
    continue: true
  - name: in a bearer token
    request: {url: /echo/x, auth: {bearer: "{{ token }}"}}
    expect: {checks: [{jsonpath: $.headers.Authorization, eq: "{{ secrets.key }}"}]}
    continue: true
  - name: in JSON
    request: {method: POST, url: /echo/x, json: {p: "{{ secrets.password }}", deep: [{t: "{{ token }}"}]}}
    expect: {json: {body: "{{ shown }}"}}
    continue: true
  - name: in a form
    request: {method: POST, url: /echo/x, form: {p: "{{ secrets.password }}", t: "{{ token }}"}}
    expect: {checks: [{regex: "p=(.*)", eq: x}]}
    continue: true
  - name: in a text
    request: {method: POST, url: /echo/x, text: "p={{ secrets.password }};"}
    expect: {checks: [{body: true, matches: "^{{ secrets.key }}$"}]}
    continue: true
  - name: in XML
    request: {method: POST, url: /echo/x, xml: "<a b=\\"1\\">{{ secrets.password | e }}</a>"}
    expect: {status: 299}
    continue: true
  - name: in multipart
    request: {method: POST, url: /echo/x, multipart: {p: "{{ secrets.password }}", t: "{{ token }}"}}
    expect: {status: 299}
    continue: true
  - name: in GraphQL
    request: {method: POST, url: /echo/x, graphql: {query: "{a}", variables: {p: "{{ secrets.password }}"}}}
    expect: {status: 299}
    continue: true
  - name: encoded
    request:
      method: POST
      url: /echo/x
      json: {a: "{{ base64('1' ~ secrets.password) }}", b: "{{ base64('22' ~ secrets.password) }}", c: "{{ token }}"}
    expect: {status: 299}
    continue: true
  - name: in an error of ours
    request: {url: /ok, headers: {X-Bad: "{{ secrets.password }} {{ '\\n' }}"}}
    expect: {status: 200}
    continue: true
  - name: in an address nobody answers at
    request: {url: "service://gone/{{ secrets.key }}?t={{ token }}"}
    expect: {status: 200}
    continue: true
  - name: in lines of its own
    request: {method: POST, url: /said, text: "first\\n{{ secrets.pem }}last\\n"}
    expect: {checks: [{body: true, eq: "first\\n{{ secrets.pem }}end\\n"}]}
    continue: true
  - name: in lines where none was wanted
    request: {method: POST, url: /said, text: "first\\n{{ secrets.pem }}last\\n"}
    expect: {checks: [{body: true, eq: "first\\nlast\\n"}, {body: true, matches: "^no$"}, {regex: "y\\n(.*)", eq: x}]}
    continue: true
  - name: in lines within JSON
    request: {method: POST, url: /echo/x, json: {pem: "{{ secrets.pem }}"}}
    expect: {json: {path: nothing, body: "{{ secrets.pem }}"}}
    continue: true
  - name: poll for it
    request: {url: "/echo/x?p={{ secrets.password }}"}
    retry: {max: 2, interval: 0ms}
    expect: {checks: [{jsonpath: $.path, eq: "{{ secrets.password }}"}]}
    continue: true
  - name: only degraded
    request: {url: "/echo/x?p={{ secrets.password }}"}
    expect: {checks: [{jsonpath: $.path, eq: "{{ token }}", severity: degraded}]}
"""


def base64_parts(value):
    """What of the base64 of a longer text is the value's own, at each offset."""
    raw = value.encode()
    for before in range(3):
        encoded = base64.b64encode(b"\0" * before + raw + b"\0" * 3).decode()
        first, last = -(-before * 8 // 6), (before + len(raw)) * 8 // 6
        yield encoded[first:last]
        yield encoded[first:last].replace("+", "-").replace("/", "_")


def forms(value):
    """Everything another program may make of a text, each longer than chance would write."""
    quoted = {urllib.parse.quote(value, safe=safe) for safe in ("", "/", "!'()*", "/+=")}
    plus = {urllib.parse.quote_plus(value)}
    lower = {re.sub("%..", lambda code: code[0].lower(), text) for text in quoted | plus}
    escaped = {
        html.escape(value),
        html.escape(value, quote=False),
        xml.sax.saxutils.escape(value),
        xml.sax.saxutils.escape(value, {'"': "&quot;"}),
        html.escape(value).replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
    }
    as_json = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    twice = {json.dumps(text)[1:-1] for text in as_json} | {
        json.dumps(text, ensure_ascii=False)[1:-1] for text in as_json
    }
    in_markup = {html.escape(text) for text in as_json | twice} | {html.escape(text, quote=False) for text in as_json}
    hexed = {value.encode().hex(), value.encode().hex().upper()}
    every = {value, repr(value)[1:-1], *quoted, *plus, *lower, *escaped, *as_json, *twice, *in_markup, *hexed}
    return every | {part for part in base64_parts(value) if len(part) > 8}


@pytest.fixture
def artefacts(workspace, check, service, monkeypatch):
    """What every report and both streams hold after a run in which everything fails."""
    monkeypatch.setenv("LEAK_PASSWORD", PASSWORD)
    monkeypatch.setenv("LEAK_KEY", KEY)
    monkeypatch.setenv("LEAK_PEM", PEM)
    (workspace.path / "realms.yaml").write_text(REALMS % service.server_port)
    (workspace.path / "scenarios").mkdir()
    (workspace.path / "scenarios" / "leak.yaml").write_text(JOURNEY.lstrip("\n"))

    def run(*words):
        targets = {name: f"out.{name}" for name in FORMATS}
        ended = check(*words, *(word for name, target in targets.items() for word in (f"--{name}", target)))
        assert ended.code == 1, ended
        kept = {name: workspace.file(target) for name, target in targets.items()}
        return {"stdout": ended.out, "stderr": ended.err, **kept}

    return run


@pytest.mark.parametrize("words", [("-vv",), ("--jobs", "2"), ("-q",)], ids=" ".join)
def test_no_secret_is_in_any_artefact_in_any_form(artefacts, words):
    kept = artefacts(*words)
    secrets = (PASSWORD, KEY, PEM, *PEM.splitlines()[1:3], "token-ada-1", "token-bob-1", "sid-5e55101d")
    found = [
        (name, form, text[max(0, text.index(form) - 60) : text.index(form) + 60])
        for name, text in kept.items()
        for secret in secrets
        for form in forms(secret)
        if form in text
    ]
    assert not found, "\n".join(map(repr, found))
    assert all("***(password)" in text for name, text in kept.items() if name not in ("stderr",))


def test_every_step_of_the_journey_was_sent_and_failed(artefacts):
    play, other = json.loads(artefacts()["json"])["journeys"]
    ended = {step["step"]: step["outcome"] for step in play["steps"]}
    assert len(ended) == 18
    assert {name for name, outcome in ended.items() if outcome == "ok"} == {"take a token", "only degraded"}
    assert set(ended.values()) == {"ok", "unexpected", "broken"}
    assert play["requests"] == other["requests"] == 18


@pytest.mark.parametrize("jobs", ["1", "4"])
def test_a_play_of_more_secrets_than_a_run_remembers_shows_none(workspace, check, monkeypatch, jobs):
    monkeypatch.setattr("seatrial.accept.prepare.CAPTURED_SECRETS", 3)
    steps = "\n".join(
        f"- {{request: {{url: '/token/{{{{ row.n }}}}-{number}'}}, expect: {{status: 200}},"
        " capture: {token: {jsonpath: $.token, secret: true}}}"
        for number in range(8)
    )
    workspace.journey("many", steps, head="rows: [{n: 0}, {n: 1}, {n: 2}, {n: 3}, {n: 4}]\n")
    assert check("--jobs", jobs, "--har", "out.har").code == 0
    bodies = [
        entry["response"]["content"]["text"] for entry in json.loads(workspace.file("out.har"))["log"]["entries"]
    ]
    assert [json.loads(body)["token"] for body in bodies] == ["***(token)"] * 40


def test_the_forms_searched_for_are_those_a_leak_would_take():
    leaked = [
        json.dumps({"p": PASSWORD}),
        f"?p={urllib.parse.quote_plus(PASSWORD)}",
        base64.b64encode(f"ada:{PASSWORD}".encode()).decode(),
        f"<p>{html.escape(PASSWORD)}</p>",
        PASSWORD.encode().hex(),
    ]
    assert all(any(form in text for form in forms(PASSWORD)) for text in leaked)
