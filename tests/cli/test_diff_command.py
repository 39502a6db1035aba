"""`seatrial diff` against real services on loopback: what is told of two realms, and what never is."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import signal
import sys
import textwrap
import threading
import time
import uuid
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from seatrial import journal
from seatrial.accept import pool
from seatrial.assess import diff as assess_diff
from seatrial.cli.main import main

PATIENCE_S = 20.0
TOKEN = "tok-5e55101d-primary"
LOOK = "- {name: look, request: {url: /card}, expect: {status: 200}}"


class Handler(BaseHTTPRequestHandler):
    """Answers with what the shop was told to say."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        content = self.rfile.read(int(self.headers["Content-Length"] or 0))
        with self.server.watching:
            self.server.asked.append((self.command, self.path, dict(self.headers.items()), content))
        status, body, headers = self.server.answer(self.path)
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json", **headers}
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_):
        """Stay silent."""


class Shop(ThreadingHTTPServer):
    """One realm's service. `says` makes its answer to a path: the JSON value, or with status and headers."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, says):
        super().__init__(("127.0.0.1", 0), Handler)
        self.watching = threading.Lock()
        self.asked = []
        self.says = says
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def answer(self, path):
        said = self.says(path)
        return said if isinstance(said, tuple) else (200, said, {})

    def handle_error(self, request, client_address):
        """A client that left is nothing to report."""

    def close(self):
        self.shutdown()
        self.thread.join()
        self.server_close()


@dataclass(frozen=True)
class Ended:
    code: int
    out: str
    err: str


@pytest.fixture
def shops(tmp_path, monkeypatch):
    """Two realms, `live` and `next`, in the workspace the test is in, with a journey each test may write anew."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SEATRIAL_REALM", raising=False)
    opened = []

    def open_(live, following, *, allows=("", ""), more=""):
        opened.extend([Shop(live), Shop(following)])
        realms = "".join(
            f"  {name}:\n    services: {{api: '{shop.url}'}}\n    allows: {{{allowed}}}\n{more}"
            for name, shop, allowed in zip(("live", "next"), opened, allows, strict=True)
        )
        (tmp_path / "realms.yaml").write_text(f"realms:\n{realms}")
        journey(LOOK)
        return opened

    def journey(steps, head=""):
        (tmp_path / "scenarios").mkdir(exist_ok=True)
        text = f"scenario: j\nservice: api\n{head}steps:\n{textwrap.dedent(steps)}\n"
        (tmp_path / "scenarios" / "j.yaml").write_text(text)

    open_.journey = journey
    yield open_
    for shop in opened:
        shop.close()


@pytest.fixture
def diff(monkeypatch, capfd):
    """`seatrial diff live next` in this process."""

    def run(*words, realms=("live", "next"), command="diff"):
        monkeypatch.setattr(sys, "argv", ["seatrial", command, *realms, *words])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capfd.readouterr()
        assert "Traceback" not in printed.err
        return Ended(int(ended.value.code or 0), printed.out, printed.err)

    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield run
    for number, handler in before.items():
        signal.signal(number, handler)


def fields(ended):
    """What is no noise, as `path kind`."""
    told = json.loads(ended.out)["fields"]
    return sorted(f"{one['path']} {one['kind']}" for one in told if one["standing"] == "difference")


def card(**more):
    return {"id": 7, "state": "ACTIVE", "tags": ["a", "b"], "items": [{"n": 1}, {"n": 2}], **more}


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


WRITE = "- {name: write, request: {method: POST, url: /buy}, mutates: true, capture: {id: {jsonpath: $.id}}}"
NEEDS = '- {name: needs, request: {url: "/card/{{ id }}"}}'


def test_what_writes_is_left_out_with_what_needs_it_and_said(shops, diff):
    both = shops(lambda _: card(), lambda _: card(), allows=("mutations: true", "mutations: true"))
    shops.journey("\n".join((LOOK, WRITE, NEEDS)))
    ended = diff()
    assert ended.code == 0
    assert {path for shop in both for _, path, _, _ in shop.asked} == {"/card"}
    assert "left out: j > write: it mutates\n" in ended.out
    assert "left out: j > needs: it needs 'id', which 'write' would have given\n" in ended.out


def test_where_both_realms_allow_it_what_writes_is_played_when_asked_for(shops, diff):
    both = shops(lambda _: card(), lambda _: card(), allows=("mutations: true", "mutations: true"))
    shops.journey("\n".join((LOOK, WRITE, NEEDS)))
    ended = diff("--mutating", "--rounds", "7")
    assert ended.code == 0
    assert [Counter(path for _, path, _, _ in shop.asked)["/card/7"] for shop in both] == [14, 7]


