"""What the rulings of an audit come to: causes with consequences, the matrix, the score, what was not tried."""

from __future__ import annotations

import pytest

from audit_calls import WELL, Did, traffic
from seatrial.chaos.audit import battery, causes
from seatrial.chaos.audit.families import (
    AROUND_BREAKER,
    CONSECUTIVE,
    COUNTS_REJECTIONS,
    DEFECTS,
    FALLBACK,
    FAMILIES,
    IGNORES_ERRORS,
    IGNORES_SLOWNESS,
    LOCK,
    NO_BREAKER,
    NO_TIMEOUT,
    SHARED,
    STALE,
    STORM,
    UNTRIABLE,
)
from seatrial.chaos.audit.model import Family, Kind, Reading, Ruling, Sign, Strain
from seatrial.chaos.audit.signatures import SIGNATURES, UNAWAITED
from seatrial.errors import UsageError
from seatrial.service import Dependency, Edge, Mechanisms, Service
from seatrial.verdict import Grade

EDGES = (Edge("front", "back"), Edge("front", "side"))


def _ruling(
    family: Family, kind: Kind, sign: Sign = Sign.FOUND, edge: Edge = EDGES[0], *, outweighed: bool = False
) -> Ruling:
    return Ruling(family, Strain(edge, kind), Reading(sign, "seen", outweighed=outweighed))


def test_what_a_missing_timeout_brings_about_stands_under_it():
    rulings = [_ruling(NO_BREAKER, Kind.HANG), _ruling(NO_TIMEOUT, Kind.HANG), _ruling(IGNORES_SLOWNESS, Kind.SLOW)]
    (cause,) = causes.causes(rulings)
    assert cause.family is NO_TIMEOUT
    assert [item.family for item in cause.consequences] == [NO_BREAKER, IGNORES_SLOWNESS]


@pytest.mark.parametrize(
    ("never", "slow", "count"), [(True, True, 1), (True, False, 2), (False, True, 2)], ids=["both", "root", "other"]
)
def test_a_breaker_that_other_dependencies_may_keep_closed_explains_only_what_they_may_too(never, slow, count):
    rulings = [
        _ruling(NO_BREAKER, Kind.HANG, outweighed=never),
        _ruling(IGNORES_SLOWNESS, Kind.SLOW, edge=EDGES[1], outweighed=slow),
    ]
    assert len(causes.causes(rulings)) == count


def test_an_edge_whose_breaker_opened_though_outweighed_shares_none_and_what_it_does_wrong_is_its_own():
    rulings = [
        _ruling(NO_BREAKER, Kind.HANG, outweighed=True),
        _ruling(CONSECUTIVE, Kind.PARTIAL, edge=EDGES[1], outweighed=True),
    ]
    opened = [_ruling(NO_BREAKER, Kind.HANG, Sign.CLEAR, EDGES[1], outweighed=outweighed) for outweighed in (0, 1)]
    assert [cause.family for cause in causes.causes([*rulings, opened[0]])] == [NO_BREAKER]
    assert [cause.family for cause in causes.causes([*rulings, opened[1]])] == [NO_BREAKER, CONSECUTIVE]
    (alone,) = causes.causes([_ruling(NO_BREAKER, Kind.HANG), _ruling(IGNORES_ERRORS, Kind.SERVER_ERROR), opened[1]])
    assert alone.family is NO_BREAKER  # what shows because of it on its own edge is no matter of sharing


@pytest.mark.parametrize(
    ("root", "shown", "because"),
    [
        (LOCK, Kind.SLOW, [(NO_BREAKER, Kind.HANG)]),  # who waits for the lock is given up before the breaker counts
        (
            STORM,
            Kind.SERVER_ERROR,
            [(CONSECUTIVE, Kind.PARTIAL)],
        ),  # retries in the breaker hide two failures of three
        (AROUND_BREAKER, Kind.HANG, [(CONSECUTIVE, Kind.PARTIAL)]),  # what waits until it may call shows no refusal
        (COUNTS_REJECTIONS, Kind.CLIENT_ERROR, [(STALE, Kind.CUT)]),  # what it refuses makes no call either
        (LOCK, Kind.SLOW, [(NO_BREAKER, Kind.HANG), (IGNORES_ERRORS, Kind.SERVER_ERROR)]),  # the last by the second
    ],
)
def test_what_a_defect_makes_other_strains_show_stands_under_it(root, shown, because):
    own = [_ruling(family, kind) for family, kind in because]
    (cause,) = causes.causes([*own, _ruling(root, shown)])
    assert cause.family is root
    assert cause.consequences == tuple(own)
    beside = [_ruling(family, kind, edge=EDGES[1]) for family, kind in because]
    assert {root, because[0][0]} <= {cause.family for cause in causes.causes([*beside, _ruling(root, shown)])}


