"""The texts that name defects, and whom each concerns."""

import pytest

from seatrial.demo import SERVICES
from seatrial.demo.defect_texts import known_defects, parse_defects
from seatrial.demo.defects import ERRORS, KNOWN, NO_BREAKER, SLOW, Defects, defects_of


@pytest.fixture
def play(play, unhurried):
    """Nothing is too late in these stories."""
    return play


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
        ("slwo:ledger", "unknown defect 'slwo'; did you mean 'slow'?"),
        ("99:cards", "unknown defect '99'; known are (NAME:SERVICE: of one service alone):\n  1|no-timeout "),
        ("slow:legder", "unknown service 'legder'; the bank has gateway, cards"),
        ("5:ledger", "ledger calls no other service"),
        (
            "4:gateway",
            "gateway cannot be one that waits longer for its dependencies than its caller for it; cards can",
        ),
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


def test_every_known_defect_is_listed_as_it_is_written_with_what_it_does_in_lines_that_fit_a_terminal():
    listed = known_defects()
    assert max(map(len, listed)) < 80
    begun = [line.split() for line in listed if not line.startswith("   ")]
    numbered = [f"{kind.number}|{kind.name}" if kind.number else kind.name for kind in KNOWN]
    assert [words[0].partition("[")[0] for words in begun] == numbered
    assert "  1|no-timeout                 waits for its dependencies for ever" in listed
    assert "  slow[=20%]                   takes 200 ms longer for a share of its requests" in listed
    told = " ".join(" ".join(listed).split())
    assert all(kind.does in told for kind in KNOWN)


def test_no_two_defects_have_one_name_or_number():
    numbers = [kind.number for kind in KNOWN if kind.number is not None]
    assert len({kind.name for kind in KNOWN}) == len(KNOWN)
    assert len(set(numbers)) == len(numbers)


def _rows(page):
    """The cells of the page's table of switches, without its head; the last column says how each shows."""
    rows = [line.strip("| ").split(" | ") for line in page.read_text().splitlines() if line.startswith("| ")]
    return rows[1:]


def test_the_page_of_the_demo_bank_has_every_switch(root):
    told = [(row[0], row[1], row[2], row[3]) for row in _rows(root / "docs" / "demo-bank.md")]
    known = [(str(kind.number or "-"), f"`{kind.name}`", ", ".join(kind.concerns), kind.does) for kind in KNOWN]
    assert told == known


@pytest.mark.parametrize("number", [kind.number for kind in KNOWN if kind.number is not None])
def test_without_the_fault_that_exposes_it_a_defect_does_not_show(play, number):
    async def story(bank):
        for _ in range(20):
            _, _, card_id = await bank.customer()
            charge = {"amount_cents": 100, "merchant_id": "m-1"}
            answer = await bank.ask("gateway", "POST", f"/cards/{card_id}/charges", json=charge)
            assert (answer.status_code, answer.json()["degraded"]) == (201, False)
            assert (await bank.ask("gateway", "GET", "/cards/nobodys")).status_code == 404

    play(story, str(number))
