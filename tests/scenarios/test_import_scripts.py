"""Test scripts of Postman: what each idiom becomes, and that the rest is told with its line."""

from __future__ import annotations

import pytest

from seatrial.scenarios.importers.imported import Tally
from seatrial.scenarios.importers.marks import Marks
from seatrial.scenarios.importers.postman_scripts import Reading
from seatrial.scenarios.importers.postman_texts import Texts
from seatrial.scenarios.importers.scripts import syntax as js


def read(script, *, prior=False):
    reading = Reading(Texts(Tally(), Marks(), {}), "step")
    reading.read(script, place="test", prior=prior)
    told = [f"{note.where}: {note.text}" for note in reading.tally.imported("x", "x", iter(())).notes]
    return reading.result(), told


def converted(script, **options):
    result, told = read(script, **options)
    assert told == []
    return result


@pytest.mark.parametrize(
    ("script", "statuses"),
    [
        ("pm.response.to.have.status(201)", (201,)),
        ("pm.response.to.have.status('Created')", (201,)),
        ("pm.expect(pm.response.code).to.equal(204);", (204,)),
        ("pm.expect(204).to.eql(pm.response.code);", (204,)),
        ("pm.expect(pm.response.code).to.be.oneOf([200, 201])", (200, 201)),
        ("pm.expect(pm.response.code === 200).to.be.true", (200,)),
        ("pm.response.to.be.ok", (200,)),
        ("pm.response.to.be.notFound", (404,)),
        ("tests['x'] = responseCode.code === 200", (200,)),
        ("pm.test('x', function () { pm.response.to.have.status(200); })", (200,)),
        ("pm.test('x', () => pm.response.to.have.status(200))", (200,)),
        ("pm.test('x', async () => { pm.response.to.have.status(200) })", (200,)),
    ],
)
def test_status(script, statuses):
    result = converted(script)
    assert (result.statuses, result.checks) == (statuses, ())


