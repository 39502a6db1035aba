"""A verdict on a terminal: the whole first, a line a finding, and why for those that are not MET."""

from __future__ import annotations

from dataclasses import replace

from seatrial.cli.verdict_text import WIDTH, verdict_lines
from seatrial.verdict import Grade, Subject, Verdict


def _texts(*findings, grade=Grade.MET, score=None, reason=""):
    return [line.text for line in verdict_lines(Verdict(grade, score, findings, reason))]


def test_the_verdict_is_the_first_line_with_its_score(findings):
    assert _texts(findings.one(), score=87.5)[0].startswith("verdict: MET")
    assert "88 of 100" in _texts(findings.one(), score=87.5)[0]
    assert "of 100" not in _texts(findings.one())[0]


def test_a_verdict_without_findings_still_says_why():
    assert _texts(grade=Grade.UNDECIDED, reason="no data: nothing was judged") == [
        "verdict: UNDECIDED",
        "  no data: nothing was judged",
    ]


def test_only_what_is_not_met_gives_its_reason(findings):
    text = "\n".join(
        _texts(findings.one("available"), findings.one("fast", Grade.MISSED), findings.one("roomy", Grade.DEGRADED))
    )
    assert "the reason of available" not in text
    assert "the reason of fast" in text
    assert "the reason of roomy" in text


def test_numbers_stand_beside_the_finding(findings):
    one = findings.one(
        limit_text="errors <= 2%",
        measured_text="0.1% failed (4 of 4,000)",
        n=4000,
        design_effect=6.25,
        decided_at_s=61.0,
    )
    (line,) = [text for text in _texts(one) if "available" in text]
    for part in ("MET", "errors <= 2%", "0.1% failed (4 of 4,000)", "D 6.25", "after 61 s"):
        assert part in line


def test_what_was_not_measured_shows_no_numbers(findings):
    (line,) = [
        text for text in _texts(findings.one(grade=Grade.UNDECIDED)) if "UNDECIDED" in text and "available" in text
    ]
    assert line.split() == ["UNDECIDED", "available"]


def test_findings_stand_together_by_service_and_experiment(findings):
    texts = _texts(
        findings.one("available"),
        findings.one("available", service="stock"),
        findings.one("fast"),
        findings.one("fast during", subject=Subject.EXPECTATION, experiment="stock hangs"),
    )
    assert [text.strip() for text in texts if text.startswith("  ") and not text.startswith("   ")] == [
        "shop",
        "stock",
        "Experiment: stock hangs",
    ]


def test_no_line_of_a_reason_is_wider_than_the_terminal(findings):
    texts = _texts(findings.one(grade=Grade.MISSED, reason="slower and slower " * 40), reason="because " * 60)
    assert all(len(text) <= WIDTH for text in texts)
    assert " ".join(" ".join(texts).split()).count("slower and slower") == 40


def test_every_line_of_a_finding_knows_its_grade(findings):
    lines = tuple(verdict_lines(Verdict(Grade.MISSED, None, (findings.one("fast", Grade.MISSED), findings.one()))))
    assert [line.grade for line in lines if "MISSED" in line.text] == [Grade.MISSED, Grade.MISSED]
    assert [line.grade for line in lines if line.text.strip().startswith("MET")] == [Grade.MET]


def test_numbers_that_do_not_fit_beside_their_name_stand_below_it(monkeypatch, findings):
    monkeypatch.setenv("COLUMNS", "80")
    one = replace(findings.one("fast"), limit_text="p95 <= 500 ms", measured_text=f"0 % waited longer ({'x' * 40})")
    lines = [line.text for line in verdict_lines(Verdict(Grade.MET, 100.0, (one,), ""))]
    assert max(map(len, lines)) <= 80
    assert any(line.startswith("                p95 <= 500 ms; 0 % waited longer") for line in lines)
