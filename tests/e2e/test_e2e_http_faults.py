"""Faults in HTTP as a user writes them, on the demo bank: what its cards make of a broken ledger."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from seatrial.chaos.healing.ledger import Ledger
from seatrial.chaos.inject import Injector
from seatrial.chaos.plan import resolver
from seatrial.chaos.read import read_experiments
from seatrial.clock import SteadyClock
from seatrial.runtime.read import read_realms
from seatrial.runtime.up import down, up

pytestmark = pytest.mark.e2e

UNHURRIED = Path(__file__).parents[1] / "demo" / "unhurried.py"
REALMS = f"""\
realms:
  bank:
    runtime: {{kind: process}}
    services:
      cards:
        start:
          command: ["{{{{ python }}}}", "{UNHURRIED}", cards]
          env:
            PORT: "{{{{ port }}}}"
            LEDGER_URL: "{{{{ via.ledger }}}}"
            FEED_URL: "http://127.0.0.1:9"
            DEFECTS: "no-breaker:cards"
      ledger: {{start: {{command: ["{{{{ python }}}}", -m, seatrial.demo, ledger], env: {{PORT: "{{{{ port }}}}"}}}}}}
    allows: {{chaos: true}}
"""
"""Without a breaker, so that no test leaves it open to the next."""
DEBITS = "POST /accounts/*/debits"


class Bank:
    """cards and ledger, up; `under` injects one fault for as long as its block lasts."""

    def __init__(self, workspace: Path) -> None:
        self._workspace = workspace
        self._realm = read_realms(workspace)["bank"]
        self.state = up(self._realm, workspace, variables={}, say=lambda _: None).state
        self.cards = httpx.Client(base_url=self.state.addresses()["cards"], trust_env=False, timeout=20)

    def open_account(self) -> None:
        self.cards.put("/accounts/a-1", json={"owner": "Ada", "customer_id": "c-1"}).raise_for_status()
        self.cards.put("/cards/k-1", json={"account_id": "a-1"}).raise_for_status()

    def charge(self, key: str) -> httpx.Response:
        body = {"amount_cents": 100, "merchant_id": "m-1"}
        return self.cards.post("/cards/k-1/charges", json=body, headers={"Idempotency-Key": key})

    def balance(self) -> int:
        found: int = self.cards.get("/accounts/a-1").raise_for_status().json()["balance_cents"]
        return found

    def seen_by_the_edge(self) -> dict[str, int]:
        """How often the edge to the ledger answered a debit, by status."""
        assert self.state.proxy is not None
        proxy = self.state.edges["cards->ledger"].proxy
        counted = httpx.get(f"{self.state.proxy.api}/counters", trust_env=False).json()[proxy]["by_route"]
        return {str(each["status"]): each["count"] for each in counted if each["route"].endswith("/debits")}

    def toxics(self) -> object:
        assert self.state.proxy is not None
        proxies = httpx.get(f"{self.state.proxy.api}/proxies", trust_env=False).json()
        return [toxic for proxy in proxies.values() for toxic in proxy["toxics"]]

    def under(self, fault: dict[str, object], then) -> None:
        text = {
            "experiment": "x",
            "method": [{"at": "0s", "inject": {"edge": "cards->ledger", "for": "30s", **fault}}],
        }
        (self._workspace / "chaos").mkdir(exist_ok=True)
        (self._workspace / "chaos" / "x.yaml").write_text(json.dumps(text))
        (injection,) = read_experiments(self._workspace / "chaos")["x"].method
        injector = Injector(Ledger(self._workspace / "faults.jsonl"), "bank", clock=SteadyClock(), say=lambda _: None)
        with injector:
            injector.inject(resolver(self._workspace, self._realm, holder="run")(injection.fault), experiment="x")
            then()
        (window,) = injector.windows
        assert window.ended == "healed"
        assert self.toxics() == []

    def end(self) -> None:
        self.cards.close()
        down(self._realm, self._workspace, say=lambda _: None)


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory):
    workspace = tmp_path_factory.mktemp("bank")
    (workspace / "realms.yaml").write_text(REALMS)
    standing = Bank(workspace)
    try:
        standing.open_account()
        yield standing
    finally:
        standing.end()


def test_the_first_three_posts_are_told_to_come_back_later_and_the_fourth_is_served(bank: Bank):
    before, seen = bank.balance(), bank.seen_by_the_edge()

    def charges() -> None:
        answers = [bank.charge(f"first-{number}") for number in range(4)]
        assert [answer.status_code for answer in answers] == [503, 503, 503, 201]
        assert all(int(answer.headers["retry-after"]) >= 1 for answer in answers[:3])
        assert bank.cards.get("/accounts/a-1").status_code == 200

    bank.under({"http_error": {"route": DEBITS, "first": 3, "status": 503, "retry_after": "5s"}}, charges)
    assert bank.seen_by_the_edge().get("503", 0) - seen.get("503", 0) == 3  # one each: Retry-After is heeded
    assert before - bank.balance() == 100


def test_work_whose_answer_is_lost_was_done_and_is_not_done_twice(bank: Bank):
    before = bank.balance()

    def charge() -> None:
        assert bank.charge("lost").status_code >= 500

    bank.under({"http_error": {"route": DEBITS, "status": 500, "retry_after": "5s", "forward": True}}, charge)
    assert before - bank.balance() == 100
    assert bank.charge("lost").status_code == 200
    assert before - bank.balance() == 100


@pytest.mark.parametrize(
    "fault",
    [
        {"http_truncate": {"bytes": 10, "route": "/accounts/*"}},
        {"http_replace": {"json": {"/balance_cents": "much"}, "route": "/accounts/*"}},
        {"http_delay": {"delay": "2s", "route": "/accounts/*"}},
    ],
    ids=["cut short", "made wrong", "late"],
)
def test_an_answer_that_is_no_answer_is_not_believed(bank: Bank, fault: dict[str, object]):
    def ask() -> None:
        assert bank.cards.get("/accounts/a-1").status_code in (502, 503, 504)

    bank.under(fault, ask)
    assert bank.cards.get("/accounts/a-1").status_code == 200
