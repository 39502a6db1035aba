"""What must stand together in a document, and what must not: the readers' own rules, beyond types and keys."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from seatrial import template
from seatrial.chaos.model import KINDS as FAULTS
from seatrial.scenarios.load.shape import MAX_STEPS, Kind, keys_of
from seatrial.schema.written import QUANTITIES, TEMPLATE, Schema, quantity
from seatrial.service import Indicator
from seatrial.slo.criteria import Aggregate
from seatrial.slo.gate import SEVERITIES, AuditTerms
from seatrial.slo.read_points import UNITS
from seatrial.slo.versus import Of

_LETTER = "A-Za-z_\\u0080-\\uffff"
_NAME: Schema = {"pattern": f"^[{_LETTER}][{_LETTER}0-9]*$", "not": {"enum": sorted(template.RESERVED)}}
_BODIES = ("json", "form", "multipart", "text", "file", "graphql", "xml")
_SENDING = ("request", "websocket", "sse")
LEVEL: Schema = {"anyOf": [QUANTITIES["Rate"], {"type": "integer", "minimum": 0}]}
_LEVELS = ("to", "base", "peak", "rate", "users", "from", "by", "up_to")
_DOINGS = (*_SENDING, "use", "parallel")
_OF_REQUESTS = ("expect", "capture", "retry", "timeout", "mutates")
_OF_CALLS = ("with", "outputs", "once")
_LIMITS = {"errors": ("limit", "Ratio"), "latency": ("limit", "Duration"), "throughput": ("at_least", "Rate")}
_CHANGES = {
    "errors": ("at_most", "More"),
    "latency": ("at_most", "More"),
    "throughput": ("at_least", "Less"),
}
_POINTS = ("criteria", "information")
_EITHER: Schema = {"type": "object", "required": ["met", "degraded"], "additionalProperties": False}
_EXPECTED = {
    "breaker": ("opens_within", "calls_while_open"),
    "amplification": ("at_most",),
    "timeout": ("bounded_by",),
    "fallback": ("status",),
    "bulkhead": ("in_flight",),
    "hedging": ("replica", "answered_within"),
    "isolation": ("at_most",),
    "latency": ("p50_at_most", "p90_at_most", "p95_at_most", "p99_at_most"),
    "errors": ("at_most",),
    "untouched": (),
}
_BY_ITSELF = ("amplification", "timeout", "fallback", "isolation")
_BY_ALL = ("hedging",)
_TIMES: Schema = {"type": "number", "minimum": 1, "examples": [1.2]}
_REFUSED: Mapping[str, tuple[str, ...]] = {}
"""Keys of a shape that its reader refuses: they come later."""


def apply(name: str, part: Schema) -> None:
    """Add the rules of the definition of that name to it."""
    for key in _REFUSED.get(name, ()):
        part.get("properties", {}).pop(key, None)
    rule = _RULES.get(name)
    if rule is not None:
        rule(part)


def _exactly_one(names: Iterable[str]) -> Schema:
    return {"oneOf": [{"required": [name]} for name in names]}


def _at_least_one(names: Iterable[str]) -> Schema:
    return {"anyOf": [{"required": [name]} for name in names]}


def _without(names: Iterable[str]) -> Schema:
    return {"properties": dict.fromkeys(sorted(names), False)}


def _set(part: Schema, **properties: Schema) -> None:
    """Give these properties another schema."""
    part["properties"] |= properties


def _scenario(part: Schema) -> None:
    _set(part, vars=_named(part, "vars"))


def _flow(part: Schema) -> None:
    _set(part, inputs=_named(part, "inputs"))


def _named(part: Schema, key: str) -> Schema:
    """A mapping whose keys templates can use."""
    return {**part["properties"][key], "propertyNames": _NAME}


def _step(part: Schema) -> None:
    captures: Schema = {"type": "object", "propertyNames": _NAME, "additionalProperties": {"$ref": "#/$defs/Capture"}}
    _set(part, capture=captures, vars=_named(part, "vars"))
    _set(part, repeat={"anyOf": [{"type": "integer", "minimum": 0, "maximum": 1000}, TEMPLATE]})
    part |= _exactly_one(_DOINGS)
    part["dependentSchemas"] = {
        "use": _without((*_OF_REQUESTS, "vars")),
        "parallel": _without((*_OF_REQUESTS, *_OF_CALLS, "vars")),
        **dict.fromkeys(_SENDING, _without(_OF_CALLS)),
    }


def _expect(part: Schema) -> None:
    _set(part, json={"$ref": "#/$defs/Pattern"}, checks={"type": "array", "items": {"$ref": "#/$defs/Check"}})
    part["dependentRequired"] = {"strict": ["json"]}


def _max(part: Schema) -> None:
    part["minProperties"] = 1


def _request(part: Schema) -> None:
    _set(part, method={"type": "string", "pattern": "^[A-Za-z]+$", "examples": ["GET", "POST", "PUT", "DELETE"]})
    part["dependentSchemas"] = {body: _without(set(_BODIES) - {body}) for body in _BODIES}


def _websocket(part: Schema) -> None:
    _set(part, expect=_patterns())


def _sse(part: Schema) -> None:
    _set(part, until=_patterns())


def _patterns() -> Schema:
    pattern: Schema = {"$ref": "#/$defs/Pattern"}
    return {"anyOf": [pattern, {"type": "array", "items": pattern}]}


def _auth(part: Schema) -> None:
    part["minProperties"] = part["maxProperties"] = 1


def _rows(part: Schema) -> None:
    _set(part, inline={**part["properties"]["inline"], "minItems": 1})
    part |= _exactly_one(("file", "inline"))


def _profile(part: Schema) -> None:
    _set(part, stages={**part["properties"]["stages"], "minItems": 1})
    part |= _exactly_one(("stages", "shape"))
    searching: Schema = {"properties": {"shape": {"properties": {"kind": {"const": Kind.BREAKPOINT.value}}}}}
    part["allOf"] = [{"if": searching | {"required": ["shape"]}, "then": _without(("stop_when", "abort_when"))}]
    part |= {
        "if": {"properties": {"model": {"const": "closed"}}, "required": ["model"]},
        "then": {"properties": {**_levels({"type": "integer"}, shut="rate"), "max_in_flight": False}},
        "else": {"properties": _levels(quantity("Rate"), shut="users")},
    }


def _levels(level: Schema, *, shut: str) -> Schema:
    """A level as a model has it, wherever one stands; `shut` is the other model's word for it."""
    of_shape: Schema = {"properties": {**dict.fromkeys(_LEVELS, level), shut: False}}
    return {"stages": {"items": {"properties": {"ramp_to": level}}}, "shape": of_shape}


