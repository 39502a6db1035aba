"""The grammar of .hurl files: what stands in one is read as what it is."""

from __future__ import annotations

import pytest

from seatrial.scenarios.hurl.parse import parse
from seatrial.scenarios.hurl.syntax import (
    Bare,
    Block,
    BlockKind,
    Bytes,
    File,
    Hole,
    JsonText,
    Line,
    Literal,
    Regex,
    Text,
    Xml,
)

GET = "GET http://h.test/\n"


def entry(text):
    [only] = parse(text, "f.hurl")
    return only


def body(text):
    return entry(GET + text).request.body


def asserted(line):
    [only] = entry(f"{GET}HTTP 200\n[Asserts]\n{line}\n").response.asserts
    return only


def operand(written):
    return asserted(f"body == {written}").predicate.operand


def shown(text):
    """A text's pieces, holes as their names in angle brackets."""
    return [piece if isinstance(piece, str) else f"<{piece.name}>" for piece in text.pieces]


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment", "  # one\n\t\n# two\n", "\ufeff"])
def test_file_without_a_request_has_no_entries(text):
    assert parse(text, "f.hurl") == ()


def test_requests_follow_each_other_with_and_without_answers():
    text = "GET http://a.test/\n\n# next\nPOST http://b.test/ # why\nHTTP/1.1 201\nPURGE http://c.test/\n"
    entries = parse(text, "f.hurl")
    assert [(one.number, one.request.method, shown(one.request.url)) for one in entries] == [
        (1, "GET", ["http://a.test/"]),
        (2, "POST", ["http://b.test/"]),
        (3, "PURGE", ["http://c.test/"]),
    ]
    assert [one.response and (one.response.version, one.response.status) for one in entries] == [
        None,
        ("1.1", 201),
        None,
    ]


@pytest.mark.parametrize(
    ("line", "version", "status"),
    [
        ("HTTP 200", "", 200),
        ("HTTP *", "", None),
        ("HTTP/1.0 200", "1.0", 200),
        ("HTTP/1.1  404", "1.1", 404),
        ("HTTP/2 200 # fine", "2", 200),
        ("HTTP/3 *", "3", None),
    ],
)
def test_answer_begins_with_a_version_and_a_status_or_any(line, version, status):
    response = entry(GET + line).response
    assert (response.version, response.status) == (version, status)


def test_places_count_lines_and_columns_from_one():
    response = entry(f"{GET}\nHTTP/1.1 200\nX-One: a\n[Asserts]\n  status == 200\n").response
    assert str(response.status_where) == "f.hurl:3:10"
    assert str(response.headers[0].where) == "f.hurl:4:1"
    assert str(response.asserts[0].where) == "f.hurl:6:3"
    assert (str(response.asserts[0].predicate.where), response.asserts[0].predicate.where.width) == ("f.hurl:6:13", 3)


def test_lines_may_end_with_carriage_returns():
    only = entry('GET http://h.test/\r\nX: y\r\n[Query]\r\na: b\r\nHTTP 200\r\n[Asserts]\r\nbody contains "x"\r\n')
    assert shown(only.request.headers[0].value) == ["y"]
    assert shown(only.request.query[0].value) == ["b"]
    assert only.response.asserts[0].predicate.name == "contains"


def test_every_section_of_a_request_is_read_under_both_its_names():
    for query, form, multipart in (
        ("Query", "Form", "Multipart"),
        ("QueryStringParams", "FormParams", "MultipartFormData"),
    ):
        request = entry(
            f"{GET}[{query}]\na: 1\na: 2\n[{form}]\nb: 3\n[{multipart}]\nc: 4\nd: file,x.txt; text/plain\n"
            "[Cookies]\ne: 5\n[BasicAuth]\nbob: se cret\n[Options]\nretry: 3\n"
        ).request
        assert [shown(pair.value) for pair in request.query] == [["1"], ["2"]]
        assert [shown(pair.name) for pair in request.form] == [["b"]]
        assert [shown(part.name) for part in request.multipart] == [["c"], ["d"]]
        assert shown(request.multipart[1].content_type) == ["text/plain"]
        assert [shown(pair.name) for pair in request.cookies] == [["e"]]
        assert shown(request.basic_auth.value) == ["se cret"]
        assert request.options[0].value.value == 3


