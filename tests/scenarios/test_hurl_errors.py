"""Mistakes in .hurl files: each is told where it is made, with what would be right."""

from __future__ import annotations

import pytest

from seatrial.errors import DocumentError
from seatrial.scenarios.hurl.entries import MAX_RETRYING_S, read_hurl
from seatrial.scenarios.hurl.option_lines import OPTIONS
from seatrial.scenarios.hurl.settings import _FOLLOWED, _NOT_OURS, _REFUSED

GET = "GET http://h.test/\n"
ASSERTS = f"{GET}HTTP 200\n[Asserts]\n"
CAPTURES = f"{GET}HTTP 200\n[Captures]\n"
OPTIONS_SECTION = f"{GET}[Options]\n"

BESIDE = "; write it from this file's folder"
SPACE = "a space in its name is written '\\ '"

MISTAKES = [
    ("", "1:1: the file has no request; write one, as GET http://127.0.0.1:8080/"),
    ("# nothing\n", "1:1: the file has no request; write one, as GET http://127.0.0.1:8080/"),
    ("get http://h.test/", "1:1: 'get' is no method; write 'GET'"),
    ("GET", "1:4: expected a URL, found the end of the file; as: GET http://127.0.0.1:8080/"),
    ("GET h.test/", "1:5: 'h.test/' is no URL; begin it with http:// or https://"),
    ("GET http://h.test/a b", "1:5: a space in the URL 'http://h.test/a b'; write it %20"),
    ("nonsense", "1:1: expected a request, found 'nonsense'; as: GET http://127.0.0.1:8080/"),
    (f"{GET}a: b\n\nrubbish here", "4:1: expected a request, found 'rubbish'; as: GET http://127.0.0.1:8080/"),
    (
        "[Asserts]\nstatus == 1",
        "1:1: a section before any request, or after the body; begin with a line as GET http://...",
    ),
    (f"{GET}[Querry]\na: b", "2:2: unknown section 'Querry'; did you mean 'Query'?"),
    (
        f"{GET}[Asserts]\nstatus == 200",
        "2:2: [Asserts] does not stand in a request; write it after the line HTTP ...",
    ),
    (
        f"{GET}HTTP 200\n[Query]\na: b",
        "3:2: [Query] does not stand in a response; write it before the line HTTP ...",
    ),
    (
        f"{GET}[Query]\na: b\n[QueryStringParams]\nc: d",
        "4:2: a second section 'QueryStringParams' in one entry; join the two",
    ),
    (
        f"{GET}HTTP/4 200",
        "2:1: unknown version 'HTTP/4'; write HTTP, HTTP/1.0, HTTP/1.1, HTTP/2 or HTTP/3",
    ),
    (f"{GET}HTTP abc", "2:6: expected a status, found 'abc'; as: HTTP 200, or HTTP * for any"),
    (f"{GET}HTTP 200 OK", "2:10: expected the end of the line, found 'OK'"),
    (f"{ASSERTS}statuss == 200", "4:1: unknown query 'statuss'; did you mean 'status'?"),
    (f"{ASSERTS}status = 200", "4:8: expected a filter or a predicate, found '='; as: == 200"),
    (
        f"{ASSERTS}status equals 200",
        "4:8: unknown filter or predicate 'equals'; write one as: == 200, exists, count == 3",
    ),
    (f"{ASSERTS}status countt == 1", "4:8: unknown filter or predicate 'countt'; did you mean 'count'?"),
    (f"{ASSERTS}status == abc", "4:11: expected a value, found 'abc'; texts stand in double quotes"),
    (f"{ASSERTS}status", "4:7: expected a space and a filter or a predicate, found the end of the file"),
    (f"{ASSERTS}status == 200 300", "4:15: expected the end of the line, found '300'"),
    (f"{ASSERTS}header X == 1", "4:8: expected a text in double quotes, found 'X'"),
    (f'{ASSERTS}jsonpath "$.a == 1', '4:19: expected the closing ", found the end of the file'),
    (
        f'{ASSERTS}body == "a\tb"',
        '4:11: expected the closing ", found a tab; write \\t for a tab and \\n for a line break',
    ),
    (
        f'{ASSERTS}jsonpath "$.[" == 1',
        "4:1: '$.[' is not a JSON path (RFC 9535): expected a shorthand selector",
    ),
    (f'{ASSERTS}jsonpath "$.a" nth x == 1', "4:20: expected a whole number, found 'x'"),
    (
        f'{ASSERTS}jsonpath "$.a" startsWith 5',
        "4:27: 'startsWith' does not take this; it takes a text in quotes, hex or base64",
    ),
    (f'{ASSERTS}jsonpath "$.a" > true', "4:18: '>' does not take this; it compares with a number or a text"),
    (f"{ASSERTS}body == /a/", "4:9: '==' takes no pattern; write: matches /.../"),
    (f"{ASSERTS}body matches /a", "4:14: the pattern is not closed; end it with /"),
    (f'{ASSERTS}cookie "a[Pth]" exists', "4:11: unknown attribute 'Pth' of a cookie; did you mean 'Path'?"),
    (
        f'{ASSERTS}certificate "Subjec" exists',
        "4:14: unknown field 'Subjec' of a certificate; did you mean 'Subject'?",
    ),
    (
        f'{ASSERTS}certificate "Value" exists',
        (
            "4:13: the field 'Value' of a certificate is not read here; "
            "known: Subject, Issuer, Start-Date, Expire-Date, Serial-Number"
        ),
    ),
    (
        f'{ASSERTS}body == "a\\q"',
        "4:11: '\\q' is no escape here; known: \\\" \\# \\/ \\\\ \\` \\b \\f \\n \\r \\t \\u{...}",
    ),
    (f'{ASSERTS}body == "\\u{{110000}}"', "4:10: '\\u{110000}' is no character; write it as \\u{1F600}"),
    (f'{ASSERTS}body == "{{{{a b}}}}"', "4:14: expected '}}', found 'b'; close every {{ with }}"),
    (f'{ASSERTS}body == "{{{{}}}}"', "4:12: expected the name of a variable, found '}'; write {{name}}"),
    (f"{ASSERTS}body == hex,abc;", "4:9: 3 hexadecimal digits are no whole bytes"),
    (f"{ASSERTS}body == hex,ab", "4:15: expected ';', found the end of the file; hex ends with a semicolon"),
    (f"{ASSERTS}body == base64,A;", "4:9: this is not base64"),
    (f"{ASSERTS}status == {'9' * 5000}", "4:11: a number of more than 4000 digits"),
    (f'{ASSERTS}xpath "{"/" * 5000}" exists', "4:7: a query of more than 4096 characters"),
    (
        f'{ASSERTS}sha256 base64Encode == "x"',
        "4:8: 'sha256' is a hex text here, and base64Encode takes bytes; write 'sha256 toHex'",
    ),
    (f'{ASSERTS}body replaceRegex /a/ == "x"', "4:23: expected a text in double quotes, found '='"),
    (f"{CAPTURES}a: statu", "4:4: unknown query 'statu'; did you mean 'status'?"),
    (f"{CAPTURES}a: status redct", "4:11: unknown filter 'redct'; did you mean 'redact'?"),
    (
        f"{CAPTURES}{{{{n}}}}: status",
        "4:3: the name of a capture must be known before the play, and 'n' is not; give it with --variable n=VALUE",
    ),
    (f"{OPTIONS_SECTION}retri: 3", "3:1: unknown option 'retri'; did you mean 'retry'?"),
    (f"{OPTIONS_SECTION}retry: x", "3:8: expected a whole number, found 'x'; -1 means without end"),
    (f"{OPTIONS_SECTION}retry: -2", "3:8: expected a whole number, found '-2'; -1 means without end"),
    (
        f"{OPTIONS_SECTION}retry: {{{{n}}}}",
        "3:10: the value of 'retry' must be known before the play, and 'n' is not; give it with --variable n=VALUE",
    ),
    (
        f'{OPTIONS_SECTION}variable: n="3"\nretry: {{{{n}}}}',
        "4:10: 'n' is string <\"3\">, and 'retry' takes a whole number",
    ),
    (f"{OPTIONS_SECTION}location: yes", "3:11: expected true or false, found 'yes'"),
    (f"{OPTIONS_SECTION}delay: 5x", "3:9: unknown unit 'x'; write ms, s, m or h"),
    (f"{OPTIONS_SECTION}delay: fast", "3:8: expected a duration, found 'fast'; as 500ms or 2s"),
    (f"{OPTIONS_SECTION}max-time: 90000000s", "3:11: '90000000s' is longer than a day"),
    (f"{OPTIONS_SECTION}variable: newUuid=1", "3:11: 'newUuid' is a function of Hurl; choose another name"),
    (
        f"{OPTIONS_SECTION}variable: a",
        "3:12: expected '=', found the end of the file; write variable: NAME=VALUE",
    ),
    (f"{OPTIONS_SECTION}verbosity: loud", "3:12: expected brief, verbose or debug, found 'loud'"),
    (
        f"{OPTIONS_SECTION}aws-sigv4: aws\nuser: a:b",
        "3:12: neither option nor host names region and service; write aws-sigv4: aws:amz:REGION:SERVICE",
    ),
    (
        f"{OPTIONS_SECTION}pinnedpubkey: key.pem",
        "3:15: 'key.pem' is not one public key's digest; write pinnedpubkey: sha256//BASE64",
    ),
    (f"{OPTIONS_SECTION}header: novalue", "3:9: 'novalue' is no header; write header: NAME: VALUE"),
    (
        f"{OPTIONS_SECTION}repeat: -1",
        "3:1: a request repeated without end cannot pass; give a number of times",
    ),
    (
        f"{OPTIONS_SECTION}http1.1: false",
        "3:1: HTTP/1.0 cannot be sent over httpx; `false` means that; leave the option out",
    ),
    (f'{GET}{{"a": }}', "2:7: expected a JSON value, found '}'; texts stand in double quotes"),
    (f'{GET}{{"a": 1,}}', "2:8: a comma before '}'; JSON has no trailing commas"),
    (f'{GET}{{"a" 1}}', "2:6: expected ':', found '1'"),
    (f"{GET}[1 2]", "2:4: expected ',' or ']', found '2'"),
    (f"{GET}{{a: 1}}", "2:2: expected the name of a member in quotes, found 'a'"),
    (f'{GET}{{"a": "\\x"}}', "2:8: '\\x' is no escape of JSON; write \\\\ for \\"),
    (f'{GET}{{"a": "x', '2:7: the text is not closed; end it with "'),
    (f"{GET}{'[' * 300}", "2:202: the JSON is nested deeper than 200"),
    (f"{GET}```\nabc", "2:1: the block is not closed; end it with '```'"),
    (f"{GET}```jsn\n{{}}\n```", "2:4: unknown kind of block 'jsn'; did you mean 'json'?"),
    (f"{GET}```graphql\n{{a}}\nvariables {{\n```", "5:1: expected the name of a member in quotes, found '`'"),
    (f"{GET}<a><b></a>", "2:7: '</a>' closes nothing; 'b' is open"),
    (f"{GET}<a>", "2:1: the element 'a' is not closed"),
    (f"{GET}<a", "2:1: this is not XML: expected a tag, found '<'"),
    (f"{GET}{'<a>' * 300}", "2:601: the XML is nested deeper than 200"),
    (f"{GET}`abc", "2:5: expected the closing `, found the end of the file"),
    (f"{GET}file,nope.bin;", f"2:6: no file 'nope.bin' here or in a folder above{BESIDE}"),
    (f"{GET}file,../x;", f"2:6: '../x' is outside the workspace{BESIDE}"),
    (f"{GET}file,/etc/hostname;", f"2:6: '/etc/hostname' is an absolute path{BESIDE}"),
    (f"{GET}file,a.txt", f"2:11: expected ';', found the end of the file; a file ends with a semicolon; {SPACE}"),
    (f"{GET}[Multipart]\nf: file,;", "3:9: expected the name of a file, found ';'"),
    (f"{GET}[BasicAuth]\na: b\nc: d", "4:1: a second user in [BasicAuth]; it holds one line, as user: password"),
    (
        f"{GET}{{{{n}}}}: v",
        "2:3: a name must be known before the play, and 'n' is not; give it with --variable n=VALUE",
    ),
]


