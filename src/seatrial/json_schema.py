"""JSON Schema: compiled from a document, held against a value. Nothing is ever fetched.

Floor. The draft is the one `$schema` names, 2020-12 where it names none. The `format`s that `FORMATS` knows are
checked, others are notes, as in the standard. jsonschema is imported when the first schema is compiled. Patterns of a
schema are bounded in time, like every pattern of a user. Pure but for `load`, which the caller gives.
"""

from __future__ import annotations

import functools
import ipaddress
import itertools
import json
import re
import urllib.parse
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

from seatrial.regexes import compile_regex

MAX_ERRORS = 3
"""Named in a message; the first ones show where to look."""

MAX_MESSAGE = 20_000
"""Characters of one error, which quotes the value; whoever prints it shortens it further, after redaction."""

Load = Callable[[str], Any]


@dataclass(frozen=True, slots=True)
class Schema:
    """A compiled schema, called `name` in messages."""

    name: str
    _validator: Any = field(repr=False, compare=False)

    def __str__(self) -> str:
        return self.name

    def accepts(self, value: Any) -> bool:
        """Whether the value is valid; ValueError when that cannot be told."""
        try:
            return bool(self._validator.is_valid(value))
        except RecursionError:
            raise ValueError("the schema or the value is nested too deep") from None

    def errors(self, value: Any) -> tuple[tuple[str, str], ...]:
        """The first few errors, each as the JSON path of its value and what is wrong there."""
        found = itertools.islice(self._validator.iter_errors(value), MAX_ERRORS)
        return tuple((str(error.json_path), str(error.message)[:MAX_MESSAGE]) for error in found)


def as_schema(content: Any) -> Schema:
    """A schema as it stands in a document, or one compiled already; compiled once for equal documents."""
    if isinstance(content, Schema):
        return content
    if not isinstance(content, (Mapping, bool)):
        raise ValueError(f"a schema is an object, not {json.dumps(content, ensure_ascii=False, default=str)}")
    return _compiled(json.dumps(content))


def compile_schema(content: Any, *, name: str = "the schema", load: Load | None = None) -> Schema:
    """The schema, ready; ValueError says what is wrong with it.

    `load` gives the document another one is referred to by, as its reference is written without its fragment; a
    reference that leads elsewhere is refused.
    """
    try:
        import jsonschema
        import referencing.exceptions
    except ImportError:
        raise ValueError("a schema needs jsonschema; install seatrial[schema]") from None
    try:
        kind = _bounded(_draft(content))
        kind.check_schema(content, format_checker=None)
        validator = kind(content, registry=_registry(load), format_checker=_formats())
        _refuse_unresolvable(content, validator)
        return Schema(name, validator)
    except jsonschema.SchemaError as error:
        raise ValueError(f"not a JSON Schema: {error.message}, at {error.json_path}") from None
    except referencing.exceptions.Unresolvable as error:
        raise ValueError(f"'{error.ref}' leads nowhere; a schema is never fetched from the network") from None
    except RecursionError:
        raise ValueError("not a JSON Schema: it is nested too deep") from None


@functools.lru_cache(maxsize=256)
def _compiled(text: str) -> Schema:
    return compile_schema(json.loads(text))


def _draft(content: Any) -> Any:
    from jsonschema import validators

    named = content.get("$schema") if isinstance(content, Mapping) else None
    if named is None:
        return validators.Draft202012Validator
    unknown = type("_Unknown", (), {})
    found = validators.validator_for(content, default=cast("Any", unknown))
    if found is unknown:
        raise ValueError(f"unknown draft '{named}'; leave `$schema` out for 2020-12")
    return found


@functools.cache
def _bounded(kind: Any) -> Any:
    """The draft with its keywords that take a pattern bounded in time."""
    from jsonschema import validators

    ours = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    return validators.extend(
        kind,
        {  # type: ignore[no-untyped-call]
            name: ours[name] for name in ours if name in kind.VALIDATORS
        },
    )


def _pattern(_: Any, pattern: str, instance: Any, __: Any) -> Iterator[Any]:
    from jsonschema import ValidationError

    if isinstance(instance, str) and compile_regex(pattern).search(instance) is None:
        yield ValidationError(f"{instance!r} does not match {pattern!r}")


