"""Reading scenarios: what is understood, and how every mistake in a file is told."""

from __future__ import annotations

import textwrap

import pytest

from seatrial.errors import DocumentError, UsageError
from seatrial.scenarios.model import Backoff, Call, LoadBlock, RetryOn, Section, Step, every_step, mutates
from seatrial.scenarios.read import read_scenario, read_scenarios, select


def step(text):
    """A scenario of one step whose keys are these."""
    return "- " + textwrap.indent(textwrap.dedent(text).strip(), "  ").strip()


def test_whole_scenario_is_understood(journey):
    scenario = journey("""
        scenario: pay
        version: 1
        tags: [smoke, slow]
        service: gateway
        vars: {amount: 250}
        setup: [{request: {url: /login}}]
        steps:
          - name: charge
            mutates: true
            request: {method: post, url: "service://cards/cards/{{ id }}/charges?x=1", json: {amount: "{{ amount }}"}}
            timeout: 2s
            retry: {until: expect, max: 20, interval: 100ms, backoff: exponential, max_duration: 5s, on: [broken]}
            continue: true
        teardown: [{name: out, when: id is defined, request: {url: /logout}}]
        load: {weight: 3, think_time: 1s..3s}
    """)
    charge = scenario.steps[0]
    assert (scenario.name, scenario.tags, scenario.service) == ("pay", {"smoke", "slow"}, "gateway")
    assert (charge.service, charge.method, charge.route) == ("cards", "POST", "/cards/*/charges")
    assert (charge.timeout_s, charge.mutates, charge.course.keep_going) == (2.0, True, True)
    retry = charge.retry
    assert (retry.attempts, retry.interval_s, retry.backoff, retry.on) == (
        20,
        0.1,
        Backoff.EXPONENTIAL,
        {RetryOn.BROKEN},
    )
    assert charge.uses == {"id", "amount"}
    assert scenario.load == LoadBlock(3.0, (1.0, 3.0))
    assert [one.section for one in every_step(scenario)] == [Section.SETUP, Section.STEPS, Section.TEARDOWN]
    assert mutates(scenario)


@pytest.mark.parametrize(
    ("url", "service", "route"),
    [
        ("/cards/{{ id }}", "api", "/cards/*"),
        ("/cards/{{ id }}-{{ n }}/x?q={{ q }}", "api", "/cards/*/x"),
        ("/{% if a %}x{% endif %}/y#z", "api", "/*/y"),
        ("service://cards", "cards", "/"),
        ("service://cards/a/b", "cards", "/a/b"),
        ("https://example.test/a/{{ b }}", "api", "/a/*"),
        ("{{ location | raw }}", "api", "/*"),
    ],
)
def test_route_never_holds_data(journey, url, service, route):
    read = journey(f'- {{request: {{url: "{url}"}}}}').steps[0]
    assert (read.service, read.route) == (service, route)


def test_step_without_a_name_is_called_by_method_and_route(journey):
    assert journey('- {request: {method: PUT, url: "/a/{{ b }}"}}').steps[0].name == "PUT /a/*"


