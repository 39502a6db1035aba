"""Findings for what is shown on a terminal; every field has a plain default."""

from __future__ import annotations

from typing import Any

import pytest

from check_parts import check, service, workspace
from seatrial.verdict import Finding, Grade, Subject

__all__ = ["check", "findings", "service", "workspace"]


class Findings:
    """Builders; they keep no state."""

    def one(self, objective: str = "available", grade: Grade = Grade.MET, **fields: Any) -> Finding:
        usual = {"subject": Subject.OBJECTIVE, "service": "shop", "reason": f"the reason of {objective}"}
        return Finding(objective=objective, grade=grade, **(usual | fields))


@pytest.fixture(scope="session")
def findings() -> Findings:
    """Builders of findings."""
    return Findings()
