"""A webhook carries the letter's bytes, signed; anything but 2xx is not delivered."""

import hashlib
import hmac
import json

import pytest

from seatrial.errors import CannotRun, Where
from seatrial.redact import Secrets
from seatrial.store.results import Letter
from seatrial.synthetic.model import Channel, ChannelKind
from seatrial.synthetic.notify import OPENERS
from seatrial.synthetic.notify.post import NotDelivered
from seatrial.synthetic.notify.webhook import request_of, sign

LETTER = Letter(7, "ops", "k", json.dumps({"detail": "für 5 €"}), attempts=0)
WHERE = Where("synthetic/ops.yaml", 1, 10)


@pytest.fixture
def open_channel(send):
    def open_channel(environment=None, secrets=None, **fields):
        channel = Channel("ops", ChannelKind.WEBHOOK, where=WHERE, **fields)
        opener = OPENERS[channel.kind]
        return opener(channel, environment=environment or {}, secrets=secrets or Secrets(), send=send)

    return open_channel


def test_every_kind_of_channel_has_an_opener():
    assert set(OPENERS) == set(ChannelKind)


def test_the_receiver_can_check_body_and_signature(open_channel, receiver):
    open_channel({"KEY": "s3cret-key"}, url=receiver.url, secret_env="KEY")(LETTER)
    ((headers, body),) = receiver.got
    assert json.loads(body) == {"detail": "für 5 €"}
    assert headers["Seatrial-Signature"] == "sha256=" + hmac.new(b"s3cret-key", body, hashlib.sha256).hexdigest()
    assert headers["Seatrial-Delivery"] == "7"
    assert headers["Content-Type"] == "application/json"


def test_a_channel_without_a_key_does_not_sign(open_channel, receiver):
    open_channel(url=receiver.url)(LETTER)
    ((headers, _),) = receiver.got
    assert "Seatrial-Signature" not in headers


def test_another_key_or_body_gives_another_signature():
    assert len({sign(b"a", "key"), sign(b"b", "key"), sign(b"a", "kez")}) == 3


def test_the_signature_is_of_the_bytes_that_are_sent():
    request = request_of(LETTER, url="http://127.0.0.1/", key="key")
    assert ("Seatrial-Signature", sign(request.body, "key")) in request.headers


@pytest.mark.parametrize("status", [301, 400, 410, 429, 500, 503])
def test_an_answer_that_is_not_2xx_is_not_delivered(open_channel, receiver, status):
    receiver.status = status
    with pytest.raises(NotDelivered, match=f"answered {status}"):
        open_channel(url=receiver.url)(LETTER)


def test_a_receiver_that_is_not_there_is_not_delivered(open_channel, receiver):
    receiver.stop()
    with pytest.raises(NotDelivered, match="refused"):
        open_channel(url=receiver.url)(LETTER)


def test_an_address_from_the_environment_is_used_and_kept_secret(open_channel, receiver):
    secrets = Secrets()
    open_channel({"URL": receiver.url}, secrets, url_env="URL")(LETTER)
    assert len(receiver.got) == 1
    assert secrets.redact(f"cannot reach {receiver.url}") == "cannot reach ***(URL)"


@pytest.mark.parametrize("fields", [{"url_env": "GONE"}, {"url": "http://127.0.0.1/", "secret_env": "GONE"}])
def test_a_missing_variable_is_told_with_the_channels_place(open_channel, fields):
    with pytest.raises(
        CannotRun, match=r"synthetic/ops\.yaml:1:10: channel 'ops' needs the environment variable GONE"
    ):
        open_channel(**fields)
