"""OpenAPI documents in, smoke journeys out: order, examples, captures, schemas, credentials."""

from __future__ import annotations

import json

import pytest

from seatrial.errors import DocumentError
from seatrial.scenarios.importers import openapi

SERVER = [{"url": "https://a.example.com/v1"}]


def answered(schema=None, status="200"):
    content = {"content": {"application/json": {"schema": schema}}} if schema is not None else {}
    return {"responses": {status: {"description": "", **content}}}


def imported(paths, *, tags=frozenset(), services=None, **more):
    content = {
        "openapi": "3.1.0",
        "info": {"title": "Api", "version": "1"},
        "servers": SERVER,
        "paths": paths,
        **more,
    }
    return openapi.convert(json.dumps(content), "x.json", tags=tags, services=services)


def scenario(paths, **more):
    [(_, content)] = imported(paths, **more).documents
    return content


def step(operation, *, path="/x", method="get", **more):
    [made] = scenario({path: {method: operation}}, **more)["steps"]
    return made


def notes(*args, **more):
    return [f"{note.where}: {note.text}" for note in imported(*args, **more).notes]


def test_each_tag_is_a_journey_and_the_title_one_for_the_rest():
    paths = {"/a": {"get": {"tags": ["b c"], **answered()}}, "/d": {"get": answered()}}
    result = imported(paths)
    assert [(file, content["scenario"], content["tags"]) for file, content in result.documents] == [
        ("api-b-c.yaml", "Api: b c", ["b-c", "smoke"]),
        ("api.yaml", "Api", ["api", "smoke"]),
    ]
    assert len(imported(paths, tags=frozenset({"b c"})).documents) == 1


def test_what_creates_comes_first_and_what_deletes_last():
    one = {"get": answered(), "delete": answered(status="204")}
    content = scenario({"/cards/{id}": one, "/cards": {"get": answered(), "post": answered(status="201")}})
    assert [made["name"] for made in content["steps"]] == [
        "POST /cards",
        "GET /cards/{id}",
        "GET /cards",
        "DELETE /cards/{id}",
    ]
    assert [made.get("mutates") for made in content["steps"]] == [True, None, None, True]


CARD = {"type": "object", "properties": {"id": {"type": "string"}, "cardNumber": {"type": "string"}}}


@pytest.mark.parametrize(
    ("parameter", "schema", "path"),
    [
        ("id", CARD, "$.id"),
        ("cardId", CARD, "$.id"),
        ("card_id", CARD, "$.id"),
        ("cardNumber", CARD, "$.cardNumber"),
        ("card-number", CARD, "$.cardNumber"),
        ("cardId", {"allOf": [{"type": "object"}, CARD]}, "$.id"),
        ("userId", CARD, None),
        ("cardId", {"type": "object"}, None),
    ],
)
def test_path_parameter_is_captured_where_the_names_make_it_plain(parameter, schema, path):
    created = {"post": answered(schema, "201")}
    content = scenario({"/cards": created, f"/cards/{{{parameter}}}/lines": {"get": answered()}})
    name = "card_id" if parameter == "id" else parameter.replace("-", "_")
    made, used = content["steps"]
    assert made.get("capture") == ({name: {"jsonpath": path}} if path else None)
    assert used["request"]["url"] == f"https://a.example.com/v1/cards/{{{{ {name} }}}}/lines"
    assert content.get("vars") == (None if path else {name: "1"})


def test_path_parameter_without_origin_is_a_variable_with_its_example():
    said = {"parameters": [{"name": "id", "in": "path", "schema": {"type": "integer", "example": 42}}]}
    assert scenario({"/x/{id}": {**said, "get": answered()}})["vars"] == {"x_id": 42}


