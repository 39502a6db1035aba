"""What a worker tells its master is checked before it is counted; in a process of its own, as locust patches it."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import dataclasses, json
from seatrial.scenarios.load import child_talk
from seatrial import journal
from seatrial.sample import Interval, Pacing, Phase, Sample, Outcome
from seatrial.scenarios.load.recorder import encode_histogram

step = Interval("r", Phase.HOLD, "pay", "charge", "cards", "POST", "/c", 100, 3, 1, {"timeout": 1},
                over_ok={5000: 1}, over_failed={5000: 0}, histogram=encode_histogram({1000: 3}), side="base")
pace = Pacing("r", Phase.HOLD, 100, 4, 4, 0, 0, 0.001, 0.2, {1: 2}, lost={1: 3})
def taken(lines):
    return child_talk.records_of(lines, run="r", seconds=range(95, 105))

assert taken(child_talk.lines_of([step, pace])) == [step, pace]

def changed(**fields):
    return json.dumps({**json.loads(journal.encode(step)), **fields}).encode()

sample = Sample("r", Phase.HOLD, "s", "t", "a", "GET", "/", 1.0, 1.0, Outcome.OK)
refused = {
    "text": "x", "no list": {}, "a line of text": ["x"], "no json": [b"x"], "no object": [b"[]"], "no kind": [b"{}"],
    "another kind": [journal.encode(sample)], "no number": [changed(ok="many")], "below 0": [changed(failed=-1)],
    "unknown phase": [changed(phase="tea")], "no map": [changed(causes=[1])],
    "no histogram": [changed(histogram="AAAA")],
    "a number as text": [changed(ok="3")], "a cause below 0": [changed(causes={"timeout": 2, "reset": -1})],
    "more causes": [changed(causes={"timeout": 2})], "more over than ok": [changed(over_ok={"5000": 4})],
    "more over than failed": [changed(over_failed={"5000": 2})], "more degraded": [changed(degraded=5)],
    "another run": [changed(run="q")], "long after": [changed(second=10**15)], "before": [changed(second=94)],
    "no phase of a load": [changed(phase="acceptance")], "a long name": [changed(service="x" * 1_000_000)],
    "unhashable kind": [changed(record=[])], "too many": [journal.encode(pace)] * (child_talk.MOST_LINES + 1),
}
for name, lines in refused.items():
    try:
        taken(lines)
    except ValueError:
        continue
    raise SystemExit(f"taken: {name}")

for data in (None, [], {}, {"line": 1}, {"line": None}):
    try:
        child_talk.field(data, "line", str)
    except ValueError as error:
        assert str(error) == "no str 'line' in it"
        continue
    raise SystemExit(f"taken: {data}")
assert child_talk.field({"line": "stop"}, "line", str) == "stop"
try:
    child_talk.field({"pid": True}, "pid", int)
except ValueError:
    pass
else:
    raise SystemExit("taken: a number that is none")

taken_of_all = [("client_ready", "2.0"), (child_talk.HELLO, {})]
taken_of_members = [("heartbeat", {}), ("stats", {}), ("client_stopped", None), (child_talk.DONE, {})]
taken_of_none = [("exception", {}), ("logs", {}), ("locustfile", {}), ("client_ready", "x" * 20_000), ({}, {})]
def is_taken(messages, is_member):
    return {child_talk.is_taken(str(kind), data, is_member=is_member) for kind, data in messages}
assert is_taken(taken_of_all, False) == is_taken(taken_of_all + taken_of_members, True) == {True}
assert is_taken(taken_of_members + taken_of_none, False) == is_taken(taken_of_none, True) == {False}
"""


def test_records_come_through_whole_and_nothing_else_is_taken():
    ran = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")
