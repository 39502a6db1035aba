"""Queries: what they find in an answer, and what they say when there is nothing."""

from __future__ import annotations

import hashlib
import json
import sys
from datetime import UTC, datetime

import pytest
from asking import HERE, NOON, answer, ask, look

from seatrial import match, regexes
from seatrial.errors import DocumentError
from seatrial.exchange import Certificate, Redirect
from seatrial.sample import Timings
from seatrial.scenarios.answers import query
from seatrial.scenarios.answers.filters import compile_filter
from seatrial.scenarios.answers.query import compile_query
from seatrial.scenarios.answers.reading import NotJson, Reading
from seatrial.scenarios.answers.wanted import FilterKind, QueryKind
from seatrial.template import compile_text

DOCUMENT = b'{"id": 7, "none": null, "items": [{"n": 1}, {"n": 2}], "empty": [], "a b": {"c": true}}'


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("$.id", 7),
        ("$.none", None),
        ("$.items[-1].n", 2),
        ("$['a b'].c", True),
        ("$.items[*].n", [1, 2]),
        ("$.items[?@.n > 1].n", [2]),
        ("$..n", [1, 2]),
        ("$.empty", []),
    ],
)
def test_json_path_finds_one_value_or_the_list_of_many(path, value):
    found = look("jsonpath", path, DOCUMENT)
    assert found.exists
    assert found.value == value


