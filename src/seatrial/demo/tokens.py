"""Who may come in: a password shared by all customers, and tokens signed with it.

A token states its user and its end and is signed, so nothing is kept and a restart forgets nobody. Good
enough for a demo bank and for nothing else.
"""

import base64
import binascii
import hashlib
import hmac
import time

TOKEN_LIFE_S = 3600


class Tokens:
    """``password`` signs the tokens and is what every user logs in with."""

    def __init__(self, password: str) -> None:
        self._password = password.encode()

    def opens(self, password: str) -> bool:
        """Whether it is the password; takes as long for a wrong one."""
        return hmac.compare_digest(password.encode(), self._password)

    def issue(self, user: str) -> str:
        """A token of `TOKEN_LIFE_S` for a user whose password was right."""
        claim = f"{user}:{int(time.time()) + TOKEN_LIFE_S}"
        return f"{_encoded(claim.encode())}.{self._signature(claim)}"

    def user_of(self, token: str) -> str | None:
        """The user a token was issued to; None if it is forged or over."""
        encoded, _, signature = token.partition(".")
        claim = _decoded(encoded)
        if claim is None or not hmac.compare_digest(signature.encode(), self._signature(claim).encode()):
            return None
        user, _, ends_at_s = claim.rpartition(":")
        return user if int(ends_at_s) > time.time() else None

    def _signature(self, claim: str) -> str:
        return _encoded(hmac.digest(self._password, claim.encode(), hashlib.sha256))


def basic_credentials(authorization: str) -> tuple[str, str] | None:
    """User and password of a Basic Authorization header; None if it is none."""
    scheme, _, encoded = authorization.partition(" ")
    pair = _decoded(encoded.strip()) if scheme.lower() == "basic" else None
    if pair is None or ":" not in pair:
        return None
    user, _, password = pair.partition(":")
    return user, password


def bearer_token(authorization: str) -> str | None:
    """The token of a Bearer Authorization header; None if it is none."""
    scheme, _, token = authorization.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _encoded(plain: bytes) -> str:
    return base64.urlsafe_b64encode(plain).decode().rstrip("=")


def _decoded(encoded: str) -> str | None:
    try:
        padded = encoded.replace("+", "-").replace("/", "_").rstrip("=") + "=" * (-len(encoded.rstrip("=")) % 4)
        return base64.urlsafe_b64decode(padded).decode()
    except (binascii.Error, ValueError):
        return None