def test_ids_of_two_resources_are_two_variables():
    created = {"post": answered(CARD, "201")}
    paths = {"/users/{id}": {"get": answered()}, "/cards": created, "/cards/{id}": {"get": answered()}}
    content = scenario(paths)
    assert [made["request"]["url"].removeprefix("https://a.example.com/v1") for made in content["steps"]] == [
        "/cards",
        "/users/{{ user_id }}",
        "/cards/{{ card_id }}",
    ]
    assert content["vars"] == {"user_id": "1"}


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, "text"),
        ({"type": "string", "format": "uuid"}, "3fa85f64-5717-4562-b3fc-2c963f66afa6"),
        ({"type": "string", "format": "date"}, "2026-01-31"),
        ({"type": "string", "minLength": 6}, "textxx"),
        ({"type": "string", "maxLength": 2}, "te"),
        ({"type": "string", "enum": ["a", "b"]}, "a"),
        ({"const": "c"}, "c"),
        ({"type": "string", "default": "d", "enum": ["x", "d"]}, "d"),
        ({"type": ["null", "integer"], "minimum": 3}, 3),
        ({"type": "integer", "minimum": 3, "exclusiveMinimum": True}, 4),
        ({"type": "integer", "exclusiveMinimum": 3}, 4),
        ({"type": "integer", "maximum": -5}, -5),
        ({"type": "integer", "minimum": 3, "multipleOf": 5}, 5),
        ({"type": "boolean"}, True),
        ({"type": "array", "items": {"type": "integer"}, "minItems": 2}, [1, 1]),
        (
            {
                "type": "object",
                "properties": {"a": {"type": "string", "examples": ["e"]}, "b": {"readOnly": True, "type": "string"}},
            },
            {"a": "e"},
        ),
        (
            {"allOf": [{"properties": {"a": {"type": "integer"}}}, {"properties": {"b": {"type": "integer"}}}]},
            {"a": 1, "b": 1},
        ),
        ({"oneOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"$ref": "#/components/schemas/a~1b"}, 7),
    ],
)
def test_example_is_the_plainest_value_that_fits(schema, value):
    body = {"requestBody": {"content": {"application/json": {"schema": schema}}}, **answered()}
    known = {"schemas": {"a/b": {"type": "integer", "example": 7}}}
    assert step(body, method="post", components=known)["request"]["json"] == value


def test_example_of_the_media_type_goes_before_that_of_the_schema():
    media = {"schema": {"type": "string", "example": "s"}, "examples": {"one": {"$ref": "#/components/examples/E"}}}
    body = {"requestBody": {"content": {"application/json": media}}, **answered()}
    assert step(body, method="post", components={"examples": {"E": {"value": {"m": 1}}}})["request"]["json"] == {
        "m": 1
    }


@pytest.mark.parametrize(
    ("kind", "schema", "wanted"),
    [
        ("application/x-www-form-urlencoded", {"properties": {"a": {"type": "integer"}}}, {"form": {"a": 1}}),
        (
            "multipart/form-data",
            {"properties": {"a": {"type": "object", "properties": {"b": {"type": "integer"}}}}},
            {"multipart": {"a": {"value": {"b": 1}}}},
        ),
        ("text/csv", {"type": "string"}, {"headers": {"Content-Type": "text/csv"}, "text": "text"}),
        (
            "application/vnd.own+json",
            {"type": "integer"},
            {"headers": {"Content-Type": "application/vnd.own+json"}, "json": 1},
        ),
    ],
)
def test_bodies_by_media_type(kind, schema, wanted):
    body = {"requestBody": {"content": {kind: {"schema": schema}}}, **answered()}
    request = step(body, method="post")["request"]
    assert {key: value for key, value in request.items() if key not in ("method", "url")} == wanted


def test_required_parameters_and_those_with_examples_are_sent():
    said = [
        {"name": "a", "in": "query", "required": True, "schema": {"type": "integer"}},
        {"name": "b", "in": "query", "schema": {"type": "integer"}},
        {"name": "c", "in": "query", "example": ["x", "y"], "explode": False},
        {"name": "d", "in": "query", "required": True, "style": "deepObject", "example": {"k": 1}},
        {"name": "X-H", "in": "header", "required": True, "schema": {"type": "string"}},
        {"name": "sid", "in": "cookie", "required": True, "schema": {"type": "string"}},
    ]
    request = step({"parameters": said, **answered()})["request"]
    assert request["params"] == {"a": 1, "c": "x,y", "d[k]": 1}
    assert request["headers"] == {"X-H": "text"}
    assert request["cookies"] == {"sid": "{{ secrets.sid }}"}


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        (["404", "202", "201"], 201),
        (["302", "404"], 302),
        (["2XX"], [200, 201, 202, 203, 204, 205, 206]),
        (["404"], None),
        (["default"], None),
    ],
)
def test_lowest_documented_success_is_expected(statuses, expected):
    made = step({"responses": {status: {"description": ""} for status in statuses}})
    assert made.get("expect", {}).get("status") == expected