@pytest.mark.parametrize(
    ("path", "value", "near"),
    [
        ("$.idd", None, ("id",)),
        ("$.items[0].m", None, ("n",)),
        ("$.items[*].m", [], ("n",)),
        ("$.items[9].n", None, ()),
        ("$.id.x", None, ()),
        ("$.empty[*]", [], ()),
    ],
)
def test_json_path_that_finds_nothing_names_the_nearest_keys(path, value, near):
    found = look("jsonpath", path, DOCUMENT)
    assert not found.exists
    assert (found.value, found.near) == (value, near)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{", b'{"a": NaN}', b"[" * 100_000])
def test_body_that_is_no_json_says_so(body):
    found = look("jsonpath", "$.a", body)
    assert not found.exists
    assert "not JSON" in found.why


def test_header_is_found_whatever_its_case_and_the_first_wins():
    headers = (("X-Cache", "no"), ("x-cache", "yes"))
    assert look("header", "x-CACHE", b"", *headers).value == "no"
    missing = look("header", "X-Cach", b"", *headers)
    assert (missing.exists, missing.near) == (False, ("X-Cache", "x-cache"))


def test_every_value_of_a_repeated_header_is_found_in_order():
    headers = (("X-Cache", "no"), ("Via", "a"), ("x-cache", "yes"))
    assert look("headers", "X-CACHE", b"", *headers).value == ["no", "yes"]
    assert look("headers", "via", b"", *headers).value == ["a"]
    missing = look("headers", "Vai", b"", *headers)
    assert (missing.exists, missing.near) == (False, ("Via",))


def test_regex_gives_its_first_group_or_the_whole_match():
    assert look("regex", r"id=(\d+)", b"a id=7 id=8").value == "7"
    assert look("regex", r"id=\d+", b"a id=7").value == "id=7"
    assert not look("regex", r"id=\d+", b"none").exists


def test_body_is_decoded_by_its_charset_and_never_fails():
    latin = ("Content-Type", "text/plain; charset=latin-1")
    unknown = ("Content-Type", "text/plain; charset=klingon")
    assert look("body", "", "é".encode("latin-1"), latin).value == "é"
    assert look("body", "", "é".encode(), unknown).value == "é"
    assert look("body", "", b"\xff").value == "\ufffd"


def test_status_and_duration_are_the_answers():
    assert look("status", "").value == 200
    assert look("duration", "").value == 0.25


def test_every_query_is_registered():
    assert set(query._QUERIES) == set(QueryKind)


def test_charset_a_server_names_is_never_a_codec_that_is_none():
    for name in ("hex", "punycode", "idna", "undefined"):
        assert look("body", "", b"616263", ("Content-Type", f"text/plain; charset={name}")).value == "616263"


def test_bytes_are_the_body_and_raw_bytes_what_came():
    packed = answer(b"body", raw=b"packed")
    assert ask("bytes", given=packed).value == b"body"
    assert ask("raw_bytes", given=packed).value == b"packed"
    assert ask("raw_bytes", given=answer(b"body")).value == b"body"


def test_digests_are_hex_texts_of_the_body():
    assert ask("sha256", given=answer(b"body")).value == hashlib.sha256(b"body").hexdigest()
    assert ask("md5", given=answer(b"body")).value == hashlib.md5(b"body").hexdigest()


def test_version_url_ip_and_trace_id_are_the_answers():
    given = answer(http_version="2", url="http://a.test/x", ip="127.0.0.1")
    assert ask("version", given=given).value == "2"
    assert ask("url", given=given).value == "http://a.test/x"
    assert ask("ip", given=given).value == "127.0.0.1"
    assert ask("trace_id", trace_id="4bf9").value == "4bf9"


@pytest.mark.parametrize("kind", ["url", "ip", "trace_id"])
def test_what_a_driver_does_not_tell_is_nothing(kind):
    found = ask(kind)
    assert not found.exists
    assert found.why


def test_redirects_are_a_list_of_objects_empty_when_none_was_followed():
    given = answer(redirects=(Redirect("http://a.test/", 302, "/b"), Redirect("http://a.test/b", 301, "c")))
    assert ask("redirects", given=given).value[0] == {"url": "http://a.test/", "status": 302, "location": "/b"}
    assert ask("redirects", given=given, filters=[("last",), ("location",)]).value == "http://a.test/c"
    assert ask("redirects", filters=[("count",)]).value == 0


COOKIES = (
    ("Set-Cookie", "SID=old"),
    (
        "set-cookie",
        "SID=a=b; Expires=Sun, 01 Feb 2026 12:00:00 GMT; Max-Age=60; Path=/; Secure; httponly; SameSite=Lax",
    ),
    ("Set-Cookie", "lang=; Domain=a.test; Max-Age=soon; Expires=never"),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("SID", "a=b"),
        ("SID[Value]", "a=b"),
        ("SID[Expires]", datetime(2026, 2, 1, 12, tzinfo=UTC)),
        ("SID[max-age]", 60),
        ("SID[Path]", "/"),
        ("SID[Secure]", True),
        ("SID[HttpOnly]", True),
        ("SID[SameSite]", "Lax"),
        ("lang", ""),
        ("lang[Domain]", "a.test"),
    ],
)
def test_cookie_is_the_last_one_set_with_its_attributes(text, value):
    found = ask("cookie", text, answer(b"", *COOKIES))
    assert (found.value, found.exists) == (value, True)


@pytest.mark.parametrize(
    ("text", "why", "near"),
    [
        ("SIDD", "the answer sets no cookie 'SIDD'", ("SID",)),
        ("lang[Secure]", "the cookie 'lang' has no Secure", ()),
        ("lang[Max-Age]", "'soon' is no Max-Age", ()),
        ("lang[Expires]", "'never' is no date", ()),
    ],
)
def test_cookie_or_attribute_that_is_not_there_says_so(text, why, near):
    found = ask("cookie", text, answer(b"", *COOKIES))
    assert (found.exists, found.why, found.near) == (False, why, near)


TLS = Certificate("CN=a.test", "CN=Test CA", "00AB", NOON.timestamp() - 86_400, NOON.timestamp() + 1.5 * 86_400)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", "CN=a.test"),
        ("issuer", "CN=Test CA"),
        ("serial", "00AB"),
        ("days_left", 1),
        ("start_date", datetime(2026, 1, 30, 12, tzinfo=UTC)),
        ("expire_date", datetime(2026, 2, 2, tzinfo=UTC)),
    ],
)
def test_certificate_is_looked_into(field, value):
    assert ask("certificate", field, answer(certificate=TLS)).value == value
    assert ask("certificate", field).why == "the connection was not TLS"