@pytest.mark.parametrize("allows", [("mutations: true", ""), ("", "mutations: true")])
def test_where_one_realm_allows_no_writing_none_is_sent_anywhere(shops, diff, allows):
    both = shops(lambda _: card(), lambda _: card(), allows=allows)
    shops.journey(WRITE)
    ended = diff("--mutating")
    assert ended.code == 4
    assert "does not allow mutations" in ended.err
    assert [shop.asked for shop in both] == [[], []]


def test_what_only_reads_asks_every_side_for_the_same(shops, diff):
    live, following = shops(lambda _: {}, lambda _: {})
    shops.journey('- {name: any, request: {url: "/{{ uuid() }}"}, expect: {status: 200}}')
    assert diff("--rounds", "7").code == 0
    assert Counter(path for _, path, _, _ in live.asked) == {path: 2 for _, path, _, _ in following.asked}
    assert len({path for _, path, _, _ in following.asked}) == 7


def _begun(monkeypatch):
    """In which order the sides are begun: a word a comparison, a letter a side."""
    words, letters = [], {}

    class Listening(pool.Workers):
        def submit(self, plan):
            words.append(id(self))
            return super().submit(plan)

        def __init__(self, *told):
            super().__init__(*told)
            letters[id(self)] = "pca"[len(letters)]

    monkeypatch.setattr(assess_diff, "Workers", Listening)
    return lambda: ["".join(letters[one] for one in words[at : at + 3]) for at in range(0, len(words), 3)]


def test_the_sides_are_begun_in_an_order_that_only_the_seed_knows(shops, diff, monkeypatch):
    shops(lambda _: {}, lambda _: {})
    begun = []
    for seed in ("5", "5", "6"):
        told = _begun(monkeypatch)
        diff("--rounds", "12", "--seed", seed)
        begun.append(told())
    assert begun[0] == begun[1] != begun[2]
    assert {"".join(sorted(word)) for word in begun[0]} == {"acp"}
    assert len(set(begun[0])) > 3


def test_what_writes_has_ids_of_its_own_on_every_side(shops, diff):
    both = shops(lambda _: {}, lambda _: {}, allows=("mutations: true", "mutations: true"))
    shops.journey('- {name: any, request: {method: POST, url: "/{{ uuid() }}"}, mutates: true}')
    diff("--mutating", "--rounds", "2")
    assert len({path for shop in both for _, path, _, _ in shop.asked}) == 6


def test_rows_of_a_journey_are_counted_together(shops, diff):
    shops(lambda _: card(), lambda path: card(state="OPEN") if path == "/card/2" else card())
    shops.journey('- {name: look, request: {url: "/card/{{ row.n }}"}}', head="rows: [{n: 1}, {n: 2}]\n")
    ended = diff("--json", "-")
    [one] = json.loads(ended.out)["fields"]
    assert (one["journey"], one["raw"], one["comparisons"], one["standing"]) == ("j", 10, 20, "difference")


HAR = {
    "log": {
        "version": "1.2",
        "entries": [
            {
                "startedDateTime": f"2024-01-01T00:00:0{number}Z",
                "request": {
                    "method": method,
                    "url": f"https://shop.example.com{path}",
                    "headers": [{"name": "Authorization", "value": "Bearer captured-token-1"}],
                    "postData": {"mimeType": "application/json", "text": "{}"} if method == "POST" else None,
                },
                "response": {"status": 200, "content": {"mimeType": "application/json"}},
            }
            for number, (method, path) in enumerate([("GET", "/card/1?x=1"), ("GET", "/card/2"), ("POST", "/buy")])
        ],
    }
}
SERVICE = ("--service", "api=https://shop.example.com")


def test_captured_traffic_is_replayed_to_both_realms(shops, diff, tmp_path):
    both = shops(lambda _: card(), lambda _: card(state="OPEN"))
    (tmp_path / "day.har").write_text(json.dumps(HAR))
    ended = diff("--from", "day.har", *SERVICE)
    assert ended.code == 1
    assert "    day.har > GET /card/*\n      $.state  value  in 20 of 20" in ended.out
    assert "sent: https://shop.example.com -> api (2 requests)\n" in ended.out
    assert "left out: POST requests (--mutating sends them): 1\n" in ended.out
    assert {(method, path) for shop in both for method, path, _, _ in shop.asked} == {
        ("GET", "/card/1?x=1"),
        ("GET", "/card/2"),
    }
    assert not any("Authorization" in headers for shop in both for _, _, headers, _ in shop.asked)


