"""Whatever a disk, an editor or another version made of a run's folder: a sentence with its place, or a verdict."""

from __future__ import annotations

import collections
import dataclasses
import json
import math
import random
from pathlib import Path

import pytest

from seatrial import journal
from seatrial.assess import run as assess_run
from seatrial.assess.about import read_about, write_about
from seatrial.assess.conclude import plan_of
from seatrial.assess.plan import Asked, read_plan
from seatrial.assess.run import Telling, assess, conclude_run
from seatrial.assess.runs import prune, run_lines
from seatrial.assess.versus import read_counted
from seatrial.clock import SystemClock
from seatrial.errors import DocumentError, SeatrialError, Unreachable
from seatrial.journal import Journal, Run
from seatrial.redact import Secrets
from seatrial.reports.load.files import LoadFiles, LoadWriter, load_by_second
from seatrial.sample import Cause, Earlier, EdgeCall, Evidence, FaultWindow, Queried
from seatrial.scenarios.load.order import Canary
from seatrial.scenarios.load.recorder import encode_histogram
from seatrial.slo.compared import compare_counted

DAMAGES = 8
VALUES = (
    None,
    True,
    -1,
    5,
    10**18,
    1e308,
    "",
    "x",
    "\0",
    "x" * 300,
    [],
    [5],
    [[]],
    {},
    {"a": 1},
    {"a": {}},
    {"1": "x"},
    {"": ""},
    [None],
    [["a", 1]],
    -0.0,
    1e-320,
    math.nan,
    math.inf,
    2**70,
    "\ud800",
    "\u2028",
    "../x",
    "9" * 5000,
)


@pytest.fixture
def kept(workspace, records) -> Run:
    """A run with a record of every kind."""
    run = Run(workspace / "reports" / "out" / "20260101-000000-here-0000")
    run.folder.mkdir(parents=True)
    more = {"services": ("shop", "stock"), "revisions": {"shop": "1a2b"}, "aborted": {"load": "cut short"}}
    more |= {"overrides": {"name": "Ada"}, "baselines": {"baseline": (run.name,)}, "profile": "some"}
    canary = Canary({"shop": "http://127.0.0.1:3"}, 0.5)
    write_about(run, records.about(run=run.name, gate="plain", canary=canary, **more))
    histogram = encode_histogram(collections.Counter({20_000: 90, 40_000: 10}))
    writer = Journal(run.journal)
    writer.write(*records.accepted(), records.sample("look", Cause.STATUS))
    for second in range(6):
        writer.write(*(_measured(record, histogram) for record in records.second(second, failed=second % 2)))
    writer.write(
        EdgeCall("r", "shop->stock", 1_700_000_001.5, "POST", "/goods", duration_s=0.1, status=200, fate="answered"),
        FaultWindow("stock hangs", "timeout", "shop->stock", 1_700_000_001.0, 1_700_000_002.0, "healed"),
        Evidence("r", "buy a rope", "look", "expected 201"),
        Queried("r", "shop", "spare", "up", "up", 1_700_000_001.0, 40, value=1.0),
        Earlier("r", "shop", "spare", ("before",), (1.0,)),
    )
    writer.close()
    return run


def _measured(record, histogram: str):
    counts = {"histogram": histogram, "service_histogram": histogram}
    return dataclasses.replace(record, **counts) if hasattr(record, "histogram") else record


def _read_everything(workspace: Path, run: Run) -> None:
    """All that commands make of a recorded run."""
    prune(run_lines(workspace), {}, now=2e9, keep=0)
    with LoadWriter(LoadFiles(csv=str(workspace / "seconds.csv"), hlog=str(workspace / "load.hlog"))) as writer:
        for second in load_by_second(journal.read(run.journal)):
            writer.add(second)
    counted = read_counted(run, "run")
    compare_counted(counted, counted, {}, change_ratio=0.0, alpha=0.05)
    conclude_run(run, plan_of(workspace, read_about(run)), Secrets())


def _bytes_damaged(content: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(content))
    put = dice.choice((b"", b"0", b"-", b'"', b"e9", b"\xff", b"\n", b"x"))
    return content[:at] + put + content[at + dice.randrange(3) :]


