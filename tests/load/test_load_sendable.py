"""What no load can send is refused by name, with the step that asks for it, before any load starts."""

from __future__ import annotations

import pytest

from seatrial.errors import Unsupported, Where
from seatrial.exchange import Connection, ConversationKind, HttpVersion
from seatrial.scenarios.load.sendable import permit_requests, unsupported
from seatrial.scenarios.model import Scenario, Section, Step
from seatrial.scenarios.sending.request import RequestTemplate, Talk, TlsTemplate
from seatrial.template import Fixed, compile_url

HERE = Where("scenarios/pay.yaml", 7, 3)


def template(**wanted):
    return RequestTemplate("GET", "cards", compile_url("/x"), **wanted)


REFUSED = {
    "HTTP/2": {"connection": Connection(http_version=HttpVersion.V2)},
    "a pinned public key": {"tls": TlsTemplate(pin=Fixed("x"))},
    "a proxy": {"connection": Connection(proxy="http://127.0.0.1:1")},
    "a time to connect of its own": {"connection": Connection(connect_timeout_s=1.0)},
    "a conversation (WebSocket or server-sent events)": {"talk": Talk(ConversationKind.SSE)},
}


@pytest.mark.parametrize("feature", REFUSED)
def test_what_no_load_can_send_is_refused_by_name_before_it_starts(feature):
    assert unsupported(template(**REFUSED[feature])) == feature


def test_what_a_load_can_send_is_not_refused():
    assert unsupported(template(tls=TlsTemplate(verify=False, ca=Fixed("ca.pem")), path_as_is=True)) == ""
    assert unsupported(template(connection=Connection(proxy=""))) == ""


def journey(request):
    step = Step("pay", 1, Section.STEPS, "cards", "GET", "/x", request, HERE)
    return Scenario("paying", HERE.file, HERE, (step,))


def test_refusal_names_the_place_the_step_the_feature_and_what_to_do():
    asking = journey(template(connection=Connection(http_version=HttpVersion.V2)))
    with pytest.raises(Unsupported) as caught:
        permit_requests([journey(template()), asking])
    assert str(caught.value) == (
        "scenarios/pay.yaml:7:3: step 'pay' asks for HTTP/2, which the load generator cannot send; "
        "leave 'paying' out of the profile, `seatrial check` plays it"
    )
