"""gateway: the public API. Needs cards; goes on without merchants, marked degraded; reads the feed.

Changing anything takes a token from ``POST /sessions``; looking does not. Every id of an account, card or
charge follows from the caller's Idempotency-Key if there is one, so sending anything twice does it once.
"""

import hashlib
import secrets

from seatrial.demo.calls import IDEMPOTENCY_KEY, Call, Peer, Reply
from seatrial.demo.defects import Defects
from seatrial.demo.directory import Directory
from seatrial.demo.exchange import Answer, Asked, Refused
from seatrial.demo.service import Handled, Service
from seatrial.demo.tokens import TOKEN_LIFE_S, Tokens, basic_credentials, bearer_token

ACCOUNT = {"id": str, "customer_id": str, "owner": str, "state": str, "balance_cents": int}
CARD = {"id": str, "account_id": str, "customer_id": str, "last4": str, "state": str}
CHARGE = {"id": str, "state": str, "amount_cents": int, "balance_cents": int, "merchant_id": str}
FEED = {"customer_id": str, "entries": list}

ABOUT = {"name": "Seaworthy Bank", "motto": "safe in any weather", "currency": "EUR"}


class Gateway:
    """The endpoints customers see: who they are is checked here, what they ask is passed on."""

    def __init__(self, tokens: Tokens, *, cards: Peer, directory: Directory, feed: Peer) -> None:
        self._tokens = tokens
        self._cards = cards
        self._directory = directory
        self._feed = feed

    async def about(self, asked: Asked) -> Answer:
        return Answer(200, ABOUT)

    async def log_in(self, asked: Asked) -> Answer:
        """A token for a user and the password, given as JSON, as a form or by Basic auth."""
        given = basic_credentials(asked.headers.get("authorization", ""))
        if given is None:
            fields = asked.fields()
            given = fields.text("user"), fields.text("password")
        user, password = given
        if not self._tokens.opens(password):
            raise _unauthorized("wrong user or password")
        body = {"token": self._tokens.issue(user), "token_type": "Bearer", "user": user, "expires_in_s": TOKEN_LIFE_S}
        return Answer(201, body)

    async def show_user(self, asked: Asked) -> Answer:
        return Answer(200, {"user": self._user(asked)})

    async def open_account(self, asked: Asked) -> Answer:
        user, fields = self._user(asked), asked.fields()
        account_id = _new_id("acc", user, asked)
        body = {
            "owner": fields.text("owner"),
            "customer_id": account_id.replace("acc", "cus", 1),
            "opening_balance_cents": fields.cents("opening_balance_cents", 100_000, least=0),
        }
        call = Call("PUT", f"/accounts/{account_id}", body, shape=ACCOUNT)
        return _created(await self._cards.call(call, asked.context), f"/accounts/{account_id}")

    async def show_account(self, asked: Asked) -> Answer:
        call = Call("GET", f"/accounts/{asked.id('account_id')}", shape=ACCOUNT)
        return _passed_on(await self._cards.call(call, asked.context))

    async def close_account(self, asked: Asked) -> Answer:
        self._user(asked)
        call = Call("DELETE", f"/accounts/{asked.id('account_id')}")
        return _passed_on(await self._cards.call(call, asked.context))

    async def issue_card(self, asked: Asked) -> Answer:
        card_id = _new_id("card", self._user(asked), asked)
        call = Call("PUT", f"/cards/{card_id}", {"account_id": asked.id("account_id")}, shape=CARD)
        return _created(await self._cards.call(call, asked.context), f"/cards/{card_id}")

    async def show_card(self, asked: Asked) -> Answer:
        call = Call("GET", f"/cards/{asked.id('card_id')}", shape=CARD)
        return _passed_on(await self._cards.call(call, asked.context))

    async def set_card_state(self, asked: Asked) -> Answer:
        self._user(asked)
        body = {"state": asked.fields().one_of("state", "ACTIVE", "FROZEN")}
        call = Call("PUT", f"/cards/{asked.id('card_id')}/state", body, shape=CARD)
        return _passed_on(await self._cards.call(call, asked.context))

    async def charge(self, asked: Asked) -> Answer:
        """Charge a card, then look up the merchant's name; without the name the answer is degraded."""
        self._user(asked)
        card_id, fields = asked.id("card_id"), asked.fields()
        merchant_id = fields.text("merchant_id")
        body = {"amount_cents": fields.cents("amount_cents"), "merchant_id": merchant_id}
        key = asked.headers.get(IDEMPOTENCY_KEY) or secrets.token_hex(16)
        call = Call("POST", f"/cards/{card_id}/charges", body, key=key, shape=CHARGE)
        reply = await self._cards.call(call, asked.context)
        if reply.status not in (200, 201):
            return _passed_on(reply)
        merchant = await self._directory.named(merchant_id, asked.context)
        return Answer(reply.status, {**reply.body, "merchant": merchant.what, "degraded": merchant.degraded})

    async def browse(self, asked: Asked) -> Answer:
        """The merchants to pay at; none, and degraded, while they cannot be asked."""
        merchants = await self._directory.index(asked.context)
        return Answer(200, {"merchants": merchants.what, "degraded": merchants.degraded})

    async def show_feed(self, asked: Asked) -> Answer:
        call = Call("GET", f"/customers/{asked.id('customer_id')}/feed", shape=FEED)
        return _passed_on(await self._feed.call(call, asked.context))

    def _user(self, asked: Asked) -> str:
        """Who asks, by Bearer token or Basic auth; raises 401."""
        authorization = asked.headers.get("authorization", "")
        credentials = basic_credentials(authorization)
        if credentials is not None and self._tokens.opens(credentials[1]):
            return credentials[0]
        token = bearer_token(authorization)
        user = None if token is None else self._tokens.user_of(token)
        if user is None:
            raise _unauthorized("a token from POST /sessions is wanted: 'Authorization: Bearer TOKEN'")
        return user