def _holders(value: object) -> list[dict | list]:
    """Every object and list in it that holds something, itself too."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [*([value] if inner else []), *(found for one in inner for found in _holders(one))]


def _value_damaged(content: bytes, dice: random.Random) -> bytes:
    """One value somewhere in one line is another, is gone, or is one too many."""
    lines = [content] if content.startswith(b"{\n") else content.splitlines()
    chosen = dice.randrange(len(lines))
    whole = json.loads(lines[chosen])
    inner = dice.choice([whole, *_holders(whole)])
    key = dice.choice((*inner, "more")) if isinstance(inner, dict) else dice.randrange(len(inner))
    inner[key] = dice.choice(VALUES)
    if dice.random() < 0.2:
        del inner[key]
    lines[chosen] = json.dumps(whole).encode()
    return b"\n".join(lines) + b"\n"


@pytest.mark.parametrize("file", ["run.json", "journal.jsonl"])
@pytest.mark.parametrize("damaged", [_bytes_damaged, _value_damaged])
def test_a_damaged_run_ends_in_a_sentence_or_a_verdict(file, damaged, kept, workspace):
    path, dice = kept.folder / file, random.Random(f"{file} {damaged.__name__}")
    sound = path.read_bytes()
    _read_everything(workspace, kept)
    refused = 0
    for _ in range(DAMAGES):
        path.write_bytes(damaged(sound, dice))
        try:
            _read_everything(workspace, kept)
        except SeatrialError:
            refused += 1
        except Exception as error:
            raise AssertionError(path.read_bytes()) from error
    assert refused > 0


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"baselines": []}, "'baselines'"),
        ({"overrides": []}, "'overrides'"),
        ({"services": 5}, "'services'"),
        ({"canary": {"addresses": {}}}, "'canary.share_ratio'"),
        ({"started_at": "yesterday"}, "'started_at'"),
        ({"started_at": -1.0}, "'started_at' cannot be"),
        ({"baselines": {"baseline": ["../x"]}}, "'../x' is no name of a run"),
        ({"moon": 1, "version": "9.9"}, "unknown key 'moon'; it was written by seatrial 9.9"),
    ],
)
def test_a_damaged_run_json_is_told_with_its_line(said, problem, kept):
    content = json.loads(kept.about.read_text()) | said
    kept.about.write_text(json.dumps(content, indent=2))
    key, lines = next(iter(said)), kept.about.read_text().splitlines()
    line = next(number for number, text in enumerate(lines, start=1) if text.startswith(f'  "{key}"'))
    with pytest.raises(DocumentError) as told:
        read_about(kept)
    assert str(told.value).startswith(f"{kept.about}:{line}:1: {problem}")


def _begun_otherwise() -> str:
    """A histogram whose first byte was damaged: what zlib holds of it is whole."""
    return f"A{encode_histogram({5: 3})[1:]}"


@pytest.mark.parametrize(
    ("said", "problem"),
    [
        ({"record": "interval", "run": "r"}, "'phase' is missing"),
        ({"record": "play", "steps": [{}]}, "one of its 'steps'"),
        ({"record": "interval", "over_ok": [1]}, "'over_ok' cannot be '\\[1\\]'"),
        ({"record": "interval", "over_ok": {"1": "x"}}, "'x' is not a count"),
        ({"record": "interval", "histogram": "SGVsbG8="}, "'histogram' is not a histogram"),
        (
            {"record": "interval", "histogram": _begun_otherwise()},
            "'histogram' is not a histogram: it does not begin as",
        ),
        ({"record": "interval", "causes": {"plague": 1}}, "unknown cause 'plague'"),
        ({"record": "interval", "second": 10**12}, "'second' cannot be 1000000000000"),
        ({"record": "interval", "ok": -5}, "'ok' cannot be -5"),
        ({"record": "interval", "moon": 1}, "unknown key 'moon'; another version"),
        ({"record": "omen"}, r"no record of seatrial \('omen'\)"),
        ({}, "it says no kind of record"),
    ],
)
def test_a_damaged_line_of_a_journal_is_told_with_its_number(said, problem, kept, records):
    whole = {"interval": records.interval(1), "play": records.play("look")}.get(str(said.get("record")))
    content = json.loads(journal.encode(whole)) if whole and len(said) == 2 and "run" not in said else {}
    with kept.journal.open("a") as file:
        file.write(json.dumps(content | said) + "\n")
    number = len(kept.journal.read_bytes().splitlines())
    with pytest.raises(DocumentError, match=rf"^{kept.journal}:{number}:1: not a line of a journal: {problem}"):
        tuple(journal.read(kept.journal))


@pytest.mark.parametrize("line", ["5", "[]", '"sample"', "null"])
def test_json_that_is_no_object_is_no_line_of_a_journal(line, kept):
    kept.journal.write_text(f"{line}\n")
    with pytest.raises(DocumentError, match=r"journal\.jsonl:1:1: not a line of a journal: no JSON object"):
        tuple(journal.read(kept.journal))


def _telling() -> Telling:
    return Telling(lambda line: None, lambda moment: None)


def test_a_run_goes_on_until_its_report_is_written(workspace, monkeypatch):
    seen = []

    def conclude(run, *_, **__):
        seen.append((run, journal.is_going_on(run)))

    monkeypatch.setattr(assess_run, "conclude_run", conclude)
    _assess_nothing(workspace, monkeypatch)
    assert [going_on for _, going_on in seen] == [True]
    assert not journal.is_going_on(seen[0][0])


def test_a_run_that_was_refused_by_the_metrics_server_is_listed_and_can_be_pruned(workspace, monkeypatch):
    def refuse(_):
        raise Unreachable("the query cannot be read")

    monkeypatch.setattr(assess_run, "try_queries", refuse)
    with pytest.raises(Unreachable):
        _assess_nothing(workspace, monkeypatch)
    lines = run_lines(workspace)
    assert [line.run.folder for line in lines] == list((workspace / "reports" / "out").iterdir())
    assert prune(lines, {}, now=2e9, keep=0).going == lines


def test_a_fault_without_its_target_leaves_no_folder(workspace, monkeypatch):
    monkeypatch.setattr(assess_run, "preflight", lambda *_, **__: None)
    with pytest.raises(SeatrialError, match="proxy"):
        assess(read_plan(workspace, Asked()), clock=SystemClock(), telling=_telling())
    assert not (workspace / "reports" / "out").exists()


def _assess_nothing(workspace: Path, monkeypatch) -> None:
    """An assessment that sends nothing."""
    monkeypatch.setattr(assess_run, "preflight", lambda *_, **__: None)
    monkeypatch.setattr(assess_run.stage, "accept", lambda _: ())
    plan = dataclasses.replace(read_plan(workspace, Asked(gate="plain")), profile=None)
    assess(plan, clock=SystemClock(), telling=_telling())
