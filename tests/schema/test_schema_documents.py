"""Schemas and readers agree: on every document of this repository, on wrong ones, on how quantities are written."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from right import (
    RIGHT,
)
from wrong import WRONG

from seatrial import documents
from seatrial.errors import SeatrialError
from seatrial.schema import KINDS, combined_schema, make, schema_of
from seatrial.schema.make import DIALECT
from seatrial.schema.words import KEYS
from seatrial.schema.written import QUANTITIES, READERS

ROOT = Path(__file__).parent.parent.parent


FOLDERS = (
    "scenarios",
    "chaos",
    "synthetic",
    "slo",
    "src/seatrial/starter",
    "tests/golden/passes",
    "tests/golden/fails",
)


def _files() -> Iterator[Path]:
    yield ROOT / "realms.yaml"
    for folder in FOLDERS:
        yield from sorted((ROOT / folder).rglob("*.yaml"))


def _blocks() -> Iterator[tuple[str, str]]:
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))):
        for number, block in enumerate(re.findall(r"```yaml\n(.*?)```", page.read_text(), flags=re.DOTALL)):
            yield f"{page.name}-{number}", block


DOCUMENTS = [documents.load(path) for path in _files()]


EXAMPLES = [(name, documents.loads(block, name)) for name, block in _blocks()]


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_a_json_schema_of_2020(kind: str) -> None:
    for schema in (schema_of(kind), combined_schema()):
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == DIALECT


@pytest.mark.parametrize("document", [*DOCUMENTS, *(document for _, document in EXAMPLES)], ids=lambda it: it.file)
def test_every_document_of_the_repository_is_valid(document: documents.Document) -> None:
    if document.kind not in KINDS:  # a part of a document, as the README shows some, or a pipeline of a CI system
        assert document.file.startswith(("README", "ci.md"))
        return
    for schema in (schema_of(document.kind), combined_schema()):
        wrong = [
            (list(it.absolute_path), it.message)
            for it in jsonschema.Draft202012Validator(schema).iter_errors(document.content)
        ]
        assert wrong == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_is_explained(kind: str) -> None:
    schema = schema_of(kind)
    silent = [
        f"{name}.{key}"
        for name, part in {kind: schema, **schema["$defs"]}.items()
        for key, about in part.get("properties", {}).items()
        if not about.get("description")
    ]
    assert silent == []


def test_every_sentence_explains_a_key() -> None:
    known = {"version"}
    for kind in KINDS:
        root, parts = make._parts(kind)
        for name, part in {kind: root, **parts}.items():
            owner = make._qualified(kind, name)
            known |= {f"{owner}.{key}" for key in part.get("properties", {})}
            family = make._FAMILIES.get(owner)
            known |= {f"{family}.{key}" for key in part.get("properties", {}) if family}
    assert set(KEYS) - known == set()


def _short(content: dict[str, Any]) -> str:
    return re.sub(r"[^\w.$%/>{}:-]+", " ", str(content)).strip()[:90]


@pytest.mark.parametrize("content", RIGHT, ids=_short)
def test_what_the_reader_takes_the_schema_takes(judge, content: dict[str, Any]) -> None:
    verdicts = judge(content)
    assert (verdicts.reader, verdicts.schema, verdicts.combined) == ("", "", "")


@pytest.mark.parametrize("content", WRONG, ids=_short)
def test_what_is_wrong_is_refused_by_schema_and_reader(judge, content: dict[str, Any]) -> None:
    verdicts = judge(content)
    assert verdicts.reader
    assert verdicts.schema
    assert verdicts.combined


def _mappings(content: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if isinstance(content, dict):
        yield path
    for key, part in (
        content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    ):
        yield from _mappings(part, (*path, key))


def _with_key(content: dict[str, Any], path: tuple[Any, ...]) -> dict[str, Any]:
    made = copy.deepcopy(content)
    holder = made
    for step in path:
        holder = holder[step]
    holder["zzz"] = "x"
    return made


@pytest.mark.parametrize("content", RIGHT, ids=_short)
def test_one_key_too_many_is_wrong_for_both_or_for_neither(judge, content: dict[str, Any]) -> None:
    for path in _mappings(content):
        changed = _with_key(content, path)
        verdicts = judge(changed)
        assert bool(verdicts.schema) == bool(verdicts.reader), (path, verdicts)


TEXTS = (
    0, 5, -1, 0.5, True, None, "", "0", "0s", "5", "5s", "250ms", "1.5h", "2 m", " 3d ", "1us", "s", "-1s",
    "1e3s", ".5s", "1s..3s", "1s..", "..3s", "1s .. 3s", "5/s", "5 / m", "5/d", "0/s", "/s", "5%", "0%",
    "100%", "100.0%", "101%", "100.5%", "0.1 %", "005%", "%", "p99", "p99.9", "p0", "p00", "p0.1", "p100",
    "99", "p", "p5", "10kB", "10KB", "1 MiB", "5GB", "10", "10kB/s", "10/s", "1MiB / s", "a->b", "a -> b",
    "->b", "a->", "a->b->c", "->x->y", "a", "> 50% for 5s", ">5%for 1s", "> 5 % for 1s", "50% for 5s",
    "> 101% for 1s", "> 100% for 1m",
)  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        *("quantity.duration_s", "quantity.duration_range_s", "quantity.rate_per_s", "quantity.ratio"),
        *(
            "quantity.quantile",
            "quantity.size_bytes",
            "chaos.written.shapes._toxiproxy_s",
            "chaos.written.shapes._toxiproxy_slicer_s",
            "chaos.written.shapes._toxiproxy_bytes_per_s",
        ),
        *("chaos.written.shapes._abort", "chaos.written.shapes._edge", "chaos.written.shapes._nothing"),
    ],
)
def test_a_quantity_is_written_as_its_reader_reads_it(name: str) -> None:
    module, _, function = name.rpartition(".")
    read = getattr(import_module(f"seatrial.{module}"), function)
    schema = {**READERS[name]({}), "$defs": QUANTITIES}
    valid = jsonschema.Draft202012Validator(schema)
    for text in TEXTS:
        assert valid.is_valid(text) == _reads(read, text), text


def _reads(read: Any, text: Any) -> bool:
    try:
        read(text)
    except ValueError:
        return False
    return True


def test_an_unknown_kind_is_refused_with_a_hint() -> None:
    with pytest.raises(SeatrialError, match="did you mean 'scenario'"):
        schema_of("scenaro")
