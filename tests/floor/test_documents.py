"""Documents: what YAML means here, and how every mistake in a file is told."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seatrial import documents
from seatrial.documents import DurationS, Shape
from seatrial.errors import DocumentError, UsageError


class Inner(Shape):
    timeout: DurationS = 1.0
    count: int = 0


class Outer(Shape):
    thing: str
    inner: Inner = Inner()
    many: tuple[Inner, ...] = ()


def load(text):
    return documents.loads(text, "f.yaml")


def problem(text, shape=Outer):
    with pytest.raises(DocumentError) as caught:
        documents.parse(load(text), shape)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("012", "012"),
        ("22:30", "22:30"),
        ("1_000", "1_000"),
        ("2026-01-31", "2026-01-31"),
        ("0x10", "0x10"),
        (".5", ".5"),
        (".nan", ".nan"),
        ("true", True),
        ("null", None),
        ("", None),
        ("1", 1),
        ("-1.5", -1.5),
        ("1e3", 1000.0),
        ("'1'", "1"),
        ('"true"', "true"),
    ],
)
def test_only_json_scalars_are_typed(text, value):
    read = load(f"a: {text}").content["a"]
    assert read == value
    assert type(read) is type(value)


@given(st.integers() | st.booleans() | st.none())
def test_json_scalars_come_back_as_they_are(value):
    import json

    assert load(f"a: {json.dumps(value)}").content["a"] == value


def test_first_key_is_the_kind():
    document = load("scenario: x\nsteps: []\n")
    assert (document.kind, document.file) == ("scenario", "f.yaml")


def test_every_value_and_key_has_its_place():
    document = load("thing: x\nmany:\n  - {timeout: 2s}\n")
    assert str(document.where("many", 0, "timeout")) == "f.yaml:3:15"
    assert document.where("many", 0, "timeout").width == 2
    assert str(document.where_key("many", 0, "timeout")) == "f.yaml:3:6"


def test_place_of_what_is_not_there_is_its_nearest_parent():
    document = load("thing: x\nmany:\n  - {timeout: 2s}\n")
    assert document.where("many", 0, "count", "deeper") == document.where("many", 0)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: duplicate key 'a'; it stands first in line 1"),
        ("a: {{ x }}\n", 'a template must be quoted: "{{ name }}"'),
        ("a: !secret x\n", "f.yaml:1:4: unknown tag"),
        ("a: [1, 2\n", "f.yaml:2:1: not YAML"),
        ("- 1\n", "f.yaml:1:1: no document here"),
        ("", "f.yaml:1:1: no document here"),
        ("a: " + "1" * 50, "has too many digits"),
        ("a: " + "[" * 70 + "]" * 70, "nested deeper than"),
        ("a: " + "[" * 5000 + "]" * 5000, "nested deeper than"),
    ],
)
def test_what_is_no_document_is_told_with_its_place(text, message):
    with pytest.raises(DocumentError) as caught:
        load(text)
    assert message in str(caught.value)


def test_aliases_cannot_swell():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(DocumentError, match="more than 100000 values"):
        load("\n".join(lines))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("thing: x\ninnr: {}\n", "f.yaml:2:1: unknown key 'innr'; did you mean 'inner'?"),
        ("thing: x\ninner: {timout: 2s}\n", "f.yaml:2:9: unknown key 'timout'; did you mean 'timeout'?"),
        ("thing: x\nmany:\n  - {cuont: 2}\n", "f.yaml:3:6: unknown key 'cuont'; did you mean 'count'?"),
        ("thing: x\ninner: {timeout: 2}\n", "f.yaml:2:18: '2' is not a duration"),
        ("thing: x\ninner: {count: many}\n", "f.yaml:2:16: 'many'"),
        ("inner: {}\n", "'thing' is missing; add it"),
    ],
)
def test_shape_mistake_is_told_with_place_and_hint(text, message):
    assert message in problem(text)


def test_unknown_key_is_told_before_what_it_causes():
    assert "unknown key 'thng'" in problem("thng: x\n")


def test_file_errors_name_the_file(tmp_path):
    with pytest.raises(DocumentError, match="cannot be read: No such file"):
        documents.load(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe9\n")
    with pytest.raises(DocumentError, match="not UTF-8"):
        documents.load(tmp_path / "latin.yaml")
    (tmp_path / "huge.yaml").write_bytes(b"a: 1\n" + b"#" * documents.MAX_BYTES)
    with pytest.raises(DocumentError, match="larger than"):
        documents.load(tmp_path / "huge.yaml")


def test_place_of_what_is_no_utf_8_is_told_after_a_byte_order_mark_too(tmp_path):
    (tmp_path / "latin.yaml").write_bytes("\ufeffa: 1\r\nb: ü".encode() + b"\xfc")
    with pytest.raises(DocumentError, match=r"latin\.yaml:2:5: not UTF-8"):
        documents.load(tmp_path / "latin.yaml")


def test_a_device_without_an_end_is_too_large():
    with pytest.raises(DocumentError, match="/dev/zero:1:1: the file is larger than"):
        documents.load(Path("/dev/zero"))


def test_lines_that_end_as_on_windows_are_counted_once(tmp_path):
    (tmp_path / "crlf.yaml").write_bytes(b"a: |\r\n  x\r\n  y\r\nb: 2\r\n")
    document = documents.load(tmp_path / "crlf.yaml")
    assert (document.content, document.where("b").line) == ({"a": "x\ny\n", "b": 2}, 4)


def test_byte_order_mark_is_no_part_of_the_first_key(tmp_path):
    (tmp_path / "bom.yaml").write_bytes(b"\xef\xbb\xbfthing: x\n")
    assert documents.load(tmp_path / "bom.yaml").kind == "thing"


def test_find_gives_one_kind_in_order_of_files(tmp_path):
    for name, text in (("b.yaml", "thing: b"), ("a.yml", "thing: a"), ("c.yaml", "other: c"), ("d.txt", "thing: d")):
        (tmp_path / name).write_text(text)
    assert [document.content["thing"] for document in documents.find(tmp_path, "thing")] == ["a", "b"]
    assert documents.find(tmp_path / "absent", "thing") == ()


def test_workspace_is_the_nearest_folder_upwards_with_realms(tmp_path):
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / documents.WORKSPACE_FILE).write_text("realms: {}")
    assert documents.find_workspace(inner) == tmp_path.resolve()


def test_no_workspace_says_how_to_make_one(monkeypatch):
    monkeypatch.setattr(Path, "is_file", lambda self: False)
    with pytest.raises(UsageError, match="seatrial init"):
        documents.find_workspace(Path("/"))