@pytest.mark.parametrize(
    ("value", "pieces"),
    [
        ("plain", ["plain"]),
        ("with # comment", ["with"]),
        (r"with \# sign", ["with # sign"]),
        ("trailing   ", ["trailing"]),
        ("", []),
        ("{{a}}", ["<a>"]),
        ("x{{ my-id }}y{{2nd}} ", ["x", "<my-id>", "y", "<2nd>"]),
        ("one { brace } }}", ["one { brace } }}"]),
        (r"\u{7b}\u{7b}a}}", ["{{a}}"]),
        (r"tab\tand \\", ["tab\tand \\"]),
        ("é ü \\u{1F600}", ["é ü 😀"]),
    ],
)
def test_bare_text_ends_with_its_line_or_a_comment(value, pieces):
    assert shown(entry(f"{GET}X: {value}\n").request.headers[0].value) == pieces


@pytest.mark.parametrize("name", ["a-b_c.d", "filter[x]", "$top", "@id", r"with\:colon", "été"])
def test_name_may_hold_signs(name):
    [pair] = entry(f"{GET}[Query]\n{name}: v\n").request.query
    assert shown(pair.name) == [name.replace("\\", "")]


def test_names_may_be_templates():
    [pair] = entry(f"{GET}x-{{{{n}}}}: v\n").request.headers
    assert shown(pair.name) == ["x-", "<n>"]


@pytest.mark.parametrize(
    "text",
    [
        '{ "a" : [1, 2.50, -3e+5, true, null], "b": {"c": "\\u00e9\\n"} }',
        "[]",
        "{}",
        "[1]",
        "[true]",
        '"text"',
        "-1.5",
        "null",
        '{\n  "a": [\n    [],\n    {}\n  ]\n}',
    ],
)
def test_json_is_kept_as_it_is_written(text):
    read = body(text + "\n")
    assert isinstance(read, JsonText)
    assert read.pieces == (text,)


def test_json_may_hold_holes_within_texts_and_for_values():
    read = body('{"a": "x {{one}} y", "b": {{two}}, "{{three}}": [{{four}}]}')
    holes = [piece for piece in read.pieces if not isinstance(piece, str)]
    assert [piece.name if isinstance(piece, Hole) else ("bare", piece.hole.name) for piece in holes] == [
        "one",
        ("bare", "two"),
        "three",
        ("bare", "four"),
    ]
    assert isinstance(holes[1], Bare)


def test_section_of_words_that_json_knows_is_json():
    assert body("[true]\nHTTP 200").pieces == ("[true]",)


@pytest.mark.parametrize(
    "text",
    [
        "<a/>",
        '<?xml version="1.0"?>\n<a x="1>2"><b>t</b><!-- </a> --><![CDATA[</a>]]></a>',
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>z</a>",
    ],
)
def test_xml_ends_with_the_element_it_began_with(text):
    only = entry(f"{GET}{text}\nHTTP 200")
    assert only.request.body == Xml(text, only.request.body.where)
    assert only.response.status == 200


@pytest.mark.parametrize("kind", ["", "json", "xml", "raw"])
def test_block_keeps_its_lines_and_its_last_line_break(kind):
    read = body(f"```{kind}\none\n\\n two ` `` #\n```")
    assert isinstance(read, Block)
    assert read.kind is BlockKind(kind)
    assert shown(read.text) == ["one\n\\n two ` `` #\n"]


def test_only_a_raw_block_keeps_braces_as_they_are():
    assert shown(body("```\n{{a}}\n```").text) == ["<a>", "\n"]
    assert shown(body("```raw\n{{a}} {{\n```").text) == ["{{a}} {{\n"]


def test_graphql_block_may_end_with_variables():
    read = body('```graphql\nquery($x: Int) {\n  a(x: $x) { b }\n}\nvariables {\n  "x": {{n}}\n}\n```')
    assert read.kind is BlockKind.GRAPHQL
    assert shown(read.text) == ["query($x: Int) {\n  a(x: $x) { b }\n}\n"]
    assert read.variables.pieces[0] == '{\n  "x": '