def test_a_defect_of_one_edge_explains_nothing_on_another():
    rulings = [_ruling(NO_TIMEOUT, Kind.HANG), _ruling(NO_BREAKER, Kind.HANG, edge=EDGES[1])]
    assert [cause.family for cause in causes.causes(rulings)] == [NO_TIMEOUT, NO_BREAKER]


def test_a_breaker_for_several_dependencies_is_why_it_never_opens_for_one_whose_failures_are_outweighed():
    unopened = _ruling(NO_BREAKER, Kind.HANG, edge=EDGES[1])
    (cause,) = causes.causes([unopened, _ruling(SHARED, Kind.HANG)])
    assert (cause.family, cause.consequences) == (SHARED, (unopened,))
    elsewhere = _ruling(NO_BREAKER, Kind.HANG, edge=Edge("side", "back"))
    assert [cause.family for cause in causes.causes([elsewhere, _ruling(SHARED, Kind.HANG)])] == [NO_BREAKER, SHARED]


def test_one_defect_of_a_service_on_several_edges_is_one_finding():
    (cause,) = causes.causes([_ruling(NO_BREAKER, Kind.HANG, edge=edge) for edge in EDGES])
    assert cause.edges == EDGES


def test_the_gravest_finding_comes_first():
    rulings = [_ruling(FALLBACK, Kind.REFUSE), _ruling(NO_BREAKER, Kind.HANG)]
    assert [cause.family for cause in causes.causes(rulings)] == [NO_BREAKER, FALLBACK]


def test_nothing_judged_has_no_score():
    assert causes.score([_ruling(NO_BREAKER, Kind.HANG, Sign.NOT_JUDGED)]) is None


@pytest.mark.parametrize(
    ("signs", "cut_short", "grade"),
    [
        ((Sign.CLEAR, Sign.NOT_JUDGED), "", Grade.MET),
        ((Sign.CLEAR,), "1 of 3 strains played", Grade.UNDECIDED),
        ((Sign.NOT_JUDGED,), "", Grade.UNDECIDED),
        ((), "", Grade.UNDECIDED),
        ((Sign.FOUND, Sign.CLEAR), "1 of 3 strains played", Grade.MISSED),
    ],
)
def test_a_finding_is_missed_and_without_one_only_a_whole_audit_is_met(signs, cut_short, grade):
    assert causes.grade([_ruling(NO_BREAKER, Kind.HANG, sign) for sign in signs], cut_short) is grade


def test_the_score_weighs_what_was_found_by_severity():
    rulings = [_ruling(NO_BREAKER, Kind.HANG), _ruling(FALLBACK, Kind.REFUSE, Sign.CLEAR)]
    assert causes.score(rulings) == pytest.approx(40.0)


def test_the_matrix_tells_what_was_not_tried_and_not_judged_from_what_is_well():
    rulings = [
        _ruling(NO_BREAKER, Kind.HANG),
        _ruling(NO_TIMEOUT, Kind.HANG, Sign.CLEAR),
        _ruling(IGNORES_SLOWNESS, Kind.SLOW, Sign.CLEAR),
        _ruling(FALLBACK, Kind.REFUSE, Sign.NOT_JUDGED),
    ]
    row = causes.matrix(rulings, EDGES)[EDGES[0]]
    assert (row[Kind.HANG], row[Kind.SLOW], row[Kind.REFUSE]) == ("5/13/14/15", "ok", "not judged")
    assert row[Kind.DRIP] == "not tried"
    assert set(causes.matrix(rulings, EDGES)[EDGES[1]].values()) == {"not tried"}


def test_a_cell_of_which_something_was_judged_and_nothing_found_is_well():
    rulings = [_ruling(NO_TIMEOUT, Kind.HANG, Sign.NOT_JUDGED), _ruling(NO_BREAKER, Kind.HANG, Sign.CLEAR)]
    assert causes.matrix(rulings, EDGES[:1])[EDGES[0]][Kind.HANG] == "ok"


def test_every_defect_is_either_told_by_a_family_or_said_to_be_untried():
    told = {number for family in FAMILIES for number in family.numbers}
    rulings = [_ruling(family, Kind.HANG) for family in FAMILIES]
    assert told | causes.untried(rulings).keys() == DEFECTS.keys() == set(range(1, 34))


def test_what_no_audit_can_try_is_told_by_no_family():
    assert not {number for family in FAMILIES for number in family.numbers} & UNTRIABLE.keys()


