"""The 5-step journey as one would write it by hand for Locust's fast client."""

from __future__ import annotations

from typing import Any

from locust import FastHttpUser, task

PRICE, PURSE = 250, 100_000
LOGIN = {"user": "ada", "password": "lovelace"}
OPENING = {"owner": "Ada", "opening_balance_cents": PURSE}
ORDER = {"amount_cents": PRICE, "merchant_id": "m-3"}


class WrongAnswerError(Exception):
    """A check failed; the rest of the journey makes no sense."""


class Customer(FastHttpUser):
    """Pays once, and again, without a pause."""

    @task
    def pay_once(self) -> None:
        try:
            self.journey()
        except WrongAnswerError:
            return

    def journey(self) -> None:
        session = self.post("/sessions", 201, {"token_type": "Bearer"}, json=LOGIN)
        auth = {"Authorization": f"Bearer {session['token']}"}

        opened = {"state": "OPEN", "balance_cents": PURSE}
        account = self.post("/accounts", 201, opened, json=OPENING, headers=auth)
        here = f"/accounts/{account['id']}"

        same = {"id": account["id"], "balance_cents": PURSE}
        with self.client.get(here, name="/accounts/[id]", headers=auth, catch_response=True) as answer:
            content_of(answer, 200, same)

        approved = {"state": "APPROVED", "balance_cents": PURSE - PRICE}
        charge = self.post(f"{here}/charges", 201, approved, name="/accounts/[id]/charges", json=ORDER, headers=auth)

        feed = f"/customers/{account['customer_id']}/feed"
        with self.client.get(feed, name="/customers/[id]/feed", catch_response=True) as answer:
            entries = content_of(answer, 200, {})["entries"]
            if charge["id"] not in [entry["id"] for entry in entries]:
                answer.failure(f"no charge {charge['id']}")

    def post(self, path: str, status: int, wanted: dict[str, Any], **request: Any) -> dict[str, Any]:
        with self.client.post(path, catch_response=True, **request) as answer:
            return content_of(answer, status, wanted)


def content_of(answer: Any, status: int, wanted: dict[str, Any]) -> dict[str, Any]:
    """The JSON of an answer with that status and those members; else a failure that Locust counts."""
    content = answer.json() if answer.status_code == status else {}
    if answer.status_code != status or any(content.get(key) != value for key, value in wanted.items()):
        answer.failure(f"status {answer.status_code}: {answer.text}")
        raise WrongAnswerError
    return content
