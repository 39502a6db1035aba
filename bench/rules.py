"""The rules that the tables of docs/statistics.md rest on, as a digest that stands beside the tables.

Whoever changes a rule makes the tables anew (`make verdicts`); a test holds the page's digest to that of the sources.
Comments, docstrings, the layout of the code and the texts that values are filled into are left out, so that a word
mended there asks for no simulation.
"""

from __future__ import annotations

import ast
import hashlib
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SLO = ROOT / "src" / "seatrial" / "slo"
SOURCES = (
    *sorted((SLO / "decide").glob("*.py")),
    *(SLO / f"{name}.py" for name in ("compare", "compare_latencies", "comparison", "long_run", "tails")),
    ROOT / "tests" / "slo" / "simulation.py",
    ROOT / "bench" / "verdicts.py",
)
"""Every source that a number of the tables can depend on: the rules, their twins, and the rows."""

_STAMP = re.compile(r"<!-- rules: (?P<rules>\w*), (?P<runs>\d*) runs -->")
_SHOWN = 16


def digest(sources: Iterable[Path] = SOURCES) -> str:
    """Another as soon as what one of them does may be another; 16 hexadecimal digits."""
    told = "\n".join(f"{source.name}: {_told(ast.parse(source.read_bytes()))}" for source in sources)
    return hashlib.sha256(told.encode()).hexdigest()[:_SHOWN]


def stamped(page: str, *, rules: str, runs: int) -> str:
    """The page with its stamp made new; ValueError where it has none."""
    if not _STAMP.search(page):
        raise ValueError("statistics.md: no place for the rules' digest; it is to hold '<!-- rules: , 0 runs -->'")
    return _STAMP.sub(f"<!-- rules: {rules}, {runs} runs -->", page)


def outdated(page: str, *, rules: str, runs: int) -> str | None:
    """What is said where the page's tables are of other rules, or of fewer runs; None where they are of these."""
    stamp = _STAMP.search(page)
    if stamp is None:
        return "docs/statistics.md does not say which rules made its tables; run `make verdicts` and commit the page"
    if stamp["rules"] != rules:
        return (
            f"docs/statistics.md publishes tables of the rules {stamp['rules'] or '(none)'}, but the sources are now"
            f" {rules}: a rule or the simulation was changed; run `make verdicts` and commit the page"
        )
    if stamp["runs"] != str(runs):
        return f"docs/statistics.md publishes tables of {stamp['runs']} runs; run `make verdicts`, which makes {runs}"
    return None


def _told(node: ast.AST) -> str:
    """The tree as text. Empty fields are left out: which of them exist differs between versions of Python."""
    fields = ((name, value) for name, value in ast.iter_fields(node) if value is not None and value != [])
    told = ((name, ", ".join(_each(value))) for name, value in fields)
    return f"{type(node).__name__}({'; '.join(f'{name}={text}' for name, text in told)})"


def _each(value: object) -> Iterator[str]:
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, ast.JoinedStr):  # words for people, but for what is worked out within them
            yield from _each([filled for filled in part.values if isinstance(filled, ast.FormattedValue)])
        elif not _is_docstring(part):
            yield _told(part) if isinstance(part, ast.AST) else repr(part)


def _is_docstring(part: object) -> bool:
    """A string that stands alone does nothing, wherever it stands."""
    return isinstance(part, ast.Expr) and isinstance(part.value, ast.Constant) and isinstance(part.value.value, str)
