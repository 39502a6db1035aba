"""The only door to Jinja2 for documents: texts with `{{ }}` in, plain values out.

Takes a text and the place it stands in, gives a compiled `Template`; `value` compiles a whole tree of YAML values.
A scalar that is exactly one `{{ expression }}` keeps the type of its value; any other text becomes a string, in which
true, false, null and containers read as JSON. The sandbox has no I/O; loops, repetition and output are bounded, for
scenario files come from many teams. Every mistake is a `DocumentError` with its place. Imports only `errors`,
`dates` and `clock`.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import itertools
import json
import random
import string
import urllib.parse
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar, cast

import jinja2
import jinja2.meta
import jinja2.sandbox
from jinja2 import nodes

from seatrial import dates
from seatrial.clock import iso
from seatrial.errors import DocumentError, Where, did_you_mean

MAX_OUTPUT = 1 << 20
"""Characters one template may give: more than any sane request body, little enough to hold a thousand at once."""

MAX_LOOP = 1000
"""Turns of one loop; with MAX_NESTING a template ends after a million turns, about a tenth of a second."""

MAX_NESTING = 2
MAX_POWER_BITS = 4096
MAX_NAMES_SHOWN = 12

Result = TypeVar("Result")
Scope = Mapping[str, Any]
Run = Callable[[Scope], Any]

_NOWHERE = Where("<template>", 1, 1)
_ALPHABET = string.ascii_lowercase + string.digits
_MARKS = ("{{", "{%", "{#")
_STATEMENTS = (nodes.Output, nodes.If, nodes.For)
_PADDING = frozenset({"center", "ljust", "rjust", "zfill", "expandtabs", "format", "format_map"})
_FOREIGN = (
    jinja2.TemplateError,
    ArithmeticError,
    AttributeError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class Raw(str):
    """A text that is put into a URL as it is."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Template:
    """A compiled text. `names` are the variables it mentions."""

    text: str
    where: Where
    names: frozenset[str]
    _run: Run

    def render(self, scope: Scope) -> Any:
        """The value in that scope; DocumentError at `where` for anything that goes wrong, undefined names first."""
        try:
            return self._run(scope)
        except _Unknown as unknown:
            raise self._undefined(unknown, scope) from None
        except _FOREIGN as error:
            raise DocumentError(self.where, f"'{self.text}' cannot be rendered: {error}") from None

    def _undefined(self, unknown: _Unknown, scope: Scope) -> DocumentError:
        holder = unknown.holder
        names = list(map(str, holder)) if isinstance(holder, Mapping) else [] if unknown.inside else list(scope)
        near = did_you_mean(unknown.name, itertools.islice(_nearest_first(unknown.name, names), MAX_NAMES_SHOWN))
        return DocumentError(self.where, f"'{unknown.name}' is not defined, in '{self.text}'", near)


@dataclass(frozen=True, slots=True)
class Fixed:
    """A value without a template in it."""

    value: Any

    @property
    def names(self) -> frozenset[str]:
        """None."""
        return frozenset()

    def render(self, scope: Scope) -> Any:
        """Itself, whatever the scope."""
        return self.value


@dataclass(frozen=True, slots=True)
class Items:
    """A list with templates in it."""

    parts: tuple[Value, ...]

    @property
    def names(self) -> frozenset[str]:
        """The variables its parts mention."""
        return frozenset().union(*(part.names for part in self.parts))

    def render(self, scope: Scope) -> list[Any]:
        """A new list."""
        return [part.render(scope) for part in self.parts]


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping with templates in its values; keys are never templates."""

    parts: tuple[tuple[str, Value], ...]

    @property
    def names(self) -> frozenset[str]:
        """The variables its parts mention."""
        return frozenset().union(*(part.names for _, part in self.parts))

    def render(self, scope: Scope) -> dict[str, Any]:
        """A new mapping, in the file's order."""
        return {key: part.render(scope) for key, part in self.parts}


Value = Template | Fixed | Items | Fields