@pytest.mark.parametrize(
    ("script", "checks"),
    [
        ("pm.expect(pm.response.json().a.b[0]['c d']).to.eql('x')", [{"jsonpath": "$.a.b[0]['c d']", "eq": "x"}]),
        ("const j = pm.response.json(); pm.expect(j.n).to.be.above(-1.5)", [{"jsonpath": "$.n", "gt": -1.5}]),
        (
            "var j = JSON.parse(responseBody)\npm.expect(j.n).to.be.within(1, 2)",
            [{"jsonpath": "$.n", "between": [1, 2]}],
        ),
        ("pm.expect(pm.response.json().n).to.not.equal(3)", [{"jsonpath": "$.n", "not": {"eq": 3}}]),
        ("pm.expect(pm.response.json()).to.have.property('a')", [{"jsonpath": "$.a", "exists": True}]),
        ("pm.expect(pm.response.json()).to.have.property('a', 2)", [{"jsonpath": "$.a", "eq": 2}]),
        (
            "pm.expect(pm.response.json()).to.have.nested.property('a.b[1]')",
            [{"jsonpath": "$.a.b[1]", "exists": True}],
        ),
        ("pm.expect(pm.response.json().l).to.have.lengthOf(2)", [{"jsonpath": "$.l", "length": 2}]),
        (
            "pm.expect(pm.response.json().l.length).to.be.at.least(1)",
            [{"jsonpath": "$.l", "filters": ["count"], "gte": 1}],
        ),
        (
            "pm.expect(pm.response.json().l).to.be.an('array').that.is.not.empty",
            [{"jsonpath": "$.l", "type": "list"}, {"jsonpath": "$.l", "not": {"empty": True}}],
        ),
        (
            "pm.expect(pm.response.json().s).to.be.a('string').and.include('x')",
            [{"jsonpath": "$.s", "type": "string"}, {"jsonpath": "$.s", "contains": "x"}],
        ),
        ("pm.expect(pm.response.json()).to.have.all.keys('a')", [{"jsonpath": "$.a", "exists": True}]),
        (
            "pm.expect(pm.response.json()).to.have.keys(['a', 'b'])",
            [{"jsonpath": "$.a", "exists": True}, {"jsonpath": "$.b", "exists": True}],
        ),
        ("pm.expect(pm.response.json().s).to.match(/^a\\/b[/]$/i)", [{"jsonpath": "$.s", "matches": "(?i)^a/b[/]$"}]),
        ("pm.expect(pm.response.json().x).to.be.undefined", [{"jsonpath": "$.x", "exists": False}]),
        ("pm.expect(pm.response.json().x !== undefined).to.be.true", [{"jsonpath": "$.x", "exists": True}]),
        ("pm.expect(pm.response.json().x).to.exist", [{"jsonpath": "$.x", "ne": None}]),
        ("pm.expect(pm.response.json().x).to.not.exist", [{"jsonpath": "$.x", "not": {"exists": True}}]),
        ("pm.expect(pm.response.json().x).to.be.ok", [{"jsonpath": "$.x", "not": {"in": [False, None, 0, ""]}}]),
        ("tests['x'] = !pm.response.json().x", [{"jsonpath": "$.x", "in": [False, None, 0, ""]}]),
        ("const {a: b, c} = pm.response.json(); pm.expect(b.d).to.eql(1)", [{"jsonpath": "$.a.d", "eq": 1}]),
        (
            "pm.expect(pm.response.json().l).to.have.length.above(2)",
            [{"jsonpath": "$.l", "filters": ["count"], "gt": 2}],
        ),
        ("pm.expect(pm.response.json().x).to.be.null", [{"jsonpath": "$.x", "eq": None}]),
        (
            "pm.expect(pm.response.json().x > 3 && pm.response.json().x < 9).to.be.true",
            [{"jsonpath": "$.x", "gt": 3}, {"jsonpath": "$.x", "lt": 9}],
        ),
        ("pm.expect(pm.response.json().x === 1).to.be.false", [{"jsonpath": "$.x", "not": {"eq": 1}}]),
        ('pm.expect(pm.response.text()).to.include("it\'s")', [{"body": {"contains": "it's"}}]),
        ("pm.expect(pm.response.text().includes('x')).to.be.true", [{"body": {"contains": "x"}}]),
        ("tests['x'] = responseBody.has('x');", [{"body": {"contains": "x"}}]),
        ("pm.response.to.have.header('X-Own')", [{"header": "X-Own", "exists": True}]),
        ("pm.response.to.have.header('X-Own', 'v')", [{"header": "X-Own", "eq": "v"}]),
        ("pm.expect(pm.response.headers.get('X-Own')).to.eql('v')", [{"header": "X-Own", "eq": "v"}]),
        ("pm.expect(pm.response.headers.has('X-Own')).to.be.true", [{"header": "X-Own", "exists": True}]),
        ("pm.expect(pm.cookies.get('sid')).to.exist", [{"cookie": "sid", "exists": True}]),
        ("pm.response.to.be.json", [{"header": "Content-Type", "contains": "json"}]),
        ("pm.response.to.not.be.error", [{"status": {"not": {"between": [400, 599]}}}]),
        ("pm.response.to.be.success", [{"status": {"between": [200, 299]}}]),
        ("pm.response.to.have.jsonBody('a.b', 2)", [{"jsonpath": "$.a.b", "eq": 2}]),
        (
            "const s = {type: 'object'}; pm.response.to.have.jsonSchema(s)",
            [{"jsonpath": "$", "schema": {"type": "object"}}],
        ),
        (
            "pm.expect(pm.response.json().a).to.eql(pm.environment.get('who'))",
            [{"jsonpath": "$.a", "eq": "{{ who }}"}],
        ),
        (
            "pm.expect(pm.response.json().a).to.eql(`x-${pm.globals.get('n')}`)",
            [{"jsonpath": "$.a", "eq": "x-{{ n }}"}],
        ),
        (
            "pm.expect(pm.response.json().a).to.eql({b: [1, null, true]})",
            [{"jsonpath": "$.a", "eq": {"b": [1, None, True]}}],
        ),
        (
            "pm.expect(pm.response.json().a).to.eql('{{not ours}}')",
            [{"jsonpath": "$.a", "eq": "{{ '{{' }}not ours}}"}],
        ),
    ],
)
def test_checks(script, checks):
    assert list(converted(script).checks) == checks


@pytest.mark.parametrize("word", ["below", "lessThan", "lt", "most"])
def test_response_time_is_a_limit(word):
    assert converted(f"pm.expect(pm.response.responseTime).to.be.{word}(250)").limit_ms == 250


def test_shortest_of_several_limits_holds():
    assert converted("tests['a'] = responseTime < 300; tests['b'] = responseTime < 200").limit_ms == 200


@pytest.mark.parametrize("scope", ["environment", "collectionVariables", "globals", "variables"])
def test_value_of_the_answer_that_is_set_is_a_capture(scope):
    result = converted(f"pm.{scope}.set('card-id', pm.response.json().id)")
    assert result.captures == {"card_id": {"jsonpath": "$.id"}}


