"""No secret of the original lands in a document or in a report, wherever it stood."""

from __future__ import annotations

import base64
import json

import pytest

from seatrial.scenarios.hurl.options import HurlOptions
from seatrial.scenarios.importers import curl, har, hurl, postman
from seatrial.scenarios.importers.imported import report_text
from seatrial.scenarios.importers.naming import looks_secret, sounds_secret
from seatrial.scenarios.importers.writing import dump
from seatrial.scenarios.read import read_scenario

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
    "curl proxy": in_curl(f"curl http://a -H 'X-Api-Key: abcdefgh' -x http://ada:{ENCODED}@127.0.0.1:3128"),
    "curl two headers": in_curl(f"curl http://a -H 'Authorization: Own one' -H 'Authorization: Own {HUSH}'"),
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
    "har xml with a reference": posted("text/xml", f"<a><Password>{HUSH}&amp;z</Password></a>"),
    "har text with an apostrophe": posted("text/x", f"""login {{ password: "it's {HUSH}" }}"""),
    "har text with an escape": posted("text/x", f"""login {{ password: "it\\"s {HUSH}" }}"""),
    "har text in three quotes": posted("text/x", f"""login {{ password: \"\"\"{HUSH}\"\"\" }}"""),
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


def in_hurl(text, tmp_path, **options):
    path = tmp_path / "x.hurl"
    path.write_text(text)
    return hurl.convert([path], HurlOptions(**options))


TO_A = "POST http://a.example.com/x\n"
HURL_PLACES = {
    "bearer": f"{TO_A}Authorization: Bearer {HUSH}\n",
    "scheme": f"{TO_A}Authorization: Own {HUSH}\n",
    "basic header": f"{TO_A}Authorization: Basic {base64.b64encode(f'a:{HUSH}'.encode()).decode()}\n",
    "two headers": f"{TO_A}Authorization: Own one\nAuthorization: Own {HUSH}\n",
    "header": f"{TO_A}X-Api-Key: {HUSH}\n",
    "header of an option": f"{TO_A}[Options]\nheader: X-Api-Key: {HUSH}\n",
    "basic": f"{TO_A}[BasicAuth]\nada: {HUSH}\n",
    "user of an option": f"{TO_A}[Options]\nuser: ada:{HUSH}\n",
    "aws": f"{TO_A}[Options]\naws-sigv4: aws:amz:eu-central-1:s3\nuser: ada:{HUSH}\n",
    "braces": f"{TO_A}[BasicAuth]\nada: {{#{HUSH}\n",
    "json": f'{TO_A}{{"a": [{{"password": "{HUSH}"}}]}}\n',
    "json with a hole in a name": f'{TO_A}{{"{{{{n}}}}": 1, "password": "{HUSH}"}}\n',
    "text": f'{TO_A}```\nlogin {{ password: "{HUSH}" }}\n```\n',
    "text of a form": f"{TO_A}Content-Type: {FORM}\n`a=b&password={ENCODED}`\n",
    "xml": f"{TO_A}<a><password>{HUSH}</password></a>\n",
    "graph": f'{TO_A}```graphql\n{{ a }}\nvariables {{"password": "{HUSH}"}}\n```\n',
    "form": f"{TO_A}[Form]\npassword: {HUSH}\n",
    "parts": f"{TO_A}[Multipart]\npassword: {HUSH}\n",
    "cookie": f"{TO_A}[Cookies]\nsession: {HUSH}\n",
    "params": f"{TO_A}[Query]\ntoken: {HUSH}\n",
    "query": f"POST http://a.example.com/x?token={ENCODED}&b=c\n",
    "address": f"POST http://ada:{ENCODED}@a.example.com/x\n",
    "proxy": f"{TO_A}[Options]\nproxy: http://ada:{ENCODED}@127.0.0.1:3128\n",
    "certificate": f"{TO_A}[Options]\ncert: c.pem:{HUSH.replace(' ', '')}\n",
    "variable": f"{TO_A}[Options]\nvariable: password={HUSH}\n",
    "check": f'{TO_A}HTTP 200\n[Asserts]\njsonpath "$.user.token" == "{HUSH}"\n',
    "header of an answer": f'{TO_A}HTTP 200\n[Asserts]\nheader "X-Api-Key" not contains "{HUSH}"\n',
    "check of what was sent": (
        f'{TO_A}[BasicAuth]\nada: {HUSH}\nHTTP 200\n[Asserts]\njsonpath "$.echo" == "{HUSH}"\n'
    ),
    "body of an answer": f'{TO_A}HTTP 200\n{{"token": "{HUSH}"}}\n',
}