def test_captured_requests_carry_the_realms_own_credentials(shops, diff, tmp_path, monkeypatch):
    monkeypatch.setenv("OUR_AUTHORIZATION", "Bearer of-the-realm-itself")
    both = shops(
        lambda _: {"said": "Bearer of-the-realm-itself"},
        lambda _: {"said": "of-the-realm-itself!"},
        more="    secrets: {authorization: {env: OUR_AUTHORIZATION}}\n",
    )
    (tmp_path / "day.har").write_text(json.dumps(HAR))
    ended = diff("--from", "day.har", *SERVICE, "--json", "-")
    assert {headers["Authorization"] for shop in both for _, _, headers, _ in shop.asked} == {
        "Bearer of-the-realm-itself"
    }
    assert fields(ended) == ["$.said value"]
    assert "***(" in ended.out
    assert "of-the-realm-itself" not in ended.out


def test_captured_requests_that_write_need_both_realms(shops, diff, tmp_path):
    both = shops(lambda _: card(), lambda _: card(), allows=("mutations: true", "mutations: true"))
    (tmp_path / "day.har").write_text(json.dumps(HAR))
    assert diff("--from", "day.har", *SERVICE, "--mutating").code == 0
    assert {content for shop in both for method, _, _, content in shop.asked if method == "POST"} == {b"{}"}


def test_a_recording_of_other_hosts_compares_nothing_and_says_so(shops, diff, tmp_path):
    both = shops(lambda _: card(), lambda _: card())
    (tmp_path / "day.har").write_text(json.dumps(HAR))
    ended = diff("--from", "day.har")
    assert ended.code == 5
    assert "(--service NAME=https://shop.example.com): 2" in ended.out
    assert [shop.asked for shop in both] == [[], []]


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


def test_no_journey_is_undecided(shops, diff):
    shops(lambda _: {}, lambda _: {})
    ended = diff("--tag", "another")
    assert ended.code == 5
    assert "nothing was compared" in ended.out