MISTAKES = {
    "expct: {status: 200}": "unknown key 'expct'; did you mean 'expect'?",
    "expect: {stauts: 200}": "unknown key 'stauts'; did you mean 'status'?",
    "expect: {status: 99}": "'99' is not an HTTP status",
    "expect: {status: []}": "an empty list of statuses",
    "expect: {status: created}": "'created' is not an HTTP status",
    "expect: {json: {a: {$typ: string}}}": "unknown matcher '$typ'; did you mean '$type'?",
    "expect: {json: {a: {$type: string, b: 1}}}": "'b' stands beside the matcher '$type'",
    "expect: {strict: true}": "'strict' has no `json`",
    "expect: {max: {}}": "'max' limits nothing",
    "expect: {max: {fail: 500}}": "'500' is not a duration",
    "expect: {max: {fail: 1s, degraded: 2s}}": "'degraded' is longer than 'fail'",
    "expect: {checks: [{jsonpath: $.a}]}": "the check of '$.a' asks nothing",
    "expect: {checks: [{jsonpath: $.a, eqq: 1}]}": "unknown predicate 'eqq'; did you mean 'eq'?",
    "expect: {checks: [{jsonpath: $.a, not: {eqq: 1}}]}": "unknown predicate 'eqq'",
    "expect: {checks: [{jsonpath: $.a, not: 5}]}": "'not' takes one predicate",
    "expect: {checks: [{jsonpth: $.a, eq: 1}]}": "unknown query 'jsonpth'; did you mean 'jsonpath'?",
    "expect: {checks: [{eq: 1}]}": "it looks at nothing",
    "expect: {checks: [{jsonpath: $.a, header: B, eq: 1}]}": "'header' and 'jsonpath' in one",
    "expect: {checks: [{jsonpath: 'a.b', eq: 1}]}": "'a.b' is not a JSON path",
    "expect: {checks: [{jsonpath: '$.a[', eq: 1}]}": "is not a JSON path",
    "expect: {checks: [{regex: '(', eq: 1}]}": "'(' is not a regular expression",
    "expect: {checks: [{body: true, matches: '('}]}": "is not a regular expression",
    "expect: {checks: [{jsonpath: $.a, type: strng}]}": "unknown type",
    "expect: {checks: [{duration: true, lt: 5}]}": "'5' is not a duration",
    "expect: {checks: [{status: 200}]}": "'status' takes no argument",
    "expect: {checks: [{jsonpath: $.a, eq: 1, severity: warn}]}": "unknown severity 'warn'",
    'expect: {checks: [{jsonpath: $.a, eq: "{{ a"}]}': "is not a template",
    "capture: {a: {jsonpath: $.a, gt: 1}}": "unknown key 'gt' in a capture",
    "capture: {a: {}}": "it looks at nothing",
    "capture: {uuid: {jsonpath: $.a}}": "'uuid' is a name templates already know",
    "capture: {a-b: {jsonpath: $.a}}": "'a-b' cannot be used in a template",
    "timeout: 5": "'5' is not a duration",
    "timeout: 0s": "greater than 0",
    "retry: {max: 0}": "greater than or equal to 1",
    "retry: {until: done}": "'done'",
    "retry: {backoff: quadratic}": "'quadratic'",
    "retry: {on: []}": "an empty list",
    "when: '{{ a }}'": "is an expression already; write it without {{ }}",
    "with: {a: 1}": "'with' without `use`",
    "continue: maybe": "'maybe'",
}
REQUESTS = {
    "{}": "'url' is missing",
    "{url: cards}": "'cards' is not a URL",
    '{url: "service://{{ a }}/x"}': "names no service",
    "{url: /, methd: GET}": "unknown key 'methd'; did you mean 'method'?",
    "{url: /, method: 'GET /'}": "'GET /' is no HTTP method",
    "{url: /, json: 1, text: a}": "'text' and 'json' in one request",
    "{url: /, auth: {}}": "one way to authenticate",
    "{url: /, auth: {bearer: a, basic: {user: a, password: b}}}": "one way to authenticate",
    "{url: /, auth: {basic: {user: a}}}": "'password' is missing",
}


@pytest.mark.parametrize("key", MISTAKES)
def test_mistake_in_a_step_is_told_with_place_and_hint(journey, key):
    with pytest.raises(DocumentError) as caught:
        journey(step("request: {url: /}\n" + key))
    assert MISTAKES[key] in str(caught.value)
    assert (caught.value.where.file, caught.value.where.line) == ("s.yaml", 5)


