import pytest

from seatrial.demo import SERVICES
from seatrial.demo.defects import ERRORS, KNOWN, NO_BREAKER, SLOW, Defects, defects_of, known_defects, parse_defects


def test_a_defect_is_named_by_its_number_or_its_name():
    by_number, by_name = parse_defects(["5:cards", "no-breaker:cards"])
    assert by_number == by_name
    assert by_number.kind is NO_BREAKER


@pytest.mark.parametrize(
    ("text", "share"), [("slow:ledger", 0.2), ("slow:ledger=2%", 0.02), ("slow:ledger=0.5", 0.5), ("errors", 0.1)]
)
def test_a_share_is_percent_or_ratio_and_has_a_default(text, share):
    assert parse_defects([text])[0].share == pytest.approx(share)


def test_a_defect_concerns_the_service_it_names():
    defects = parse_defects(["5:cards", "slow:ledger=30%"])
    assert defects_of("cards", defects).has(NO_BREAKER)
    assert not defects_of("gateway", defects).has(NO_BREAKER)
    assert defects_of("ledger", defects).share(SLOW) == pytest.approx(0.3)


def test_a_defect_without_a_service_concerns_all_it_can():
    defects = parse_defects(["no-breaker", "errors"])
    assert [name for name in SERVICES if defects_of(name, defects).has(NO_BREAKER)] == ["gateway", "cards"]
    assert all(defects_of(name, defects).has(ERRORS) for name in SERVICES)


def test_a_healthy_service_has_none():
    assert not any(Defects().has(kind) for kind in KNOWN)
    assert Defects().share(SLOW) == 0.0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("slwo:ledger", "unknown defect 'slwo'; known are"),
        ("slwo:ledger", "did you mean 'slow'?"),
        ("99:cards", "unknown defect '99'"),
        ("slow:legder", "unknown service 'legder'; the bank has gateway, cards"),
        ("5:ledger", "ledger calls no other service"),
        ("5:cards=20%", "takes no value"),
        ("slow:ledger=lots", "'lots' is no share"),
        ("slow:ledger=120%", "'120%' is no share"),
        ("slow:ledger:cards", "not of the form"),
        ("", "not of the form"),
    ],
)
def test_a_wrong_defect_is_refused_with_what_would_be_right(text, says):
    with pytest.raises(ValueError, match="defect") as refused:
        parse_defects([text])
    assert says in str(refused.value)
    assert repr(text) in str(refused.value)


def test_every_known_defect_is_listed_as_it_is_written():
    assert known_defects() == (
        "1|no-timeout[:SERVICE]",
        "5|no-breaker[:SERVICE]",
        "slow[:SERVICE][=20%]",
        "errors[:SERVICE][=10%]",
        "wrong[:SERVICE]",
    )