def test_a_journey_that_is_skipped_in_one_realm_is_not_compared_and_said(shops, diff):
    shops(lambda _: {}, lambda _: {})
    shops.journey(LOOK, head="never_in: [next]\n")
    ended = diff("--rounds", "2")
    assert ended.code == 5
    assert "nothing was compared" in ended.out
    assert "note: j: skipped on the candidate (never in next): 2 plays" in ended.out


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("--rounds", "0"), 2, "--rounds takes a number from 1 to 1000, not 0"),
        (("--ignore", "price"), 2, "--ignore: 'price' names no field; copy one from the report"),
        (("--from", "day.har"), 2, "day.har: no such file"),
        (("--from", "realms.yaml"), 3, "realms.yaml:1:1: not JSON"),
        (("--from", "realms.yaml", "--tag", "x"), 2, "leave out PATHS, --tag and --name"),
        (("--service", "api=http://x"), 2, "it needs --from"),
        (("--json", "-", "--markdown", "-"), 2, "cannot both be written to stdout"),
        (("nowhere.yaml",), 2, "nowhere.yaml: no such file or folder"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused_before_anything_is_sent(shops, diff, words, code, told):
    both = shops(lambda _: {}, lambda _: {})
    ended = diff(*words)
    assert (ended.code, ended.out) == (code, "")
    assert told in ended.err
    assert [shop.asked for shop in both] == [[], []]


def test_a_service_that_a_realm_has_not_is_refused(shops, diff, tmp_path):
    shops(lambda _: {}, lambda _: {})
    (tmp_path / "day.har").write_text(json.dumps(HAR))
    ended = diff("--from", "day.har", "--service", "apo=https://shop.example.com")
    assert ended.code == 2
    assert "--service apo: realm 'live' has no such service; did you mean 'api'?" in ended.err


def test_an_unknown_realm_is_refused(shops, diff):
    shops(lambda _: {}, lambda _: {})
    ended = diff(realms=("live", "nxet"))
    assert ended.code == 2
    assert "unknown realm 'nxet'; did you mean 'next'?" in ended.err


def test_a_realm_that_is_not_there_cannot_be_compared(shops, diff):
    _, following = shops(lambda _: {}, lambda _: {})
    following.close()
    assert diff().code == 4
    following.thread = threading.Thread(target=lambda: None)  # closed already
    following.thread.start()
    following.shutdown = following.server_close = lambda: None


def test_the_run_is_kept_and_listed(shops, diff, tmp_path):
    shops(lambda _: card(), lambda _: card(state="OPEN"))
    ended = diff("--json", "out.json", "--seed", "5")
    [folder] = (tmp_path / "reports" / "out").iterdir()
    assert f"report: reports/out/{folder.name}/report.html\n" in ended.out
    assert "They differ" in (folder / "report.html").read_text()
    about, told = (json.loads((folder / name).read_text()) for name in ("run.json", "diff.json"))
    assert (about["command"], about["realm"], about["candidate"]) == ("diff", "live", "next")
    assert told == json.loads((tmp_path / "out.json").read_text())
    assert (told["grade"], told["seed"], told["comparisons"]) == ("MISSED", 5, 10)
    listed = diff(realms=("list",), command="runs")
    assert re.search(rf"{folder.name} .* MISSED +diff", listed.out)


def test_a_run_of_diff_is_nobodys_baseline_and_may_be_pruned(shops, diff, tmp_path):
    shops(lambda _: {}, lambda _: {})
    assert diff("--rounds", "1").code == 0
    assert diff("--keep", "0", realms=("prune",), command="runs").code == 0
    assert list((tmp_path / "reports" / "out").glob("*/run.json")) == []


def test_an_interrupt_keeps_what_was_compared(shops, diff, tmp_path):
    asked = itertools.count(1)

    def says(_):
        if next(asked) == 10:
            os.kill(os.getpid(), signal.SIGINT)
        return card()

    shops(lambda _: card(), says)
    ended = diff("--rounds", "500")
    assert ended.code == 130
    assert "the comparison was stopped" in ended.err
    [kept] = (tmp_path / "reports" / "out").glob("*/diff.json")
    told = json.loads(kept.read_text())
    assert told["interrupted"]
    assert told["grade"] == "UNDECIDED"
    assert "the comparison was stopped before its end" in told["reason"]
    assert 5 <= told["comparisons"] < 500


def test_reports_tell_the_same(shops, diff, tmp_path):
    shops(lambda _: card(note="<b>a|b</b>"), lambda _: card(note="<i>"))
    ended = diff("--markdown", "-", "--html", "out.html")
    assert ended.out.startswith("## ❌ MISSED: next against live\n\n1 field differs above noise\n")
    assert "| j \\> look | $.note | value | 10 of 10 | 0 of 10 |" in ended.out
    page = (tmp_path / "out.html").read_text()
    assert "They differ" in page
    assert "&lt;b&gt;a|b&lt;/b&gt;" in page
    assert "<script" not in page


def test_every_answer_but_bodies_too_large_is_compared(shops, diff):
    """A body is compared whole: the difference is behind its first ten thousand lines."""
    lines = [f"line {number}" for number in range(10_000)]
    text = {"Content-Type": "text/plain"}
    shops(
        lambda _: (200, "\n".join([*lines, "end"]).encode(), text),
        lambda _: (200, "\n".join([*lines, "END"]).encode(), text),
    )
    assert fields(diff("--rounds", "7", "--json", "-")) == ["line.10001 value"]


@pytest.mark.parametrize(
    ("live", "following"),
    [
        (b'{"a": "\\ud800"}', b'{"a": "\\udfff\\u0000\\u001b[31m", "\\ud800": 1}'),
        (b"[" * 200, b"{" * 200),
        (b"\xff\xfe\x00", b"\x00"),
        (b'{"a": 1e999, "b": 123456789012345678901234567890}', b'{"a": NaN}'),
        (b"{", b"[1, 2"),
        (b" \r\n\x85\x1b]0;title\x07", b"x"),
    ],
)
def test_whatever_a_service_answers_is_compared_and_can_be_reported(shops, diff, live, following):
    shops(lambda _: (200, live, {}), lambda _: (200, following, {}))
    ended = diff("--rounds", "7", "--json", "out.json", "--markdown", "out.md", "--html", "out.html")
    assert ended.code == 1
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\x85]", ended.out)


def test_a_comparison_goes_on_until_its_report_is_written(shops, diff, monkeypatch, tmp_path):
    seen, written = [], assess_diff.diff_html

    def write(page):
        seen.extend(map(journal.is_going_on, journal.list_runs(tmp_path)))
        return written(page)

    monkeypatch.setattr(assess_diff, "diff_html", write)
    shops(lambda _: card(), lambda _: card())
    diff("--rounds", "1")
    assert seen == [True]
    assert [journal.is_going_on(run) for run in journal.list_runs(tmp_path)] == [False]
