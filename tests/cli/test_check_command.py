"""`seatrial check`: workers, rows, --dry, --fail-fast, what is told."""

from __future__ import annotations

import json
import re

import pytest

OK = "- {name: look, request: {url: /ok}, expect: {status: 200}}"


BAD = "- {name: look, request: {url: /status/500}, expect: {status: 200}}"


TIMES = re.compile(r"\b\d+(\.\d+)? (ms|s)\b")


def same(text):
    """Without what differs from run to run."""
    return re.sub(
        r"trace [0-9a-f]{32}", "trace", TIMES.sub("TIME", re.sub(r"connect reused, |connect TIME, ", "", text))
    )


def plain(text):
    """Without times, traces and which connection was reused."""
    return re.sub(r"timing: .*", "timing:", same(text))


def test_what_is_told_with_many_workers_is_what_is_told_with_one(workspace, check):
    for number in range(6):
        poll = "- {name: poll, request: {url: /status/503}, retry: {max: 2, interval: 0ms}, expect: {status: 200}}"
        workspace.journey(f"j{number}", OK if number % 2 else poll)

    alone, together = check("-v"), check("-v", "--jobs", "4")

    assert alone.code == together.code == 1
    assert plain(together.out) == plain(alone.out)
    assert together.err == alone.err


def test_auto_takes_a_worker_a_core(workspace, check):
    workspace.journey("one", OK)
    assert check("--jobs", "auto").code == 0


@pytest.mark.parametrize("word", ["0", "-1", "many", "1.5", "257", "²"])
def test_a_number_of_workers_that_is_none_is_refused(workspace, check, word):
    workspace.journey("one", OK)
    ended = check(f"--jobs={word}")
    assert ended.code == 2
    assert f"--jobs takes a number from 1 to 256 or `auto`, not '{word}'" in ended.err


def test_the_cap_of_the_realm_is_kept_by_all_workers_together(workspace, check, service):
    workspace.realm("check: {max_rate: 20/s}")
    for number in range(6):
        workspace.journey(f"j{number}", OK)
    ended = check("--jobs", "6", "--json", "out.json")
    assert ended.code == 0
    assert json.loads(workspace.file("out.json"))["took_s"] >= 5 / 20


def rows(count, *, bad=()):
    listed = ", ".join(
        f"{{n: {number}, path: {'status/500' if number in bad else 'ok'}}}" for number in range(1, count + 1)
    )
    return f"rows: [{listed}]\n"


ROW = '- {name: look, request: {url: "/{{ row.path | raw }}"}, expect: {status: 200}}'


def test_very_many_rows_are_one_line_and_those_that_failed_are_told_in_full(workspace, check):
    workspace.journey("pay", ROW, head=rows(30, bad={7}))
    ended = check()
    lines = ended.out.splitlines()
    assert same(lines[0]) == "FAILED   pay [row 7: 7]  (1 step, TIME)"
    assert same(lines[-2]) == "FAILED   pay: 29 rows passed, 1 failed  (TIME)"
    assert same(lines[-1]) == "30 plays of 1 journey: 29 passed, 1 failed; 30 requests in TIME"
    assert ended.out.count("PASSED") == 0
    assert ended.err == "[1/30] pay: 30 rows\n"


def test_every_row_is_told_when_each_step_is(workspace, check):
    workspace.journey("pay", ROW, head=rows(30))
    assert check("-v").out.count("PASSED   pay [row ") == 30


def test_few_rows_are_told_one_by_one(workspace, check):
    workspace.journey("pay", ROW, head=rows(3))
    ended = check()
    assert [same(line) for line in ended.out.splitlines()[:3]] == [
        f"PASSED   pay [row {number}: {number}]  (1 step, TIME)" for number in (1, 2, 3)
    ]
    assert ended.err.splitlines()[1] == "[2/3] pay [row 2: 2]"


def test_the_list_says_how_many_rows_there_are(workspace, check):
    workspace.journey("pay", ROW, head=rows(3))
    workspace.journey("look", OK, head="tags: [smoke]\n")
    assert check("--list").out == "look  [smoke]  scenarios/look.yaml\npay  3 rows  scenarios/pay.yaml\n"


def test_the_heads_of_every_exchange_are_told_redacted(workspace, check):
    workspace.journey(
        "one",
        '- {name: look, request: {url: /echo/x, auth: {bearer: "{{ secrets.password }}"}}, expect: {status: 200}}',
    )
    out = check("-vv").out
    assert f"       > GET http://127.0.0.1:{workspace.port}/echo/x\n" in out
    assert "       > Authorization: Bearer ***(password)\n" in out
    assert "       < HTTP/1.1 200\n" in out
    assert "       < Set-Cookie: ***(sid)\n" in out
    assert "correct horse" not in out