def test_certificate_that_has_run_out_has_negative_days_left():
    late = Certificate("", "", "", 0.0, NOON.timestamp() - 1)
    assert ask("certificate", "days_left", answer(certificate=late)).value == -1


def test_timing_is_of_a_phase_and_says_why_there_is_none():
    fresh = answer(timings=Timings(None, 0.002, None, 0.01, 0.003))
    assert ask("timing", "connect", fresh).value == 0.002
    assert ask("timing", "first_byte", fresh).value == 0.01
    assert ask("timing", "download", fresh).value == 0.003
    assert ask("timing", "total", fresh).value == 0.25
    assert ask("timing", "tls", fresh).why == "the connection was not TLS"
    assert ask("timing", "dns", fresh).why == "no name had to be resolved"
    reused = answer(timings=Timings(first_byte_s=0.01))
    assert {ask("timing", phase, reused).why for phase in ("dns", "connect", "tls")} == {"the connection was reused"}
    assert ask("timing", "download", reused).why == "this phase was not measured"
    assert ask("timing", "connect").why == "it was not measured"


def test_variable_is_of_the_scope():
    assert ask("variable", "user", scope={"user": None}).exists
    missing = ask("variable", "usr", scope={"user": 1, "x": 2})
    assert (missing.exists, missing.why, missing.near) == (False, "no variable 'usr'", ("user",))


@pytest.mark.parametrize(
    ("text", "value"),
    [("id", 7), ("items[].n", [1, 2]), ("length(items)", 2), ("{a: id}", {"a": 7}), ('"a b".c', True)],
)
def test_jmespath_finds_its_value(text, value):
    assert look("jmespath", text, DOCUMENT).value == value


@pytest.mark.parametrize(("text", "value"), [("none", None), ("idd", None), ("items[9].n", None), ("items[].m", [])])
def test_jmespath_that_gives_null_or_no_element_found_nothing(text, value):
    found = look("jmespath", text, DOCUMENT)
    assert (found.exists, found.value) == (False, value)
    assert text in found.why


def test_jmespath_says_why_it_cannot_look():
    assert "not JSON" in look("jmespath", "id", b"<a>").why
    assert "cannot be evaluated" in look("jmespath", "abs(none)", b'{"none": "x"}').why


@pytest.mark.parametrize(
    ("kind", "text", "problem"),
    [
        ("cookie", "[Path]", "'[Path]' is no cookie"),
        ("cookie", "SID[Path", "is no cookie"),
        ("cookie", "SID[Expire]", "a cookie has no attribute 'Expire'; did you mean 'Expires'?"),
        ("timing", "conect", "unknown phase 'conect'; did you mean 'connect'?"),
        ("certificate", "dayleft", "unknown field of a certificate 'dayleft'; did you mean 'days_left'?"),
        ("jmespath", "a[", "'a[' is not a JMESPath"),
        ("xpath", "//[", "'//[' is not an XPath"),
        ("regex", "(", "'(' is not a regular expression"),
        ("jsonpath", "$.a[", "'$.a[' is not a JSON path"),
    ],
)
def test_text_that_is_no_such_query_is_told_at_reading(kind, text, problem):
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        compile_query(QueryKind(kind), text)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("kind", "module", "extra"), [("xpath", "lxml", "seatrial[xml]"), ("jmespath", "jmespath", "seatrial[jmespath]")]
)
@pytest.mark.parametrize("text", ["a", "{{ a }}"])
def test_missing_extra_is_told_at_reading_even_of_a_template(monkeypatch, kind, module, extra, text):
    monkeypatch.setitem(sys.modules, module, None)
    query.compile_xpath.cache_clear()
    with pytest.raises(ValueError, match=rf"needs {module}; install {extra.replace('[', '.')[:-1]}"):
        compile_query(QueryKind(kind), text, argument=compile_text(text, HERE))


