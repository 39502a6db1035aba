"""Whether, when and how often a part of a scenario is run: conditions, realms, delays, loops, blocks."""

from __future__ import annotations

import pytest

from seatrial.errors import DocumentError
from seatrial.scenarios.moves import Together


def rounds(played):
    """Each step's title and how it ended."""
    return [(result.title, "skipped" if result.skipped else str(result.outcome)) for result in played.result.steps]


def paths(played):
    """What was asked, in order."""
    return [sent.url.removeprefix("http://api.test") for sent in played.requests]


def test_repeat_makes_that_many_rounds_and_tells_them_apart(journey, run):
    played = run(journey("- {name: ping, request: {url: /}, repeat: '{{ 1 + 1 }}', expect: {status: 200}}"))
    assert rounds(played) == [("ping [1]", "ok"), ("ping [2]", "ok")]
    assert [told.round for told in played.told] == [1, 2]


def test_for_each_goes_through_a_list_and_gives_the_name_back(journey, run):
    played = run(
        journey("""
            scenario: s
            service: api
            vars: {card: before, cards: [a, {id: b}]}
            steps:
              - {request: {url: "/{{ card.id | default(card) }}"}, for_each: {as: card, in: "{{ cards }}"}}
              - {request: {url: "/{{ card }}"}, expect: {status: 200}}
        """)
    )
    assert paths(played) == ["/a", "/b", "/before"]


def test_a_failing_round_ends_the_loop_unless_it_may_go_on(journey, run, canned):
    step = "- {{name: ping, request: {{url: /}}, repeat: 3, expect: {{status: 200}}{more}}}"
    stopped = run(journey(step.format(more="")), canned.ok(), canned.ok(500), canned.ok())
    assert rounds(stopped) == [("ping [1]", "ok"), ("ping [2]", "unexpected")]
    kept = run(journey(step.format(more=", continue: true")), canned.ok(500), canned.ok(), canned.ok())
    assert [how for _, how in rounds(kept)] == ["unexpected", "ok", "ok"]
    assert not kept.result.passed


def test_until_goes_on_until_its_condition_holds(journey, run, canned):
    played = run(
        journey("""
            - name: poll
              request: {url: /}
              capture: {state: {jsonpath: $.state}}
              until: {condition: state == 'DONE', max: 5, interval: 2s}
              expect: {status: 200}
        """),
        canned.ok(200, {"state": "NEW"}),
        canned.ok(200, {"state": "DONE"}),
    )
    assert rounds(played) == [("poll [1]", "ok"), ("poll [2]", "ok")]
    assert played.waits == [2.0]


def test_until_fails_when_its_bound_was_not_enough(journey, run):
    played = run(
        journey("- {name: poll, request: {url: /}, until: {condition: 1 == 2, max: 2}, expect: {status: 200}}")
    )
    assert rounds(played)[-1] == ("poll", "unexpected")
    assert "'1 == 2' did not hold after 2 rounds" in played.summaries
    assert len(played.requests) == 2


def test_a_condition_is_asked_in_every_round(journey, run):
    played = run(
        journey("""
            - request: {url: "/{{ n }}"}
              for_each: {as: n, in: [1, 2, 3]}
              when: n != 2
              expect: {status: 200}
        """)
    )
    assert paths(played) == ["/1", "/3"]


def test_a_delay_is_waited_before_each_round(journey, run):
    played = run(journey("- {request: {url: /}, delay: 250ms, repeat: 2, expect: {status: 200}}"))
    assert played.waits == [0.25, 0.25]


def test_a_loop_over_a_flow_runs_all_of_it_each_time(journey, run):
    flow = "flow: f\ninputs: {n: null}\nsteps:\n  - {request: {url: '/{{ n }}'}}\n  - {request: {url: /x}}\n"
    played = run(journey("- {use: f.yaml, with: {n: '{{ i }}'}, for_each: {as: i, in: [1, 2]}}", f=flow))
    assert paths(played) == ["/1", "/x", "/2", "/x"]


@pytest.mark.parametrize(
    ("course", "reason"),
    [
        ("only_in: [prod]", "only in prod"),
        ("only_in: prod", "only in prod"),
        ("never_in: [test]", "never in test"),
        ("repeat: 0", "no rounds to make"),
        ("for_each: {as: x, in: []}", "the list is empty"),
        ("skip: not today", "not today"),
    ],
)
def test_a_part_that_is_not_run_says_why(journey, run, course, reason):
    played = run(journey(f"- {{request: {{url: /}}, expect: {{status: 200}}}}\n- {{request: {{url: /}}, {course}}}"))
    assert played.result.steps[1].skipped == reason
    assert played.result.passed


@pytest.mark.parametrize(("where", "runs"), [("only_in: [test, x]", True), ("never_in: [test]", False)])
def test_a_scenario_may_be_for_some_realms_alone(journey, run, where, runs):
    played = run(
        journey(f"scenario: s\n{where}\nsteps: [{{request: {{url: service://api/}}, expect: {{status: 200}}}}]")
    )
    assert bool(played.requests) is runs
    assert played.result.skipped == ("" if runs else "never in test")


