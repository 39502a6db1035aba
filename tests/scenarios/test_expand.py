"""What a step's request becomes when it is rendered."""

from __future__ import annotations

import json

import pytest

from seatrial.sample import Cause


def one(journey, run, request, **told):
    played = run(journey(f"- {{request: {request}, expect: {{status: 200}}}}"), **told)
    return played.requests[0]


def headers(request):
    return dict(request.headers)


def test_path_goes_to_the_default_service_and_service_urls_to_theirs(journey, run):
    assert one(journey, run, "{url: /a/b}").url == "http://api.test/a/b"
    assert one(journey, run, "{url: 'service://cards/a?b=c'}").url == "http://cards.test:81/v1/a?b=c"


def test_params_are_encoded_repeated_and_left_out(journey, run):
    request = '{url: "/a?z=1", params: {q: "a&b c", n: "{{ 5 }}", l: [1, 2], gone: null, flag: true}}'
    assert one(journey, run, request).url == "http://api.test/a?z=1&q=a%26b%20c&n=5&l=1&l=2&flag=true"
    assert one(journey, run, "{url: /a, params: {gone: null}}").url == "http://api.test/a"


def test_fixed_text_of_a_url_is_encoded_where_it_must_be_and_not_twice(journey, run):
    assert one(journey, run, "{url: '/a b/é/%2F#part'}").url == "http://api.test/a%20b/%C3%A9/%2F"


def test_json_body_keeps_types(journey, run):
    request = '{method: POST, url: /, json: {n: "{{ n }}", s: "{{ n }}!", none: null, l: ["{{ l }}"]}}'
    sent = one(journey, run, request, variables={"n": 1.5, "l": [True, None]})
    assert json.loads(sent.body) == {"n": 1.5, "s": "1.5!", "none": None, "l": [[True, None]]}
    assert headers(sent)["Content-Type"] == "application/json"


def test_json_null_is_a_body(journey, run):
    assert one(journey, run, "{method: POST, url: /, json: null}").body == b"null"


def test_form_body_is_urlencoded(journey, run):
    sent = one(journey, run, "{method: POST, url: /, form: {a: 'b c&d', n: 1, l: [x, y], gone: null}}")
    assert sent.body == b"a=b+c%26d&n=1&l=x&l=y"
    assert headers(sent)["Content-Type"] == "application/x-www-form-urlencoded"


def test_text_body_is_utf_8(journey, run):
    sent = one(journey, run, '{method: POST, url: /, text: "é{{ 1 }}"}')
    assert sent.body == "é1".encode()
    assert headers(sent)["Content-Type"] == "text/plain; charset=utf-8"


def test_own_header_replaces_the_usual_one_whatever_its_case(journey, run):
    sent = one(
        journey, run, "{method: POST, url: /, json: 1, headers: {content-type: application/x, user-agent: me}}"
    )
    names = [name.lower() for name, _ in sent.headers]
    assert names.count("content-type") == names.count("user-agent") == 1
    assert headers(sent)["content-type"] == "application/x"


def test_null_leaves_even_a_usual_header_out(journey, run):
    sent = one(journey, run, "{url: /, headers: {User-Agent: null, X-None: null}}")
    assert not {"user-agent", "x-none"} & {name.lower() for name, _ in sent.headers}


def test_bearer_and_basic_auth_are_written_as_their_standards_say(journey, run):
    bearer = one(journey, run, '{url: /, auth: {bearer: "{{ t }}"}}', variables={"t": "abc"})
    assert headers(bearer)["Authorization"] == "Bearer abc"
    # RFC 7617, section 2.1: user "test", password "123£"
    basic = one(journey, run, "{url: /, auth: {basic: {user: test, password: 123£}}}")
    assert headers(basic)["Authorization"] == "Basic dGVzdDoxMjPCow=="


def test_deadline_of_the_step_is_the_requests(journey, run):
    played = run(journey("- {request: {url: /}, timeout: 250ms, expect: {status: 200}}"))
    assert played.requests[0].timeout_s == 0.25


@pytest.mark.parametrize(
    ("request_", "summary"),
    [
        ("{url: service://crds/}", "realm 'test' has no service 'crds'"),
        ('{url: /, headers: {X: "a{{ nl }}b"}}', "the header 'X' would hold a line break"),
        ('{url: "{{ whole }}"}', "is not an address"),
        ('{url: "http://[::1"}', "is not an address"),
        ('{url: "/{{ nobody }}"}', "'nobody' is not defined"),
        ('{method: POST, url: /, form: "{{ n }}"}', "the form is no mapping"),
    ],
)
def test_what_cannot_be_rendered_fails_the_step_and_sends_nothing(journey, run, request_, summary):
    variables = {"nl": "\r\nEvil: 1", "whole": "http://api.test/x", "n": 1}
    played = run(journey(f"- {{request: {request_}, expect: {{status: 200}}}}"), variables=variables)
    assert played.requests == []
    assert played.told[0].cause is Cause.TEMPLATE
    assert summary in played.summaries[0]


def test_captured_address_is_followed_when_it_passes_through_raw(journey, run):
    sent = one(journey, run, '{url: "{{ whole | raw }}"}', variables={"whole": "http://api.test/x?y=1"})
    assert sent.url == "http://api.test/x?y=1"
