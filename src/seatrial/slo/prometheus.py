"""Prometheus' HTTP API as far as an objective needs it: the query to send, and the one value in an answer.

Room slo. Pure: `assess` sends. https://prometheus.io/docs/prometheus/latest/querying/api/ (instant queries). May
import the floor; must never take one series of several for the answer.
"""

from __future__ import annotations

import math
import re
import urllib.parse
from collections.abc import Mapping
from typing import Any

from seatrial import json_text

PATH = "/api/v1/query"
VARIABLES = ("hold", "realm", "service", "revision")
"""What a query may name, as `$hold`: the hold's length (`60s`), the realm, the objective's service, its revision."""

_VARIABLE = re.compile(rf"\$({'|'.join(VARIABLES)})\b")
_WORD = re.compile(r"\$([A-Za-z_]\w*)")
_GROUP = re.compile(r"\(\?P<(\w+)>")
_MAX_SHOWN = 200


class NotAQuery(ValueError):
    """The server cannot read the query: no data will ever make it one."""


def fill(query: str, values: Mapping[str, str]) -> str:
    """The query with its variables' values, which may stand within its quotes; any other `$` stays."""
    return _VARIABLE.sub(lambda found: _escaped(values[found[1]]), query)


def unknown_variable(query: str) -> str | None:
    """The first `$name` that is none of the variables, without its `$`; a `$` that ends a pattern is no name, and a
    group that `label_replace` names is its own."""
    known = {*VARIABLES, *_GROUP.findall(query)}
    return next((name for name in _WORD.findall(query) if name not in known), None)


def form(query: str, at: float) -> bytes:
    """The body of a POST that asks for the query's value at an instant, UTC seconds."""
    return urllib.parse.urlencode({"query": query, "time": f"{at:.3f}"}).encode()


def value_of(status: int, body: bytes) -> float:
    """The one finite number of an answer; ValueError says what it was instead, NotAQuery that it never will be."""
    answer = _object(status, body)
    if answer.get("status") != "success":
        said = f"{answer.get('errorType', 'error')}: {answer.get('error', 'no reason given')}"
        refusal = NotAQuery if answer.get("errorType") == "bad_data" else ValueError
        raise refusal(f"the server answered {status} with {_shown(said)}")
    data = answer.get("data")
    kind, result = (data.get("resultType"), data.get("result")) if isinstance(data, dict) else (None, None)
    if kind == "scalar":
        return _number(result)
    if kind != "vector" or not isinstance(result, list):
        raise ValueError(f"the query gives {_shown(kind)}, not one value; aggregate it, as sum(...)")
    return _lone(result)


def _object(status: int, body: bytes) -> dict[str, Any]:
    try:
        answer = json_text.parse(body.decode("utf-8"))
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise ValueError(f"the server answered {status} with what is no answer of Prometheus: {_shown(body[:400])}")
    return answer


def _lone(series: list[Any]) -> float:
    if not series:
        raise ValueError("the query gives no series: nothing was scraped that it selects")
    if len(series) > 1:
        raise ValueError(f"the query gives {len(series)} series, not one value; aggregate them, as sum(...)")
    return _number(series[0].get("value") if isinstance(series[0], dict) else None)


def _number(point: Any) -> float:
    """Of a pair of instant and text; a histogram has none."""
    text = point[1] if isinstance(point, list) and len(point) == 2 else None
    try:
        value = float(text) if isinstance(text, str) else math.nan
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        hint = "; a rate of nothing over nothing is none" if text == "NaN" else ""
        raise ValueError(f"the query gives {_shown(text)}, which is no number to judge{hint}")
    return value


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("'", "\\'").replace("\n", " ")


def _shown(value: object) -> str:
    text = value.decode("utf-8", errors="replace") if isinstance(value, bytes) else str(value)
    line = " ".join(text.split())
    return f"'{line[:_MAX_SHOWN]}{'...' if len(line) > _MAX_SHOWN else ''}'"
