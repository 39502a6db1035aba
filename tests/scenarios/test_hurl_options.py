"""The options of a .hurl file's play, under the names of Hurl's command line."""

from __future__ import annotations

import pytest

from seatrial.errors import DocumentError, UsageError
from seatrial.exchange import HttpVersion
from seatrial.scenarios.hurl import options
from seatrial.scenarios.hurl.option_names import HURL_OPTIONS, Takes
from seatrial.scenarios.hurl.options import HurlOptions, parse_options, typed, variables_of


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("-1", -1),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("true", True),
        ("false", False),
        ("null", None),
        ('"1"', "1"),
        ("True", "True"),
        ("", ""),
        ("a=b", "a=b"),
        ("123456789012345678901234567890", 123456789012345678901234567890),
    ],
)
def test_variable_is_typed_by_its_look(text, value):
    assert typed(text) == value
    assert type(typed(text)) is type(value)


def test_nothing_given_is_hurls_defaults():
    given = parse_options({"variable": [], "location": False, "user": None, "max-time": ""})
    assert given == HurlOptions()
    assert (given.max_redirs, given.max_time_s, given.retry_interval_s) == (50, 300.0, 1.0)


def test_everything_given_is_kept(tmp_path):
    (tmp_path / "v.env").write_text("# comment\n\na=1\nb = x\n")
    (tmp_path / "jar.txt").write_text(
        "# Netscape HTTP Cookie File\n"
        "h.test\tTRUE\t/p\tTRUE\t4102444800\tsid\tabc\n"
        "#HttpOnly_h.test\tFALSE\t/\tFALSE\t0\tlang\tde\n"
    )
    given = parse_options(
        {
            "variable": ["a=2", "c=true"],
            "variables-file": [str(tmp_path / "v.env")],
            "secret": ["pw=1234"],
            "location-trusted": True,
            "max-redirs": "-1",
            "insecure": True,
            "compressed": True,
            "retry": "3",
            "retry-interval": "250",
            "delay": "2s",
            "repeat": "4",
            "user": "a:b",
            "user-agent": "me",
            "header": ["X-A: b:c", "X-B:"],
            "cookie": str(tmp_path / "jar.txt"),
            "no-cookie-store": True,
            "max-time": "5",
            "connect-timeout": "500ms",
            "file-root": str(tmp_path),
            "from-entry": "2",
            "to-entry": "3",
            "ignore-asserts": True,
            "continue-on-error": True,
            "path-as-is": True,
            "http2": True,
        }
    )
    assert given.variables == {"a": 2, "b ": " x", "c": True}
    assert given.secrets == {"pw": "1234"}
    assert (given.location_trusted, given.insecure, given.compressed, given.path_as_is) == (True, True, True, True)
    assert (given.max_redirs, given.retry, given.repeat) == (-1, 3, 4)
    assert (given.retry_interval_s, given.delay_s, given.max_time_s, given.connect_timeout_s) == (0.25, 2.0, 5.0, 0.5)
    assert (given.user, given.user_agent) == ("a:b", "me")
    assert given.headers == (("X-A", "b:c"), ("X-B", ""))
    assert [one.line for one in given.cookies] == [
        "sid=abc; Path=/p; Domain=h.test; Secure; Expires=Fri, 01 Jan 2100 00:00:00 GMT",
        "lang=de; Path=/; Domain=h.test",
    ]
    assert [one.url for one in given.cookies] == ["https://h.test/p", "http://h.test/"]
    assert not given.cookie_store
    assert (given.file_root, given.from_entry, given.to_entry) == (tmp_path, 2, 3)
    assert (given.ignore_asserts, given.continue_on_error) == (True, True)
    assert given.http_version is HttpVersion.V2


def test_single_variables_win_over_those_of_files_wherever_they_stand(tmp_path):
    (tmp_path / "v.env").write_text("a=1")
    assert parse_options({"variable": ["a=2"], "variables-file": [str(tmp_path / "v.env")]}).variables == {"a": 2}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"variable": ["a"]}, "--variable: 'a' gives no variable a value; write NAME=VALUE"),
        ({"variable": ["newDate=1"]}, "--variable: 'newDate' is a function of Hurl; choose another name"),
        ({"variable": ['a="x']}, "--variable: '\"x' does not end with a double quote"),
        ({"secret": ["=x"]}, "--secret: '=x' gives no variable a value; write NAME=VALUE"),
        ({"retry": "-2"}, "--retry: '-2' is no number of times; write a whole number, or -1 for any"),
        ({"repeat": "-1"}, "--repeat: a play that never ends cannot pass; give a number of times"),
        ({"max-time": "5x"}, "--max-time: '5x' is no duration; write it as 500ms or 2s"),
        ({"delay": "-1"}, "--delay: '-1' is no duration; write it as 500ms or 2s"),
        ({"max-time": "99999999h"}, "--max-time: '99999999h' is longer than a day"),
        ({"from-entry": "0"}, "--from-entry: '0' is no number of an entry; they count from 1"),
        ({"header": ["X"]}, "--header: 'X' is no header; write NAME: VALUE"),
        ({"file-root": "/nowhere/at/all"}, "--file-root: '/nowhere/at/all' is no folder"),
        ({"variables-file": ["/nowhere.env"]}, "--variables-file: '/nowhere.env' cannot be read: No such file"),
        ({"http1.0": True}, "--http1.0: HTTP/1.0 cannot be sent over httpx; use --http1.1 or --http2"),
        ({"insecur": True}, "unknown option '--insecur'; did you mean 'insecure'?"),
    ],
)
def test_wrong_option_is_a_usage_error_that_names_it(given, message):
    with pytest.raises(UsageError) as caught:
        parse_options(given)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize(
    ("line", "problem"), [("b", "'b' gives no variable a value"), ('b="x', "'\"x' does not end with a double quote")]
)
def test_line_of_a_variables_file_is_named(line, problem):
    with pytest.raises(DocumentError, match=rf"v\.env:2:1: {problem}"):
        variables_of(f"a=1\n{line}\n", "v.env")


def test_line_that_is_no_cookie_is_named():
    with pytest.raises(DocumentError, match=r"jar:1:1: this is no cookie; Netscape's format has seven fields"):
        options.cookies_of("a=b", "jar")


def test_every_option_that_is_offered_is_read():
    assert {spec.name for spec in HURL_OPTIONS} == set(options._READS)
    assert all(spec.help for spec in HURL_OPTIONS)
    assert all(bool(spec.metavar) is (spec.takes is not Takes.NOTHING) for spec in HURL_OPTIONS)