def compile_value(content: Any, where: Callable[..., Where]) -> Value:
    """Compile every text of a YAML value; `where(*path)` tells the place of a path within it."""
    if isinstance(content, str):
        return compile_text(content, where())
    if isinstance(content, Mapping):
        fields = tuple((key, compile_value(part, functools.partial(where, key))) for key, part in content.items())
        return Fixed(content) if all(isinstance(part, Fixed) for _, part in fields) else Fields(fields)
    if isinstance(content, list):
        items = tuple(compile_value(part, functools.partial(where, index)) for index, part in enumerate(content))
        return Fixed(content) if all(isinstance(part, Fixed) for part in items) else Items(items)
    return Fixed(content)


def compile_text(text: str, where: Where = _NOWHERE) -> Template | Fixed:
    """Compile one scalar: typed when it is exactly one `{{ expression }}`, else text."""
    if not is_template(text):
        return Fixed(text)
    names, run = _at(where, _compiled, text)
    return Template(text, where, names, run)


def compile_url(text: str, where: Where = _NOWHERE) -> Template:
    """Compile a URL: values put into it are percent-encoded, `/` too, unless they pass through `| raw`."""
    names, run = _at(where, _compiled_url, text)
    return Template(text, where, names, run)


def compile_condition(expression: str, where: Where = _NOWHERE) -> Template:
    """Compile a bare expression, as of `when:`; rendering gives its value."""
    names, run = _at(where, _compiled_expression, expression)
    return Template(expression, where, names, run)


def render_text(text: str, variables: Scope, where: Where = _NOWHERE) -> str:
    """Render one text at once, always as a string: for commands and environments of processes."""
    return to_text(compile_text(text, where).render(variables))


def is_template(text: str) -> bool:
    """Whether the text holds any template mark."""
    return any(mark in text for mark in _MARKS)


def references(text: str, holder: str) -> frozenset[str]:
    """The names X that a text uses as `holder.X` or `holder['X']`; DocumentError when it is no template."""
    tree = _at(_NOWHERE, _parse, text)
    return frozenset(_members(tree, holder))


def to_text(value: Any) -> str:
    """A value inside a text: strings as they are, true, false, null and containers as JSON, bytes in hex, a date in
    ISO 8601."""
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, datetime):
        return dates.iso_text(value)
    if value is None or isinstance(value, (bool, Mapping, list, tuple)):
        return json.dumps(value, ensure_ascii=False)
    return str(value)


def functions(rng: random.Random, now: Callable[[], float]) -> dict[str, Callable[..., Any]]:
    """The functions that need chance or the time of day; `now` gives UTC seconds.

    `now()` is `2026-01-31T12:00:00.250Z`, `today(days=0)` is `2026-01-31` (UTC), `timestamp()` whole seconds.
    """
    return {
        "uuid": lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)),
        "now": lambda: iso(now()),
        "today": lambda days=0: iso(now() + days * 86400)[:10],
        "timestamp": lambda: int(now()),
        "random_int": rng.randint,
        "random_choice": rng.choice,
        "random_string": functools.partial(_random_string, rng),
    }


def _random_string(
    rng: random.Random, length: int = 8, alphabet: str = string.ascii_lowercase + string.digits
) -> str:
    if not 0 <= length <= MAX_OUTPUT:
        raise ValueError(f"a random string of {length} characters")
    return "".join(rng.choices(alphabet, k=length))


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _hmac(key: str, text: str, algorithm: str = "sha256") -> str:
    return hmac.new(key.encode(), text.encode(), algorithm).hexdigest()


def _bounded_range(*ends: int) -> range:
    numbers = range(*ends)
    if len(numbers) > MAX_LOOP:
        raise ValueError(f"a range of more than {MAX_LOOP} numbers")
    return numbers


