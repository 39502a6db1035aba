"""An audit as JSON: findings, the matrix, the score, what was not judged and what was not tried. Pure."""

from __future__ import annotations

from typing import Any

from seatrial.assess.audit.audited import Audited
from seatrial.chaos.audit import causes
from seatrial.chaos.audit.families import DEFECTS, UNTRIABLE
from seatrial.chaos.audit.model import Cause, Ruling


def audit_json(audited: Audited) -> dict[str, Any]:
    """What `audit.json` holds."""
    rulings = audited.rulings
    grid = causes.matrix(rulings, audited.edges)
    return {
        "version": 1,
        "run": audited.run.name,
        "realm": audited.realm,
        "grade": audited.grade,
        "command": audited.command or None,
        "what_if": audited.what_if or None,
        "score": audited.score,
        "cut_short": audited.cut_short or None,
        "exit_code": int(audited.code),
        "findings": [_cause(cause) for cause in causes.causes(rulings)],
        "matrix": {str(edge): {str(kind): cell for kind, cell in row.items()} for edge, row in grid.items()},
        "rulings": [_ruling(ruling) for ruling in rulings],
        "not_tried": [
            {"defect": number, "name": name, "why": UNTRIABLE.get(number, "")}
            for number, name in causes.untried(rulings).items()
        ],
    }


def _cause(cause: Cause) -> dict[str, Any]:
    family = cause.family
    return {
        "defects": list(family.numbers),
        "names": [DEFECTS[number] for number in family.numbers],
        "finding": family.title,
        "service": cause.caller,
        "edges": [str(edge) for edge in cause.edges],
        "severity": family.severity.word,
        "evidence": [f"{item.strain.kind} on {item.strain.edge}: {item.reading.text}" for item in cause.rulings],
        "advice": family.advice,
        "consequences": [
            {"defects": list(item.family.numbers), "edge": str(item.strain.edge), "evidence": item.reading.text}
            for item in cause.consequences
        ],
    }


def _ruling(ruling: Ruling) -> dict[str, Any]:
    return {
        "defects": list(ruling.family.numbers),
        "edge": str(ruling.strain.edge),
        "fault": str(ruling.strain.kind),
        "sign": str(ruling.reading.sign),
        "evidence": ruling.reading.text,
        "n": ruling.reading.n,
        "bad": ruling.reading.bad,
    }