def _shape(part: Schema) -> None:
    """Of each kind its own keys."""
    _set(part, kind={"enum": [kind.value for kind in Kind]}, **dict.fromkeys(_LEVELS, LEVEL))
    _set(part, times={"type": "integer", "minimum": 1, "maximum": MAX_STEPS})
    part["allOf"] = [_of_kind(kind, part["properties"]) for kind in Kind]


def _of_kind(kind: Kind, properties: Mapping[str, Schema]) -> Schema:
    needed, allowed = keys_of(kind)
    others = (key for key in properties if key not in ("kind", *needed, *allowed))
    rule: Schema = {"required": list(needed), **_without(others)}
    if pair := {Kind.SOAK: ("rate", "users"), Kind.STEP: ("times", "up_to")}.get(kind):
        rule |= _exactly_one(pair)
    return {"if": {"properties": {"kind": {"const": kind.value}}}, "then": rule}


def _stage(part: Schema) -> None:
    _set(part, ramp_to=LEVEL)
    part |= _exactly_one(("ramp_to", "hold"))
    part["dependentRequired"] = {"over": ["ramp_to"]}


def _service(part: Schema) -> None:
    optional: Schema = {
        "type": "object",
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": {"const": "optional"},
    }
    items: Schema = {"anyOf": [{"type": "string"}, optional]}
    _set(part, depends_on={**part["properties"]["depends_on"], "items": items})


def _objective(part: Schema) -> None:
    _set(part, indicator={"enum": [*_LIMITS, "prometheus"]}, information={"const": True})
    _set(part, unit={"enum": ["ms", "s", "ratio", "percent", "per second"]})
    route: Schema = {"type": "string", "pattern": r"^([A-Z]+|\*) /\S*$", "examples": ["POST /cards/*/charges"]}
    _set(part, routes={"type": "array", "items": route})
    alone: Schema = {"not": {"anyOf": [{"required": [key]} for key in ("versus", *_POINTS)]}}
    versus: Schema = {"required": ["versus"]}
    part["allOf"] = [
        *(_limits_of(indicator, *limit, where=alone) for indicator, limit in _LIMITS.items()),
        *(_limits_of(indicator, *limit, where=versus) for indicator, limit in _CHANGES.items()),
        *_points(),
    ]


