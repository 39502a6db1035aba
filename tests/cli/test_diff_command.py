"""`seatrial diff` against real services on loopback: what is told of two realms, and what never is."""

from __future__ import annotations

import contextlib
import itertools
import json
import threading
import time
import uuid

import pytest
from diff_parts import LOOK, card, fields

from seatrial.assess import diff as assess_diff

PATIENCE_S = 20.0


TOKEN = "tok-5e55101d-primary"


def moment(_):
    """Never the same twice."""
    return 200, card(at=time.time_ns(), request=str(uuid.uuid4()), seen={str(uuid.uuid4()): 1}), {
        "X-Nonce": uuid.uuid4().hex, "Date": str(time.time_ns()), "Set-Cookie": f"sid={uuid.uuid4().hex}"
    }  # fmt: skip


def test_answers_that_differ_in_times_and_ids_alone_do_not_differ(shops, diff):
    shops(moment, moment)
    ended = diff()
    assert ended.code == 0
    assert ended.out.startswith("diff: MET (next against live)\n  no field differs above noise\n")
    assert "noise taken off: 5 fields" in ended.out
    assert "noise was measured in 10 comparisons" in ended.out


def test_a_realms_own_addresses_are_no_difference(shops, diff):
    live, following = shops(lambda _: {}, lambda _: {})
    for shop in (live, following):
        shop.says = lambda _, url=shop.url: (
            200,
            json.dumps({"self": f"{url}/card", "list": [url]}).replace("/", "\\/").encode(),
            {"Link": f"<{url}/card?page=2>"},
        )
    assert diff().code == 0
    live.says = lambda _: {"self": f"{following.url}/card"}
    following.says = lambda _: {"self": f"{following.url}/card"}
    ended = diff("--json", "-")
    assert fields(ended) == ["$.self value"]  # the live realm leads elsewhere


def test_one_changed_field_is_named_with_counts_and_an_example(shops, diff):
    shops(lambda _: card(), lambda _: card(state="OPEN"))
    ended = diff()
    assert ended.code == 1
    assert "    j > look\n      $.state  value  in 10 of 10 comparisons, by itself in 0" in ended.out
    assert '\n        "ACTIVE" -> "OPEN"\n' in ended.out


@pytest.mark.parametrize(
    ("following", "told"),
    [
        (lambda _: card(id="7"), "$.id type"),
        (lambda _: card(tags=["b", "a"]), "$.tags order"),
        (lambda _: card(items=[{"n": 1}]), "$.items size"),
        (lambda _: card(items=[{"n": 1}, {"n": 3}]), "$.items[*].n value"),
        (lambda _: card(more=1), "$.more extra"),
        (lambda _: {k: v for k, v in card().items() if k != "id"}, "$.id missing"),
        (lambda _: (200, card(), {"Content-Type": "application/vnd.x+json"}), "header.content-type header"),
        (lambda _: (201, card(), {}), "status status"),
        (lambda _: (200, b"<p>7", {"Content-Type": "text/html"}), "body type"),
    ],
)  # fmt: skip
def test_every_kind_of_difference_is_told(shops, diff, following, told):
    shops(lambda _: card(), following)
    shops.journey("- {name: look, request: {url: /card}, expect: {status: [200, 201]}}")
    ended = diff("--json", "-")
    assert ended.code == 1
    assert told in fields(ended)


def test_a_header_that_is_missing_is_a_difference(shops, diff):
    shops(lambda _: (200, card(), {"X-Frame-Options": "DENY"}), lambda _: card())
    ended = diff()
    assert "header.x-frame-options  header  in 10 of 10" in ended.out
    assert "DENY -> absent" in ended.out


def test_a_journey_that_fails_on_one_side_alone_is_a_difference(shops, diff):
    shops(lambda _: card(), lambda path: card() if path == "/card" else (500, {"error": "x"}, {}))
    shops.journey(f"{LOOK}\n- {{name: pay, request: {{url: /pay}}, expect: {{status: 200}}}}\n{LOOK}")
    ended = diff("--json", "-")
    assert ended.code == 1
    assert fields(ended) == ["outcome outcome", "status status"]
    assert [one["step"] for one in json.loads(ended.out)["fields"]] == ["pay", "pay"]


def test_a_candidate_that_gives_no_answer_is_a_difference(shops, diff):
    def gone(path):
        raise ConnectionError(path)

    live, _ = shops(lambda _: card(), gone)
    ended = diff("--rounds", "8")
    assert ended.code == 1
    assert "passed -> failed: reset" in ended.out
    assert len(live.asked) == 16


def test_a_difference_that_comes_and_goes_is_found_above_its_own_noise(shops, diff):
    """Every seventh answer of either realm is odd; of the candidate's, every second is of another type, too."""
    counts = itertools.count(), itertools.count()

    def says(which):
        def said(_):
            number = next(counts[which])
            return card(odd=number % 7 == 0, id="7" if which and number % 2 else 7)

        return said

    shops(says(0), says(1))
    ended = diff("--rounds", "30", "--json", "-")
    assert fields(ended) == ["$.id type"]


def test_too_few_rounds_leave_it_undecided_and_say_what_would_decide(shops, diff):
    shops(lambda _: card(), lambda _: card(state="OPEN"))
    ended = diff("--rounds", "3")
    assert ended.code == 5
    assert "suspected: too few comparisons to tell from rare noise" in ended.out
    assert "that takes 7 comparisons at least" in ended.out.replace("\n   ", "")


