"""Lays a page out as one HTML file: no network, no scripts, the same page to the same bytes.

Room reports, and the only place besides `template` that knows Jinja2. Every text is redacted, made printable and
escaped, in that order. A template of the same name in the workspace's `reports/templates/` wins; it may extend
`built-in/report.html.j2` and override single blocks. May import the floor and this room; must never write a file.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import traceback
from collections.abc import Callable
from pathlib import Path

import jinja2
import jinja2.sandbox

from seatrial.errors import DocumentError, Where
from seatrial.quantity import show_duration, show_ratio
from seatrial.reports.audit.page import Mark
from seatrial.reports.build import events, summarise, together
from seatrial.reports.chart import (
    fault_shades,
    lane_rows,
    latency_plots,
    phase_shades,
    rate_plots,
    time_axis,
    waterfall,
)
from seatrial.reports.experiment.chart import comparisons, lanes
from seatrial.reports.gauge import gauge, interval_text, is_unproven
from seatrial.reports.page import Page, with_texts
from seatrial.reports.printable import printable
from seatrial.verdict import Grade

TEMPLATE = "report.html.j2"
LOAD_TEMPLATE = "load.html.j2"
"""Of a load alone; it extends the report's, a user's own included."""

BUILT_IN = "built-in"
_WITHIN_NUMBER = re.compile(
    r"(?<=[<>=]) (?=[\d.])|(?<=\d) (?=(?:%|ms|s|m|h)(?!\w))|(?<=\d) (?=of \d)|(?<=\d of) (?=\d)"
)


def render_html(page: Page, *, redact: Callable[[str], str], templates: Path | None = None) -> str:
    """The report. `redact` masks secrets; `templates` is the workspace's folder, which need not exist.

    Raises DocumentError with the line of a user's template that cannot be read or rendered.
    """
    shown = with_texts(page, lambda text: printable(redact(text)))
    name = LOAD_TEMPLATE if page.load else TEMPLATE
    try:
        return _environment(templates).get_template(name).render(_words(shown))
    except jinja2.TemplateSyntaxError as error:
        raise _mistake(error, error.filename or error.name or name, error.lineno) from None
    except (jinja2.TemplateError, TypeError, ValueError, ArithmeticError) as error:
        raise _mistake(error, *_place(error)) from None


def render_part(name: str, **words: object) -> str:
    """A part of a page from a template of our own; the texts in `words` are redacted and printable already."""
    return _ours().get_template(name).render(words)


@functools.cache
def _ours() -> jinja2.Environment:
    """One for the process: a page of many parts compiles each template once."""
    return _environment(None)


def _environment(templates: Path | None) -> jinja2.Environment:
    ours = jinja2.PackageLoader("seatrial.reports")
    users = [jinja2.FileSystemLoader(templates)] if templates else []
    environment = jinja2.sandbox.ImmutableSandboxedEnvironment(
        loader=jinja2.ChoiceLoader([*users, ours, jinja2.PrefixLoader({BUILT_IN: ours})]),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {
        "duration": show_duration,
        "ratio": show_ratio,
        "count": lambda number: f"{number:,}",
        "instant": instant,
    }
    environment.filters["unbroken"] = unbroken
    return environment


def unbroken(text: str) -> str:
    """The text with no line's end within `errors <= 5 %` or `3 of 4`: operator, number and what belongs to it."""
    return _WITHIN_NUMBER.sub("\u00a0", text)


def _words(page: Page) -> dict[str, object]:
    """What a template may speak of."""
    counting = [finding for finding in page.verdict.findings if finding.counts]
    return {
        "page": page,
        "facts": page.facts,
        "verdict": page.verdict,
        "axis": time_axis(page),
        "phases": phase_shades(page),
        "faults": fault_shades(page),
        "lanes": lane_rows(page),
        "rate_plots": rate_plots(page),
        "latency_plots": latency_plots(page),
        "numbers": {one.service: summarise(one, page.phases) for one in page.latencies},
        "against": together(page.against),
        "events": events(page),
        "experiments": [(one, lanes(one), comparisons(one)) for one in page.experiments],
        "marks": tuple(Mark),
        "gauge": gauge,
        "interval_text": interval_text,
        "has_unproven": any(map(is_unproven, page.verdict.findings)),
        "waterfall": waterfall,
        "zip": zip,
        "grades": {grade: [one.grade for one in counting].count(grade) for grade in Grade},
        "apart": len(page.verdict.findings) - len(counting),
    }


def instant(moment: float) -> str:
    """`2026-01-31 12:00:05 UTC`."""
    return dt.datetime.fromtimestamp(moment, tz=dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _mistake(error: Exception, file: str, line: int) -> DocumentError:
    hint = f"compare it with {BUILT_IN}/{TEMPLATE}, which a template of yours may extend"
    return DocumentError(Where(file, line, 1), f"the report's template cannot be used: {error}", hint)


def _place(error: Exception) -> tuple[str, int]:
    """The template's file and line: the innermost frame of a traceback that Jinja2 gave a template's name."""
    frames = reversed(traceback.extract_tb(error.__traceback__))
    return next(
        ((frame.filename, frame.lineno or 1) for frame in frames if frame.filename.endswith(".j2")), (TEMPLATE, 1)
    )