@pytest.mark.parametrize("place", HURL_PLACES)
def test_secret_of_a_hurl_file_is_in_no_document_and_no_report(place, tmp_path):
    text = told(in_hurl(HURL_PLACES[place], tmp_path))
    forms = (HUSH, ENCODED, base64.b64encode(HUSH.encode()).decode().rstrip("="), "hush/hush", "hush%2F")
    assert [form for form in forms if form in text] == []
    assert "secrets." in text


@pytest.mark.parametrize("place", HURL_PLACES)
def test_hurl_file_without_its_secrets_reads_as_a_scenario(place, tmp_path):
    (tmp_path / "c.pem").touch()
    made = in_hurl(HURL_PLACES[place], tmp_path)
    (tmp_path / "x.yaml").write_text(dump(made.documents[0][1]))
    assert read_scenario(tmp_path / "x.yaml").name == "x"


def test_variable_given_to_a_hurl_file_is_hidden_by_its_name(tmp_path):
    made = in_hurl(f"{TO_A}X: {{{{api-key}}}}\n", tmp_path, variables={"api-key": HUSH})
    assert HUSH not in told(made)
    assert made.documents[0][1]["vars"] == {"api_key": "{{ secrets.api_key }}"}


def test_secret_given_to_a_hurl_file_keeps_its_name_where_its_value_stands(tmp_path):
    made = in_hurl(f"{TO_A}X-Api-Key: {HUSH}\nY: {{{{myKey}}}}\n", tmp_path, secrets={"myKey": HUSH, "other": "o"})
    assert made.documents[0][1]["steps"][0]["request"]["headers"]["X-Api-Key"] == "{{ secrets.myKey }}"
    assert made.secrets == ("myKey", "other")


def test_braces_around_a_hidden_text_of_a_hurl_file_still_mean_themselves(tmp_path):
    made = in_hurl(f"{TO_A}X-Api-Key: {HUSH}\n[Form]\na: {{{{b}}}}\nc: x{{#y{{\n", tmp_path)
    form = made.documents[0][1]["steps"][0]["request"]["form"]
    assert form["a"] == "{{ b }}{{ '' }}"
    assert "{#" not in form["c"]


def test_secret_that_is_a_variable_in_part_is_told_by_its_name(tmp_path):
    made = in_hurl(f"{TO_A}X-Api-Key: hush{{{{a}}}}\nX-Token: Own {{{{a}}}}\nX-Pin: {{{{a}}}}\n", tmp_path)
    assert [note.text for note in made.notes] == ["`X-Api-Key` is a variable in part, so its text stays: look at it"]
    made = in_curl('curl http://a -H "X-Api-Key: hush$A"')
    assert [note.text for note in made.notes] == ["`X-Api-Key` is a variable in part, so its text stays: look at it"]


def test_number_that_sounds_secret_is_hidden_and_stays_a_number(tmp_path):
    made = in_hurl(f'{TO_A}{{"pin": 123456, "otp": 7, "secret": true}}\n', tmp_path)
    body = made.documents[0][1]["steps"][0]["request"]["json"]
    assert body == {"pin": "{{ secrets.pin | int }}", "otp": 7, "secret": True}
    [(_, content)] = in_curl("curl http://a --json '{\"pin\": 123456}'").documents
    assert content["steps"][0]["request"]["json"] == {"pin": "{{ secrets.pin | int }}"}


def test_credentials_of_a_hurl_file_stand_where_its_headers_stood(tmp_path):
    made = in_hurl(f"{TO_A}Authorization: Bearer {HUSH}\nX: y\n{{}}\n", tmp_path)
    request = made.documents[0][1]["steps"][0]["request"]
    assert list(request)[:5] == ["method", "url", "headers", "auth", "json"]
    assert request["json"] == {}
