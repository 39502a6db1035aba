"""realms.yaml: what it gives, and where its mistakes are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial.errors import DocumentError, Refused, UsageError
from seatrial.realm import RuntimeKind, SecretKind, permit_chaos, permit_load, permit_mutations
from seatrial.runtime.read import choose_realm, read_realms

FULL = """\
realms:
  staging:
    services:
      gateway: https://api.staging.example.com/
      cards: {url: https://cards.staging.example.com, health: /up}
    variables: {currency: EUR, amount: 250}
    secrets: {user_password: {env: STAGING_USER_PASSWORD}}
    allows: {mutations: true, load: {max_rate: 500/s}, chaos: true}
  prod:
    extends: staging
    services: {gateway: https://api.example.com}
    variables: {currency: USD}
    allows: {mutations: {tags: [fake-customer]}, load: {max_rate: 5/s}}
  local:
    runtime: {kind: process}
    services:
      cards: {start: {command: [run, cards], env: {PORT: "{{ port }}", LEDGER_URL: "{{ via.ledger }}"}}}
      ledger: {start: {command: [run, ledger], port: 9004}}
default: staging
"""


def _read(tmp_path: Path, text: str):
    (tmp_path / "realms.yaml").write_text(text)
    return read_realms(tmp_path)


def test_a_realm_has_its_services_variables_secrets_and_rights(tmp_path: Path) -> None:
    staging = _read(tmp_path, FULL)["staging"]
    assert staging.runtime is RuntimeKind.EXTERNAL
    assert staging.places["gateway"].url == "https://api.staging.example.com"
    assert staging.places["cards"].health == "/up"
    assert staging.variables == {"currency": "EUR", "amount": 250}
    assert staging.secrets["user_password"].kind is SecretKind.ENV
    assert staging.allows.max_rate_per_s == 500.0
    assert staging.allows.chaos


def test_extending_overlays_services_and_variables_but_replaces_rights(tmp_path: Path) -> None:
    prod = _read(tmp_path, FULL)["prod"]
    assert prod.places["gateway"].url == "https://api.example.com"
    assert prod.places["cards"].url == "https://cards.staging.example.com"
    assert prod.variables == {"currency": "USD", "amount": 250}
    assert "user_password" in prod.secrets
    assert not prod.allows.chaos
    assert prod.allows.mutation_tags == {"fake-customer"}


def test_a_process_realm_keeps_start_templates_unrendered(tmp_path: Path) -> None:
    local = _read(tmp_path, FULL)["local"]
    assert local.places["cards"].start is not None
    assert local.places["cards"].start.env["LEDGER_URL"] == "{{ via.ledger }}"
    assert local.places["ledger"].start is not None
    assert local.places["ledger"].start.port == 9004


def test_the_default_realm_is_meant_when_none_is_named(tmp_path: Path) -> None:
    realms = _read(tmp_path, FULL)
    assert choose_realm(realms, None).name == "staging"
    assert choose_realm(realms, "prod").name == "prod"


def test_without_default_the_only_realm_is_meant_and_of_several_none(tmp_path: Path) -> None:
    assert choose_realm(_read(tmp_path, "realms: {one: {}}"), None).name == "one"
    with pytest.raises(UsageError, match=r"which realm\?.*one, two"):
        choose_realm(_read(tmp_path, "realms: {one: {}, two: {}}"), None)


def test_an_unknown_realm_is_a_usage_error_with_the_nearest_name(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unknown realm 'stagin'; did you mean 'staging'"):
        choose_realm(_read(tmp_path, FULL), "stagin")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("realms: {a: {servces: {}}}", "realms.yaml:1:14: unknown key 'servces'; did you mean 'services'?"),
        ("realms: {a: {extends: b}}", "realms.yaml:1:23: unknown realm 'b'"),
        ("realms: {a: {extends: b}, b: {extends: a}}", "realms extend in a circle: a -> b -> a"),
        ("realms: {a: {allows: {load: {max_rate: 5}}}}", "realms.yaml:1:40: '5' is not a rate; write it as 200/s"),
        ("realms: {a: {secrets: {x: {env: A, file: b}}}}", "exactly one of `env`, `file` and `command`"),
        ("realms: {a: {services: {x: {health: /}}}}", "either a `url` or a `start`"),
        (
            "realms: {a: {edges: {cards-ledger: {toxiproxy: 'http://h:8474', proxy: p}}}}",
            "an edge is written caller->callee",
        ),
        ("realms: {a: {}}\ndefault: b", "realms.yaml:2:10: unknown realm 'b'"),
        ("realms: {}", "realms.yaml:1:9:"),
        ("realms: {eu/d: {}}", "realms.yaml:1:10: 'eu/d' cannot be a name; use letters, digits"),
        ("realms: {.hidden: {}}", "realms.yaml:1:10: '.hidden' cannot be a name"),
        ("realms: {a: {services: {'the ledger': 'http://h'}}}", "realms.yaml:1:25: 'the ledger' cannot be a name"),
        ("realms: {a: {services: {client: 'http://h'}}}", "realms.yaml:1:25: 'client' is the harness itself"),
        ("realms: {a: {runtime: {kind: kubernetes}}}", "realms.yaml:1:30:"),
    ],
)
def test_mistakes_are_told_with_their_place(tmp_path: Path, text: str, message: str, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DocumentError) as caught:
        _read(tmp_path, text)
    assert message in str(caught.value)


def test_names_may_hold_dots_dashes_and_underscores(tmp_path: Path) -> None:
    realms = _read(tmp_path, "realms: {eu-1.d_2: {services: {card-service.v2: 'http://h'}}}")
    assert set(realms["eu-1.d_2"].places) == {"card-service.v2"}


def test_what_a_realm_does_not_allow_is_refused_naming_the_line_to_change(tmp_path: Path) -> None:
    realms = _read(tmp_path, FULL)
    with pytest.raises(Refused, match=r"realms.yaml:9:3: realm 'prod' does not allow chaos; add `chaos: true`"):
        permit_chaos(realms["prod"])
    with pytest.raises(Refused, match="does not allow load"):
        permit_load(realms["local"], 1.0)
    with pytest.raises(Refused, match=r"50 requests/s \(its limit is 5/s\)"):
        permit_load(realms["prod"], 50.0)
    with pytest.raises(Refused, match="only journeys tagged fake-customer"):
        permit_mutations(realms["prod"], "pay", ["smoke"])
    permit_mutations(realms["prod"], "pay", ["fake-customer"])
    permit_mutations(realms["staging"], "pay", [])


PROMETHEUS = """\
realms:
  staging:
    services: {api: http://127.0.0.1:1}
    prometheus: {url: "http://127.0.0.1:9090/prom/", headers: {Authorization: "Bearer {{ secrets.t }}"}, timeout: 3s}
  prod: {extends: staging}
  plain: {extends: staging, prometheus: "http://127.0.0.1:9091"}
  none: {extends: staging, prometheus: null}
"""


def test_a_realm_names_its_prometheus_or_inherits_one(tmp_path: Path) -> None:
    realms = _read(tmp_path, PROMETHEUS)
    for name in ("staging", "prod"):
        server = realms[name].prometheus
        assert server is not None
        assert (server.url, server.timeout_s) == ("http://127.0.0.1:9090/prom", 3.0)
        assert server.headers == (("Authorization", "Bearer {{ secrets.t }}"),)
    plain = realms["plain"].prometheus
    assert plain is not None
    assert (plain.url, plain.headers) == ("http://127.0.0.1:9091", ())
    assert realms["none"].prometheus is None


@pytest.mark.parametrize(
    ("value", "column", "problem"),
    [
        ("'prom:9090'", 17, "'prom:9090' is not an address"),
        ("{url: 'prom:9090'}", 23, "'prom:9090' is not an address"),
        ("{url: 'http://x', timeout: 0s}", 44, "greater than 0"),
        ("{url: 'http://x', headers: {Authorization: Bearer 1234}}", 60, "the value of a secret never stands in a"),
    ],
)
def test_a_mistaken_prometheus_is_named_with_its_place(tmp_path: Path, value: str, column: int, problem: str) -> None:
    with pytest.raises(DocumentError, match=problem) as caught:
        _read(tmp_path, f"realms:\n  staging:\n    prometheus: {value}\n")
    assert (caught.value.where.line, caught.value.where.column) == (3, column)


@pytest.mark.parametrize("server", ["{address}", "{{url: {address}, timeout: 3s}}"])
def test_a_password_never_stands_in_the_address_of_a_prometheus(tmp_path: Path, server: str) -> None:
    value = server.format(address='"http://bob:hunter2@127.0.0.1:9090"')
    with pytest.raises(DocumentError, match=r"realms\.yaml:3:\d+: a user or password never stands in an") as caught:
        _read(tmp_path, f"realms:\n  staging:\n    prometheus: {value}\n")
    assert "hunter2" not in str(caught.value)
