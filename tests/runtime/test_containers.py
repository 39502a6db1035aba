"""Which container is meant, and which is never touched: the choice, without an engine."""

from __future__ import annotations

import pytest

from seatrial.errors import CannotRun, Refused, Where
from seatrial.realm import Place, Realm, RuntimeKind
from seatrial.runtime.containers import Container, Status, choose, choose_all, permit_fault, selector

WHERE = Where("realms.yaml", 3, 5)
OURS = {"com.example.bank": "demo"}


def realm(labels: dict[str, str], container: str | None = None) -> Realm:
    place = Place("ledger", url="http://127.0.0.1:1", container=container, where=WHERE)
    return Realm("bank", RuntimeKind.DOCKER, {"ledger": place}, labels=labels, where=WHERE)


def container(name: str, status: Status = Status.RUNNING, **labels: str) -> Container:
    dotted = {key.replace("__", "."): value for key, value in labels.items()}
    return Container(f"{name}0123456789abcdef", name, status, "then", {**OURS, **dotted})


LEDGER = container("bank-ledger-1", seatrial__service="ledger")
CARDS = container("bank-cards-1", seatrial__service="cards")


def test_our_own_label_says_which_service_a_container_is() -> None:
    assert choose(selector(realm(OURS), "ledger"), [CARDS, LEDGER]) is LEDGER


def test_composes_label_says_it_where_ours_is_absent() -> None:
    composed = container("x-1", com__docker__compose__service="ledger")
    assert choose(selector(realm(OURS), "ledger"), [CARDS, composed]) is composed


def test_our_label_outweighs_composes() -> None:
    renamed = container("x-1", com__docker__compose__service="ledger", seatrial__service="old-ledger")
    assert choose(selector(realm(OURS), "ledger"), [renamed, LEDGER]) is LEDGER


def test_a_one_off_of_compose_is_no_service() -> None:
    once = container("x-run-1", com__docker__compose__service="ledger", com__docker__compose__oneoff="True")
    assert choose(selector(realm(OURS), "ledger"), [once, LEDGER]) is LEDGER


def test_a_container_that_is_named_is_found_by_its_whole_name() -> None:
    wanted = selector(realm({}, "ledger"), "ledger")
    named = container("ledger")
    assert choose(wanted, [container("ledger-old"), named]) is named


def test_a_named_container_must_carry_the_realms_labels_too() -> None:
    with pytest.raises(CannotRun, match="bank=live, and none has; found: bank-ledger-1"):
        choose(selector(realm({"com.example.bank": "live"}, "bank-ledger-1"), "ledger"), [LEDGER])


def test_a_container_of_another_realm_is_not_taken() -> None:
    stranger = Container("1", "other-ledger-1", Status.RUNNING, "then", {"seatrial.service": "ledger"})
    with pytest.raises(CannotRun, match="none has"):
        choose(selector(realm(OURS), "ledger"), [stranger])


def test_none_found_says_what_was_found_and_how_to_label_it() -> None:
    with pytest.raises(CannotRun) as caught:
        choose(selector(realm(OURS), "ledger"), [CARDS])
    assert str(caught.value) == (
        "realms.yaml:3:5: one container should have the service 'ledger' and the label com.example.bank=demo, and "
        "none has; found: bank-cards-1 (bank-cards-1, running) of 'cards'; start it, or label it "
        "seatrial.service=ledger (compose's own service label does as well)"
    )


def test_all_replicas_of_a_service_are_taken_in_the_order_of_their_numbers() -> None:
    found = [container(f"bank-ledger-{number}", seatrial__service="ledger") for number in (10, 2, 1)]
    taken = choose_all(selector(realm(OURS), "ledger"), [CARDS, *found])
    assert [each.name for each in taken] == ["bank-ledger-1", "bank-ledger-2", "bank-ledger-10"]
    with pytest.raises(CannotRun, match="and none has"):
        choose_all(selector(realm(OURS), "ledger"), [CARDS])


def test_two_found_are_both_named_and_neither_is_taken() -> None:
    former = container("bank-ledger-0", Status.EXITED, seatrial__service="ledger")
    with pytest.raises(
        CannotRun, match=r"and 2 have: bank-ledger-0 \(.*, exited\) .*, bank-ledger-1 \(.*, running\)"
    ):
        choose(selector(realm(OURS), "ledger"), [LEDGER, former])


@pytest.mark.parametrize(
    "labels",
    [
        {},
        {"com.example.bank": ""},
        {"com.example.bank": " "},
        {"com.example.bank": "*"},
        {"": "demo"},
        {"*": "demo"},
        {"com.example.bank": "demo", "team": "*"},
        {"seatrial.chaos": "allowed"},
    ],
    ids=str,
)
def test_labels_that_could_mean_anybodys_container_are_refused(labels: dict[str, str]) -> None:
    with pytest.raises(Refused, match=r"^realms.yaml:3:5: .*every container"):
        selector(realm(labels), "ledger")


@pytest.mark.parametrize("name", ["", "*", ".*", "bank|live", "/ledger", "a b"])
def test_a_name_that_is_a_pattern_is_refused(name: str) -> None:
    with pytest.raises(Refused, match="is not the name of one container"):
        selector(realm(OURS, name), "ledger")


def test_an_unknown_service_gets_a_hint() -> None:
    with pytest.raises(CannotRun, match="no service 'leger'; did you mean 'ledger'"):
        selector(realm(OURS), "leger")


@pytest.mark.parametrize("labels", [{}, {"seatrial.chaos": ""}, {"seatrial.chaos": "true"}], ids=str)
def test_a_container_that_was_not_opted_in_is_refused_with_the_label_to_add(labels: dict[str, str]) -> None:
    with pytest.raises(Refused, match=r"chaos/x.yaml:5:9: .*bank-ledger-1.*give it the label seatrial.chaos=allowed"):
        permit_fault(
            Container("1", "bank-ledger-1", Status.RUNNING, "then", labels), where=Where("chaos/x.yaml", 5, 9)
        )


def test_an_opted_in_container_is_permitted() -> None:
    permit_fault(container("bank-ledger-1", seatrial__chaos="allowed"), where=WHERE)


def test_a_state_of_a_later_engine_is_none_that_counts_as_running() -> None:
    assert Status("hibernating") is Status.OTHER
