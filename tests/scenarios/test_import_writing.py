"""The YAML writer: what is written reads back as the same, and reads well."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from seatrial import documents
from seatrial.scenarios.importers.writing import dump

TEXTS = st.one_of(
    st.text(),
    st.text("{}[]:,#&*!|>'\"%@`-? \n\t\\~ab1", max_size=12),
    st.sampled_from(
        ["true", "no", "null", "~", "012", "1e3", "2026-01-31", "22:30", "<<", "=", "{{ a }}", "- a", "a: b"]
    ),
)
LEAVES = st.one_of(
    TEXTS,
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
)
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(TEXTS, inner, max_size=4)),
    max_leaves=25,
)


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(TEXTS, VALUES, min_size=1, max_size=5))
def test_what_is_written_reads_back_as_the_same(content):
    read = documents.loads(dump(content), "x.yaml").content
    assert read == content
    assert list(read) == list(content)


@settings(max_examples=50, deadline=None)
@given(TEXTS)
def test_heading_stays_a_comment(text):
    assert documents.loads(dump({"a": 1}, [text]), "x.yaml").content == {"a": 1}


def test_very_long_key_and_text_read_back():
    content = {"k" * 5000: {"k" * 2000: "v " * 3000}, "b": [[["x" * 200], "y"], {"z" * 1500: [1]}]}
    assert documents.loads(dump(content), "x.yaml").content == content


def test_small_things_stand_on_one_line_and_steps_below_each_other():
    content = {
        "scenario": "pay",
        "vars": {"price": 250, "zip": "012"},
        "steps": [
            {
                "name": "charge",
                "request": {"method": "POST", "url": "/c/{{ id }}", "text": "one\ntwo\n"},
                "expect": {"status": 201, "checks": [{"jsonpath": "$.a", "eq": "x, y"}]},
            }
        ],
    }
    assert dump(content, ["imported"]) == (
        "# imported\n"
        "scenario: pay\n"
        'vars: {price: 250, zip: "012"}\n'
        "steps:\n"
        "  - name: charge\n"
        "    request:\n"
        "      method: POST\n"
        '      url: "/c/{{ id }}"\n'
        "      text: |\n"
        "        one\n"
        "        two\n"
        '    expect: {status: 201, checks: [{jsonpath: $.a, eq: "x, y"}]}\n'
    )


def test_pattern_is_written_in_single_quotes():
    assert dump({"matches": r'^\d+ "x"$'}) == "matches: '^\\d+ \"x\"$'\n"
