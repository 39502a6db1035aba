"""The course of a .hurl file: redirects, retries, what fails, skips, repeats, and what it may know."""

from __future__ import annotations

import json

from seatrial.scenarios.hurl.entries import read_hurl
from seatrial.scenarios.hurl.options import parse_options


def test_redirects_are_followed_only_where_it_is_said(play, server):
    assert play("GET {{host}}/redirect\nHTTP 302\nLocation: /xml\n").passed
    assert play("GET {{host}}/redirect2\nHTTP 200\n", location=True).passed
    result = play("GET {{host}}/redirect2\n[Options]\nlocation: true\nmax-redirs: 1\n")
    assert not result.passed
    assert [one.path for one in server.got] == [
        "/redirect",
        *("/redirect2", "/redirect", "/xml"),
        *("/redirect2", "/redirect"),
    ]


def test_request_is_retried_until_it_holds_and_captures_anew(play, server):
    text = """
GET {{host}}/third
[Options]
retry: 5
retry-interval: 1ms
HTTP 200
[Captures]
times: jsonpath "$.times"
GET {{host}}/echo/{{times}}
"""
    assert play(text).passed
    assert [one.path for one in server.got] == ["/third", "/third", "/third", "/echo/3"]


def test_retries_end(play, server):
    result = play("GET {{host}}/third\nHTTP 200\nGET {{host}}/echo\n", retry="1", retry_interval="1")
    assert result.failures == ["2: status 503, expected integer <200>"]
    assert result.steps == [("GET /third", "unexpected"), ("GET /echo", "skipped")]
    assert len(server.got) == 2


def test_all_asserts_are_evaluated_and_each_failure_has_its_line(play):
    text = 'GET {{host}}/json\nHTTP/2 200\nX-One: 2\n[Asserts]\nstatus == 201\nbody == "x"\njsonpath "$.id" == 7\n'
    result = play(text)
    assert [one.partition(":")[0] for one in result.failures] == ["2", "3", "5", "6"]


def test_bodies_expected_are_compared_whole(play, tmp_path):
    (tmp_path / "two.bin").write_bytes(b"\x00\xff")
    text = "GET {{host}}/text\nHTTP 200\n```\none\ntwo\n```\nGET {{host}}/bytes\nHTTP 200\nfile,two.bin;\n"
    assert play(f"{text}GET {{{{host}}}}/bytes\nHTTP 200\nbase64,AP8=;\n").passed
    assert not play("GET {{host}}/text\nHTTP 200\n`one`\n").passed
    assert not play("GET {{host}}/bytes\nHTTP 200\nhex,00;\n").passed


def test_later_entries_see_what_was_captured_in_its_own_type(play, server):
    text = """
GET {{host}}/json
HTTP 200
[Captures]
my-id: jsonpath "$.id"
yes: jsonpath "$.yes"
none: jsonpath "$.none"
half: jsonpath "$.half"
POST {{host}}/echo/{{my-id}}
X-All: {{yes}} {{none}} {{half}}
{"id": {{my-id}}, "text": "{{my-id}}", "none": {{none}}}
"""
    assert play(text).passed
    got = server.got[1]
    assert (got.path, got.header("X-All")) == ("/echo/7", "true null 1.5")
    assert json.loads(got.body) == {"id": 7, "text": "7", "none": None}


def test_text_for_a_json_value_fails_the_step_and_says_what_to_do(play):
    result = play('POST {{host}}/echo\n{"a": {{v}}}\n', variable=["v=x"])
    assert result.failures == ["2: 'v' is the text 'x', no JSON value"]


def test_variable_that_nothing_defines_fails_the_step_at_its_place(play):
    result = play("GET {{host}}/echo/{{nme}}\n", variable=["name=x"])
    assert result.failures == ["1: 'nme' is not defined"]


def test_list_cannot_stand_in_a_text(play):
    text = 'GET {{host}}/json\nHTTP 200\n[Captures]\nl: jsonpath "$.list"\nGET {{host}}/echo/{{l}}\n'
    assert play(text).failures == ["5: 'l' is of type list and cannot stand in a text"]


def test_entries_are_skipped_repeated_and_chosen(play, server):
    text = """
GET {{host}}/a
[Options]
skip: true
GET {{host}}/b
[Options]
repeat: 2
GET {{host}}/c
[Options]
skip: {{no}}
GET {{host}}/d
"""
    assert play(text, variable=["no=false"], to_entry="3").passed
    assert [one.path for one in server.got] == ["/b", "/b", "/c"]
    server.got.clear()
    result = play(text, variable=["no=true"], from_entry="2")
    assert [one.path for one in server.got] == ["/b", "/b", "/d"]
    assert ("GET /c", "skipped") in result.steps


def test_file_is_repeated_as_a_whole(play, server):
    result = play("GET {{host}}/a\nGET {{host}}/b\n", repeat="2")
    assert [one.path for one in server.got] == ["/a", "/b", "/a", "/b"]
    assert result.passed


def test_play_goes_on_after_a_failure_only_when_told(play, server):
    text = "GET {{host}}/fails\nHTTP 200\nGET {{host}}/echo\n"
    assert not play(text, continue_on_error=True).passed
    assert [one.path for one in server.got] == ["/fails", "/echo"]


def test_asserts_may_be_ignored_but_captures_are_made(play, server):
    text = (
        'GET {{host}}/json\nHTTP 500\n[Captures]\nid: jsonpath "$.id"\n[Asserts]\nbody == ""\nGET {{host}}/{{id}}\n'
    )
    assert play(text, ignore_asserts=True).passed
    assert server.got[1].path == "/7"


def test_headers_of_the_command_line_and_of_options_are_added(play, server):
    text = "GET {{host}}/echo\nX-A: file\n[Options]\nheader: X-B: {{v}}\nGET {{host}}/echo\nUser-Agent: own\n"
    assert play(text, variable=["v=1"], header=["X-A: line"], user_agent="me", compressed=True).passed
    first, second = server.got
    assert [value for name, value in first.headers if name == "X-A"] == ["file", "line"]
    assert (first.header("X-B"), first.header("User-Agent"), second.header("User-Agent")) == ("1", "me", "own")
    assert "gzip" in first.header("Accept-Encoding")


def test_header_that_every_request_carries_may_be_left_out(play, server):
    assert play("GET {{host}}/echo\n[Options]\nno-header: accept\n").passed
    assert server.got[0].header("Accept") is None


def test_path_is_left_as_it_is_when_told(play, server):
    assert play("GET {{host}}/a/../echo\nGET {{host}}/a/../echo\n[Options]\npath-as-is: true\n").passed
    assert [one.path for one in server.got] == ["/echo", "/a/../echo"]


def test_secret_is_a_variable_that_the_scenario_does_not_hold(play, server, tmp_path):
    assert play("GET {{host}}/echo/{{pw}}\n", secret=["pw=hunter22"]).passed
    assert server.got[0].path == "/echo/hunter22"
    options = parse_options({"secret": ["pw=hunter22"]})
    assert "hunter22" not in repr(read_hurl(tmp_path / "f.hurl", options)) + repr(options)
