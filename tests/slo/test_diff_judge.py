"""Which fields are differences and which noise: the rule, the swap test, and how often it errs over equal realms."""

from __future__ import annotations

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from seatrial.slo.diff import tally as tallying
from seatrial.slo.diff.answer import Json, Seen
from seatrial.slo.diff.judge import ALPHA, Standing, above_noise, cut_short, judge, sign_p
from seatrial.slo.diff.tally import MAX_EXAMPLES, Spot, Tally, Three
from seatrial.verdict import Grade

SPOT = Spot("look", "see")


def answer(value, outcome="passed"):
    return Seen(outcome, 200, (), Json(value))


def counted(*triples, show=lambda _, value: str(value)):
    tally = Tally(show)
    for triple in triples:
        tally.add({SPOT: [Three(*map(answer, triple))]})
    return tally


def judged(*triples, seed=1):
    return judge(counted(*triples), seed=seed)


def standings(whole):
    return {field.path: field.standing for field in whole.fields}


def test_equal_answers_are_met():
    whole = judged(*[({"a": 1},) * 3] * 10)
    assert (whole.grade, whole.fields, whole.compared) == (Grade.MET, (), {SPOT: 10})


def test_a_field_that_always_differs_is_a_difference():
    whole = judged(*[({"a": 1}, {"a": 2}, {"a": 1})] * 10)
    [field] = whole.fields
    assert whole.grade is Grade.MISSED
    assert (field.path, field.kind, field.raw, field.noise, field.n) == ("$.a", "value", 10, 0, 10)
    assert field.p == 2**-10
    assert [(each.primary, each.candidate) for each in field.examples] == [("1", "2")]


def test_what_differs_by_itself_as_often_is_noise():
    whole = judged(*[({"at": n}, {"at": n + 0.5}, {"at": n + 0.25}) for n in range(10)])
    assert whole.grade is Grade.MET
    assert standings(whole) == {"$.at": Standing.NOISE}


def test_noise_beside_it_hides_no_difference():
    triples = [({"a": 1, "at": n}, {"a": 2, "at": -n - 1}, {"a": 1, "at": n + 0.5}) for n in range(10)]
    assert standings(judged(*triples)) == {"$.a": Standing.DIFFERENCE, "$.at": Standing.NOISE}


def test_another_kind_at_a_noisy_path_is_seen():
    whole = judged(*[({"at": n}, {"at": str(n)}, {"at": n + 1}) for n in range(10)])
    assert [(field.kind, field.standing) for field in whole.fields] == [
        ("type", Standing.DIFFERENCE),
        ("value", Standing.NOISE),
    ]


def test_the_last_comparison_that_is_needed_decides():
    least = math.ceil(-math.log2(ALPHA))
    few, enough = (judged(*[({"a": 1}, {"a": 2}, {"a": 1})] * n) for n in (least - 1, least))
    assert (few.grade, standings(few)) == (Grade.UNDECIDED, {"$.a": Standing.SUSPECTED})
    assert f"that takes {least} comparisons at least" in few.reason
    assert enough.grade is Grade.MISSED


def test_a_field_that_differs_a_little_more_often_than_by_itself_is_noise():
    same, candidate, itself = ({"a": 1},) * 3, ({"a": 1}, {"a": 2}, {"a": 1}), ({"a": 1}, {"a": 1}, {"a": 2})
    whole = judged(*[same] * 20, *[candidate] * 6, *[itself] * 3)
    assert standings(whole) == {"$.a": Standing.NOISE}
    assert whole.grade is Grade.MET


def test_nothing_compared_is_undecided():
    assert judge(Tally(lambda *_: ""), seed=1).grade is Grade.UNDECIDED


def test_equal_answers_of_steps_that_never_passed_prove_nothing():
    tally = Tally(lambda *_: "")
    for _ in range(10):
        tally.add({SPOT: [Three(*[answer({}, "failed: status")] * 3)]})
    whole = judge(tally, seed=1)
    assert whole.grade is Grade.UNDECIDED
    assert "no step passed on the primary" in whole.reason


def test_a_journey_that_never_passed_leaves_it_undecided():
    tally = counted(*[(1, 1, 1)] * 10)
    for passed in (False, True, False):
        tally.played("look", passed=passed)
    assert judge(tally, seed=1).grade is Grade.MET
    for name in "abcde":
        tally.played(name, passed=False)
    whole = judge(tally, seed=1)
    assert whole.grade is Grade.UNDECIDED
    assert whole.reason.startswith("'a', 'b', 'c' and 2 more never passed in both realms at once")


def test_what_was_cut_short_is_never_met_and_keeps_what_it_found():
    met, missed = judged(*[(1, 1, 1)] * 10), judged(*[(1, 2, 1)] * 10)
    assert cut_short(met).grade is Grade.UNDECIDED
    assert "no field differs above noise in what was compared, but" in cut_short(met).reason
    assert cut_short(missed) is missed


def test_a_loop_counts_once_a_play():
    tally = Tally(lambda *_: "x")
    tally.add({SPOT: [Three(answer(1), answer(2), answer(1))] * 5})
    [field] = judge(tally, seed=1).fields
    assert (field.raw, field.n) == (1, 1)


