"""The only door to Jinja2 for documents: texts with `{{ }}` in, plain values out.

Takes a text and the place it stands in, gives a compiled `Template`; `compile_value` compiles a whole tree of YAML
values. A scalar that is exactly one `{{ expression }}` keeps the type of its value; any other text becomes a string,
in which true, false, null and containers read as JSON. The sandbox has no I/O; loops, what is made on the way and
output are bounded, for scenario files come from many teams. Every mistake is a `DocumentError` with its place.

`simple` reads the forms most templates have, so that a journey without others never loads Jinja2; `sandbox` is
Jinja2 and decides every doubt, `allowed` the filters and members it may use; `functions` is what templates may call.
Imports only `errors`, `dates` and `clock`.
"""

from __future__ import annotations

from seatrial.template.compile import (
    compile_condition,
    compile_text,
    compile_url,
    compile_value,
    is_template,
    references,
    render_text,
)
from seatrial.template.functions import RESERVED, functions
from seatrial.template.values import Fields, Fixed, Items, Raw, Scope, Template, Value, to_text

__all__ = [
    "RESERVED",
    "Fields",
    "Fixed",
    "Items",
    "Raw",
    "Scope",
    "Template",
    "Value",
    "compile_condition",
    "compile_text",
    "compile_url",
    "compile_value",
    "functions",
    "is_template",
    "references",
    "render_text",
    "to_text",
]