def _unauthorized(detail: str) -> Refused:
    return Refused(401, "unauthorized", detail, www_authenticate='Bearer realm="bank", Basic realm="bank"')


def _new_id(kind: str, user: str, asked: Asked) -> str:
    """The same for the same user, path and Idempotency-Key; without a key a new one each time."""
    key = asked.headers.get(IDEMPOTENCY_KEY)
    if key is None:
        return f"{kind}-{secrets.token_hex(10)}"
    told = "/".join((kind, user, *asked.params.values(), key))
    return f"{kind}-{hashlib.blake2b(told.encode(), digest_size=10).hexdigest()}"


def _created(reply: Reply, location: str) -> Answer:
    headers = {"location": location} if reply.status in (200, 201) else {}
    return Answer(reply.status, reply.body or None, headers)


def _passed_on(reply: Reply) -> Answer:
    return Answer(reply.status, reply.body or None)


def build(tokens: Tokens, *, cards: Peer, merchants: Peer, feed: Peer, defects: Defects) -> Service:
    """The service; keeps nothing."""
    gateway = Gateway(tokens, cards=cards, directory=Directory(merchants, defects), feed=feed)
    routes = (
        Handled("POST", "/cards/{card_id}/charges", gateway.charge),
        Handled("GET", "/merchants", gateway.browse),
        Handled("GET", "/customers/{customer_id}/feed", gateway.show_feed),
        Handled("GET", "/cards/{card_id}", gateway.show_card),
        Handled("PUT", "/cards/{card_id}/state", gateway.set_card_state),
        Handled("POST", "/sessions", gateway.log_in),
        Handled("GET", "/me", gateway.show_user),
        Handled("POST", "/accounts", gateway.open_account),
        Handled("GET", "/accounts/{account_id}", gateway.show_account),
        Handled("DELETE", "/accounts/{account_id}", gateway.close_account),
        Handled("POST", "/accounts/{account_id}/cards", gateway.issue_card),
        Handled("GET", "/about", gateway.about),
    )
    return Service("gateway", routes, clients=(cards, merchants, feed))
