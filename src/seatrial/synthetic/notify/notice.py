"""What a receiver is told about an alert: the same words whatever the channel. Pure."""

from __future__ import annotations

import json

from seatrial.clock import iso
from seatrial.synthetic.alert import RULE, Alert
from seatrial.synthetic.model import Monitor, Subject


def body_of(alert: Alert, monitor: Monitor, subject: Subject) -> str:
    """The letter's JSON. Instants are ISO 8601 in UTC; `key` is the same for firing and resolved.

    `step` and `detail` tell of the failing step; both are empty when it is resolved.
    """
    result = alert.result
    return json.dumps(
        {
            "version": 1,
            "state": alert.event.value,
            "key": alert.key,
            "rule": RULE,
            "severity": monitor.down.severity.value,
            "realm": result.realm,
            "service": subject.service,
            "monitor": result.monitor,
            "scenario": result.scenario,
            "step": result.step,
            "detail": result.detail,
            "failures": alert.failures,
            "since": iso(alert.since),
            "at": iso(result.started_at),
            "runbook": subject.runbook,
            "trace_id": result.trace_id,
        }
    )