def test_a_defect_that_no_audit_tries_is_told_with_the_reason():
    (text,) = (text for text in causes.untried_texts([]) if text.startswith("27 "))
    assert text == f"27 address cached ({UNTRIABLE[27]})"


def test_every_family_has_a_signature_and_explains_families_that_exist():
    assert {signature.family.key for signature in SIGNATURES} == {family.key for family in FAMILIES}
    keys = {family.key for family in FAMILIES}
    assert all(set(family.explains) <= keys for family in FAMILIES)


SERVICES = {
    "front": Service("front", depends_on=(Dependency("back"), Dependency("side", optional=True))),
    "back": Service("back"),
    "side": Service("side"),
}


def _all_of(*edges: Edge) -> set[tuple[Edge, Kind]]:
    """The battery for them: what is needed is not refused; what is optional is not cut short or off, no crowd comes
    for it, and nobody is told to end while waiting for it."""
    senseless = {EDGES[0]: {Kind.REFUSE}, EDGES[1]: {Kind.TRUNCATE, Kind.CROWD, Kind.CUT, Kind.RESTART}}
    return {(edge, kind) for edge in edges for kind in battery.STANDARD if kind not in senseless[edge]}


def test_every_edge_of_the_documents_is_strained_with_the_whole_battery():
    chosen = battery.strains(SERVICES)
    assert {strain.edge for strain in chosen} == set(EDGES)
    assert {(strain.edge, strain.kind) for strain in chosen} == _all_of(*EDGES)
    assert [strain.optional for strain in chosen if strain.kind is Kind.HANG] == [False, True]


def test_what_is_about_a_caller_as_a_whole_is_tried_where_it_waits_longest():
    promised = {"soon": Mechanisms(timeout_s=0.2), "late": Mechanisms(timeout_s=0.8)}
    named = ("soon", "late", "last")
    front = Service("front", depends_on=tuple(map(Dependency, named)), mechanisms=promised)
    every = battery.strains({"front": front} | {name: Service(name) for name in named})
    for kind in battery.ONCE:
        assert [strain.edge for strain in every if strain.kind is kind] == [Edge("front", "late")]


@pytest.mark.parametrize(
    ("only", "left"),
    [
        (["front->back"], _all_of(EDGES[0])),
        (["hang"], {(edge, Kind.HANG) for edge in EDGES}),
        (["5"], {(edge, Kind.HANG) for edge in EDGES}),
        (["front->side", "slow", "hang"], {(EDGES[1], Kind.HANG), (EDGES[1], Kind.SLOW)}),
        (["front->side", "16"], {(EDGES[1], Kind.SLOW)}),
        (["reset"], {(edge, Kind.RESET) for edge in EDGES}),
        (["front->back", "kill", "5"], {(EDGES[0], Kind.KILL)}),
    ],
)
def test_only_narrows_by_edge_fault_and_defect(only, left):
    assert {(strain.edge, strain.kind) for strain in battery.strains(SERVICES, only)} == left


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("front->bakc", "front->back"),
        ("front>back", "did you mean 'front->back'?"),
        ("back->front", "front calls back: did you mean 'front->back'?"),
        ("hnag", "did you mean 'hang'"),
        ("27", "defect 27 (address cached) is tried by no audit"),
        ("34", "there is no defect 34"),
    ],
)
def test_only_refuses_what_is_not_there(word, told):
    with pytest.raises(UsageError, match=r"^--only: ") as refused:
        battery.strains(SERVICES, [word])
    assert told in str(refused.value)


WITHOUT = Did(calls=())
LATER = Did(0.003, ((0.05, 0.004),))


@pytest.mark.parametrize(
    ("did", "kind", "why"),
    [
        (WELL, Kind.HANG, ""),
        (WITHOUT, Kind.HANG, battery.UNCALLED),
        (LATER, Kind.HANG, ""),
        (LATER, Kind.SERVER_ERROR, UNAWAITED),
        (WELL, Kind.LOST, "no journey of the traffic sends it a POST"),
        (Did(method="POST"), Kind.LOST, ""),
    ],
)
def test_a_strain_that_would_show_nothing_is_left_out(did, kind, why):
    usual = traffic(lambda number, into: did, before=did, after=did)
    assert battery.why_left_out(Strain(EDGES[0], kind), usual) == why


@pytest.mark.parametrize("kind", battery.TRIED)
def test_a_strain_lasts_long_enough_to_show_what_it_exposes(kind):
    strain = Strain(EDGES[0], kind)
    experiment = battery.experiment_of(strain)
    if kind not in (*battery.LASTS_S, Kind.CLIENT_ERROR):
        assert experiment.duration_s > strain.breaker.window_s
    assert experiment.recovery_s > 1.2 * strain.breaker.open_for_s + 1.0
