"""What went wrong in a step, and the one text for it: console, JUnit, JSON, HTML and pytest all show the same.

Room scenarios. A `Failure` is cheap data, made by the thousand under load; wording it is left to `failure_text`,
which needs what surrounds it. Pure. Everything that leaves here has passed through `Secrets`.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial import match
from seatrial.errors import Where
from seatrial.quantity import show_duration
from seatrial.redact import Secrets
from seatrial.sample import Cause, Timings

MAX_DIFF_LINES = 24
MAX_DIFF_CHARACTERS = 20_000
"""Of either side: a longer comparison takes longer than anybody would read."""

MAX_SOURCE_WIDTH = 180
MAX_LINE = 300
"""Characters of a value shown; the whole of it is one `curl` away."""


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that was not as expected.

    `where` is its place in the file, `rendered` what the template there became (empty when it is none). `summary`
    is one line. `diff` holds the two sides of a body that was compared as a whole: what was wanted (a text or a
    pattern) and what came.
    """

    where: Where
    cause: Cause
    summary: str
    actual: str = ""
    expected: str = ""
    rendered: str = ""
    notes: tuple[tuple[str, str], ...] = ()
    diff: tuple[Any, Any] | None = None


@dataclass(frozen=True, slots=True)
class Used:
    """A variable that a failing step's templates mention, and where its value came from."""

    name: str
    value: Any
    origin: str
    captured: bool = False


@dataclass(frozen=True, slots=True)
class Evidence:
    """What surrounds the failures of one attempt: its title, the captured values, the timing line, the curl line."""

    title: str
    used: tuple[Used, ...] = ()
    timing: str = ""
    repeat: str = ""


Sources = Mapping[str, tuple[str, ...]]


def failure_text(failures: Iterable[Failure], evidence: Evidence, *, sources: Sources, secrets: Secrets) -> str:
    """One block a failure below the title, then what they have in common; redacted."""
    lines = [secrets.redact(evidence.title)]
    width = 1
    for failure in failures:
        width = len(str(failure.where.line))
        block = _block(failure, sources.get(failure.where.file, ()), width, secrets=secrets)
        lines += [_shortened(secrets.redact(line)) for line in block]
    common = [secrets.redact(line) for line in _common(evidence)]
    repeat = [secrets.redact(f"repeat:   {evidence.repeat}")] if evidence.repeat else []
    return "\n".join([*lines, *(f"{' ' * width} = {line}" for line in (*map(_shortened, common), *repeat))])


def timing_text(timings: Timings, latency_s: float, trace_id: str) -> str:
    """`connect 1 ms, first byte 4 ms, total 5 ms;  trace 4bf9...`; a reused connection is called so, not 0 ms."""
    reused = timings.connect_s is None and timings.first_byte_s is not None
    spent = {
        "dns": timings.dns_s,
        "connect": timings.connect_s,
        "tls": timings.tls_s,
        "first byte": timings.first_byte_s,
        "total": latency_s,
    }
    phases = [f"{name} {show_duration(spent_s)}" for name, spent_s in spent.items() if spent_s is not None]
    return f"{', '.join(['connect reused', *phases] if reused else phases)};  trace {trace_id}"


def _block(failure: Failure, source: tuple[str, ...], width: int, *, secrets: Secrets) -> Iterator[str]:
    """What is taken apart here is masked before: no part of a secret is known as one."""
    gutter = " " * width
    where = failure.where
    yield f"{gutter}--> {where}"
    if 0 < where.line <= len(source):
        line, column = _window(secrets.redact(source[where.line - 1].replace("\t", " ")), where)
        rendered = f" rendered: {failure.rendered}" if failure.rendered else ""
        yield f"{gutter} |"
        yield f"{where.line:>{width}} | {line}"
        yield f"{gutter} | {' ' * (column - 1)}{'^' * max(1, where.width)}{rendered}"
    for label, text in _lines(failure):
        yield f"{gutter} = {label + ':':<9} {text}".rstrip()
    for text in _diff_lines(failure.diff, secrets):
        yield f"{gutter}   {text}"


def _shortened(line: str) -> str:
    return line if len(line) <= MAX_LINE else f"{line[:MAX_LINE]}... ({len(line)} characters)"


def _window(line: str, where: Where) -> tuple[str, int]:
    """The part of a long line around its place, and the column of the place within it."""
    start = max(0, where.column - MAX_SOURCE_WIDTH // 2) if len(line) > MAX_SOURCE_WIDTH else 0
    return line[start : start + MAX_SOURCE_WIDTH], where.column - start


def _lines(failure: Failure) -> Iterator[tuple[str, str]]:
    if failure.actual:
        yield "actual", failure.actual
    if failure.expected:
        yield "expected", failure.expected
    yield from failure.notes


def _common(evidence: Evidence) -> Iterator[str]:
    for used in evidence.used:
        word = "captured" if used.captured else "variable"
        yield f"{word}: {used.name} = {match.plain(used.value)}   from {used.origin}"
    if evidence.timing:
        yield f"timing:   {evidence.timing}"


def _diff_lines(diff: tuple[Any, Any] | None, secrets: Secrets) -> list[str]:
    """The first hunk in which the two sides differ; nothing where it would only repeat the one line above it."""
    if diff is None:
        return []
    wanted, came = _side(*diff), _side(diff[1], diff[1])
    if max(len(wanted), len(came)) > MAX_DIFF_CHARACTERS or wanted.count("\n") + came.count("\n") < 2:
        return []
    before, after = secrets.redact(wanted).splitlines(), secrets.redact(came).splitlines()
    lines = difflib.unified_diff(before, after, "expected", "actual", lineterm="", n=2)
    return _first_hunk(lines)


def _first_hunk(lines: Iterable[str]) -> list[str]:
    hunk: list[str] = []
    for line in lines:
        if line.startswith("@@") and any(known.startswith("@@") for known in hunk):
            break
        hunk.append(line)
    return hunk if len(hunk) <= MAX_DIFF_LINES else [*hunk[:MAX_DIFF_LINES], "..."]


def _side(wanted: Any, came: Any) -> str:
    """One side as lines: a text as it is, a pattern with what came wherever it asks for nothing or is content."""
    if isinstance(wanted, str):
        return wanted
    shown = _merged(wanted, came) if isinstance(wanted, match.Pattern) else wanted
    lines = json.dumps(shown, indent=2, ensure_ascii=False, sort_keys=True, default=str).splitlines()
    return "\n".join(line.removesuffix(",") for line in lines)  # else a line differs because of what follows it


def _merged(wanted: match.Pattern, came: Any) -> Any:
    if isinstance(wanted, match.Literal):
        return came if match.equal(wanted.value, came) else wanted.value
    if isinstance(wanted, match.Matcher):
        missed = match.mismatches(wanted, came)
        return f"<{' and '.join(one.expected for one in missed)}>" if missed else came
    if isinstance(wanted, match.Elements):
        known = came if isinstance(came, list) else []
        padded = (*known, *[None] * len(wanted.elements))
        return [_merged(part, padded[index]) for index, part in enumerate(wanted.elements)]
    known_members = came if isinstance(came, Mapping) else {}
    asked = {key: _merged(part, known_members.get(key)) for key, part in wanted.members}
    return {**known_members, **asked}
