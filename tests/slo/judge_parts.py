"""How findings are asked for in tests."""

RULES = {"alpha": 0.05, "min_hold_s": 20.0}


def grades_of(findings):
    return {finding.objective: finding.grade for finding in findings}


def only_one(findings):
    (finding,) = findings
    return finding