def test_captured_token_is_a_secret():
    assert converted("postman.setEnvironmentVariable('token', JSON.parse(responseBody).t)").captures == {
        "token": {"jsonpath": "$.t", "secret": True}
    }


def test_captures_of_a_header_the_text_and_a_count():
    script = "pm.globals.set('a', pm.response.headers.get('X')); pm.globals.set('b', pm.response.text());"
    script += "pm.globals.set('c', pm.response.json().l.length)"
    assert converted(script).captures == {
        "a": {"header": "X"},
        "b": {"body": True},
        "c": {"jsonpath": "$.l", "filters": ["count"]},
    }


def test_known_value_is_set_before_its_request_or_for_the_next():
    script = "pm.environment.set('n', 5); pm.variables.set('u', pm.variables.replaceIn('{{$guid}}'))"
    assert converted(script, prior=True).before == {"n": 5, "u": "{{ uuid() }}"}
    assert converted(script).after == {"n": 5, "u": "{{ uuid() }}"}


def test_condition_on_the_status_around_captures_is_taken_as_so_and_told():
    result, told = read("if (pm.response.code === 200) {\n  pm.environment.set('a', pm.response.json().a);\n}")
    assert result.captures == {"a": {"jsonpath": "$.a"}}
    assert told == ["step, test line 1: `if (pm.response.code === 200) {` is taken as always so"]


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("pm.sendRequest('http://a', () => {});", "step, test line 1: `pm.sendRequest('http://a', () => {});`"),
        (
            "\n\nfor (let i = 0; i < 3; i++) {\n  x();\n}",
            "step, test line 3: `for (let i = 0; i < 3; i++) {` and 2 more lines",
        ),
        (
            "pm.test('x', () => {\n  pm.expect(a.b()).to.eql(1);\n});",
            "step, test line 2: `pm.expect(a.b()).to.eql(1);`",
        ),
        ("let n = Math.random();", "step, test line 1: `let n = Math.random();`"),
        (
            "pm.expect(pm.response.json().a).to.be.frozen",
            "step, test line 1: `pm.expect(pm.response.json().a).to.be.frozen`",
        ),
        (
            "pm.expect(pm.response.json().a).to.eql(pm.response.json().b)",
            "step, test line 1: `pm.expect(pm.response.json().a).to.eql(pm.response.json().b)`",
        ),
        (
            "if (x) { pm.response.to.be.ok } else { y() }",
            "step, test line 1: `if (x) { pm.response.to.be.ok } else { y() }`",
        ),
        ("a ? b : c", "step, test line 1: `a ? b : c`"),
        ("'open", "step, test line 1: `'open`"),
        (
            "pm.expect(pm.response.json()).to.include({a: 1})",
            "step, test line 1: `pm.expect(pm.response.json()).to.include({a: 1})`",
        ),
        ("pm.expect(1).to.eql(1)", "step, test line 1: `pm.expect(1).to.eql(1)`"),
    ],
)
def test_what_is_not_understood_is_told_with_its_line(script, told):
    result, notes = read(script)
    assert notes == [told]
    assert (result.checks, result.statuses, result.captures) == ((), (), {})


def test_what_follows_a_statement_that_is_not_understood_is_read():
    result, told = read("let n = a ? b : c;\nswitch (x) { case 1: y(); }\npm.response.to.have.status(200);\n")
    assert result.statuses == (200,)
    assert len(told) == 2


def test_chain_that_is_understood_in_part_keeps_nothing():
    result, told = read("pm.expect(pm.response.json().a).to.be.a('string').and.frobnicate(1)")
    assert result.checks == ()
    assert len(told) == 1


def test_console_lines_are_told_once():
    assert read("console.log(1); console.log(pm.response.json())\nconsole.warn('x')")[1] == [
        "step: lines that only write to the console were left out"
    ]


def test_comments_patterns_and_divisions_are_told_apart():
    script = "/* a\n b */ const a = 4 / 2; // c / d\nconst r = /x\\/[/]y/g; pm.response.to.be.ok"
    result, told = read(script)
    assert result.statuses == (200,)
    assert [note.partition(": ")[2] for note in told] == ["`const a = 4 / 2;`", "`const r = /x\\/[/]y/g;`"]


@pytest.mark.parametrize(
    "text",
    ["(" * 5000, "[" * 5000, "{a:" * 5000, "!" * 5000, "`${" * 3000, "f(() => {" * 2000, "a" * 30_000, "x;" * 30_000],
)
def test_absurd_script_is_read_in_bounds(text):
    assert js.statements(text)