def told(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(DocumentError) as caught:
        read_hurl(path)
    return str(caught.value).removeprefix(f"{path}:")


@pytest.mark.parametrize(("text", "message"), MISTAKES, ids=[message[:60] for _, message in MISTAKES])
def test_mistake_is_told_with_its_place_and_what_would_be_right(tmp_path, text, message):
    assert told(tmp_path / "f.hurl", text) == message


@pytest.mark.parametrize("name", sorted(_REFUSED))
def test_what_is_not_done_is_refused_by_name(tmp_path, name):
    values = {"limit-rate": "5", **dict.fromkeys(("connect-to", "resolve"), "a:1:b:2")}
    values |= dict.fromkeys(("netrc-file", "output", "proxy-header", "tls-max", "tls-min", "unix-socket"), "x")
    message = told(tmp_path / "f.hurl", f"{OPTIONS_SECTION}{name}: {values.get(name, 'true')}")
    why = "is nothing a play does" if name in _NOT_OURS else "is not done here"
    assert message == f"3:1: '{name}' {why}; {_REFUSED[name]}"


@pytest.mark.parametrize("name", ["http1.0", "http3", "ipv4", "ipv6", "negotiate", "netrc", "netrc-optional", "ntlm"])
def test_what_is_not_done_may_be_switched_off(tmp_path, name):
    (tmp_path / "f.hurl").write_text(f"{OPTIONS_SECTION}{name}: false")
    assert len(read_hurl(tmp_path / "f.hurl").steps) == 1


def test_every_option_of_the_grammar_is_followed_or_refused():
    assert set(OPTIONS) == {*_FOLLOWED, *_REFUSED}
    assert not {*_FOLLOWED} & {*_REFUSED}


def test_endless_retries_are_bounded_in_time(tmp_path):
    (tmp_path / "f.hurl").write_text(f"{OPTIONS_SECTION}retry: -1")
    [step] = read_hurl(tmp_path / "f.hurl").steps
    assert step.retry.max_duration_s == MAX_RETRYING_S


def test_file_that_is_no_utf8_is_told_where_it_ceases_to_be(tmp_path):
    assert (
        told(tmp_path / "f.hurl", b"# a\nGET http://h.test/\xff") == "2:19: this is no UTF-8 text; save it as UTF-8"
    )


def test_file_that_is_too_large_is_not_read(tmp_path):
    assert told(tmp_path / "f.hurl", "#" * ((1 << 20) + 1)) == "1:1: the file is larger than 1 MiB; split it"


def test_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(DocumentError, match="it cannot be read: No such file or directory"):
        read_hurl(tmp_path / "nope.hurl")
