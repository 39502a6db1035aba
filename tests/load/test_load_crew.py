"""What Locust's own master does about workers that are gone; in a process of its own, as locust patches it."""

from __future__ import annotations

import subprocess
import sys

PLACE = """
import sys
from pathlib import Path
import locust.runners
import gevent
from gevent.event import Event
from locust.runners import STATE_MISSING, STATE_RUNNING, WorkerNode
from seatrial.sample import Phase
from seatrial.scenarios.load import child_talk
from seatrial.scenarios.load.child_crew import Crew, State
from seatrial.scenarios.load.order import LoadOrder
from seatrial.scenarios.load.pace import Stage
from seatrial.scenarios.load.profile import Model, Profile
from seatrial.scenarios.load.spread import Spread

profile = Profile("p", Model.OPEN, {"shop": None}, (Stage(Phase.HOLD, 1.0, 1.0),))
crew = Crew(Spread(2, own=2, port=0), LoadOrder("r", Path(), profile, "test", {}), password="", changed=Event())
locust.runners.HEARTBEAT_INTERVAL = 0.005  # a hundred beats take no minute
runner = crew.environment.runner
runner.update_state(STATE_RUNNING)
told = []
runner.server.send_to_client = lambda message: told.append(message.type)

def is_missed(name):
    runner.clients[name] = WorkerNode(name)
    until = gevent.Timeout.start_new(30)
    while runner.clients[name].state != STATE_MISSING:
        gevent.sleep(0.01)
    until.close()
"""

FORGOTTEN = """
is_missed("first")
while runner.clients["first"].heartbeat > -100:
    gevent.sleep(0.01)
    assert "first" in runner.clients.keys(), "forgotten"
is_missed("second")
assert told == [], told
"""


BACK = """
member = crew._members[0]
member.client_id, member.state = "first", State.PLAYING
is_missed("first")
assert [each.name for each in crew.missing()] == ["worker 1 of 2"]
told_lines = []
crew.on_report = lambda member, lines: told_lines.extend(lines)
member.state = State.GONE
crew._report("first", {child_talk.REPORT: [b"x"]})
member.state = State.PLAYING  # as the master has it
assert told_lines == [b"x"] and list(crew.missing()) == []
"""


def test_a_worker_that_tells_something_again_is_not_missed_until_it_is_silent_again():
    script = PLACE + BACK
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stderr) == (0, "")


def test_a_worker_that_is_gone_for_long_is_not_forgotten_and_others_are_missed_and_none_is_stopped():
    ran = subprocess.run(
        [sys.executable, "-c", PLACE + FORGOTTEN], capture_output=True, text=True, timeout=60, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