def _points() -> Iterable[Schema]:
    """An objective about one value: of a query, or of what is measured with criteria of its own."""
    prometheus: Schema = {"properties": {"indicator": {"const": "prometheus"}}, "required": ["indicator"]}
    limits: Schema = {"anyOf": [{"type": "number"}, quantity("Ratio"), quantity("Duration"), quantity("Rate")]}
    both = {**_EITHER, "properties": dict.fromkeys(("met", "degraded"), limits)}
    asked = _without(("quantile", "routes", "unit", "versus", "at_most", "window"))
    asked["properties"] |= {key: {"anyOf": [limits, both]} for key in ("limit", "at_least")}
    yield {
        "if": prometheus,
        "then": {**asked, **_exactly_one(("limit", "at_least", *_POINTS)), "required": ["query"]},
    }
    measured = {"allOf": [{"not": prometheus}, _at_least_one(_POINTS)]}
    foreign = ("query", "limit", "at_least", "at_most", "versus", "window")
    yield {"if": measured, "then": {**_without(foreign), **_exactly_one(_POINTS)}}
    for indicator in _LIMITS:
        means: Schema = {"properties": {"indicator": {"const": indicator}}, "required": ["indicator"]}
        then: Schema = {"required": ["quantile"]} if indicator == "latency" else _without(["quantile"])
        yield {"if": {"allOf": [means, measured]}, "then": {**then, **_units(indicator)}}


def _units(indicator: str) -> Schema:
    return {"allOf": [{"properties": {"unit": {"enum": [str(unit) for unit in UNITS[Indicator(indicator)]]}}}]}


def _criteria(part: Schema) -> None:
    operators = r"^ *(<=?|=|>=?) *[+-]? *[0-9.]"
    criterion: Schema = {"type": "string", "pattern": operators, "examples": ["<600", "<=+10%", ">=99.5"]}
    sets: Schema = {"type": "array", "items": {"type": "array", "items": criterion, "minItems": 1}}
    _set(part, met={**sets, "minItems": 1}, degraded=sets)


def _limits_of(indicator: str, key: str, unit: str, *, where: Schema) -> Schema:
    """An indicator has its own key for its limit, in its own unit, which versus another run is a change; latency
    alone has a quantile."""
    limit = quantity(unit)
    both = {**_EITHER, "properties": {"met": limit, "degraded": limit}}
    others = sorted({"limit", "at_least", "at_most", "query", "unit", "no_value"} - {key})
    needs = [key, "quantile"] if indicator == "latency" else [key]
    foreign = others if indicator == "latency" else [*others, "quantile"]
    then = {"required": needs, "properties": {key: {"anyOf": [limit, both]}, **dict.fromkeys(foreign, False)}}
    means: Schema = {"properties": {"indicator": {"const": indicator}}, "required": ["indicator"]}
    return {"if": {"allOf": [means, where]}, "then": then}


def _audit(part: Schema) -> None:
    _set(part, missed_from={"enum": list(SEVERITIES), "default": AuditTerms().missed_from})


def _gate(part: Schema) -> None:
    share = quantity("Ratio")
    whole: Schema = {"type": "object", "properties": {"gate": share}, "required": ["gate"]}
    _set(part, alpha={"anyOf": [share, {**whole, "additionalProperties": False}]})
    _set(part, on_undecided={"enum": ["fail", "extend", "pass"], "default": "fail"})
    bounded: Schema = {"required": ["load"], "properties": {"load": {"required": ["extend_to"]}}}
    unbounded: Schema = {"properties": {"load": {"properties": {"extend_to": False}}}}
    extends: Schema = {"properties": {"on_undecided": {"const": "extend"}}, "required": ["on_undecided"]}
    part["allOf"] = [{"if": extends, "then": bounded, "else": unbounded}]


def _versus(part: Schema) -> None:
    part |= _exactly_one(("last", "name"))
    part["dependentSchemas"] = {"last": _without(["across_realms"])}
    _set(part, of={"enum": list(map(str, Of)), "default": "met"})
    _set(part, aggregate={"enum": list(map(str, Aggregate)), "default": "avg"})


def _inject(part: Schema) -> None:
    part["allOf"] = [_exactly_one(FAULTS.values()), _exactly_one(("edge", "service"))]


def _exchanges(part: Schema) -> None:
    names = {"propertyNames": {"pattern": f"^{_WORD}$"}}
    described = {key: part["properties"][key] for key in ("route", "method", "request_headers")}
    _set(
        part,
        route={**described["route"], "pattern": f"^({_WORD} )?[/*][!-~]*$", "examples": ["POST /cards/*"]},
        method={**described["method"], "pattern": f"^{_WORD}$", "examples": ["POST"]},
        request_headers={**described["request_headers"], **names},
    )


