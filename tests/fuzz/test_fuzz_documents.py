"""No document, however bad, ends in a traceback: it reads and plays, or is refused with the place of what is wrong.

`SEATRIAL_FUZZ_SEED=N pytest tests/fuzz` tries other inputs; `python bench/fuzz.py` tries ten thousand.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys

import corpus
import mutate
import pytest
import readers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

SEED = int(os.environ.get("SEATRIAL_FUZZ_SEED", "1"))
INPUTS = 1_000
BLOCK = 50
REALLY = {
    "scenario": ("check", "scenarios/s.yaml"),
    "flow": ("check", "scenarios/s.yaml"),
    "rows as json": ("check", "scenarios/s.yaml"),
    "realms": ("check", "--dry"),
    "hurl": ("check", "scenarios/s.hurl"),
    "har": ("import", "har", "input.har"),
    "postman collection": ("import", "postman", "input.json"),
    "openapi": ("import", "openapi", "input.yaml"),
}


@pytest.fixture(scope="module")
def workspace(tmp_path_factory):
    """A workspace with everything in it that a document may name."""
    folder = tmp_path_factory.mktemp("fuzz").resolve()
    readers.prepare(folder)
    return folder


def tried(name, content, workspace, *, chance, keep):
    """What came of it; a defect is told with where its input is kept."""
    try:
        return readers.attempt(name, content, workspace, chance)
    except (Exception, readers.TooSlowError) as defect:  # noqa: BLE001 - that is what is looked for
        keep.write_bytes(content)
        pytest.fail(f"{name}, kept in {keep}: {type(defect).__name__}: {defect}\n{content[:2000]!r}", pytrace=True)


@pytest.mark.parametrize("name", readers.READERS)
def test_the_samples_of_every_reader_are_mostly_good(name, workspace, tmp_path):
    """Else nothing but refusals would be tried."""
    ends = [
        tried(name, content, workspace, chance=random.Random(1), keep=tmp_path / "input")
        for content in readers.READERS[name].samples()
    ]
    assert ends.count("refused") <= len(ends) / 2


@pytest.mark.parametrize("block", range(0, INPUTS, BLOCK))
def test_a_bad_document_is_refused_with_a_place(block, workspace, tmp_path):
    for index in range(block, block + BLOCK):
        name, content = readers.input_of(SEED, index)
        tried(name, content, workspace, chance=random.Random(index), keep=tmp_path / f"seed-{SEED}-input-{index}")


def test_every_reader_is_given_inputs_it_refuses_and_inputs_it_reads(workspace, tmp_path):
    """So that a reader that takes or refuses all is seen. What is held against others is seldom right by chance."""
    ends = {name: set() for name in readers.READERS if not name.startswith("planned")}
    for index in range(INPUTS):
        name, content = readers.input_of(SEED, index)
        if sum(map(len, ends.values())) == 2 * len(ends):
            break
        if len(ends.get(name, "..")) < 2:
            ends[name].add(tried(name, content, workspace, chance=random.Random(index), keep=tmp_path / "input"))
    assert {name: len(found) for name, found in ends.items()} == dict.fromkeys(ends, 2)


ODD = st.sampled_from(mutate.ODD_VALUES) | st.text(max_size=8) | st.integers() | st.floats()
KEYS = st.sampled_from(corpus.known_keys())
TREES = st.recursive(
    ODD, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=8
)
NAMES = st.sampled_from(("a", "b", "token", "{{ a }}", "{{ token }}x"))


def near(good):
    """Mostly what belongs there, now and then anything."""
    return st.one_of(good, good, good, TREES)


CHECKS = st.builds(
    lambda query, text, predicate, operand: {query: text, predicate: operand},
    st.sampled_from(("status", "body", "header", "jsonpath", "regex", "duration", "variable", "cookie", "bytes")),
    st.sampled_from((True, "$.id", "$..*", "a+", "{{ a }}", "Set-Cookie", "SID[Expires]")),
    st.sampled_from(("eq", "gt", "contains", "matches", "in", "between", "length", "type", "exists", "schema")),
    ODD,
)
REQUESTS = st.fixed_dictionaries(
    {"url": near(st.sampled_from(("/a", "service://cards/{{ a }}", "http://api.test/?{{ token }}")))},
    optional={
        "method": near(st.sampled_from(("GET", "POST"))),
        "headers": near(st.dictionaries(NAMES, NAMES, max_size=2)),
        "params": near(st.dictionaries(NAMES, ODD, max_size=2)),
        "cookies": near(st.dictionaries(NAMES, NAMES, max_size=2)),
        "json": TREES,
        "auth": near(st.builds(lambda name: {"bearer": name}, NAMES)),
        "follow": near(st.just(True)),
    },
)
STEPS = st.fixed_dictionaries(
    {"request": near(REQUESTS)},
    optional={
        "name": near(NAMES),
        "when": near(st.sampled_from(("a is defined", "a > 1", "not a"))),
        "expect": near(
            st.fixed_dictionaries({}, optional={"checks": near(st.lists(CHECKS, max_size=3)), "json": TREES})
        ),
        "capture": near(st.dictionaries(st.sampled_from(("a", "token")), st.just({"jsonpath": "$.id"}), max_size=2)),
        "repeat": near(st.integers(0, 3)),
        "for_each": near(st.builds(lambda items: {"as": "a", "in": items}, st.lists(ODD, max_size=3))),
        "retry": near(st.just({"max": 2, "interval": "1ms"})),
        "continue": near(st.booleans()),
    },
)
SCENARIOS = st.fixed_dictionaries(
    {"scenario": near(st.just("s")), "service": near(st.just("api")), "steps": near(st.lists(STEPS, max_size=3))},
    optional={
        "vars": near(st.dictionaries(st.sampled_from(("a", "token")), ODD, max_size=2)),
        "rows": near(st.lists(st.dictionaries(NAMES, ODD, max_size=2), max_size=2)),
        "teardown": near(st.lists(STEPS, max_size=1)),
    },
)
BY_EXAMPLE = settings(
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@BY_EXAMPLE
@given(document=SCENARIOS)
def test_a_scenario_of_known_keys_and_odd_values_is_played_or_refused(document, workspace, tmp_path):
    content = mutate.as_json(document)
    tried("scenario", content, workspace, chance=random.Random(1), keep=tmp_path / "input")


@BY_EXAMPLE
@given(kind=st.sampled_from(sorted(readers.OWN_KINDS)), name=ODD, rest=st.dictionaries(KEYS, TREES, max_size=5))
def test_a_document_of_known_keys_and_odd_values_is_read_or_refused(kind, name, rest, workspace, tmp_path):
    key = corpus.first_key(readers.READERS[kind].samples()[0])
    content = mutate.as_json({key: name, **rest})
    tried(kind, content, workspace, chance=random.Random(1), keep=tmp_path / "input")


@pytest.mark.parametrize("name", REALLY)
def test_the_command_itself_ends_with_3_and_one_sentence(name, workspace, tmp_path):
    reader = readers.READERS[name]
    content = next(
        content
        for index in range(INPUTS)
        for found, content in [readers.input_of(SEED, index)]
        if found == name
        and tried(name, content, workspace, chance=random.Random(1), keep=tmp_path / "x") == "refused"
    )
    readers.prepare(tmp_path)
    for beside, text in {**reader.beside, reader.file: content}.items():
        (tmp_path / beside).write_bytes(text.encode() if isinstance(text, str) else text)
    command = [sys.executable, "-c", "from seatrial.cli.main import main; main()", *REALLY[name]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (3, b"")
    assert done.stderr.startswith(b"error: ")
    assert b"Traceback" not in done.stderr
