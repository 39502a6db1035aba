"""Postman collections in, scenarios out: folders, variables, credentials, bodies."""

from __future__ import annotations

import json

import pytest

from seatrial.errors import DocumentError, UsageError
from seatrial.scenarios.importers import postman

SCHEMA = "https://schema.getpostman.com/json/collection/v2.1.0/collection.json"


def source(content, file="c.json"):
    return postman.Source(content if isinstance(content, str) else json.dumps(content), file)


def collection(*items, **more):
    return source({"info": {"name": "c", "schema": SCHEMA}, "item": list(items), **more})


def environment(**values):
    return source(
        {"values": [{"key": name.replace("__", "-"), "value": value} for name, value in values.items()]}, "e.json"
    )


def item(url="http://a.example.com/x", name="one", **request):
    return {"name": name, "request": {"method": "GET", "url": url, **request}}


def imported(*items, env=(), choice=None, services=None, **more):
    return postman.convert(collection(*items, **more), env, choice=choice, services=services)


def scenario(*items, **options):
    [(_, content)] = imported(*items, **options).documents
    return content


def request(*args, **options):
    env = options.pop("env", ())
    [step] = scenario(item(*args, **options), env=env)["steps"]
    return step["request"]


def notes(result):
    return [f"{note.where}: {note.text}" if note.where else note.text for note in result.notes]


def test_folders_stand_in_the_names_of_steps():
    inner = {"name": "b", "item": [item(name="two")]}
    content = scenario({"name": "a", "item": [item(), inner]}, item(name="three"))
    assert [step["name"] for step in content["steps"]] == ["a / one", "a / b / two", "three"]


def test_one_folder_is_one_scenario_on_request():
    folders = [{"name": "a", "item": [item()]}, {"name": "b", "item": [item(name="two")]}]
    content = scenario(*folders, choice=postman.Choice(folder="b"))
    assert (content["scenario"], [step["name"] for step in content["steps"]]) == ("c: b", ["b / two"])
    with pytest.raises(UsageError, match="no folder 'bb'; did you mean 'b'"):
        imported({"name": "b", "item": [item()]}, choice=postman.Choice(folder="bb"))


def test_each_folder_at_the_top_is_a_scenario_on_request():
    result = imported({"name": "A b", "item": [item()]}, item(name="two"), choice=postman.Choice(per_folder=True))
    assert [(file, content["scenario"]) for file, content in result.documents] == [
        ("c-a-b.yaml", "c: A b"),
        ("c.yaml", "c"),
    ]


def test_variables_are_renamed_where_a_template_could_not_use_them():
    content = scenario(
        item("http://{{host-name}}/{{uuid}}/{{1st}}"), env=[environment(host__name="a", uuid="u", **{"1st": "x"})]
    )
    assert content["vars"] == {"host_name": "a", "uuid_": "u", "v_1st": "x"}
    assert content["steps"][0]["request"]["url"] == "http://{{ host_name | raw }}/{{ uuid_ }}/{{ v_1st }}"


def test_variables_stand_after_those_they_need():
    content = scenario(item("{{a}}/x"), env=[environment(a="{{b}}/v1", b="http://{{c}}", c="host")])
    assert list(content["vars"].items()) == [("c", "host"), ("b", "http://{{ c }}"), ("a", "{{ b }}/v1")]


def test_variables_in_a_circle_do_not_hang():
    assert scenario(item("http://a/{{a}}"), env=[environment(a="{{b}}", b="{{a}}")])["vars"]


def test_environment_wins_over_the_collection_and_the_last_one_over_others():
    variable = [{"key": "a", "value": "1"}]
    content = scenario(item("http://x/{{a}}"), env=[environment(a="2"), environment(a="3")], variable=variable)
    assert content["vars"] == {"a": "3"}


def test_address_without_a_scheme_gets_one_unless_its_variable_has_it():
    assert request("a.example.com/x")["url"] == "http://a.example.com/x"
    assert request("{{h}}/x", env=[environment(h="a.example.com")])["url"] == "http://{{ h | raw }}/x"
    assert request("{{h}}/x", env=[environment(h="https://a")])["url"] == "{{ h | raw }}/x"
    assert request("{{h}}/x")["url"] == "{{ h | raw }}/x"


