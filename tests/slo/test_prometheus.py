"""An answer of Prometheus is one number, or a sentence of why it is none."""

from __future__ import annotations

import json
import urllib.parse

import pytest

from seatrial.slo.prometheus import VARIABLES, NotAQuery, fill, form, unknown_variable, value_of


def _answer(kind, result):
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}}).encode()


def _series(text):
    return {"metric": {"job": "cards"}, "value": [1700000000.123, text]}


def test_one_series_or_a_scalar_is_its_value():
    assert value_of(200, _answer("vector", [_series("0.25")])) == 0.25
    assert value_of(200, _answer("scalar", [1700000000, "1e-3"])) == 0.001


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (200, _answer("vector", []), "no series"),
        (200, _answer("vector", [_series("1"), _series("2")]), "gives 2 series, not one value; aggregate"),
        (200, _answer("vector", [_series("NaN")]), "'NaN', which is no number to judge; a rate of nothing"),
        (200, _answer("vector", [_series("+Inf")]), "'+Inf', which is no number"),
        (200, _answer("vector", [{"metric": {}, "histogram": [1, {}]}]), "'None', which is no number"),
        (200, _answer("vector", ["x"]), "no number to judge"),
        (200, _answer("matrix", []), "gives 'matrix', not one value"),
        (200, _answer("scalar", None), "no number to judge"),
        (200, b'{"status": "success"}', "not one value"),
        (400, b'{"status":"error","errorType":"bad_data","error":"parse error"}', "400 with 'bad_data: parse error'"),
        (
            503,
            b"<html>down for\nmaintenance</html>",
            "503 with what is no answer of Prometheus: '<html>down for main",
        ),
        (200, b"[" * 100_000, "no answer of Prometheus"),
        (200, b"\xff\xfe", "no answer of Prometheus"),
        (200, b"[]", "no answer of Prometheus"),
    ],
)
def test_what_is_not_one_number_is_told_in_a_sentence(status, body, said):
    with pytest.raises(ValueError, match=r".+") as caught:
        value_of(status, body)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_query_that_cannot_be_read_is_told_apart():
    with pytest.raises(NotAQuery):
        value_of(400, b'{"status":"error","errorType":"bad_data","error":"parse error"}')
    with pytest.raises(ValueError, match="execution") as caught:
        value_of(422, b'{"status":"error","errorType":"execution","error":"many-to-many"}')
    assert not isinstance(caught.value, NotAQuery)


def test_a_query_may_name_the_hold_and_whose_it_is():
    values = dict(zip(VARIABLES, ("60s", "prod", 'a"b\\', "abc123"), strict=True))
    assert fill("rate(x{s=\"$service\", r='$realm'}[$hold])", values) == 'rate(x{s="a\\"b\\\\", r=\'prod\'}[60s])'
    assert fill('x{path=~"/a$", v="$revision", o="$holder"}', values) == 'x{path=~"/a$", v="abc123", o="$holder"}'


def test_a_query_travels_as_a_form():
    sent = urllib.parse.parse_qs(form("a + b{c='&'}", 1700000000.5).decode())
    assert sent == {"query": ["a + b{c='&'}"], "time": ["1700000000.500"]}


@pytest.mark.parametrize(
    ("query", "unknown"),
    [
        ('sum(x{s="$servce"}[$hold])', "servce"),
        ('sum(x{s="$service",path=~"/a.*$"}[$hold])', None),
        ('label_replace(x, "to", "$1-$way", "from", "(a+)(?P<way>b+)")', None),
        ("rate(x[$__range])", "__range"),
    ],
)
def test_a_word_after_a_dollar_is_a_variable_that_must_be_known(query, unknown):
    assert unknown_variable(query) == unknown