def test_no_play_begins_after_one_failed_when_that_is_asked_for(workspace, check, service):
    for name, steps in (("a", OK), ("b", BAD), ("c", OK), ("d", OK)):
        workspace.journey(name, steps)
    ended = check("--fail-fast", "--json", "out.json")
    assert ended.code == 1
    assert same(ended.out.splitlines()[-1]) == "2 journeys: 1 passed, 1 failed, 2 not played; 2 requests in TIME"
    document = json.loads(workspace.file("out.json"))
    assert (document["close"], document["planned"], len(document["journeys"])) == ("stopped", 4, 2)
    assert service.asked["/ok"] == 1


def test_a_tag_nobody_has_is_told_with_the_nearest(workspace, check):
    workspace.journey("one", OK, head="tags: [smoke]\n")
    ended = check("--tag", "smokey")
    assert (ended.code, ended.out) == (5, "")
    assert "warning: no journey has the tag 'smokey'; did you mean 'smoke'?\nno journey was chosen" in ended.err
    assert "has the tag 'x'; known: smoke" in check("--tag", "smoke", "--tag", "x").err


def test_who_asks_for_quiet_hears_of_failures_and_the_summary_only(workspace, check):
    workspace.journey("fine", OK, head="rows: [{n: 1}, {n: 2}]\n")
    ended = check("-q")
    assert (ended.code, ended.err) == (0, "")
    assert len(ended.out.splitlines()) == 1
    assert "2 passed" in ended.out


def test_a_report_the_disk_has_no_room_for_is_no_mistake_of_the_user(workspace, check):
    workspace.journey("one", OK)
    ended = check("--junit", "/dev/full")
    assert ended.code == 4
    assert "error: /dev/full: cannot be written: No space left on device" in ended.err


def test_the_last_play_that_fails_stops_nothing(workspace, check):
    workspace.journey("a", BAD)
    check("--fail-fast", "--json", "out.json")
    assert json.loads(workspace.file("out.json"))["close"] == "complete"


class TestDry:
    def test_it_says_what_would_be_played_and_sends_nothing(self, workspace, check, service, monkeypatch):
        monkeypatch.delenv("CHECK_PASSWORD")
        workspace.journey("pay", ROW, head=rows(3))
        workspace.journey("look", '- {request: {url: "/ok/{{ secrets.password }}"}, expect: {status: 200}}')
        ended = check("--dry")
        assert ended.code == 0
        assert ended.out == (
            "would play  look  (1 step)  scenarios/look.yaml\n"
            "would play  pay  (1 step, 3 rows)  scenarios/pay.yaml\n"
            "2 journeys, 4 plays on realm test; nothing was sent\n"
        )
        assert not service.asked

    def test_a_journey_that_may_not_write_is_refused_all_the_same(self, workspace, check):
        workspace.realm()
        (workspace.path / "realms.yaml").write_text("realms: {test: {services: {api: 'http://127.0.0.1:1'}}}\n")
        workspace.journey("w", "- {mutates: true, request: {method: POST, url: /ok}, expect: {status: 200}}")
        assert check("--dry").code == 4

    @pytest.mark.parametrize(
        ("steps", "mistake"),
        [
            ("- {request: {url: service://apo/ok}}", "realm 'test' has no service 'apo'; did you mean 'api'?"),
            (
                '- {request: {url: "/ok?c={{ curency }}"}}',
                "'curency' is not defined, in '/ok?c={{ curency }}'; did you mean 'currency'?",
            ),
            ('- {request: {url: "/ok/{{ secrets.pasword }}"}}', "did you mean 'password'?"),
            ('- {request: {url: /ok, json: {a: ["{{ tokn }}"]}}}', "'tokn' is not defined"),
            ('- {request: {url: /ok, auth: {bearer: "{{ tokn }}"}}}', "'tokn' is not defined"),
            ('- {request: {url: /ok}, expect: {json: {a: "{{ wantd }}"}}}', "'wantd' is not defined"),
            (
                '- {request: {url: /ok}, expect: {checks: [{body: {contains: "{{ wantd }}"}}]}}',
                "'wantd' is not defined",
            ),
            ("- {request: {url: /ok}, when: tokn == 1}", "'tokn' is not defined"),
            (
                '- {request: {url: "/ok/{{ later }}"}}\n- {request: {url: /ok}, capture: {later: {body: true}}}',
                "'later' is not defined",
            ),
        ],
    )
    def test_a_mistake_that_shows_without_sending_is_told_with_its_place(
        self, workspace, check, service, steps, mistake
    ):
        workspace.journey("one", steps)
        ended = check("--dry")
        assert ended.code == 3
        assert re.search(r"^error: scenarios/one\.yaml:\d+:\d+: ", ended.err)
        assert mistake in ended.err
        assert not service.asked

    def test_every_mistake_is_told_once(self, workspace, check):
        workspace.journey("one", '- {request: {url: "/{{ aa }}/{{ bb }}"}}\n- {request: {url: service://none/}}')
        assert check("--dry").err.count("error: ") == 3

    @pytest.mark.parametrize(
        "text",
        [
            '- {request: {url: "/ok/{{ currency }}/{{ uuid() }}/{{ realm }}/{{ secrets.password }}"}}',
            '- {request: {url: "/ok/{{ vars.currency }}"}}',
            '- {request: {url: /ok}, capture: {id: {jsonpath: $.ok}}}\n- {request: {url: "/ok/{{ id }}"}}',
            '- {request: {url: /ok}, capture: {id: {jsonpath: $.ok}}, expect: {json: {ok: "{{ id }}"}}}',
            '- {request: {url: "/ok/{{ maybe | default(1) }}"}, when: other is not defined}',
            '- {request: {url: "/ok/{{ maybe }}"}, when: maybe is defined}',
            '- {request: {url: "/ok/{{ one }}"}, for_each: {as: one, in: [1, 2]}}',
            '- {request: {url: "/ok/{{ here }}"}, vars: {here: 1}}',
            '- {request: {url: "/ok/{{ given }}"}}',
            '- {request: {url: "service://none/ok/{{ x }}"}, skip: not yet}',
            '- {request: {url: "service://none/ok/{{ x }}"}, never_in: [test]}',
            "- parallel: [{request: {url: /ok}, capture: {a: {jsonpath: $.ok}}}]\n- {request: {url: '/ok/{{ a }}'}}",
        ],
    )
    def test_a_name_that_something_before_may_define_is_known(self, workspace, check, text):
        workspace.journey("one", text)
        assert check("--dry", "--var", "given=1").code == 0

    def test_a_flow_knows_its_inputs_and_nothing_of_its_caller(self, workspace, check):
        flows = workspace.path / "scenarios" / "flows"
        flows.mkdir(parents=True)
        flow = flows / "login.yaml"
        steps = "- {request: {url: '/ok/{{ user }}'}, capture: {token: {jsonpath: $.ok}}}"
        flow.write_text(f"flow: login\ninputs: {{user: null}}\noutputs: [token]\nservice: api\nsteps:\n{steps}\n")
        workspace.journey(
            "one",
            "- {use: flows/login.yaml, with: {user: ada}}\n- {request: {url: '/ok/{{ token }}'}}",
            head="vars: {mine: 1}\n",
        )
        assert check("--dry").code == 0
        flow.write_text(flow.read_text().replace("user }}", "mine }}"))
        ended = check("--dry")
        assert ended.code == 3
        assert "scenarios/flows/login.yaml" in ended.err

    def test_rows_are_known_by_their_fields(self, workspace, check):
        workspace.journey("pay", '- {request: {url: "/{{ row.pth }}"}, expect: {status: 200}}', head=rows(2))
        ended = check("--dry")
        assert ended.code == 3
        assert "'pth' is not defined" in ended.err


