"""The journeys as users of plain Locust: `SEATRIAL_REALM=demo locust -f scenarios/locustfile.py`."""

from pathlib import Path

from seatrial.scenarios.load.child_plain import users

globals().update(users(Path(__file__).resolve().parent.parent))