def check_of(schema, **more):
    [check] = step(answered(schema), **more)["expect"]["checks"]
    assert check["jsonpath"] == "$"
    return check["schema"]


@pytest.mark.parametrize(
    ("schema", "plain"),
    [
        ({"type": "string", "nullable": True}, {"type": ["string", "null"]}),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": True}, {"type": "integer", "exclusiveMinimum": 1}),
        ({"type": "integer", "minimum": 1, "exclusiveMinimum": False}, {"type": "integer", "minimum": 1}),
        ({"type": "string", "description": "d", "example": "e", "xml": {}}, {"type": "string"}),
        (
            {"required": ["a", "b"], "properties": {"a": {"type": "string", "writeOnly": True}}},
            {"required": ["b"], "properties": {"a": {"type": "string"}}},
        ),
        ({"type": "string", "pattern": "^{{x}}$"}, {"type": "string", "pattern": "^{{ '{{' }}x}}$"}),
    ],
)
def test_schema_is_made_plain(schema, plain):
    assert check_of(schema) == plain


def test_references_are_put_in_and_a_circle_is_open():
    node = {"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}, "n": {"type": "integer"}}}
    known = {"schemas": {"Node": node}}
    schema = check_of({"$ref": "#/components/schemas/Node"}, components=known)
    assert schema == {"type": "object", "properties": {"next": True, "n": {"type": "integer"}}}
    told = notes({"/x": {"get": answered({"$ref": "#/components/schemas/Node"})}}, components=known)
    assert told == ["components.schemas.Node: a schema that holds itself is checked once, and open from there"]


def test_schema_that_grows_without_end_is_bounded():
    known = {
        f"S{n}": {"properties": {str(k): {"$ref": f"#/components/schemas/S{n + 1}"} for k in range(9)}}
        for n in range(12)
    }
    result = imported({"/x": {"get": answered({"$ref": "#/components/schemas/S0"})}}, components={"schemas": known})
    assert len(str(result.documents)) < 200_000
    assert any("too large" in note.text for note in result.notes)


@pytest.mark.parametrize(
    "reference", ["other.yaml#/A", "https://x.example.com/s.json", "#/components/schemas/Gone", "#"]
)
def test_reference_that_cannot_be_followed_is_told_and_checks_nothing(reference):
    paths = {"/x": {"get": answered({"$ref": reference})}}
    assert len(notes(paths)) == 1
    assert "checks" not in scenario(paths)["steps"][0]["expect"]


def test_references_in_a_circle_end():
    known = {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}}
    assert notes({"/x": {"get": answered({"$ref": "#/components/schemas/A"})}}, components={"schemas": known})