def test_other_bodies_are_read():
    assert isinstance(body("`one {{a}} line`"), Line)
    assert body("hex, 00ff;").value == b"\x00\xff"
    assert body("base64,aGVs\n bG8=;").value == b"hello"
    assert body("base64,aGk;").value == b"hi"
    read = body(r"file, a\ b\;c{{x}}.bin ;")
    assert isinstance(read, File)
    assert shown(read.path) == ["a b;c", "<x>", ".bin"]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1),
        ("-12", -12),
        ("123456789012345678901234567890", 123456789012345678901234567890),
        ("1.50", 1.5),
        ("-0.5", -0.5),
        ("true", True),
        ("false", False),
        ("null", None),
    ],
)
def test_operand_may_be_a_number_of_any_size_a_boolean_or_null(written, value):
    read = operand(written)
    assert isinstance(read, Literal)
    assert (read.value, type(read.value)) == (value, type(value))


def test_operand_may_be_a_text_a_pattern_a_variable_bytes_a_file_or_a_block():
    assert shown(operand(r'"a \"b\" {{c}} #"')) == ['a "b" ', "<c>", " #"]
    assert isinstance(operand('`a"b`'), Text)
    assert operand("{{ a }}").name == "a"
    assert operand("hex,00;") == Bytes(b"\x00", operand("hex,00;").where)
    assert operand("base64,AA==;").value == b"\x00"
    assert isinstance(operand("file,x.bin;"), File)
    assert isinstance(operand("```\nx\n```"), Block)
    pattern = asserted(r"body matches /a\/b\d/").predicate.operand
    assert isinstance(pattern, Regex)
    assert pattern.pattern == r"a/b\d"


def test_signs_need_no_spaces_and_not_negates():
    assert asserted("status ==200").predicate.operand.value == 200
    assert asserted("status not >= 300").predicate.negated
    assert not asserted("status < 300").predicate.negated


def test_filters_stand_between_query_and_predicate():
    read = asserted('jsonpath "$.a" split "," nth -1 replaceRegex /a/ "b" == "x"')
    assert [one.name for one in read.filters] == ["split", "nth", "replaceRegex"]
    assert [one.arguments[0].value for one in read.filters if one.name == "nth"] == [-1]
    assert len(read.filters[2].arguments) == 2


def test_cookie_query_may_name_an_attribute_whatever_its_case():
    query = asserted('cookie "sid-{{x}}[max-age]" > 3').query
    assert (shown(query.argument), query.attribute) == (["sid-", "<x>"], "Max-Age")
    assert asserted('cookie "sid" exists').query.attribute == ""


def test_capture_may_be_redacted():
    captures = entry(f'{GET}HTTP 200\n[Captures]\na: body # all\nb: jsonpath "$.x" nth 0 redact\n').response.captures
    assert [(shown(one.name), one.query.name, len(one.filters), one.redacted) for one in captures] == [
        (["a"], "body", 0, False),
        (["b"], "jsonpath", 1, True),
    ]


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("retry: -1", -1),
        ("delay: 250", 0.25),
        ("delay: 2s", 2.0),
        ("max-time: 1m", 60.0),
        ("retry-interval: 10ms", 0.01),
        ("location: true", True),
        ("limit-rate: 500", 500),
        ("verbosity: debug", "debug"),
    ],
)
def test_option_has_a_value_of_its_kind_and_times_are_in_seconds(line, value):
    [option] = entry(f"{GET}[Options]\n{line}\n").request.options
    assert option.value.value == value


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("n=1", 1),
        ("n = true", True),
        ("n=null", None),
        ("n=1.5", 1.5),
        ('n="1"', ["1"]),
        ("n=1 a", ["1 a"]),
        ("n=", []),
    ],
)
def test_option_variable_is_typed_by_its_look(written, value):
    [option] = entry(f"{GET}[Options]\nvariable: {written}\n").request.options
    read = option.value.value
    assert (read.value if isinstance(read, Literal) else shown(read)) == value


def test_body_may_follow_the_sections_of_both_halves():
    only = entry(f"{GET}[Query]\na: b\n{{}}\nHTTP 200\n[Asserts]\nstatus == 200\n`text`\n")
    assert only.request.body.pieces == ("{}",)
    assert isinstance(only.response.body, Line)
