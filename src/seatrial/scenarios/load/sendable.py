"""What the load generator can send, asked of a journey before any load starts.

The child speaks HTTP/1.1 through geventhttpclient, at a fraction of httpx's cost; what that cannot do is refused here
by the step's name and the feature's, not met as thousands of broken requests. Pure. May import the scenarios' model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from seatrial.errors import Unsupported
from seatrial.exchange import HttpVersion
from seatrial.scenarios.model import Scenario, every_step
from seatrial.scenarios.sending.request import RequestTemplate


def _pins(request: RequestTemplate) -> bool:
    return request.connection.tls.pin is not None or (request.tls is not None and request.tls.pin is not None)


_UNSUPPORTED: Mapping[str, Callable[[RequestTemplate], bool]] = {
    "HTTP/2": lambda request: request.connection.http_version is HttpVersion.V2,
    "a pinned public key": _pins,
    "a proxy": lambda request: request.proxy is not None or bool(request.connection.proxy),
    "a time to connect of its own": lambda request: request.connection.connect_timeout_s is not None,
    "a conversation (WebSocket or server-sent events)": lambda request: request.talk is not None,
}


def unsupported(request: RequestTemplate) -> str:
    """What this request asks for that no load can send; empty when it can be sent."""
    return next((feature for feature, asked in _UNSUPPORTED.items() if asked(request)), "")


def permit_requests(scenarios: Iterable[Scenario]) -> None:
    """Raise Unsupported at the first step whose request no load can send."""
    for scenario in scenarios:
        for step in every_step(scenario):
            if feature := unsupported(step.request):
                raise Unsupported(
                    f"{step.where}: step '{step.name}' asks for {feature}, which the load generator cannot send; "
                    f"leave '{scenario.name}' out of the profile, `seatrial check` plays it"
                )