GLOBALS: Mapping[str, Callable[..., Any]] = {
    "base64": _base64,
    "sha256": _sha256,
    "hmac": _hmac,
    "range": _bounded_range,
    "dict": dict,
}
RESERVED = frozenset({*GLOBALS, *functions(random.Random(0), float), "secrets", "vars", "realm"})
"""Names no variable and no capture may take, because templates mean something else by them."""


class _Unknown(jinja2.UndefinedError):
    """An undefined name was used. `holder` is the value it was looked up in, when `inside` is true."""

    def __init__(self, name: str, holder: Any, message: str | None = None) -> None:
        super().__init__(message)
        self.name = name
        self.inside = holder is not jinja2.utils.missing
        self.holder = holder


class _Missing(jinja2.StrictUndefined):
    """Fails on every use but `is defined` and `default()`, telling name and holder apart from the message."""

    __slots__ = ()

    def __init__(
        self,
        hint: str | None = None,
        obj: Any = jinja2.utils.missing,
        name: str | None = None,
        exc: type[jinja2.TemplateRuntimeError] = jinja2.UndefinedError,
    ) -> None:
        ours = functools.partial(_Unknown, str(name), obj) if exc is jinja2.UndefinedError else exc
        super().__init__(hint, obj, name, cast("type[jinja2.TemplateRuntimeError]", ours))


