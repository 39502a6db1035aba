"""The bank in containers: compose file, Dockerfile and guide agree with each other and with the code."""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import yaml

from seatrial.chaos.plan import check
from seatrial.chaos.read import read_experiments
from seatrial.chaos.written.faults import SIGNALS
from seatrial.demo import DEPENDS_ON, SERVICES
from seatrial.demo.settings import read_settings
from seatrial.realm import RuntimeKind, permit_chaos
from seatrial.runtime.containers import CHAOS_ALLOWED, CHAOS_LABEL, SERVICE_LABEL, selector
from seatrial.runtime.read import read_realms
from seatrial.slo.read import read_services

FOLDER = resources.files("seatrial.demo") / "container"


@pytest.fixture(scope="module")
def compose() -> dict[str, Any]:
    return yaml.safe_load((FOLDER / "compose.yaml").read_text(encoding="utf-8"))["services"]


@pytest.fixture(scope="module")
def dockerfile() -> str:
    return (FOLDER / "Dockerfile").read_text(encoding="utf-8")


@pytest.fixture
def guide(root: Path, tmp_path: Path) -> Path:
    """A workspace made of the guide's examples."""
    text = (root / "docs/chaos-docker.md").read_text(encoding="utf-8")
    realms, experiment = re.findall(r"^```yaml\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    (tmp_path / "chaos").mkdir()
    (tmp_path / "realms.yaml").write_text(realms)
    (tmp_path / "chaos/paused.yaml").write_text(experiment)
    return tmp_path


def test_compose_has_every_service_of_the_bank_and_no_other(compose: dict[str, Any]) -> None:
    assert tuple(compose) == SERVICES
    assert all(service["command"] == [name] for name, service in compose.items())


def test_each_container_says_which_service_it_is_and_allows_faults(compose: dict[str, Any]) -> None:
    for name, service in compose.items():
        assert service["labels"][SERVICE_LABEL] == name
        assert service["labels"][CHAOS_LABEL] == CHAOS_ALLOWED


def test_ports_are_published_on_loopback_alone_and_on_fixed_numbers(compose: dict[str, Any]) -> None:
    published = [port for service in compose.values() for port in service["ports"]]
    assert all(re.fullmatch(r"127\.0\.0\.1:\d+:8080", port) for port in published)
    assert len(set(published)) == len(SERVICES)


def resolved(environment: dict[str, str], defects: str = "") -> dict[str, str]:
    """What compose gives a container where DEFECTS is set to that."""
    return {key: value.replace("${DEFECTS:-}", defects) for key, value in environment.items()}


def test_defects_are_given_to_every_container(compose: dict[str, Any]) -> None:
    for name, service in compose.items():
        given = resolved(service["environment"], "5:cards,33") | {"PORT": "8080"}
        settings = read_settings(name, given)
        assert settings.defects == read_settings(name, given | {"DEFECTS": "5:cards,33"}).defects
        assert settings.defects != read_settings(name, given | {"DEFECTS": ""}).defects


def test_each_service_can_read_its_settings_from_what_image_and_compose_give(
    compose: dict[str, Any], dockerfile: str
) -> None:
    [line] = re.findall(r"^ENV (.*)$", dockerfile, flags=re.MULTILINE)
    given = dict(pair.split("=") for pair in line.split())
    for name, service in compose.items():
        settings = read_settings(name, given | resolved(service["environment"]))
        assert (settings.host, settings.port) == ("0.0.0.0", 8080)
        assert settings.urls == {callee: f"http://{callee}:8080" for callee in DEPENDS_ON[name]}


def test_every_service_is_healthy_only_when_its_health_endpoint_answers(compose: dict[str, Any]) -> None:
    for service in compose.values():
        program, *_, code = service["healthcheck"]["test"]
        assert program == "CMD"
        assert "http://127.0.0.1:8080/healthz" in code


def test_containers_have_an_init_so_that_every_signal_of_an_experiment_ends_them(compose: dict[str, Any]) -> None:
    assert all(service["init"] is True for service in compose.values())


def test_the_base_image_can_be_replaced_and_the_service_is_the_first_process(dockerfile: str) -> None:
    assert dockerfile.index("ARG BASE=python:3.12-slim") < dockerfile.index("FROM ${BASE}")
    assert 'ENTRYPOINT ["python", "-m", "seatrial.demo"]' in dockerfile


def test_the_guides_realm_is_the_one_compose_starts(guide: Path, compose: dict[str, Any]) -> None:
    realm = read_realms(guide)["containers"]
    assert realm.runtime is RuntimeKind.DOCKER
    permit_chaos(realm)
    published = {name: service["ports"][0].rpartition(":")[0] for name, service in compose.items()}
    assert {name: place.url for name, place in realm.places.items()} == {
        name: f"http://{address}" for name, address in published.items()
    }
    for name, service in compose.items():
        assert selector(realm, name).labels.items() <= service["labels"].items()


def test_the_guides_experiment_is_one_the_banks_promises_can_be_held_to(guide: Path, root: Path) -> None:
    realm, services = read_realms(guide)["containers"], read_services(root / "slo")
    [experiment] = read_experiments(guide / "chaos").values()
    checked = check(experiment, realm=realm, services=services)
    assert [injection.fault.kind for injection in checked.experiment.method] == ["stop", "kill"]


def test_the_guide_names_every_signal_an_experiment_may_send(root: Path) -> None:
    text = " ".join((root / "docs/chaos-docker.md").read_text(encoding="utf-8").split())
    assert f"`kill` takes {', '.join(SIGNALS[:-1])} or {SIGNALS[-1]};" in text


def test_replicas_yaml_adds_a_ledger_on_the_same_books(compose: dict[str, Any]) -> None:
    added = yaml.safe_load((FOLDER / "replicas.yaml").read_text(encoding="utf-8"))["services"]
    first, second = compose["ledger"] | added["ledger"], added["ledger2"]
    assert compose["ledger"]["environment"] | added["ledger"]["environment"] == second["environment"]
    assert first["volumes"] == second["volumes"]
    alike = ("image", "init", "networks", "command", "healthcheck")
    assert {key: first[key] for key in alike} == {key: second[key] for key in alike}
    assert second["labels"] == first["labels"] | {SERVICE_LABEL: "ledger2"}
    assert second["ports"][0] not in [port for service in compose.values() for port in service["ports"]]
    given = {"PORT": "8080"} | resolved(compose["cards"]["environment"] | added["cards"]["environment"])
    assert read_settings("cards", given).urls["ledger"] == "http://ledger:8080,http://ledger2:8080"


def test_the_realm_of_replicas_has_an_edge_to_each_ledger_and_books_for_both(root: Path) -> None:
    places = read_realms(root)["replicas"].places
    starts = {name: place.start for name, place in places.items() if place.start is not None}
    assert set(starts) == {*SERVICES, "ledger2"}
    assert starts["cards"].env["LEDGER_URL"] == "{{ via.ledger }},{{ via.ledger2 }}"
    assert starts["ledger"].command == starts["ledger2"].command
    assert starts["ledger"].env == starts["ledger2"].env
    assert read_settings("ledger", {"PORT": "1", "BOOKS": "books.db"}).books == Path("books.db")
    assert set(starts["ledger"].env) == {"PORT", "BOOKS", "DEFECTS"}