@pytest.mark.parametrize("request_", REQUESTS)
def test_mistake_in_a_request_is_told_with_place_and_hint(journey, request_):
    with pytest.raises(DocumentError) as caught:
        journey(step(f"request: {request_}"))
    assert REQUESTS[request_] in str(caught.value)
    assert caught.value.where.line == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("scenario: s\nsteps: []", "s.yaml:2:8: an empty list"),
        ("scenario: s\ntag: [a]\nsteps: [{request: {url: service://a/}}]", "unknown key 'tag'; did you mean 'tags'?"),
        ("scenario: s\nsteps: [{request: {url: /x}}]", "'/x' is on no service"),
        ("scenario: s\nsteps: [{name: a}]", "'request' is missing"),
        ("scenario: s\nvars: {secrets: 1}\nsteps: [{request: {url: service://a/}}]", "templates already know"),
        ("scenario: s\nload: {weight: 0}\nsteps: [{request: {url: service://a/}}]", "greater than 0"),
        ("scenario: s\nload: {think_time: 3s..1s}\nsteps: [{request: {url: service://a/}}]", "runs backwards"),
        ("scenario: s\nversion: 2\nsteps: [{request: {url: service://a/}}]", "2"),
    ],
)
def test_mistake_in_a_scenario_is_told(journey, text, message):
    with pytest.raises(DocumentError) as caught:
        journey(text)
    assert message in str(caught.value)


CALL = "scenario: s\nservice: api\nsteps:\n  - {use: login.yaml%s}\n"
FLOW = """\
flow: login
inputs: {user: null}
steps:
  - {request: {url: /}, capture: {token: {jsonpath: $.t}}}
outputs: [token]
"""


def test_flow_is_read_into_a_call(journey):
    [call] = journey(CALL % ", with: {user: ada}", login=FLOW).steps
    assert isinstance(call, Call)
    assert (call.name, call.outputs, call.flow.name) == ("login", ("token",), "login")
    assert [type(part) for part in call.flow.steps] == [Step]
    assert call.flow.steps[0].service == "api"


@pytest.mark.parametrize(
    ("rest", "flow", "message"),
    [
        ("", FLOW, "flow 'login' must be given 'user'"),
        (", with: {usr: a}", FLOW, "takes no 'usr'; did you mean 'user'?"),
        (", with: {user: a}, outputs: [tokn]", FLOW, "gives no 'tokn'; did you mean 'token'?"),
        (", with: {user: a}, expect: {status: 200}", FLOW, "'expect' beside `use`"),
        (", with: {user: a}", FLOW.replace("[token]", "[tokens]"), "no step of the flow captures 'tokens'"),
        (", with: {user: a}", FLOW.replace("flow:", "profile:"), "a 'profile' where a flow is used"),
    ],
)
def test_mistake_in_the_use_of_a_flow_is_told(journey, rest, flow, message):
    with pytest.raises(DocumentError) as caught:
        journey(CALL % rest, login=flow)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("{user: {secret: true, defualt: x}}", "login.yaml:2:31: unknown key 'defualt'; did you mean 'default'?"),
        ("{user: {name: ada}}", "login.yaml:2:17: unknown key 'name'"),
        ("{user: {secret: maybe}}", "login.yaml:2:25: 'maybe'"),
        ("{user: {secret: false}}", "flow 'login' must be given 'user'"),
        ("{user: {}}", "flow 'login' must be given 'user'"),
        ("{user: null}", "flow 'login' must be given 'user'"),
    ],
)
def test_input_of_a_flow_that_cannot_be_is_told(journey, inputs, message):
    with pytest.raises(DocumentError) as caught:
        journey(CALL % "", login=FLOW.replace("{user: null}", inputs))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("inputs", "default", "secret"),
    [
        ("{user: ada}", "ada", False),
        ("{user: [1]}", [1], False),
        ("{user: {default: {name: ada}}}", {"name": "ada"}, False),
        ("{user: {default: null}}", None, False),
        ("{user: {secret: true, default: x}}", "x", True),
    ],
)
def test_input_of_a_flow_has_the_default_that_is_written(journey, inputs, default, secret):
    [call] = journey(CALL % "", login=FLOW.replace("{user: null}", inputs)).steps
    assert call.flow.inputs["user"].render({}) == default
    assert ("user" in call.flow.secret_inputs) is secret


@pytest.mark.parametrize("what", ["use: loop.yaml", "request: {method: POST, url: /, file: loop.yaml}"])
def test_file_that_is_a_circle_of_links_is_not_there(journey, tmp_path, what):
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(DocumentError, match=r"no (flow|file) 'loop.yaml' here or in a folder above"):
        journey(f"- {{{what}}}")