def test_secrets_by_type_or_name_are_in_no_document():
    values = [{"key": "pin-code", "value": "hush-1", "type": "secret"}, {"key": "api_key", "value": "hush-2"}]
    result = imported(
        item("http://a/{{pin-code}}", header=[{"key": "X", "value": "{{api_key}}"}]),
        env=[source({"values": values}, "e")],
    )
    assert "hush" not in str(result.documents)
    assert result.secrets == ("pin_code", "api_key")


def test_secret_that_a_script_sets_begins_as_a_secret():
    script = [{"listen": "test", "script": {"exec": "pm.environment.set('token', pm.response.json().t)"}}]
    content = scenario({**item("http://a/{{token}}"), "event": script}, env=[environment(token="hush-hush")])
    assert content["vars"] == {"token": "{{ secrets.token }}"}
    assert content["steps"][0]["request"]["url"] == "http://a/{{ token }}"


def test_variable_that_nothing_sets_is_told():
    assert imported(item("http://a/{{who}}")).variables == ("who",)


@pytest.mark.parametrize(
    ("name", "becomes"),
    [
        ("$guid", "uuid()"),
        ("$timestamp", "timestamp()"),
        ("$randomInt", "random_int(0, 1000)"),
        ("$isoTimestamp", "now()"),
    ],
)
def test_dynamic_variables_are_functions(name, becomes):
    assert request(f"http://a/{{{{{name}}}}}")["url"] == f"http://a/{{{{ {becomes} }}}}"


def test_unknown_dynamic_variable_is_told():
    assert any("$randomDog" in note for note in notes(imported(item("http://a/{{$randomDog}}"))))


def pairs(**values):
    return [{"key": name, "value": value} for name, value in values.items()]


@pytest.mark.parametrize(
    ("kind", "settings", "wanted"),
    [
        (
            "basic",
            {"username": "ada", "password": "hush-hush"},
            {"basic": {"user": "ada", "password": "{{ secrets.password }}"}},
        ),
        ("digest", {"username": "ada", "password": "{{pw}}"}, {"digest": {"user": "ada", "password": "{{ pw }}"}}),
        ("bearer", {"token": "hush-hush"}, {"bearer": "{{ secrets.token }}"}),
        (
            "apikey",
            {"key": "X-K", "value": "hush-hush", "in": "query"},
            {"api_key": {"name": "X-K", "value": "{{ secrets.x_k }}", "in": "query"}},
        ),
        (
            "oauth2",
            {
                "grant_type": "client_credentials",
                "accessTokenUrl": "http://t",
                "clientId": "i",
                "clientSecret": "hush",
                "scope": "a b",
            },
            {
                "oauth2": {
                    "token_url": "http://t",
                    "client_id": "i",
                    "client_secret": "{{ secrets.client_secret }}",
                    "scope": "a b",
                }
            },
        ),
        ("oauth2", {"accessToken": "hush-hush"}, {"bearer": "{{ secrets.access_token }}"}),
        (
            "awsv4",
            {"accessKey": "AK", "secretKey": "hush", "region": "eu-west-1", "service": "es"},
            {
                "aws_sigv4": {
                    "access_key": "AK",
                    "secret_key": "{{ secrets.aws_secret_key }}",
                    "region": "eu-west-1",
                    "service": "es",
                }
            },
        ),
        ("noauth", {}, None),
    ],
)
def test_credentials(kind, settings, wanted):
    for said in (pairs(**settings), settings):
        assert request(auth={"type": kind, kind: said}).get("auth") == wanted


def test_credentials_are_inherited_from_the_nearest_folder_and_can_be_refused():
    bearer = {"type": "bearer", "bearer": pairs(token="{{t}}")}
    basic = {"type": "basic", "basic": pairs(username="u", password="{{p}}")}
    folder = {"name": "f", "auth": basic, "item": [item(), item(auth={"type": "noauth"})]}
    content = scenario(item(), folder, auth=bearer)
    assert [list(step["request"].get("auth", {})) for step in content["steps"]] == [["bearer"], ["basic"], []]


