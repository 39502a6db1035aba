"""No secret of the original lands in a document or in a report, wherever it stood."""

from __future__ import annotations

import base64
import json

import pytest

from seatrial.scenarios.importers import curl, har, postman
from seatrial.scenarios.importers.imported import report_text
from seatrial.scenarios.importers.naming import looks_secret, sounds_secret
from seatrial.scenarios.importers.writing import dump

HUSH = "hush/hush+99 x"
ENCODED = "hush%2Fhush%2B99%20x"


def told(imported):
    """All that is shown or written."""
    return "\n".join([*(dump(content) for _, content in imported.documents), report_text(imported)])


def in_curl(line):
    return curl.convert(line, "x.sh")


def in_har(**request):
    whole = {"method": "POST", "url": "https://a.example.com/x", "headers": [], **request}
    answer = {"status": 200, "headers": [], "content": {"text": "", "mimeType": ""}}
    content = {"log": {"entries": [{"request": whole, "response": answer}]}}
    return har.convert(json.dumps(content), "x.har", name="x")


def posted(mime, text):
    return in_har(postData={"mimeType": mime, "text": text})


def in_postman(values=(), **request):
    item = {"name": "one", "request": {"method": "POST", "url": "http://a/x?q={{v}}", **request}}
    collected = postman.Source(json.dumps({"info": {"name": "c"}, "item": [item]}), "c.json")
    return postman.convert(collected, [postman.Source(json.dumps({"values": list(values)}), "e.json")])


def raw(text):
    return {"mode": "raw", "raw": text, "options": {"raw": {"language": "json"}}}


FORM = "application/x-www-form-urlencoded"
PLACES = {
    "curl user": in_curl(f"curl http://a -u 'ada:{HUSH}'"),
    "curl address": in_curl(f"curl http://ada:{ENCODED}@a.example.com/x"),
    "curl bearer": in_curl(f"curl http://a -H 'Authorization: Bearer {HUSH}'"),
    "curl scheme": in_curl(f"curl http://a -H 'Authorization: Own {HUSH}'"),
    "curl basic": in_curl(
        f"curl http://a -H 'Authorization: Basic {base64.b64encode(f'a:{HUSH}'.encode()).decode()}'"
    ),
    "curl header": in_curl(f"curl http://a -H 'X-Api-Key: {HUSH}'"),
    "curl cookie": in_curl(f"curl http://a -b 'session={HUSH}'"),
    "curl query": in_curl(f"curl 'http://a/x?token={ENCODED}'"),
    "curl query with a flag": in_curl(f"curl 'http://a/x?flag&token={ENCODED}'"),
    "curl form": in_curl(f"curl http://a --data-urlencode 'password={HUSH}'"),
    "curl form as it is": in_curl(f"curl http://a -d 'password={HUSH}'"),
    "curl json": in_curl(f'curl http://a --json \'{{"a": [{{"apiKey": "{HUSH}"}}]}}\''),
    "curl json with a doubled key": in_curl(f'curl http://a --json \'{{"a": 1, "a": 2, "secret": "{HUSH}"}}\''),
    "curl part": in_curl(f"curl http://a -F 'password={HUSH};type=text/plain'"),
    "curl variable": in_curl(f"TOKEN='{HUSH}' curl http://a -H \"X-Token: $TOKEN\""),
    "har query": in_har(url=f"https://a.example.com/x?api_key={ENCODED}&b"),
    "har header": in_har(headers=[{"name": "Authorization", "value": f"Bearer {HUSH}"}]),
    "har cookie": in_har(headers=[{"name": "Cookie", "value": f"sid={HUSH}"}]),
    "har form": posted(FORM, f"password={HUSH.replace(' ', '+')}"),
    "har json": posted("application/json", json.dumps({"user": {"password": HUSH}})),
    "har text": posted("text/x", f'login {{ password: "{HUSH}" }}'),
    "har xml": posted("text/xml", f"<a><Password>{HUSH}</Password></a>"),
    "har parts": in_har(postData={"mimeType": "multipart/form-data", "params": [{"name": "pwd", "value": HUSH}]}),
    "postman type": in_postman([{"key": "v", "value": HUSH, "type": "secret"}]),
    "postman name": in_postman(
        [{"key": "db_password", "value": HUSH}], header=[{"key": "X", "value": "{{db_password}}"}]
    ),
    "postman value": in_postman([{"key": "v", "value": f"Bearer {HUSH}"}]),
    "postman json": in_postman(body=raw(json.dumps({"password": HUSH}))),
    "postman text": in_postman(body=raw(f'{{"password": "{HUSH}", "a": {{{{v}}}} x}}')),
    "postman query": in_postman(url=f"http://a/x?token={ENCODED}"),
    "postman graph": in_postman(
        body={"mode": "graphql", "graphql": {"query": f'{{ login(password: "{HUSH}") {{ a }} }}'}}
    ),
    "postman auth": in_postman(auth={"type": "bearer", "bearer": [{"key": "token", "value": HUSH}]}),
}


@pytest.mark.parametrize("place", PLACES)
def test_secret_is_in_no_document_and_no_report(place):
    text = told(PLACES[place])
    forms = (HUSH, ENCODED, HUSH.replace(" ", "+"), base64.b64encode(HUSH.encode()).decode().rstrip("="), "hush/hush")
    assert [form for form in forms if form in text] == []
    assert "secrets." in text


def test_secret_that_was_found_is_masked_in_notes():
    script = [{"listen": "test", "script": {"exec": [f"pm.sendRequest({{header: '{HUSH}'}})"]}}]
    item = {"name": "one", "request": {"url": "http://a/{{pw}}"}, "event": script}
    collected = postman.Source(json.dumps({"info": {"name": "c"}, "item": [item]}), "c.json")
    values = {"values": [{"key": "pw", "value": HUSH, "type": "secret"}]}
    text = told(postman.convert(collected, [postman.Source(json.dumps(values), "e.json")]))
    assert "***(pw)" in text
    assert HUSH not in text


@pytest.mark.parametrize(
    "name", ["password", "userPassword", "X-Api-Key", "access_token", "client-secret", "key", "APIKey", "pwd"]
)
def test_name_sounds_secret(name):
    assert sounds_secret(name)


@pytest.mark.parametrize(
    "name", ["user", "monkey", "tokenUrl", "key_id", "token_type", "publicKeyName", "keyboard", "sort_key", ""]
)
def test_name_does_not_sound_secret(name):
    assert not sounds_secret(name)


@pytest.mark.parametrize("value", ["Bearer abcdefgh", "eyJhbGciOiJI.eyJzdWIiOiJh.c2ln", "ghp_0123456789abcdef0123"])
def test_value_looks_secret(value):
    assert looks_secret(value)


@pytest.mark.parametrize("value", ["basic", "the bearer of news", "ey", "", "token"])
def test_value_does_not_look_secret(value):
    assert not looks_secret(value)