def test_more_steps_side_by_side_than_are_allowed_are_told(journey):
    steps = "\n".join(["    - {request: {url: /}}"] * 65)
    with pytest.raises(DocumentError, match="65 steps side by side, where 64 are allowed"):
        journey("- parallel:\n" + steps)


def test_flow_that_is_not_there_is_told(journey):
    with pytest.raises(DocumentError, match=r"s.yaml:4:11: no flow 'login.yaml'"):
        journey(CALL % "")


@pytest.mark.parametrize("use", ["/etc/passwd", "../../../../../../etc/passwd"])
def test_flow_outside_the_workspace_is_never_read(journey, use):
    with pytest.raises(DocumentError, match=r"absolute path|no flow"):
        journey((CALL % "").replace("login.yaml", use))


def test_circle_of_flows_is_shown_with_both_places(journey):
    a = "flow: a\nsteps:\n  - {use: b.yaml}\n"
    b = "flow: b\nsteps:\n  - {use: a.yaml}\n"
    with pytest.raises(DocumentError) as caught:
        journey((CALL % "").replace("login", "a"), a=a, b=b)
    assert str(caught.value) == "b.yaml:3:11: 'a.yaml' comes to use itself; the circle begins at a.yaml:3:11"


def write(folder, **texts):
    for name, text in texts.items():
        path = folder / f"{name.replace('__', '/')}.yaml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)


ONE = "scenario: %s\ntags: [%s]\nsteps: [{request: {url: service://a/}}]\n"


def test_folder_gives_its_scenarios_sorted_by_file(tmp_path):
    write(tmp_path, b=ONE % ("second", "x"), a=ONE % ("first", "y"), profiles__p="profile: p\n", data__d="rows: 1\n")
    write(tmp_path, flows__f="flow: f\nsteps: []\n")
    assert [scenario.name for scenario in read_scenarios(tmp_path)] == ["first", "second"]
    assert read_scenarios(tmp_path / "absent") == ()


def test_misspelt_kind_is_an_error_not_a_file_passed_over(tmp_path):
    write(tmp_path, a="scenaro: x\nsteps: []\n")
    told = "'scenaro' is no document of this folder; its first key says what a document is; did you mean 'scenario'"
    with pytest.raises(DocumentError, match=told):
        read_scenarios(tmp_path)
    with pytest.raises(DocumentError, match="no document of this folder"):
        read_scenario(tmp_path / "a.yaml")


@pytest.mark.parametrize(
    ("kind", "command"),
    [
        ("experiment", "seatrial chaos run NAME"),
        ("gate", "seatrial assess --gate NAME"),
        ("monitor", "seatrial watch"),
    ],
)
def test_a_document_of_another_command_is_answered_with_that_command(kind, command, tmp_path):
    write(tmp_path, a=f"{kind}: x\n")
    with pytest.raises(DocumentError, match=f"'{kind}' is no journey to be played; what reads it: {command}"):
        read_scenario(tmp_path / "a.yaml")


def test_two_scenarios_of_one_name_are_told_with_both_places(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, a=ONE % ("same", "x"), b=ONE % ("same", "x"))
    with pytest.raises(DocumentError, match=r"b.yaml:1:11: .* 'same'; the first one is a.yaml:1:11"):
        read_scenarios(tmp_path)


def test_selection_is_by_any_of_the_names_and_any_of_the_tags(tmp_path):
    write(tmp_path, a=ONE % ("one", "x"), b=ONE % ("two", "x, y"), c=ONE % ("three", "z"))
    every = read_scenarios(tmp_path)

    def names(**wanted):
        return [scenario.name for scenario in select(every, **wanted)]

    assert names() == ["one", "two", "three"]
    assert names(tags=["y", "z"]) == ["two", "three"]
    assert names(names=["one", "two"], tags=["y"]) == ["two"]
    assert names(tags=["nobody has it"]) == []
    with pytest.raises(UsageError, match="no scenario is called 'onee'; did you mean 'one'"):
        names(names=["onee"])