def test_few_examples_are_kept_each_once():
    whole = judged(*[({"a": n // 2}, {"a": -1 - n // 2}, {"a": n // 2}) for n in range(20)])
    [field] = whole.fields
    assert [each.primary for each in field.examples] == ["0", "1", "2"]
    assert len(field.examples) == MAX_EXAMPLES


def test_fields_without_end_are_counted_and_not_kept(monkeypatch):
    monkeypatch.setattr(tallying, "MAX_FIELDS", 2)
    whole = judged(*[({f"k{n}z": 1}, {}, {f"k{n}z": 1}) for n in range(5)])
    assert (len(whole.fields), whole.beyond) == (2, 3)


@pytest.mark.parametrize(
    ("raw", "noise", "n", "reported"),
    [
        (1, 0, 10, True),
        (0, 0, 10, False),
        (5, 5, 10, False),
        (6, 4, 10, False),  # exactly a fifth
        (7, 4, 11, True),
        (3, 0, 10_000, False),  # exactly 0.03 %
        (4, 0, 10_000, True),
        (4, 5, 10, False),
    ],
)
def test_diffys_thresholds(raw, noise, n, reported):
    assert above_noise(raw, noise, n) is reported


@given(st.integers(0, 200), st.integers(0, 200))
def test_the_sign_test_is_the_binomial_tail(only_raw, only_noise):
    n = only_raw + only_noise
    wanted = stats.binom.sf(only_raw - 1, n, 0.5) if n else 1.0
    assert sign_p(only_raw, only_noise) == pytest.approx(wanted, rel=1e-9)


def test_of_one_field_the_adjusted_p_is_its_own():
    same, candidate, itself = (1, 1, 1), (1, 2, 1), (1, 1, 2)
    whole = judged(*[same] * 3, *[candidate] * 8, *[itself] * 2)
    assert whole.fields[0].p == pytest.approx(sign_p(8, 2))


def test_fields_that_move_together_cost_one_another_nothing():
    wide = {f"k{chr(97 + n)}": 1 for n in range(20)}
    whole = judged(*[(wide, dict.fromkeys(wide, 2), wide)] * 8)
    assert {field.p for field in whole.fields} == {2**-8}


def test_other_fields_that_could_have_looked_like_a_difference_make_one_less_sure():
    """In each of eight comparisons `b`, `c` and `d` differ on one side alone. For each, one swap of the 256 has it on
    the candidate's in all of them."""
    halves = {"b": {0, 1, 2, 3}, "c": {0, 1, 4, 5}, "d": {0, 2, 4, 6}}
    triples = []
    for number in range(8):
        sides = {name: number in half for name, half in halves.items()}
        candidate = {"a": 2, **{name: 2 if here else 1 for name, here in sides.items()}}
        again = {"a": 1, **{name: 1 if here else 2 for name, here in sides.items()}}
        triples.append(({"a": 1, "b": 1, "c": 1, "d": 1}, candidate, again))
    whole = judged(*triples)
    assert whole.fields[0].path == "$.a"
    assert whole.fields[0].p == pytest.approx(4 / 256)
    assert whole.grade is Grade.UNDECIDED


@pytest.mark.parametrize("seed", range(40))
def test_fields_that_were_seen_too_seldom_make_nothing_less_sure(seed):
    """`a` differs in seven of forty comparisons; in each of the others one more field does, once. The 128 swaps of
    those seven are all that can tell: were the others swapped too, chance would call `a` unsure now and then."""
    triples = []
    for number in range(40):
        same = {"a": 1, **{f"f{n}x": 1 for n in range(40)}}
        triples.append((same, {**same, **({"a": 2} if number < 7 else {f"f{number}x": 2})}, same))
    whole = judged(*triples, seed=seed)
    assert (whole.fields[0].path, whole.fields[0].p, whole.grade) == ("$.a", 1 / 128, Grade.MISSED)


def test_more_comparisons_than_can_be_enumerated_are_sampled():
    whole = judged(*[({"a": 1}, {"a": 2}, {"a": 1})] * 200)
    assert whole.fields[0].standing is Standing.DIFFERENCE
    assert whole.fields[0].p == 1 / 2048


def _noisy(rng):
    """One answer of a service in which nothing is certain: a coin, a die, rare bits, and what is never the same."""
    return {
        "coin": rng.randrange(2),
        "coins": [rng.randrange(2), rng.randrange(2)],
        "die": rng.randrange(6),
        "rare": rng.random() < 0.1,
        "rarer": rng.random() < 0.03,
        "id": rng.random(),
        "list": [1] * rng.randrange(3),
    }


@pytest.mark.parametrize(("rounds", "runs"), [(10, 300), (30, 80)])
def test_over_equal_realms_a_difference_is_hardly_ever_called(rounds, runs):
    """At most ALPHA of the runs may err: that many at 99.5 %."""
    rng = random.Random(7)
    wrong = 0
    for _ in range(runs):
        triples = [tuple(_noisy(rng) for _ in range(3)) for _ in range(rounds)]
        wrong += judged(*triples, seed=rng.randrange(1 << 30)).grade is Grade.MISSED
    assert wrong <= stats.binom.ppf(0.995, runs, ALPHA)


def test_a_difference_in_a_third_of_the_answers_is_found_in_thirty_rounds():
    rng = random.Random(3)
    found = 0
    for _ in range(50):
        triples = [(1, 2 if rng.random() < 1 / 3 else 1, 1) for _ in range(30)]
        found += judged(*triples).grade is Grade.MISSED
    assert found >= 40
