"""JSON paths: the short way and the library find the same, refuse the same, and only the long ones import it."""

from __future__ import annotations

import subprocess
import sys

import jsonpath
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from seatrial import regexes
from seatrial.scenarios.answers.json_path import compile_path

LIBRARY = jsonpath.JSONPathEnvironment(strict=True)
NAMES = st.sampled_from(["a", "b", "é", "a b", "_1", "0"])
DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text("ab", max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=12,
)
SHORT = st.sampled_from(["a", "b", "é", "_1"]).map(".{}".format)
QUOTED = st.builds("[{1}{0}{1}]".format, NAMES, st.sampled_from("'\""))
INDEXES = st.integers(-4, 4).map("[{}]".format)
EVERY = st.sampled_from(["[*]", ".*"])
PLAIN = st.lists(SHORT | QUOTED | INDEXES | EVERY, max_size=4).map(lambda steps: "$" + "".join(steps))
PIECES = st.sampled_from([*"$.[]'\"*@?-0123ab é_\\,:", "..", "[*]", "[0]", "[-0]", "[01]", "['a']", ".a", "\n"])


@given(PLAIN, DOCUMENTS.filter(lambda document: not isinstance(document, str)))
def test_short_way_finds_what_the_library_does(path, document):
    compiled = compile_path(path)
    assert compiled.parsed is None
    wanted = LIBRARY.compile(path)
    assert compiled.singular is wanted.singular_query()
    assert compiled.values(document) == [node.obj for node in wanted.finditer(document)]


@given(st.lists(PIECES, max_size=7).map(lambda pieces: "$" + "".join(pieces)))
@example("$.a")
@example("$[9007199254740993]")
@example("$['a\u0001']")
@example("$.1a")
@example("$ .a")
def test_whatever_the_short_way_takes_the_library_takes_too(path):
    try:
        parsed = LIBRARY.compile(path)
        wanted = [node.obj for node in parsed.finditer({"a": [{"a": 1}, "b"], "b": {"a": 2}})]
    except jsonpath.JSONPathError:
        with pytest.raises(ValueError, match="is not a JSON path"):
            compile_path(path)
    else:
        compiled = compile_path(path)
        assert compiled.values({"a": [{"a": 1}, "b"], "b": {"a": 2}}) == wanted
        assert compiled.singular is parsed.singular_query()


@pytest.mark.parametrize("path", ["$", "$.a", "$[*]", "$..a", "$[0]", "$[?@.a]"])
def test_document_that_is_a_text_is_never_parsed_again(path):
    assert compile_path(path).values('{"a": 1}') == (['{"a": 1}'] if path == "$" else [])


def test_function_that_takes_a_pattern_is_bounded_in_time(monkeypatch):
    document = [{"n": "ab"}, {"n": "b"}, {"n": 5}]
    assert compile_path("$[?match(@.n, 'a.')].n").values(document) == ["ab"]
    assert compile_path("$[?search(@.n, 'b')].n").values(document) == ["ab", "b"]
    assert compile_path("$[?search(@.n, '(')].n").values(document) == []
    monkeypatch.setattr(regexes, "BUDGET_S", 0.02)
    with pytest.raises(ValueError, match="took longer"):
        compile_path("$[?search(@, '(a|a)*(a|a)*(a|a)*$')]").values(["a" * 5000 + "!"])


def test_document_too_deep_for_the_library_is_told():
    document = {}
    for _ in range(5000):
        document = {"a": document}
    with pytest.raises(ValueError, match="cannot be followed"):
        compile_path("$..b").values(document)


def test_path_that_leads_to_more_than_the_document_has_is_ended():
    document = {}
    for _ in range(60):
        document = {"a": document, "b": document}
    with pytest.raises(ValueError, match="more than 100000 values"):
        compile_path("$..*..*..*").values(document)


def test_reading_scenarios_imports_no_engine_before_a_path_or_pattern_needs_it():
    heavy = ["jsonpath", "regex", "lxml", "jmespath", "jsonschema"]
    code = (
        "import sys, seatrial.scenarios.read\n"
        "from seatrial.scenarios.answers.json_path import compile_path\n"
        "assert compile_path('$.a[0]').values({'a': [7]}) == [7]\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ended.stdout.strip() == "[]"


@pytest.mark.parametrize("number", ["1e999", "-1e999", "9" * 400])
def test_number_that_no_document_can_hold_is_told(number):
    with pytest.raises(ValueError, match=r"\$\[\?@\.a == .*"):
        compile_path(f"$[?@.a == {number}]")
