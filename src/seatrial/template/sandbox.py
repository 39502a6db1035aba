"""Jinja2 with its doors shut: the engine behind every template that is not a simple one. Private to `template`.

The only module that imports Jinja2, so it is itself imported only where a template needs it. Texts are parsed and
permitted when they are read; the code of each is made when it is first rendered, for most checks render few of many.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeVar, cast

import jinja2
import jinja2.meta
import jinja2.sandbox
from jinja2 import nodes
from jinja2.environment import TemplateExpression
from jinja2.visitor import NodeTransformer

from seatrial.errors import DocumentError, Where
from seatrial.template.allowed import FILTERS, growing_member, may_use, refuse_length, text_of, weight_of
from seatrial.template.functions import GLOBALS
from seatrial.template.simple import encoded
from seatrial.template.values import Run, Scope, Unknown, Unrenderable

MAX_NESTING = 2
MAX_POWER_BITS = 4096

Result = TypeVar("Result")
Compiled = tuple[frozenset[str], Run]

_STATEMENTS = (nodes.Output, nodes.If, nodes.For)


@functools.lru_cache(maxsize=4096)
def text(source: str) -> Compiled:
    """The names a text mentions, and how to render it: typed when it is one expression."""
    tree = _parse(source)
    if _is_one_expression(tree, source):
        return expression(source[2:-2].strip())
    return _names(tree), _late(lambda: _text_run(_texts(), _parse(source)))


@functools.lru_cache(maxsize=4096)
def url(source: str) -> Compiled:
    """The same of a URL."""
    return _names(_parse(source)), _late(lambda: _text_run(_urls(), _parse(source)))


@functools.lru_cache(maxsize=4096)
def expression(source: str) -> Compiled:
    """The same of a bare expression."""
    return _names(_parse_one(source)), _late(lambda: _typed_run(_evaluation(_parse_one(source))))


def members(source: str, holder: str) -> frozenset[str]:
    """The names X that a text uses as `holder.X` or `holder['X']`."""
    return frozenset(_members(_parse(source), holder))


def at(where: Where, compiled: Callable[[str], Result], source: str) -> Result:
    """Run a compiler step; Jinja2's complaints become a DocumentError at that place."""
    try:
        return compiled(source)
    except (jinja2.TemplateError, RecursionError) as error:
        message = getattr(error, "message", None) or str(error)
        raise DocumentError(where, f"'{source}' is not a template: {message}", _syntax_hint(source)) from None


def _late(make: Callable[[], Run]) -> Run:
    """A run whose code is made at its first call; Jinja2's exceptions come out of it as ours."""
    made = functools.cache(make)

    def run(scope: Scope) -> Any:
        try:
            return made()(scope)
        except _Unknown as unknown:
            raise Unknown(unknown.name, unknown.holder, inside=unknown.inside) from None
        except jinja2.TemplateError as error:
            raise Unrenderable(str(error)) from None

    return run


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
    """Jinja2's sandbox, with members of mappings before their methods, and without ways to grow a value unseen."""

    intercepted_binops = frozenset({"+", "*", "**", "%"})

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return growing_member(obj, attribute) or super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        return growing_member(obj, argument) or super().getitem(obj, argument)

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        return may_use(obj, attr) and super().is_safe_attribute(obj, attr, value)

    def call_binop(self, context: Any, operator: str, left: Any, right: Any) -> Any:
        _refuse_growth(operator, left, right)
        return super().call_binop(context, operator, left, right)


def _refuse_growth(operator: str, left: Any, right: Any) -> None:
    if operator == "%" and isinstance(left, (str, bytes)):
        raise ValueError("text formatting by % is not used here; put the value in with {{ }}")
    if operator == "**" and _power_bits(left, right) > MAX_POWER_BITS:
        raise ValueError("the power is too large")
    if operator == "+" and isinstance(left, Sequence) and isinstance(right, Sequence):
        refuse_length(len(left) + len(right))
    for many, times in ((left, right), (right, left)):
        if operator == "*" and isinstance(many, Sequence) and isinstance(times, int) and times > 0:
            refuse_length(weight_of(many) * times)


def _power_bits(left: Any, right: Any) -> float:
    return left.bit_length() * right if isinstance(left, int) and isinstance(right, int) else 0


def _finalize(value: Any) -> Any:
    return value if isinstance(value, jinja2.Undefined) else text_of(value)


def _finalize_url(value: Any) -> Any:
    if isinstance(value, jinja2.Undefined):
        return value
    weight_of(value)
    return encoded(value)