def test_credentials_without_counterpart_are_told():
    assert "one: authorization of type `ntlm`" in notes(imported(item(auth={"type": "ntlm", "ntlm": []})))


def raw(text, language="json"):
    return {"mode": "raw", "raw": text, "options": {"raw": {"language": language}}}


@pytest.mark.parametrize(
    ("body", "wanted"),
    [
        (raw('{"a": [1, null]}'), {"json": {"a": [1, None]}}),
        (raw('{"a": {{n}}, "b": "x{{n}}"}'), {"json": {"a": "{{ n | int }}", "b": "x{{ n }}"}}),
        (raw('{"a": {{f}}, "b": {{$timestamp}}}'), {"json": {"a": "{{ f | float }}", "b": "{{ timestamp() }}"}}),
        (raw('{"a": {{t}}}'), {"text": '{"a": {{ t }}}', "headers": {"Content-Type": "application/json"}}),
        (raw("{{whole}}"), {"json": "{{ whole }}"}),
        (raw("<a>{{n}}</a>", "xml"), {"xml": "<a>{{ n }}</a>"}),
        (raw("plain", "text"), {"text": "plain", "headers": {"Content-Type": "text/plain"}}),
        (
            {
                "mode": "urlencoded",
                "urlencoded": [*pairs(a="1", b="{{n}}"), {"key": "c", "value": "", "disabled": True}],
            },
            {"form": {"a": "1", "b": "{{ n }}"}},
        ),
        (
            {
                "mode": "formdata",
                "formdata": [{"key": "f", "type": "file", "src": ["/x/a.png", "b.png"]}, *pairs(n="{{n}}")],
            },
            {"multipart": {"f": [{"file": "a.png"}, {"file": "b.png"}], "n": "{{ n }}"}},
        ),
        (
            {"mode": "file", "file": {"src": "/x/a.bin"}},
            {"file": "a.bin", "headers": {"Content-Type": "application/octet-stream"}},
        ),
        (
            {"mode": "graphql", "graphql": {"query": "{ a }", "variables": '{"n": {{n}}}'}},
            {"graphql": {"query": "{ a }", "variables": {"n": "{{ n | int }}"}}},
        ),
    ],
)
def test_bodies(body, wanted):
    env = [environment(n="5", f="1.5", t="[1, 2]")]
    got = request(method="PUT", body=body, env=env)
    assert {key: value for key, value in got.items() if key not in ("method", "url", "follow")} == wanted


def test_reading_query_does_not_mutate_and_a_mutation_does():
    bodies = [{"mode": "graphql", "graphql": {"query": query}} for query in ("query { a }", "mutation { a }")]
    content = scenario(*(item(method="POST", body=body) for body in bodies))
    assert [step.get("mutates") for step in content["steps"]] == [None, True]


def test_disabled_parts_are_left_out_and_told():
    off = {"key": "x", "value": "1", "disabled": True}
    url = {"raw": "http://a/y?q=1", "query": [*pairs(q="1"), off]}
    result = imported(item(url, header=[off]))
    assert result.documents[0][1]["steps"][0]["request"]["params"] == {"q": "1"}
    assert notes(result) == ["one: the parameter `x` is disabled", "one: the header `x` is disabled"]


def test_address_of_version_2_0_and_path_variables_are_read():
    url = {
        "protocol": "https",
        "host": ["a", "example", "com"],
        "port": "81",
        "path": ["u", ":id"],
        "variable": pairs(id="{{n}}"),
    }
    assert request(url)["url"] == "https://a.example.com:81/u/{{ n }}"


def test_redirects_are_followed_unless_the_request_says_otherwise():
    still = {**item(), "protocolProfileBehavior": {"followRedirects": False, "strictSSL": False}}
    content = scenario(item(), still)
    assert [step["request"].get("follow") for step in content["steps"]] == [True, None]
    assert content["steps"][1]["request"]["tls"] == {"verify": False}