def test_query_may_be_a_template_and_is_compiled_once_for_each_rendering():
    assert ask("jsonpath", "$.items[{{ at }}].n", answer(DOCUMENT), scope={"at": 1}).value == 2
    assert ask("header", "X-{{ name }}", answer(b"", ("X-Id", "7")), scope={"name": "Id"}).value == "7"
    first = query._rendered(compile_query(QueryKind.REGEX, "{{ a }}"), compile_text("{{ a }}", HERE), {"a": "x"})
    assert query._rendered(first, compile_text("{{ a }}", HERE), {"a": "x"}) is first


@pytest.mark.parametrize("scope", [{"at": "x"}, {}])
def test_template_that_renders_to_no_query_is_told_with_its_place(scope):
    with pytest.raises(DocumentError, match=r"s\.yaml:3:7: ('\$\[x\]' is not a JSON path|'at' is not defined)"):
        ask("jsonpath", "$[{{ at }}]", answer(DOCUMENT), scope=scope)


def test_regex_that_takes_too_long_finds_nothing_and_says_so(monkeypatch):
    monkeypatch.setattr(regexes, "BUDGET_S", 0.02)
    assert "took longer than" in look("regex", "(a|a)*(a|a)*(a|a)*$", b"a" * 5000 + b"!").why


def test_filters_are_applied_from_left_to_right():
    given = answer(b'{"tags": ["b", "a", "b"]}')
    assert ask("jsonpath", "$.tags", given, filters=[("unique",), ("sort",), ("nth", -1)]).value == "b"


def test_filter_that_cannot_be_applied_leaves_nothing_and_names_itself():
    found = ask("jsonpath", "$.a", answer(b'{"a": "abc"}'), filters=[("to_int",), ("to_string",)])
    assert (found.exists, found.why) == (False, "filter 'to_int': 'abc' is no whole number")


def test_filters_leave_alone_what_was_not_found_but_count_an_empty_list():
    missing = ask("jsonpath", "$.idd", answer(DOCUMENT), filters=[("to_string",)])
    assert (missing.exists, missing.why, missing.near) == (False, "nothing at $.idd", ("id",))
    none = ask("jsonpath", "$.items[?@.n > 9]", answer(DOCUMENT), filters=[("count",)])
    assert (none.exists, none.value) == (True, 0)


def test_body_is_parsed_once_even_when_it_is_no_json():
    reading = Reading(answer(b"<html>"))
    errors = []
    for _ in range(2):
        with pytest.raises(NotJson) as caught:
            _ = reading.json
        errors.append(caught.value)
    assert errors[0] is errors[1]


def test_near_names_of_a_huge_object_are_sought_among_few_and_short_ones():
    document = {"k" * 5000: 1, **{f"{'k' * 30}{index}": 1 for index in range(5000)}}
    found = look("jsonpath", "$." + "k" * 30, json.dumps(document).encode())
    assert len(found.near) == 3
    assert all(len(name) <= match.MAX_NAME for name in found.near)


def test_query_is_worded_with_its_filters():
    counted = compile_filter(FilterKind.COUNT, (), HERE)
    assert str(compile_query(QueryKind.JSONPATH, "$.a", filters=(counted,))) == "$.a | count"
    assert str(compile_query(QueryKind.REDIRECTS, filters=(counted,))) == "redirects | count"


def nested(levels):
    return "[" * levels + "]" * levels


@pytest.mark.parametrize("body", [nested(64), '{"a": ' * 64 + "1" + "}" * 64, json.dumps(["[" * 500] * 100)])
def test_answer_of_sixty_four_levels_is_json(body):
    assert Reading(answer(body.encode())).json == json.loads(body)


@pytest.mark.parametrize("body", [nested(65), nested(500), nested(100_000), '{"a": ' * 65 + "1" + "}" * 65])
def test_answer_nested_deeper_than_a_document_is_no_json(body):
    with pytest.raises(NotJson, match="nested deeper than 64 levels"):
        _ = Reading(answer(body.encode())).json
    found = ask("body", given=answer(body.encode()), filters=(("jsonpath", "$"),))
    assert "nested deeper than 64 levels" in found.why
