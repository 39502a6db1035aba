"""Reading YAML: libyaml and PyYAML's own parser tell the same; anchors, depth and size are bounded."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from seatrial import documents
from seatrial.documents import reader
from seatrial.errors import DocumentError

ROOT = Path(__file__).parents[2]
FILES = [path for folder in ("scenarios", "chaos", "slo", "synthetic") for path in documents.files_in(ROOT / folder)]


def places(document, content, path=()):
    yield path, document.where(*path), document.where_key(*path)
    parts = content.items() if isinstance(content, dict) else enumerate(content) if isinstance(content, list) else ()
    for step, part in parts:
        yield from places(document, part, (*path, step))


@pytest.mark.skipif(not hasattr(yaml, "CSafeLoader"), reason="PyYAML is here without libyaml")
@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_libyaml_and_python_read_the_same_at_the_same_places(path, monkeypatch):
    fast = documents.load(path)
    monkeypatch.setattr(reader, "_Fast", yaml.SafeLoader)
    slow = documents.load(path)
    assert fast.content == slow.content
    assert list(places(fast, fast.content)) == list(places(slow, slow.content))


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ("a: &x {b: 1}\nc: *x\n", {"a": {"b": 1}, "c": {"b": 1}}),
        ("a: &x [1]\nc: [*x, *x]\n", {"a": [1], "c": [[1], [1]]}),
        ("a: &x name\nc: {*x : 1}\n", {"a": "name", "c": {"name": 1}}),
        ("&k a: 1\nb: *k\n", {"a": 1, "b": "a"}),
        ("a: !!str 12\nb: ! x\n", {"a": 12, "b": "x"}),
        ("a: |\n  1\n  2\nb: >-\n  x\n", {"a": "1\n2\n", "b": "x"}),
    ],
)
def test_anchors_tags_and_blocks(text, content):
    assert documents.loads(text, "f.yaml").content == content


def test_alias_has_the_place_of_what_it_stands_for():
    document = documents.loads("a: &x {b: 1}\nc: *x\n", "f.yaml")
    assert str(document.where("c", "b")) == "f.yaml:1:11"
    assert str(document.where_key("c")) == "f.yaml:2:1"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: &x [*x]\n", "f.yaml:1:8: '*x' stands within itself"),
        ("a: *x\n", "f.yaml:1:4: nothing is anchored as '&x'"),
        ("a: 1\n---\nb: 2\n", "f.yaml:2:1: a second document"),
        ("? [a]\n: 1\n", "f.yaml:1:3: a mapping where a name should stand"),
        ("a: &x [1]\nb: {*x : 1}\n", "f.yaml:2:5: a mapping where a name should stand"),
        ("scenario:x\nsteps: []\n", "f.yaml:2:6: not YAML: mapping values are not allowed here"),
        ("a: &x " + "[" * 40 + "]" * 40 + "\nb: " + "[" * 40 + "*x" + "]" * 40, "f.yaml:2:44: nested deeper than 64"),
        ("[" * 200_000, "f.yaml:1:65: nested deeper than 64"),
        ("a: " + "[" * 200_000, "f.yaml:1:68: nested deeper than 64"),
        ("a: " + "{b: " * 200_000, "f.yaml:1:260: nested deeper than 64"),
        ("a: \x01\n", "f.yaml:1:4: not YAML: the character U+0001"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(text, message):
    with pytest.raises(DocumentError) as caught:
        documents.loads(text, "f.yaml")
    assert message in str(caught.value)


def test_document_knows_what_stands_in_it():
    document = documents.loads("a: [{b: null}]\n", "f.yaml")
    assert document.has("a", 0, "b")
    assert document.has()
    assert not document.has("a", 1)
    assert not document.has("a", 0, "b", "c")


def test_a_pair_of_escaped_surrogates_is_one_character():
    assert documents.loads(r'{"a": "\ud83d\ude00!", "\ud83d\ude00": 1}', "d.yaml").content == {"a": "😀!", "😀": 1}


@pytest.mark.parametrize("text", [r'{"a": "x \ud83d"}', r'{"\ud83d": 1}'])
def test_half_of_a_character_is_refused_where_it_stands(text):
    with pytest.raises(DocumentError, match=r"d.yaml:1:\d: '.ud83d' is half of a character"):
        documents.loads(text, "d.yaml")


@pytest.mark.parametrize(
    ("text", "place"), [("a: 1\nb: x\x07", "2:5"), ("\0a: 1", "1:1"), ("é: \x1b", "1:4"), ("a: \udc80", "1:4")]
)
def test_place_of_a_control_character_is_told(text, place):
    with pytest.raises(DocumentError, match=rf"d\.yaml:{place}: not YAML: the character U\+\w{{4}}; write it as "):
        documents.loads(text, "d.yaml")


def test_a_control_character_far_behind_is_told_where_it_stands():
    with pytest.raises(DocumentError, match=r"d\.yaml:5001:4: "):
        documents.loads("- 'a'\n" * 5000 + "- a\x02", "d.yaml")