@pytest.mark.parametrize(
    ("course", "message"),
    [
        ("repeat: -1", "integer <-1> is no number of rounds"),
        ("repeat: 1001", "1001 rounds, where 1000 are allowed"),
        ("repeat: x", 'string <"x"> is no number of rounds'),
        ("for_each: {as: x, in: abc}", 'string <"abc"> is no list to go through'),
        ("for_each: {as: secrets, in: []}", "'secrets' is a name templates already know"),
        ("for_each: {in: []}", "'as' is missing"),
        ("until: {condition: a}", "'max' is missing"),
        ("until: {condition: '{{ a }}', max: 3}", "is an expression already"),
        ("repeat: 2, for_each: {as: x, in: [1]}", "'for_each' and 'repeat' in one step"),
        ("parallel: [{request: {url: /}}]", "'request' beside `parallel`"),
        ("once: run", "'once' without `use`"),
    ],
)
def test_a_course_that_means_nothing_is_refused_with_its_place(journey, course, message):
    with pytest.raises(DocumentError, match=r"^s\.yaml:4") as caught:
        journey(f"- {{request: {{url: /}}, {course}}}")
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("course", "message"),
    [
        ("repeat: '{{ many }}'", "2000 rounds, where 1000 are allowed"),
        ("for_each: {as: x, in: '{{ many }}'}", "integer <2000> is no list to go through"),
    ],
)
def test_a_course_that_turns_out_wrong_fails_its_step(journey, run, course, message):
    played = run(journey(f"- {{request: {{url: /}}, {course}}}"), variables={"many": 2000})
    assert played.summaries == [message]
    assert played.requests == []


BLOCK = """
    - request: {url: /first}
      capture: {a: {jsonpath: $.v}}
    - name: both
      parallel:
        - {name: left, request: {url: "/{{ a }}/l"}, capture: {l: {jsonpath: $.v}}}
        - {name: right, request: {url: "/{{ a }}/r"}, capture: {r: {jsonpath: $.v}}}
    - {request: {url: "/{{ l }}/{{ r }}"}, expect: {status: 200}}
"""


def test_what_follows_a_block_sees_all_that_its_parts_captured(journey, run, canned):
    played = run(journey(BLOCK), *(canned.ok(200, {"v": value}) for value in ("x", "y", "z")))
    assert paths(played) == ["/first", "/x/l", "/x/r", "/y/z"]
    assert [name for name, _ in played.steps] == ["GET /first", "left", "right", "GET /*/*"]
    [block] = [move for move in played.moves if isinstance(move, Together)]
    assert len(block.branches) == 2


def test_parts_of_a_block_do_not_see_each_others_captures(journey, run, canned):
    played = run(
        journey("""
            - parallel:
                - {request: {url: /l}, capture: {l: {jsonpath: $.v}}}
                - {request: {url: "/{{ l }}"}}
        """),
        canned.ok(200, {"v": 1}),
    )
    assert "'l' is not defined" in played.summaries[0]


def test_a_failing_part_of_a_block_stops_what_follows_not_its_neighbours(journey, run, canned):
    played = run(journey(BLOCK), canned.ok(200, {"v": 1}), canned.ok(500), canned.ok(200, {"v": 2}))
    assert [how for _, how in played.steps] == ["ok", "unexpected", "ok", "skipped"]


def test_the_same_seed_gives_the_same_moves_in_a_block_too(journey, run):
    scenario = journey("- parallel: [{request: {url: '/{{ uuid() }}'}}, {request: {url: '/{{ uuid() }}'}}]")
    first, again = run(scenario), run(scenario)
    assert paths(first) == paths(again)
    assert len(set(paths(first))) == 2


def test_a_block_within_a_block_is_refused(journey):
    with pytest.raises(DocumentError, match="'parallel' within `parallel`"):
        journey("- parallel: [{parallel: [{request: {url: /}}]}]")


def test_vars_of_a_step_stay_set_and_are_told_of_in_a_failure(journey, run, canned):
    played = run(
        journey("""
            - {request: {url: "/{{ n }}"}, vars: {n: "{{ 1 + 1 }}"}}
            - {request: {url: "/{{ n }}"}, expect: {status: 201}}
        """)
    )
    assert paths(played) == ["/2", "/2"]
    assert [(used.name, used.value, used.origin) for used in played.told[1].used] == [
        ("n", 2, "vars of step 1 'GET /*'")
    ]
    assert canned


def test_a_failure_names_the_origin_of_every_variable_used(journey, run):
    scenario = journey("""
        scenario: s
        service: api
        vars: {amount: 250}
        steps:
          - request: {method: POST, url: /, json: {a: "{{ amount }}", c: "{{ currency }}", o: "{{ over }}"}}
            expect: {status: 201}
    """)
    [told] = run(scenario, variables={"currency": "EUR"}, overrides={"over": 1}).told
    assert {used.name: used.origin for used in told.used} == {
        "amount": "vars",
        "currency": "realm 'test'",
        "over": "--var",
    }