def _pattern_properties(validator: Any, patterns: Mapping[str, Any], instance: Any, _: Any) -> Iterator[Any]:
    for pattern, schema in patterns.items() if isinstance(instance, dict) else ():
        for key, value in instance.items():
            if compile_regex(pattern).search(key):
                yield from validator.descend(value, schema, path=key, schema_path=pattern)


def _additional_properties(validator: Any, allowed: Any, instance: Any, schema: Mapping[str, Any]) -> Iterator[Any]:
    from jsonschema import ValidationError

    patterns = [compile_regex(pattern) for pattern in schema.get("patternProperties", {})]
    known = schema.get("properties", {})
    for key, value in instance.items() if isinstance(instance, dict) else ():
        if key in known or any(pattern.search(key) for pattern in patterns):
            continue
        if allowed is False:
            yield ValidationError(f"{key!r} is not allowed here")
        else:
            yield from validator.descend(value, allowed, path=key)


def _registry(load: Load | None) -> Any:
    """The standard's own schemas, and what `load` gives; never the network, which jsonschema would else ask."""
    import jsonschema_specifications  # type: ignore[import-untyped]
    import referencing
    import referencing.exceptions
    import referencing.jsonschema

    def retrieve(uri: str) -> referencing.Resource[Any]:
        if load is None:
            raise referencing.exceptions.NoSuchResource(ref=uri)  # type: ignore[call-arg]
        return referencing.Resource.from_contents(load(uri), default_specification=referencing.jsonschema.DRAFT202012)

    return jsonschema_specifications.REGISTRY.combine(referencing.Registry(retrieve=retrieve))  # type: ignore[call-arg]


def _refuse_unresolvable(content: Any, validator: Any) -> None:
    """Every reference is followed at once, from where it stands: a play must never meet one that leads nowhere."""
    _follow(content, validator._resolver, set())


def _follow(content: Any, resolver: Any, seen: set[int]) -> None:
    import referencing.jsonschema

    if id(content) in seen:
        return
    seen.add(id(content))
    if isinstance(content, Mapping):
        if isinstance(content.get("$id"), str):
            resolver = resolver.in_subresource(referencing.jsonschema.DRAFT202012.create_resource(content))
        for reference in (content.get("$ref"), content.get("$dynamicRef")):
            if isinstance(reference, str):
                led = resolver.lookup(reference)
                _follow(led.contents, led.resolver, seen)
        _refuse_patterns(content)
    for part in _parts(content):
        _follow(part, resolver, seen)


def _refuse_patterns(schema: Mapping[str, Any]) -> None:
    """ValueError for a pattern that is none; the engine's cache keeps the others."""
    keys = schema.get("patternProperties")
    for pattern in (schema.get("pattern"), *(keys if isinstance(keys, Mapping) else ())):
        if isinstance(pattern, str):
            compile_regex(pattern)


def _parts(content: Any) -> Iterable[Any]:
    """What may hold schemas; what is data in a schema may look like a reference and be none."""
    if isinstance(content, Mapping):
        content = [part for key, part in content.items() if key not in ("const", "enum", "default", "examples")]
    return [part for part in content if isinstance(part, (Mapping, list))] if isinstance(content, list) else ()


def text_that(accepts: Callable[[str], Any]) -> Callable[[Any], bool]:
    """The question whether a value is a text that is accepted, which one that raises ValueError is not."""

    def ask(value: Any) -> bool:
        try:
            return isinstance(value, str) and bool(accepts(value))
        except ValueError:
            return False

    return ask


def _absolute(text: str) -> bool:
    return bool(urllib.parse.urlsplit(text).scheme)


_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")  # a host alone has no dot: root@localhost is one
FORMATS: Mapping[str, Callable[[str], Any]] = {
    "date": date.fromisoformat,
    "date-time": lambda text: "T" in text.upper() and datetime.fromisoformat(text).tzinfo is not None,
    "email": _EMAIL.fullmatch,
    "ipv4": ipaddress.IPv4Address,
    "ipv6": ipaddress.IPv6Address,
    "uri": _absolute,
    "uuid": uuid.UUID,
}


@functools.cache
def _formats() -> Any:
    from jsonschema import FormatChecker

    checker = FormatChecker(formats=())
    for name, accepts in FORMATS.items():
        checker.checks(name)(_unless_other(text_that(accepts)))
    return checker


def _unless_other(is_form: Callable[[Any], bool]) -> Callable[[Any], bool]:
    """A format says something of texts alone."""
    return lambda value: not isinstance(value, str) or is_form(value)
