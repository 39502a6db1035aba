"""A comparison as JSON: `diff.json` of its run, and `--json`.

Room reports. Keys are stable; `docs/diff.md` explains them.
"""

from __future__ import annotations

from typing import Any

from seatrial.clock import iso
from seatrial.reports.diff.page import DiffPage
from seatrial.slo.diff.judge import Field


def diff_json(page: DiffPage) -> dict[str, Any]:
    """The page as plain values."""
    judged = page.judged
    return {
        "run": page.run,
        "grade": str(judged.grade),
        "reason": judged.reason,
        "primary": page.primary,
        "candidate": page.candidate,
        "started_at": iso(page.started_at),
        "took_s": round(page.took_s, 3),
        "seatrial": page.version,
        "rounds": page.rounds,
        "seed": page.seed,
        "interrupted": page.interrupted,
        "comparisons": judged.comparisons,
        "unseen_ratio": round(judged.unseen_ratio, 4),
        "compared": [
            {"journey": spot.journey, "step": spot.step, "comparisons": count}
            for spot, count in judged.compared.items()
        ],
        "fields": [_field(field) for field in judged.fields],
        "fields_beyond": judged.beyond,
        "ignored": list(page.ignored),
        "left_out": list(page.left_out),
        "mapped": list(page.mapped),
        "notes": list(page.notes),
    }


def _field(field: Field) -> dict[str, Any]:
    return {
        "standing": str(field.standing),
        "journey": field.spot.journey,
        "step": field.spot.step,
        "path": field.path,
        "kind": str(field.kind),
        "raw": field.raw,
        "noise": field.noise,
        "only_raw": field.only_raw,
        "comparisons": field.n,
        "p": round(field.p, 6),
        "examples": [{"primary": each.primary, "candidate": each.candidate} for each in field.examples],
    }