@pytest.mark.parametrize(
    ("scheme", "wanted"),
    [
        ({"type": "http", "scheme": "bearer"}, {"auth": {"bearer": "{{ secrets.s }}"}}),
        (
            {"type": "http", "scheme": "basic"},
            {"auth": {"basic": {"user": "{{ secrets.s_user }}", "password": "{{ secrets.s_password }}"}}},
        ),
        (
            {"type": "apiKey", "in": "header", "name": "X-K"},
            {"auth": {"api_key": {"name": "X-K", "value": "{{ secrets.s }}"}}},
        ),
        (
            {"type": "apiKey", "in": "query", "name": "k"},
            {"auth": {"api_key": {"name": "k", "value": "{{ secrets.s }}", "in": "query"}}},
        ),
        ({"type": "apiKey", "in": "cookie", "name": "k"}, {"cookies": {"k": "{{ secrets.s }}"}}),
        (
            {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://t"}}},
            {
                "auth": {
                    "oauth2": {
                        "token_url": "https://t",
                        "client_id": "{{ secrets.s_client_id }}",
                        "client_secret": "{{ secrets.s_client_secret }}",
                        "scope": "a b",
                    }
                }
            },
        ),
        ({"type": "oauth2", "flows": {"implicit": {}}}, {"auth": {"bearer": "{{ secrets.s_token }}"}}),
        ({"type": "mutualTLS"}, {}),
    ],
)
def test_credentials_are_secrets_by_the_name_of_their_scheme(scheme, wanted):
    known = {"securitySchemes": {"s": scheme}}
    request = step(answered(), components=known, security=[{"s": ["a", "b"]}])["request"]
    assert {key: value for key, value in request.items() if key != "url"} == wanted


@pytest.mark.parametrize("security", [[], [{}], [{}, {"s": []}]])
def test_open_operation_carries_no_credentials(security):
    known = {"securitySchemes": {"s": {"type": "http", "scheme": "bearer"}}}
    request = step({"security": security, **answered()}, components=known, security=[{"s": []}])["request"]
    assert "auth" not in request


@pytest.mark.parametrize(
    ("servers", "services", "url"),
    [
        (
            [{"url": "https://{r}.example.com/", "variables": {"r": {"default": "eu"}}}],
            None,
            "https://eu.example.com/x",
        ),
        ([{"url": "/api"}], None, "service://api/api/x"),
        ([{"url": "/api"}], {"shop": "https://a"}, "service://shop/api/x"),
        ([], None, "service://api/x"),
        (SERVER, {"shop": "https://a.example.com/v1"}, "service://shop/x"),
    ],
)
def test_address(servers, services, url):
    content = scenario({"/x": {"get": answered()}}, servers=servers, services=services)
    assert content["steps"][0]["request"]["url"] == url


def test_yaml_and_json_are_read():
    text = (
        "openapi: 3.0.3\ninfo: {title: T}\nservers: [{url: https://a}]\npaths: {/x: {get: {responses: {200: {}}}}}\n"
    )
    [(_, content)] = openapi.convert(text, "x.yaml").documents
    assert content["steps"][0]["expect"] == {"status": 200}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"swagger": "2.0"}', "Swagger 2.0 is not read here; convert it to OpenAPI 3 first"),
        ('{"a": 1}', "no OpenAPI 3 document"),
        ('{"openapi": "3.0.0"}', "no operation here; `paths` is empty"),
        ("openapi: 3.0.0\npaths: [", "x.yaml:2:9: not YAML|x.yaml:3:1: not YAML"),
        ('{"openapi": "3.0.0",\n}', "x.yaml:2:1: not JSON"),
    ],
)
def test_what_is_no_document_is_told(text, problem):
    with pytest.raises(DocumentError, match=problem):
        openapi.convert(text, "x.yaml")


def test_operation_of_several_tags_is_in_the_journey_of_each_and_counted_once():
    result = imported({"/a": {"get": {"tags": ["b", "c", "b"], "parameters": [SOMETIMES], **answered()}}})
    assert [(name, len(content["steps"])) for name, content in result.documents] == [
        ("api-b.yaml", 1),
        ("api-c.yaml", 1),
    ]
    assert result.converted["operations"] == 1
    assert [note.text for note in result.notes] == [
        "parameters that are optional and have no example are not sent: 1"
    ]


SOMETIMES = {"name": "q", "in": "query", "schema": {"type": "string"}}


def test_operation_is_found_by_any_of_its_tags():
    paths = {"/a": {"get": {"tags": ["b", "c"], **answered()}}}
    assert [name for name, _ in imported(paths, tags=frozenset({"c"})).documents] == ["api-c.yaml"]


def test_headers_of_an_answer_are_told():
    answer = {"responses": {"200": {"description": "", "headers": {"X-Left": {}, "ETag": {}}}}}
    assert notes({"/x": {"get": answer}}) == [
        "paths./x.get.responses.200: headers of the answer are not checked: `X-Left`, `ETag`"
    ]
