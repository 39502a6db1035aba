"""ledger: the accounts and the money on them. Calls nobody.

Accounts are put under an id their caller chose, and a debit carries an Idempotency-Key, so every request may
be sent twice and counts once. Books in memory die with the process: an account from before a restart is 404. Replicas
share theirs in a file, and any of them can do anything.
"""

from dataclasses import replace
from datetime import UTC, datetime

from seatrial.demo.books import Account, Books, Debited
from seatrial.demo.calls import IDEMPOTENCY_KEY
from seatrial.demo.exchange import Answer, Asked, Refused
from seatrial.demo.service import Handled, Service


class Ledger:
    """The endpoints of the ledger. Every change is made alone, also among replicas with books in one file."""

    def __init__(self, books: Books) -> None:
        self._accounts = books.accounts
        self._debits = books.debits
        self._alone = books.alone

    async def open(self, asked: Asked) -> Answer:
        """Open an account: 201, or 200 with what stands there if it was opened before."""
        with self._alone():
            return self._opened(asked)

    def _opened(self, asked: Asked) -> Answer:
        account_id, fields = asked.id("account_id"), asked.fields()
        known = self._accounts.get(account_id)
        if known is not None:
            return Answer(200, known.shown())
        account = Account(
            id=account_id,
            customer_id=fields.text("customer_id"),
            owner=fields.text("owner"),
            state="OPEN",
            balance_cents=fields.cents("opening_balance_cents", least=0),
        )
        self._accounts.put(account_id, account)
        return Answer(201, account.shown())

    async def show(self, asked: Asked) -> Answer:
        """An account: 200, or 404."""
        return Answer(200, self._account(asked).shown())

    async def close(self, asked: Asked) -> Answer:
        """Close an account, which may be closed already: 204, or 404."""
        with self._alone():
            account = self._account(asked)
            self._accounts.put(account.id, replace(account, state="CLOSED"))
        return Answer(204)

    async def debit(self, asked: Asked) -> Answer:
        """Take money off an account: 201, 200 for a key seen before, 402 without enough of it, 409 if closed."""
        with self._alone():
            return self._debited(asked)

    def _debited(self, asked: Asked) -> Answer:
        account, amount_cents, key = self._account(asked), asked.fields().cents("amount_cents"), _key(asked)
        before = self._debits.get(key)
        if before is not None:
            return _again(before, account.id, amount_cents)
        if account.state != "OPEN":
            return _declined(409, "account_closed", account)
        if account.balance_cents < amount_cents:
            return _declined(402, "insufficient_funds", account)
        return self._taken(account, amount_cents, key=key)

    def _taken(self, account: Account, amount_cents: int, *, key: str) -> Answer:
        left = replace(account, balance_cents=account.balance_cents - amount_cents)
        body = {
            "account_id": left.id,
            "customer_id": left.customer_id,
            "amount_cents": amount_cents,
            "balance_cents": left.balance_cents,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
        }
        self._accounts.put(left.id, left)
        self._debits.put(key, Debited(left.id, amount_cents, body))
        return Answer(201, body)

    def _account(self, asked: Asked) -> Account:
        account = self._accounts.get(asked.id("account_id"))
        if account is None:
            raise Refused(404, "account_not_found", f"no account {asked.params['account_id']!r}")
        return account


def _key(asked: Asked) -> str:
    key = asked.headers.get(IDEMPOTENCY_KEY, "")
    if not 1 <= len(key) <= 128:
        raise Refused(400, "idempotency_key_wanted", "a debit needs an Idempotency-Key of 1 to 128 characters")
    return key


def _again(before: Debited, account_id: str, amount_cents: int) -> Answer:
    if (before.account_id, before.amount_cents) != (account_id, amount_cents):
        raise Refused(422, "idempotency_key_reused", "this Idempotency-Key was used for another debit")
    return Answer(200, before.answer)


def _declined(status: int, reason: str, account: Account) -> Answer:
    return Answer(status, {"state": "DECLINED", "reason": reason, "balance_cents": account.balance_cents})


def build(books: Books) -> Service:
    """The service on these books."""
    ledger = Ledger(books)
    routes = (
        Handled("PUT", "/accounts/{account_id}", ledger.open),
        Handled("GET", "/accounts/{account_id}", ledger.show),
        Handled("DELETE", "/accounts/{account_id}", ledger.close),
        Handled("POST", "/accounts/{account_id}/debits", ledger.debit),
    )
    return Service("ledger", routes, close=books.close)