def _replace(part: Schema) -> None:
    _exchanges(part)
    part |= _at_least_one(("status", "headers", "body", "json"))
    _set(part, json={**part["properties"]["json"], "propertyNames": {"pattern": "^(/.*)?$"}})


_WORD = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"


def _during(part: Schema) -> None:
    subject = _exactly_one(_EXPECTED)
    part |= subject
    every = set(part["properties"]) - set(_EXPECTED)
    part["dependentSchemas"] = {word: _member_rule(every, word, own) for word, own in _EXPECTED.items()}
    _set(part, at_most={"anyOf": [quantity("Ratio"), _TIMES]})
    _set(part, untouched={"type": "array", "items": _OBJECTIVE})


def _member_rule(every: set[str], word: str, own: tuple[str, ...]) -> Schema:
    """The keys that belong to an expectation; one is needed where nothing else says the number, of some all."""
    rule = _without(every - {*own, *(("routes",) if word in ("latency", "errors") else ())})
    if "at_most" in own:
        rule["properties"]["at_most"] = _TIMES if word == "amplification" else quantity("Ratio")
    if word in _BY_ALL:
        return {**rule, "required": list(own)}
    return rule if word in _BY_ITSELF else {**rule, **_wanting(own)}


def _wanting(keys: tuple[str, ...]) -> Schema:
    return _at_least_one(keys) if keys else {}


def _abort_on(part: Schema) -> None:
    part |= _at_least_one(("errors", "objectives"))
    _set(part, objectives={"type": "array", "items": _OBJECTIVE, "minItems": 1})


def _traffic(part: Schema) -> None:
    part |= _exactly_one(("profile", "scenario"))
    part["dependentRequired"] = {"scenario": ["every"], "every": ["scenario"]}


def _steady_state(part: Schema) -> None:
    _set(part, objectives={"type": "array", "items": _OBJECTIVE})


_OBJECTIVE: Schema = {"type": "string", "pattern": r"^[^.]+\..+$", "examples": ["cards.available"]}
_ADDRESS: Schema = {"type": "string", "pattern": "^https?://[^/]"}
_PLACE: Schema = {"pattern": r"^[A-Za-z0-9][A-Za-z0-9_.-]*$"}


def _realms(part: Schema) -> None:
    _set(part, realms={**part["properties"]["realms"], "propertyNames": _PLACE})


def _realm(part: Schema) -> None:
    names: Schema = {**_PLACE, "not": {"const": "client"}}
    services = part["properties"]["services"]
    kinds = [_ADDRESS if kind.get("type") == "string" else kind for kind in services["additionalProperties"]["anyOf"]]
    _set(part, services={**services, "additionalProperties": {"anyOf": kinds}, "propertyNames": names})
    asked = [_ADDRESS if kind.get("type") == "string" else kind for kind in part["properties"]["prometheus"]["anyOf"]]
    _set(part, prometheus={**part["properties"]["prometheus"], "anyOf": asked})
    _set(part, edges={**part["properties"]["edges"], "propertyNames": {"pattern": QUANTITIES["Edge"]["pattern"]}})


def _prometheus(part: Schema) -> None:
    _set(part, url={**part["properties"]["url"], **_ADDRESS})


def _place(part: Schema) -> None:
    part |= _exactly_one(("url", "start"))
    _set(part, url={**part["properties"]["url"], **_ADDRESS})


def _secret(part: Schema) -> None:
    part |= _exactly_one(("env", "file", "command"))


_RULES: Mapping[str, Callable[[Schema], None]] = {
    "scenario": _scenario,
    "flow": _flow,
    "Step": _step,
    "Expect": _expect,
    "Max": _max,
    "Request": _request,
    "Websocket": _websocket,
    "Sse": _sse,
    "Auth": _auth,
    "Rows": _rows,
    "profile": _profile,
    "profile.Stage": _stage,
    "profile.Shape": _shape,
    "service": _service,
    "service.Objective": _objective,
    "service.Criteria": _criteria,
    "gate": _gate,
    "gate.VersusShape": _versus,
    "gate.Audit": _audit,
    "experiment.Inject": _inject,
    **dict.fromkeys(("experiment.HttpError", "experiment.HttpDelay", "experiment.HttpTruncate"), _exchanges),
    "experiment.HttpReplace": _replace,
    "experiment.During": _during,
    "experiment.SteadyState": _steady_state,
    "experiment.Traffic": _traffic,
    "experiment.AbortOn": _abort_on,
    "realms": _realms,
    "realms.Realm": _realm,
    "realms.Place": _place,
    "realms.Prometheus": _prometheus,
    "realms.Secret": _secret,
}
