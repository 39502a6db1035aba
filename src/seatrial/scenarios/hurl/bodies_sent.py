"""What a body of a `.hurl` file is as a text, for sending it and for comparing an answer with it.

Room scenarios, private to `hurl`. Nothing is written anew: JSON and XML keep their white space.
"""

from __future__ import annotations

import functools
import json

from seatrial.scenarios.hurl import syntax
from seatrial.scenarios.hurl.syntax import BlockKind
from seatrial.scenarios.hurl.values import holes_in, json_of, made, value_of
from seatrial.template import Fixed, Scope, Value

_JSON = "application/json"
_XML = "application/xml"
_BLOCK_TYPES = {BlockKind.JSON: _JSON, BlockKind.GRAPHQL: _JSON, BlockKind.XML: _XML}


def body_text(body: syntax.JsonText | syntax.Xml | syntax.Block | syntax.Line) -> Value:
    """The body as a text, its holes filled."""
    if isinstance(body, syntax.JsonText):
        return json_of(body)
    if isinstance(body, syntax.Xml):
        return Fixed(body.text)
    if isinstance(body, syntax.Line):
        return value_of(body.text)
    return _graphql(body) if body.kind is BlockKind.GRAPHQL else value_of(body.text)


def body_type(body: syntax.Body) -> str:
    """The content type Hurl says where the file does not; empty for none."""
    if isinstance(body, syntax.JsonText):
        return _JSON
    if isinstance(body, syntax.Xml):
        return _XML
    return _BLOCK_TYPES.get(body.kind, "") if isinstance(body, syntax.Block) else ""


def _graphql(block: syntax.Block) -> Value:
    """The query and its variables as the JSON object that GraphQL over HTTP takes."""
    query = value_of(block.text)
    variables = None if block.variables is None else json_of(block.variables)
    if isinstance(query, Fixed) and (variables is None or isinstance(variables, Fixed)):
        return Fixed(_document({}, query=query, variables=variables))
    run = functools.partial(_document, query=query, variables=variables)
    return made(block.text.source, block.where, tuple(holes_in(block)), run)


def _document(scope: Scope, *, query: Value, variables: Value | None) -> str:
    said = json.dumps(str(query.render(scope)).strip(), ensure_ascii=False)
    if variables is None:
        return f'{{"query":{said}}}'
    written = json.dumps(json.loads(str(variables.render(scope))), ensure_ascii=False, separators=(",", ":"))
    return f'{{"query":{said},"variables":{written}}}'
