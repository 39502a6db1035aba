"""XML and HTML: parsed without network, DTD or entities, and looked into by XPath. Pure.

Room scenarios, private to `query` and `filters`; the only importer of lxml, an extra that is imported when the first
XPath is compiled. Gives plain values, never a node.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

MAX_NODES = 100_000
"""Of one answer to one XPath."""


class NotMarkup(ValueError):
    """Neither XML nor HTML; the text says why."""


@dataclass(frozen=True, slots=True)
class XPath:
    """A compiled XPath 1.0; one that names no prefix is ready for every document."""

    text: str
    compiled: Any
    prefixed: bool


class Markup:
    """A parsed document."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def find(self, path: XPath) -> Any:
        """What the path gives: a boolean, number or text, or the list of its nodes' texts, empty when there is none.

        ValueError when it cannot be evaluated. `_` is the prefix of the document's default namespace.
        """
        from lxml import etree

        compiled = _with_namespaces(path.text, self._namespaces) if path.prefixed else path.compiled
        try:
            return _plain(compiled(self._root))
        except etree.XPathError as error:
            raise ValueError(f"the path cannot be followed: {error}") from None

    @functools.cached_property
    def _namespaces(self) -> frozenset[tuple[str, str]]:
        """Every prefix the document declares anywhere; the outermost declaration of a prefix wins."""
        known: dict[str, str] = {}
        for element in self._root.getroottree().iter():
            for prefix, uri in element.nsmap.items():
                known.setdefault(prefix or "_", uri)
        return frozenset(known.items())


@functools.lru_cache(maxsize=1024)
def compile_xpath(text: str) -> XPath:
    """The path, ready; ValueError says what is wrong with it, or that lxml is missing."""
    try:
        from lxml import etree
    except ImportError:
        raise ValueError("an XPath needs lxml; install seatrial[xml]") from None
    try:
        compiled = etree.XPath(text, regexp=False, smart_strings=False)
    except (etree.XPathError, ValueError) as error:
        raise ValueError(f"'{text}' is not an XPath: {error}") from None
    return XPath(text, compiled, ":" in text.replace("::", ""))


def parse(content: str | bytes, *, html: bool) -> Markup:
    """Parse as XML, or as HTML where that is said or XML fails; NotMarkup when neither does, or for entities."""
    if not content.strip():
        raise NotMarkup("there is no document: it is empty")
    return Markup(_html(content) if html else _xml(content))


def _xml(content: str | bytes) -> Any:
    from lxml import etree

    data, encoding = _encoded(content)
    parser = etree.XMLParser(
        encoding=encoding, resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError):
        return _html(content)
    _refuse_entities(root.getroottree().docinfo.internalDTD)
    return root


def _refuse_entities(dtd: Any) -> None:
    """XPath would expand them, without any bound, where the parser does not."""
    if dtd is not None and next(dtd.iterentities(), None) is not None:
        raise NotMarkup("its DTD declares entities, which are not expanded")


def _html(content: str | bytes) -> Any:
    from lxml import etree

    data, encoding = _encoded(content)
    parser = etree.HTMLParser(encoding=encoding, no_network=True, huge_tree=False)
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotMarkup(f"it is neither XML nor HTML ({error})") from None
    if root is None:
        raise NotMarkup("it is neither XML nor HTML")
    return root


def _encoded(content: str | bytes) -> tuple[bytes, str | None]:
    """Bytes are left to their own declaration; a text overrules it."""
    return (content, None) if isinstance(content, bytes) else (content.encode(errors="replace"), "utf-8")


@functools.lru_cache(maxsize=1024)
def _with_namespaces(text: str, namespaces: frozenset[tuple[str, str]]) -> Any:
    from lxml import etree

    return etree.XPath(text, namespaces=dict(namespaces), regexp=False, smart_strings=False)


def _plain(found: Any) -> Any:
    if isinstance(found, list):
        if len(found) > MAX_NODES:
            raise ValueError(f"it finds more than {MAX_NODES} nodes")
        return [_text(node) for node in found]
    return int(found) if isinstance(found, float) and found.is_integer() else found


def _text(node: Any) -> str:
    """A node's text as XPath's `string()` gives it: of an element, all the text within."""
    if isinstance(node, str):
        return node
    if isinstance(node, tuple):
        return str(node[1])
    return str(_string()(node))


@functools.cache
def _string() -> Any:
    from lxml import etree

    return etree.XPath("string()", smart_strings=False)