def test_secrets_are_not_shown_to_a_file_or_pipe(workspace, check, service):
    workspace.journey("a", OK)
    ended = check("--show-secrets")
    assert ended.code == 2
    assert "--show-secrets needs a terminal" in ended.err
    assert not service.asked


def test_a_secret_too_short_to_mask_is_warned_of_in_the_result(workspace, check):
    step = "- {name: look, request: {url: /ok}, capture: {a: {jsonpath: $.ok, filter: to_string, secret: true}}}"
    workspace.journey("short", step.replace("filter: to_string", 'filters: [to_string, {regex: "^..."}]'))
    ended = check()
    assert "    warning: look: the secret 'a' is shorter than 4 characters and is not masked\n" in ended.out


@pytest.mark.parametrize("word", ["--dry", "--list"])
@pytest.mark.parametrize("report", ["json", "junit", "har"])
def test_no_report_can_be_asked_of_what_sends_nothing(workspace, check, word, report):
    workspace.journey("one", OK)
    ended = check(word, f"--{report}", "out")
    assert ended.code == 2
    assert f"{word} sends nothing, so --{report} has nothing to report" in ended.err
    assert not (workspace.path / "out").exists()


@pytest.mark.parametrize("line", ["never_in: tset", "only_in: [tset]"])
def test_a_misspelt_realm_is_told_before_anything_is_played(workspace, service, check, line):
    workspace.journey("a", OK, head=f"{line}\n")
    ended = check()
    assert ended.code == 3
    assert "there is no realm 'tset' to be in; did you mean 'test'?" in ended.err
    workspace.journey("a", OK.replace("}}", f"}}, {line}}}"))
    assert check("--dry").code == 3
    assert not service.asked


def test_a_rehearsal_tells_what_is_not_for_this_realm(workspace, check):
    workspace.journey("a", OK, head="never_in: test\n")
    assert "would play  a  (skipped: never in test)" in check("--dry").out


def test_a_flow_is_not_played_by_itself_and_that_is_said(workspace, check):
    (workspace.path / "f.yaml").write_text("flow: f\nsteps: [{request: {url: service://api/ok}}]\n")
    ended = check("f.yaml")
    assert (ended.code, ended.err) == (
        3,
        "error: f.yaml:1:1: a flow is not played by itself; call it from a scenario: `use:`\n",
    )