def test_an_ignored_field_is_no_difference(shops, diff):
    shops(lambda _: card(), lambda _: card(state="OPEN", items=[{"n": 5}, {"n": 6}]))
    ended = diff("--ignore", "$.state", "--ignore", "$.items[0].n", "--json", "-")  # as of any element
    assert ended.code == 0
    assert json.loads(ended.out)["ignored"] == ["$.state", "$.items[0].n"]


def test_all_three_sides_are_asked_at_once(shops, diff):
    meeting = threading.Barrier(3)

    def met(_):
        with contextlib.suppress(threading.BrokenBarrierError):
            meeting.wait(PATIENCE_S)
            return {}
        return 503, {}, {}

    shops(met, met)
    assert diff("--rounds", "3").code == 0


def test_no_secret_is_shown_anywhere(shops, diff, tmp_path):
    """A secret capture, a cookie only servers may see, and what is named like a secret: all of them differ."""

    def says(name):
        body = {"token": f"{TOKEN}-{name}", "echo": f"<{TOKEN}-{name}>", "kept": f"sid-5e55101d-{name}"}
        body |= {"access": {"url": "/", "api_key": "key-77112"}} if name == "next" else {}
        headers = {"X-Echo": f"{TOKEN}-{name}", "Set-Cookie": f"sid=sid-5e55101d-{name}; HttpOnly"}
        return lambda _: (200, {**body, "deep": {"password": f"hunter2-{name}"}}, headers)

    shops(says("live"), says("next"))
    step = "- {name: log in, request: {url: /in}, capture: {t: {jsonpath: $.token, secret: true}}}"
    shops.journey(step)
    ended = diff("--json", "out.json", "--markdown", "out.md", "--html", "out.html")
    assert ended.code == 1
    assert 'absent -> {"url": "/", "api_key": "***"}' in ended.out
    texts = [ended.out, ended.err, *(path.read_text() for path in tmp_path.rglob("*") if path.is_file())]
    assert len(texts) > 6
    assert sum("$.echo" in text for text in texts) == 6  # stdout, three reports, and two in the run's folder
    for secret in (TOKEN, "sid-5e55101d", "hunter2", "key-77112"):
        assert not any(secret in text for text in texts), secret


def test_steps_that_never_pass_prove_nothing(shops, diff):
    shops(lambda _: (401, {}, {}), lambda _: (401, {}, {}))
    ended = diff()
    assert ended.code == 5
    assert "no step passed on the primary, so equal answers prove nothing" in ended.out
    assert "note: j: failed on every side, so what follows was not compared (look: status 401, expected" in ended.out


@pytest.mark.parametrize("status", [401, None])
def test_a_journey_that_fails_on_every_side_is_never_met(shops, diff, tmp_path, status):
    """Another passes, and all answers are the same. With None the failing one gets no answer at all."""

    def says(path):
        if path == "/card":
            return card()
        if status is None:
            raise ConnectionError(path)
        return status, {}, {}

    shops(says, says)
    text = "scenario: other\nservice: api\nsteps:\n- {name: pay, request: {url: /pay}, expect: {status: 200}}\n"
    (tmp_path / "scenarios" / "other.yaml").write_text(text)
    ended = diff("--json", "out.json")
    assert ended.code == 5
    told = json.loads((tmp_path / "out.json").read_text())
    wanted = "'other' never passed in both realms at once, so equal answers prove nothing there"
    assert (told["grade"], told["reason"], told["fields"]) == ("UNDECIDED", wanted, [])


def test_of_a_journey_that_passes_the_first_step_alone_what_follows_proves_nothing(shops, diff):
    says = lambda path: card() if path == "/card" else (500, {}, {})  # noqa: E731
    shops(says, says)
    shops.journey(f"{LOOK}\n- {{name: pay, request: {{url: /pay}}, expect: {{status: 200}}}}\n{LOOK}")
    assert diff().code == 5


def test_a_journey_that_is_skipped_on_one_side_is_a_note_beside_one_that_is_compared(shops, diff, tmp_path):
    shops(lambda _: card(), lambda _: card())
    text = f"scenario: other\nservice: api\nnever_in: [next]\nsteps:\n{LOOK}\n"
    (tmp_path / "scenarios" / "other.yaml").write_text(text)
    ended = diff()
    assert ended.code == 0
    assert "note: other: skipped on the candidate (never in next): 10 plays" in ended.out


def test_no_line_of_a_target_is_a_command_to_github(shops, diff, monkeypatch):
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    command = "::add-mask::x ##[add-mask]x"
    shops(lambda _: card(), lambda _: (200, {"a": command}, {}))
    ended = diff()
    begin, *said, end = ended.out.splitlines()
    token = begin.removeprefix("::stop-commands::")
    assert len(token) > 16
    assert (begin, end) == (f"::stop-commands::{token}", f"::{token}::")
    assert any(command in line for line in said)
    assert said[-1].startswith("report: ")


def test_of_very_many_reasons_to_fail_the_first_are_told(shops, diff, monkeypatch):
    monkeypatch.setattr(assess_diff, "MAX_NOTES", 2)
    statuses = itertools.count(400)
    shops(lambda _: (next(statuses), {}, {}), lambda _: (404, {}, {}))
    ended = diff("--json", "-", "--rounds", "5")
    notes = json.loads(ended.out)["notes"]
    assert len(notes) == 3
    assert notes[0] == "j: failed on every side, so what follows was not compared: 3 plays"