def _environment(finalize: Callable[[Any], Any]) -> _Sandbox:
    environment = _Sandbox(
        undefined=_Missing,
        finalize=finalize,
        autoescape=False,
        keep_trailing_newline=True,
        cache_size=0,
        optimized=False,
    )  # optimized, it would write what it has reckoned into its code, where infinity is no number
    environment.globals = dict(GLOBALS)
    environment.filters = dict(FILTERS)
    return environment


@functools.cache
def _texts() -> _Sandbox:
    return _environment(_finalize)


@functools.cache
def _urls() -> _Sandbox:
    return _environment(_finalize_url)


def _typed_run(compiled: Callable[..., Any]) -> Run:
    def run(scope: Scope) -> Any:
        value = compiled(scope)
        if isinstance(value, jinja2.Undefined):
            str(value)  # a strict undefined raises when it is looked at
        if isinstance(value, str):
            refuse_length(len(value))
        return value

    return run


def _text_run(environment: _Sandbox, tree: nodes.Template) -> Run:
    template = jinja2.Template.from_code(environment, environment.compile(tree), environment.make_globals(None))

    def run(scope: Scope) -> str:
        pieces, length = [], 0
        for piece in template.generate(scope):
            length += len(piece)
            refuse_length(length)
            pieces.append(piece)
        return "".join(pieces)

    return run


def _parse(source: str) -> nodes.Template:
    tree = _texts().parse(source)
    _permit(tree, 0)
    return cast("nodes.Template", _Chains().visit(tree))


def _parse_one(source: str) -> nodes.Template:
    """A bare expression, as the template that gives it."""
    tree = _parse("{{ " + source + " }}")
    if len(_pieces(tree)) != 1:
        raise jinja2.TemplateSyntaxError("more than one expression", 1)
    return tree


def _evaluation(tree: nodes.Template) -> Callable[..., Any]:
    """What `Environment.compile_expression` makes of a text, of a tree that is permitted already."""
    [piece] = _pieces(tree)
    kept = nodes.Template([nodes.Assign(nodes.Name("result", "store"), piece, lineno=1)], lineno=1)
    environment = _texts()
    kept.set_environment(environment)
    made = jinja2.Template.from_code(environment, environment.compile(kept), environment.make_globals(None))
    return TemplateExpression(made, undefined_to_none=False)


class _Chains(NodeTransformer):
    """`a ~ b` becomes a filter, which bounds it."""

    def get_visitor(self, node: nodes.Node) -> Any:
        """What takes the place of a node."""
        return self._chained if isinstance(node, nodes.Concat) else None

    def _chained(self, node: nodes.Concat) -> nodes.Filter:
        self.generic_visit(node)
        parts = nodes.List(node.nodes, lineno=node.lineno)
        chain = nodes.Filter(parts, "chained", [], [], None, None, lineno=node.lineno)
        chain.set_environment(_texts())
        return chain


def _permit(node: nodes.Node, nesting: int) -> None:
    """Allow `if` and `for` alone, bound every loop, and refuse loops nested too deep."""
    if isinstance(node, nodes.Stmt) and not isinstance(node, _STATEMENTS):
        raise jinja2.TemplateSyntaxError(f"'{type(node).__name__.lower()}' is not used here, only if and for", 1)
    if isinstance(node, nodes.Const) and isinstance(node.value, float) and not math.isfinite(node.value):
        raise jinja2.TemplateSyntaxError("a number too large", 1)
    if isinstance(node, nodes.For):
        nesting += 1
        if nesting > MAX_NESTING or node.recursive:
            raise jinja2.TemplateSyntaxError(f"loops nested deeper than {MAX_NESTING}", 1)
        node.iter = nodes.Filter(node.iter, "bounded", [], [], None, None, lineno=node.lineno)
        node.iter.set_environment(_texts())
    for child in node.iter_child_nodes():
        _permit(child, nesting)


def _is_one_expression(tree: nodes.Template, source: str) -> bool:
    if not (source.startswith("{{") and source.endswith("}}")):
        return False
    if source[2:3] in ("-", "+") or source[-3:-2] in ("-", "+"):
        return False
    parts = _pieces(tree)
    return len(parts) == 1 and not isinstance(parts[0], nodes.TemplateData)


def _pieces(tree: nodes.Template) -> list[Any]:
    """The literal texts and expressions it gives; a statement counts as two."""
    return [part for output in tree.body for part in getattr(output, "nodes", (None, None))]


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


def _syntax_hint(source: str) -> str:
    return "close every {{ with }}" if source.count("{{") != source.count("}}") else ""
