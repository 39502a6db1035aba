"""`seatrial diff`: what it refuses, and what it keeps of a comparison."""

from __future__ import annotations

import itertools
import json
import os
import re
import signal
import threading

import pytest
from diff_parts import HAR, LOOK, card, fields

from seatrial import journal
from seatrial.assess import diff as assess_diff


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


def test_the_run_is_kept_and_listed(shops, diff, command, tmp_path):
    shops(lambda _: card(), lambda _: card(state="OPEN"))
    ended = diff("--json", "out.json", "--seed", "5")
    [folder] = (tmp_path / "reports" / "out").iterdir()
    assert f"report: reports/out/{folder.name}/report.html\n" in ended.out
    assert "They differ" in (folder / "report.html").read_text()
    about, told = (json.loads((folder / name).read_text()) for name in ("run.json", "diff.json"))
    assert (about["command"], about["realm"], about["candidate"]) == ("diff", "live", "next")
    assert told == json.loads((tmp_path / "out.json").read_text())
    assert (told["grade"], told["seed"], told["comparisons"]) == ("MISSED", 5, 10)
    listed = command("runs", "list")
    assert re.search(rf"{folder.name} .* MISSED +diff", listed.out)


def test_a_run_of_diff_is_nobodys_baseline_and_may_be_pruned(shops, diff, command, tmp_path):
    shops(lambda _: {}, lambda _: {})
    assert diff("--rounds", "1").code == 0
    assert command("runs", "prune", "--keep", "0").code == 0
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
