"""The verdict as JSON and the summary as Markdown."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from seatrial.errors import ExitCode
from seatrial.journal import read_json, write_json
from seatrial.redact import Secrets
from seatrial.reports.build import build
from seatrial.reports.markdown import markdown
from seatrial.reports.page import Journey, Page, RunFacts
from seatrial.reports.verdict_json import verdict_json
from seatrial.verdict import Finding, Grade, Subject, Verdict

FACTS = RunFacts("run-1", "demo", started_at=1000.0)


def as_is(text: str) -> str:
    return text


def page_of(grade: Grade, *, reason: str = "all met", journeys: tuple[Journey, ...] = ()) -> Page:
    return build(FACTS, Verdict(grade, 100.0, (), reason), journeys=journeys)


def test_the_verdicts_keys_are_these(page: Page) -> None:
    content = verdict_json(page.verdict, page.facts, redact=as_is, code=ExitCode.MET)

    assert list(content) == ["version", "run", "realm", "grade", "score", "reason", "exit_code", "findings"]
    assert list(content["findings"][0]) == [
        "name", "subject", "service", "objective", "grade", "reason", "limit", "measured", "low", "high",
        "limit_text", "measured_text", "n", "bad", "design_effect", "decided_at_s", "wanted_n", "weight", "key",
        "experiment", "where", "counts",
    ]  # fmt: skip


def test_the_verdict_is_plain_json_and_survives_the_disk(tmp_path: Path, page: Page) -> None:
    content = verdict_json(page.verdict, page.facts, redact=as_is, code=ExitCode.MET)

    write_json(tmp_path / "verdict.json", content)

    assert read_json(tmp_path / "verdict.json") == content == json.loads(json.dumps(content))


def test_the_exit_code_is_the_commands() -> None:
    content = verdict_json(Verdict(Grade.DEGRADED, 80.0, ()), FACTS, redact=as_is, code=ExitCode.MISSED)

    assert content["exit_code"] == 1


def test_the_json_masks_secrets() -> None:
    secrets = Secrets()
    secrets.add("token", "s3cr3t-value")
    finding = Finding(Subject.OBJECTIVE, "cards", "fast", Grade.MISSED, "saw s3cr3t-value")

    content = verdict_json(
        Verdict(Grade.MISSED, 0.0, (finding,), "s3cr3t-value"), FACTS, redact=secrets.redact, code=ExitCode.MISSED
    )

    assert "s3cr3t-value" not in json.dumps(content)


def test_the_summary_names_the_verdict_and_what_stands_against_it(page: Page) -> None:
    text = markdown(page, redact=as_is)

    assert text.startswith("## ❌ MISSED, score 71.4 of 100\n")
    assert "| ❌ MISSED | cards.fast | p95 \\< 120 ms | 14.3 % slower |" in text
    assert text.index("| cards.fast |") < text.index("| ✅ MET | gateway.roomy |")
    assert "took 2 m 40 s" in text
    assert page.journeys[0].steps[3].text in text


def test_a_summary_without_anything_against_it_has_no_table() -> None:
    assert markdown(page_of(Grade.MET), redact=as_is) == (
        "## ✅ MET, score 100 of 100\n\nall met\n\n0 findings on realm demo, run run-1.\n"
    )


def test_a_summary_of_a_met_run_has_its_numbers_and_says_its_score_once() -> None:
    met = Finding(
        Subject.OBJECTIVE, "shop", "fast", Grade.MET, "long", limit_text="p95 50 ms", measured_text="1 % slower", n=9
    )
    apart = Finding(Subject.OBJECTIVE, "shop", "no slower", Grade.UNDECIDED, "no baseline: none", counts=False)
    verdict = Verdict(Grade.MET, 100.0, (apart, met), "score 100 of 100; the one finding is MET")

    text = markdown(build(FACTS, verdict), redact=as_is)

    assert text.startswith("## ✅ MET\n\nscore 100 of 100; the one finding is MET\n")
    late = Verdict(Grade.UNDECIDED, 0.0, (met,), "late; score 0 of 100, all counted as lost")
    assert markdown(build(FACTS, late), redact=as_is).startswith("## ❔ UNDECIDED\n\nlate; score 0 of 100")
    assert "| ✅ MET | shop.fast | p95 50 ms | 1 % slower |  |" in text
    assert "| · no baseline | shop.no slower |  |  | no baseline: none |" in text


def test_a_table_stays_whole_whatever_a_reason_holds(page: Page) -> None:
    hostile = replace(page.against[0], reason="a | b\n<img src=x> `c` [d](e)")

    text = markdown(replace(page, against=(hostile,)), redact=as_is)

    assert "| a \\| b \\<img src=x\\> \\`c\\` \\[d\\](e) |" in text


def test_a_failures_text_cannot_leave_its_block() -> None:
    journey = Journey("pay", False, (), text="```\n# out\n````\nend")

    text = markdown(page_of(Grade.MISSED, journeys=(journey,)), redact=as_is)

    assert text.endswith("`````text\n```\n# out\n````\nend\n`````\n")


def test_a_failures_text_is_cut_after_forty_lines() -> None:
    journey = Journey("pay", False, (), text="\n".join(f"line {k}" for k in range(100)))

    text = markdown(page_of(Grade.MISSED, journeys=(journey,)), redact=as_is)

    assert "line 39\n... 60 more lines, in the report\n" in text
    assert "line 40" not in text