class _Sandbox(jinja2.sandbox.ImmutableSandboxedEnvironment):
    """Jinja2's sandbox, with members of mappings before their methods, and without ways to grow a text unseen."""

    intercepted_binops = frozenset({"*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        padding = isinstance(obj, str) and attr in _PADDING
        return not padding and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        _refuse_growth(operator, left, right)
        return super().call_binop(context, operator, left, right)


def _refuse_growth(operator: str, left: Any, right: Any) -> None:
    if operator == "%" and isinstance(left, (str, bytes)):
        raise ValueError("text formatting by % is not used here; put the value in with {{ }}")
    if operator == "**" and _power_bits(left, right) > MAX_POWER_BITS:
        raise ValueError("the power is too large")
    for many, times in ((left, right), (right, left)):
        if operator == "*" and isinstance(many, Sequence) and isinstance(times, int):
            _refuse_length(len(many) * times)


def _power_bits(left: Any, right: Any) -> float:
    return left.bit_length() * right if isinstance(left, int) and isinstance(right, int) else 0


def _refuse_length(length: int) -> None:
    if length > MAX_OUTPUT:
        raise ValueError(f"a text of more than {MAX_OUTPUT} characters")


def _bounded(items: Iterable[Any]) -> list[Any]:
    taken = list(itertools.islice(items, MAX_LOOP + 1))
    if len(taken) > MAX_LOOP:
        raise ValueError(f"a loop over more than {MAX_LOOP} items")
    return taken


def _raw(value: Any) -> Raw:
    return Raw(to_text(value))


def _finalize(value: Any) -> Any:
    return value if isinstance(value, jinja2.Undefined) else to_text(value)


def _finalize_url(value: Any) -> Any:
    if isinstance(value, (Raw, jinja2.Undefined)):
        return value
    return urllib.parse.quote(to_text(value), safe="")


def _environment(finalize: Callable[[Any], Any]) -> _Sandbox:
    environment = _Sandbox(
        undefined=_Missing, finalize=finalize, autoescape=False, keep_trailing_newline=True, cache_size=0
    )
    environment.globals = dict(GLOBALS)
    environment.filters.update(raw=_raw, bounded=_bounded)
    for name in ("center", "format", "indent", "wordwrap", "xmlattr", "urlize", "pprint"):
        del environment.filters[name]
    return environment


@functools.cache
def _texts() -> _Sandbox:
    return _environment(_finalize)


@functools.cache
def _urls() -> _Sandbox:
    return _environment(_finalize_url)


Compiled = tuple[frozenset[str], Run]


@functools.lru_cache(maxsize=4096)
def _compiled(text: str) -> Compiled:
    tree = _parse(text)
    if _is_one_expression(tree, text):
        return _compiled_expression(text[2:-2].strip())
    return _names(tree), _text_run(_texts(), tree)


@functools.lru_cache(maxsize=4096)
def _compiled_url(text: str) -> Compiled:
    tree = _parse(text)
    return _names(tree), _text_run(_urls(), tree)


@functools.lru_cache(maxsize=4096)
def _compiled_expression(source: str) -> Compiled:
    names = _names(_parse("{{ " + source + " }}"))
    return names, _typed_run(_texts().compile_expression(source, undefined_to_none=False))


def _typed_run(expression: Callable[..., Any]) -> Run:
    def run(scope: Scope) -> Any:
        value = expression(scope)
        if isinstance(value, jinja2.Undefined):
            str(value)  # a strict undefined raises when it is looked at
        if isinstance(value, str):
            _refuse_length(len(value))
        return value

    return run


def _text_run(environment: _Sandbox, tree: nodes.Template) -> Run:
    template = jinja2.Template.from_code(environment, environment.compile(tree), environment.make_globals(None))

    def run(scope: Scope) -> str:
        pieces, length = [], 0
        for piece in template.generate(scope):
            length += len(piece)
            _refuse_length(length)
            pieces.append(piece)
        return "".join(pieces)

    return run


def _parse(text: str) -> nodes.Template:
    tree = _texts().parse(text)
    _permit(tree, 0)
    return tree


def _permit(node: nodes.Node, nesting: int) -> None:
    """Allow `if` and `for` alone, bound every loop, and refuse loops nested too deep."""
    if isinstance(node, nodes.Stmt) and not isinstance(node, _STATEMENTS):
        raise jinja2.TemplateSyntaxError(f"'{type(node).__name__.lower()}' is not used here, only if and for", 1)
    if isinstance(node, nodes.For):
        nesting += 1
        if nesting > MAX_NESTING or node.recursive:
            raise jinja2.TemplateSyntaxError(f"loops nested deeper than {MAX_NESTING}", 1)
        node.iter = nodes.Filter(node.iter, "bounded", [], [], None, None, lineno=node.lineno)
        node.iter.set_environment(_texts())
    for child in node.iter_child_nodes():
        _permit(child, nesting)


def _is_one_expression(tree: nodes.Template, text: str) -> bool:
    if not (text.startswith("{{") and text.endswith("}}")) or text[2:3] in ("-", "+") or text[-3:-2] in ("-", "+"):
        return False
    parts = [part for output in tree.body for part in getattr(output, "nodes", (None, None))]
    return len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData)


def _names(tree: nodes.Template) -> frozenset[str]:
    return frozenset(jinja2.meta.find_undeclared_variables(tree)) - frozenset(GLOBALS)


def _members(tree: nodes.Template, holder: str) -> Iterator[str]:
    for member in tree.find_all(nodes.Getattr):
        if _is_name(member.node, holder):
            yield member.attr
    for item in tree.find_all(nodes.Getitem):
        if _is_name(item.node, holder) and isinstance(item.arg, nodes.Const):
            yield str(item.arg.value)


def _is_name(node: nodes.Expr, name: str) -> bool:
    return isinstance(node, nodes.Name) and node.name == name


def _at(where: Where, compiled: Callable[[str], Result], text: str) -> Result:
    """Run a compiler step; Jinja2's complaints become a DocumentError at that place."""
    try:
        return compiled(text)
    except (jinja2.TemplateError, RecursionError) as error:
        message = getattr(error, "message", None) or str(error)
        raise DocumentError(where, f"'{text}' is not a template: {message}", _syntax_hint(text)) from None


def _syntax_hint(text: str) -> str:
    return "close every {{ with }}" if text.count("{{") != text.count("}}") else ""


def _nearest_first(name: str, names: Iterable[str]) -> list[str]:
    """Names that begin alike before the others, so that a shortened list keeps the ones worth reading."""
    usual = frozenset(RESERVED)
    return sorted(set(names), key=lambda known: (known[:1] != name[:1], known in usual, known))