def test_a_teardown_that_fails_outside_any_step_fails_the_play(journey, run):
    called = "scenario: clean\nvars: {a: '{{ nobody }}'}\nsteps: [{request: {url: service://api/}}]"
    played = run(
        journey(
            "scenario: s\nservice: api\nsteps: [{request: {url: /}, expect: {status: 200}}]\n"
            "teardown: [{use: clean.yaml}]",
            clean=called,
        )
    )
    assert (played.result.outcome, played.result.teardown_outcome, played.result.passed) == (
        "ok",
        "unexpected",
        False,
    )


def test_a_flow_in_teardown_runs_whatever_failed_before_it(journey, run):
    flow = "flow: clean\nsteps: [{request: {url: service://api/clean}}]"
    played = run(
        journey(
            "scenario: s\nservice: api\n"
            "setup: [{use: clean.yaml, when: nobody > 1}]\n"
            "steps: [{request: {url: /}, expect: {status: 200}}]\n"
            "teardown: [{use: clean.yaml}]",
            clean=flow,
        )
    )
    assert paths(played) == ["/clean"]
    assert not played.result.passed


def test_the_round_of_the_inner_loop_is_kept_in_a_block_that_is_looped(journey, run):
    played = run(journey("- {parallel: [{name: a, request: {url: /}, repeat: 2, expect: {status: 200}}], repeat: 2}"))
    assert [title for title, _ in rounds(played)] == ["a [1]", "a [2]", "a [1]", "a [2]"]


def test_the_variable_of_a_loop_is_gone_after_a_round_that_could_not_be_made(journey, run):
    played = run(
        journey("""
            - {request: {url: /}, for_each: {as: item, in: [1]}, when: nobody > item, continue: true}
            - {request: {url: "/{{ item }}"}}
        """)
    )
    assert "'item' is not defined" in played.summaries[-1]
    assert played.requests == []


def test_cookies_of_a_block_are_joined_and_not_seen_by_its_other_parts(journey, run, canned):
    played = run(
        journey("""
            - parallel: [{request: {url: /a}}, {request: {url: /b}}]
            - {request: {url: /c}, expect: {status: 200}}
        """),
        canned.ok(headers=(("Set-Cookie", "a=1; Path=/"),)),
        canned.ok(headers=(("Set-Cookie", "b=2; Path=/"),)),
        canned.ok(),
    )
    assert [dict(sent.headers).get("Cookie") for sent in played.requests] == [None, None, "a=1; b=2"]


def test_a_retry_ends_within_its_duration_whatever_an_attempt_takes(journey, run, canned):
    played = run(
        journey(
            "- {request: {url: /}, timeout: 5s, expect: {status: 200}, "
            "retry: {max: 9, interval: 1s, max_duration: 4s}}"
        ),
        canned.ok(500, latency_s=1.0),
    )
    assert [sent.timeout_s for sent in played.requests] == [4.0, 2.0]


def test_a_file_of_a_template_is_looked_for_beside_the_flow_that_names_it(journey, run, tmp_path):
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "f.yaml").write_text(
        "flow: f\nsteps: [{request: {method: POST, url: service://api/, text: \"{{ file('note.txt') }}\"}}]"
    )
    (tmp_path / "parts" / "note.txt").write_text("hello")
    assert run(journey("- {use: parts/f.yaml}")).requests[0].body == b"hello"


def test_half_a_character_from_an_answer_fails_the_step_that_sends_it_on(journey, run, canned):
    for request in (
        "{method: POST, url: /, json: {a: '{{ v }}'}}",
        "{url: '/{{ v }}'}",
        "{url: /, params: {v: '{{ v }}'}}",
    ):
        played = run(
            journey(f"- {{request: {{url: /}}, capture: {{v: {{jsonpath: $.v}}}}}}\n- {{request: {request}}}"),
            canned.ok(200, '{"v": "\\ud800"}'),
        )
        assert "cannot be" in played.summaries[-1]
        assert len(played.requests) == 1


def test_a_parameter_that_passed_through_raw_stays_as_it_is(journey, run):
    scenario = journey("- {request: {url: /, params: {q: \"{{ 'a%20b+c' | raw }}\"}}, expect: {status: 200}}")
    assert paths(run(scenario)) == ["/?q=a%20b+c"]


def test_what_nobody_foresaw_in_an_answer_fails_its_step_alone(journey, run, canned, monkeypatch):
    from seatrial.scenarios import attempt

    def broken_judge(*_, **__):
        raise RecursionError("too deep")

    monkeypatch.setattr(attempt, "judge", broken_judge)
    steps = "- {request: {url: /}, continue: true, expect: {status: 200}}\n- {request: {url: /on}}"
    played = run(journey(steps), once=True)
    assert paths(played) == ["/", "/on"]
    assert "this is a defect of seatrial" in played.summaries[0]