def test_base_variable_or_its_value_becomes_a_service():
    env = [environment(base="https://{{h}}/v1", h="a")]
    for base in ("{{base}}", "https://a/v1"):
        content = scenario(item("{{base}}/x/{{n}}"), env=env, services={"api": base})
        assert content["steps"][0]["request"]["url"] == "service://api/x/{{ n }}"
        assert "vars" not in content


def test_script_of_a_folder_holds_for_every_request_in_it():
    event = [{"listen": "test", "script": {"exec": ["pm.response.to.have.status(200)", "", "frobnicate()"]}}]
    result = imported({"name": "f", "event": event, "item": [item(), item(name="two")]})
    assert [step["expect"] for step in result.documents[0][1]["steps"]] == [{"status": 200}, {"status": 200}]
    assert "f / one, f: test line 3: `frobnicate()`" in notes(result)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"info": 1,\n "item": [}', r"c.json:2:11: not JSON: Expecting value"),
        ("[]", "no Postman collection: `info` and `item` are missing; export it as Collection v2.1"),
        ('{"requests": []}', "a collection of version 1; export it as Collection v2.1"),
        ('{"values": []}', "an environment, not a collection; give it as --environment"),
        ('{"info": {}, "item": []}', "a collection without a request"),
    ],
)
def test_what_is_no_collection_is_told(text, problem):
    with pytest.raises(DocumentError, match=problem):
        postman.convert(source(text))


def test_what_is_no_environment_is_told():
    with pytest.raises(DocumentError, match=r"e.json:1:1: no Postman environment: `values` is missing"):
        imported(item(), env=[source("{}", "e.json")])


def behaving(held, **settings):
    return {**held, "protocolProfileBehavior": settings}


def test_settings_of_folders_and_the_collection_hold_for_their_requests():
    folder = behaving({"name": "f", "item": [item(name="two")]}, followRedirects=False)
    own = behaving(item(name="three"), strictSSL=True, maxRedirects=3)
    content = scenario(
        item(), {**folder, "item": [*folder["item"], own]}, protocolProfileBehavior={"strictSSL": False}
    )
    found = [{key: step["request"].get(key) for key in ("follow", "tls")} for step in content["steps"]]
    assert found == [
        {"follow": True, "tls": {"verify": False}},
        {"follow": None, "tls": {"verify": False}},
        {"follow": None, "tls": None},
    ]


def test_number_of_redirects_is_inherited():
    content = scenario(item(), protocolProfileBehavior={"maxRedirects": 3})
    assert content["steps"][0]["request"]["follow"] == {"max": 3}


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"maxRedirects": 0}, "one: the setting `maxRedirects` of the request, `0`"),
        ({"maxRedirects": 500}, "one: the setting `maxRedirects` of the request, `500`"),
        ({"tlsPreferServerCiphers": True}, "one: the setting `tlsPreferServerCiphers` of the request, `true`"),
    ],
)
def test_inherited_setting_without_a_counterpart_is_told(settings, told):
    assert told in notes(imported(item(), protocolProfileBehavior=settings))


def test_proxy_and_certificate_of_a_request_are_told_without_the_passphrase():
    more = {
        "proxy": {"host": "proxy.example.com", "port": 8080},
        "certificate": {"cert": {"src": "c.pem"}, "passphrase": "hush-hush"},
    }
    result = imported(item(**more))
    assert notes(result) == [
        "one: the proxy `proxy.example.com`; say `proxy:` in the step",
        "one: the certificate `c.pem`; say `tls:` in the step",
    ]
    assert notes(imported(item(proxy={"host": "p", "disabled": True}))) == []


def test_disabled_body_is_told():
    result = imported(item(method="POST", body={"mode": "raw", "raw": "x", "disabled": True}))
    assert notes(result) == ["one: the body of mode `raw` is disabled"]
    assert "text" not in result.documents[0][1]["steps"][0]["request"]
