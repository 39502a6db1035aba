"""Faults by a proxy, ours or the original Toxiproxy, driven by toxiproxy-python.

The library sends to whatever its class attributes say, waits for ever and takes some failures for successes. So
each server here has a consumer class of its own, every call has a deadline, what was changed is read back, and a
healing that fails goes on by another client (`seatrial.http`). Only ours knows leases; it is asked. The only
importer of toxiproxy, and only when a fault is at hand.
"""

from __future__ import annotations

import json
import secrets
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from seatrial import http
from seatrial.chaos.faults.injectable import Lease, Means, Site, Undone
from seatrial.chaos.model import (
    Bandwidth,
    EdgeFault,
    EdgeSettings,
    Fault,
    Latency,
    ResetPeer,
    Stream,
    Timeout,
)
from seatrial.errors import CannotRun, FaultFailed
from seatrial.exchange import Response
from seatrial.quantity import show_duration
from seatrial.realm import RuntimeKind
from seatrial.runtime.proxies import answer_text
from seatrial.sample import Cause
from seatrial.service import Edge

CALL_TIMEOUT_S = 3.0
_NO_PROXY = {"http": "", "https": ""}  # an empty one keeps requests from taking the environment's
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ProxyView:
    """A proxy as its server says it is; `toxics` by name, each with its attributes."""

    name: str
    enabled: bool
    toxics: Mapping[str, Mapping[str, Any]]


class ToxiproxyServer:
    """One Toxiproxy API, ours or the original. Every failure is FaultFailed and names the server."""

    def __init__(self, api: str, *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        from toxiproxy.api import APIConsumer

        parts = urllib.parse.urlsplit(api)
        if parts.scheme != "http" or not parts.hostname:
            raise CannotRun(f"'{api}' is not the address of a Toxiproxy; write it as http://127.0.0.1:8474")
        self.api = api.rstrip("/")
        # Host and port are class attributes of the library: a class for each server keeps servers apart.
        self._consumer = type("Consumer", (APIConsumer,), {"host": parts.hostname, "port": parts.port or 80})
        self._options: dict[str, Any] = {"timeout": timeout_s}
        if parts.hostname in _LOOPBACK:
            self._options["proxies"] = _NO_PROXY

    def has_leases(self) -> bool:
        """Whether it is ours; the original knows no leases."""
        answer = http.get(f"{self.api}/leases", timeout_s=CALL_TIMEOUT_S)
        return isinstance(answer, Response) and answer.status == 200

    def proxy(self, name: str) -> ProxyView:
        """How a proxy is now."""
        from toxiproxy import Proxy
        from toxiproxy.toxic import Toxic as FoundToxic

        content = self._call("get", f"/proxies/{name}")
        found = Proxy(**content)
        toxics = [FoundToxic(**item) for item in content["toxics"]]
        return ProxyView(found.name, found.enabled, {toxic.name: toxic.attributes for toxic in toxics})

    def add_toxic(self, proxy: str, toxic: Mapping[str, Any]) -> None:
        """Put a toxic on a proxy, and see that it is there."""
        self._call("post", f"/proxies/{proxy}/toxics", json=dict(toxic))
        if toxic["name"] not in self.proxy(proxy).toxics:
            raise FaultFailed(
                f"{self.api}: said it took the toxic '{toxic['name']}' on {proxy}, and does not have it"
            )

    def remove_toxic(self, proxy: str, name: str) -> bool:
        """Take a toxic off a proxy, and see that it is gone; False when it was not there."""
        if name not in self.proxy(proxy).toxics:
            return False
        self._call("delete", f"/proxies/{proxy}/toxics/{name}")
        if name in self.proxy(proxy).toxics:
            raise FaultFailed(f"{self.api}: said it removed the toxic '{name}' from {proxy}, and still has it")
        return True

    def set_enabled(self, proxy: str, update: Mapping[str, Any]) -> None:
        """Enable or disable a proxy by an update that says `enabled`, and see that it is so."""
        self._call("post", f"/proxies/{proxy}", json=dict(update))
        if self.proxy(proxy).enabled is not update["enabled"]:
            raise FaultFailed(f"{self.api}: proxy {proxy} did not become enabled={update['enabled']}")

    def _call(self, verb: str, path: str, **body: Any) -> Any:
        """One call by the library; the JSON of its answer, None when it has none."""
        from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

        try:
            answer = getattr(self._consumer, verb)(path, **body, **self._options)
            if answer.status_code >= 300:
                raise FaultFailed(f"{self.api}{path}: {answer.status_code} {answer.text.strip()}")
            return answer.json() if answer.content else None
        except (InvalidToxic, NotFound, ProxyExists) as error:
            raise FaultFailed(f"{self.api}{path}: {_text_of(error)}") from None
        except OSError as error:  # every exception of requests is one
            raise FaultFailed(f"{self.api}{path}: {type(error).__name__}: {error}") from None


@dataclass(frozen=True, slots=True)
class Toxic:
    """A toxic on the proxy of an edge. `attributes` are Toxiproxy's own, in its units."""

    means: ClassVar[Means] = Means.PROXY
    heal_deadline_s: ClassVar[float] = 15.0

    api: str
    proxy: str
    edge: str
    toxic: str
    type: str
    stream: str
    attributes: Mapping[str, int]
    holder: str | None
    lease_s: float

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The toxic for a fault on an edge."""
        edge, settings = _edge_fault(fault)
        api, proxy = proxy_of(edge, site)
        stream, attributes = toxic_of(settings)
        return cls(
            api=api,
            proxy=proxy,
            edge=str(edge),
            toxic=f"seatrial_{fault.kind}_{stream}_{secrets.token_hex(3)}",
            type=fault.kind.value,
            stream=stream.value,
            attributes=attributes,
            holder=site.holder if ToxiproxyServer(api).has_leases() else None,
            lease_s=site.lease_s,
        )

    @property
    def lease(self) -> Lease | None:
        """Its lease at our proxy."""
        return Lease(self.api, self.holder) if self.holder else None

    @property
    def sight(self) -> str:
        """The toxic and its proxy."""
        shown = ", ".join(f"{key}={value}" for key, value in self.attributes.items())
        return f"toxic {self.type} ({shown}) {self.stream} on proxy {self.proxy} of {self.api}, {_leased(self)}"

    def inject(self) -> None:
        """Add the toxic."""
        toxic = {
            "name": self.toxic,
            "type": self.type,
            "stream": self.stream,
            "toxicity": 1.0,
            "attributes": dict(self.attributes),
            **_lease_field(self.holder, self.lease_s),
        }
        ToxiproxyServer(self.api).add_toxic(self.proxy, toxic)

    def heal(self) -> Undone:
        """Remove the toxic, by the library or, where that fails, without it."""
        try:
            removed = ToxiproxyServer(self.api).remove_toxic(self.proxy, self.toxic)
        except FaultFailed as failure:
            return self._heal_without_library(failure)
        return Undone(removed, "toxic removed" if removed else "nothing to do: the toxic is gone")

    def _heal_without_library(self, failure: FaultFailed) -> Undone:
        place = f"{self.api}/proxies/{self.proxy}/toxics"
        if _is_gone(place):
            return Undone(False, f"nothing to do: proxy {self.proxy} is gone")
        http.request("DELETE", f"{place}/{self.toxic}", timeout_s=CALL_TIMEOUT_S)
        left = _read(place)
        if left is None or any(item["name"] == self.toxic for item in left):
            raise FaultFailed(f"toxic {self.toxic} is left on {self.edge}: {failure}") from None
        return Undone(True, "toxic removed without the library")


@dataclass(frozen=True, slots=True)
class DisabledProxy:
    """The proxy of an edge, disabled: connections are refused."""

    means: ClassVar[Means] = Means.PROXY
    heal_deadline_s: ClassVar[float] = 15.0

    api: str
    proxy: str
    edge: str
    holder: str | None
    lease_s: float

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The proxy of the edge; one that is disabled already is not ours to enable afterwards."""
        edge, _ = _edge_fault(fault)
        api, proxy = proxy_of(edge, site)
        server = ToxiproxyServer(api)
        if not server.proxy(proxy).enabled:
            raise CannotRun(f"{fault.where}: proxy {proxy} of {api} is disabled already; enable it first")
        return cls(api, proxy, str(edge), site.holder if server.has_leases() else None, site.lease_s)

    @property
    def lease(self) -> Lease | None:
        """Its lease at our proxy."""
        return Lease(self.api, self.holder) if self.holder else None

    @property
    def sight(self) -> str:
        """The proxy."""
        return f"disable proxy {self.proxy} of {self.api}, {_leased(self)}"

    def inject(self) -> None:
        """Disable the proxy."""
        update = {"enabled": False, **_lease_field(self.holder, self.lease_s)}
        ToxiproxyServer(self.api).set_enabled(self.proxy, update)

    def heal(self) -> Undone:
        """Enable the proxy, by the library or, where that fails, without it."""
        server = ToxiproxyServer(self.api)
        try:
            if server.proxy(self.proxy).enabled:
                return Undone(False, "nothing to do: the proxy is enabled")
            server.set_enabled(self.proxy, {"enabled": True})
        except FaultFailed as failure:
            return self._heal_without_library(failure)
        return Undone(True, "proxy enabled")

    def _heal_without_library(self, failure: FaultFailed) -> Undone:
        place = f"{self.api}/proxies/{self.proxy}"
        if _is_gone(place):
            return Undone(False, f"nothing to do: proxy {self.proxy} is gone")
        http.post_json(place, {"enabled": True}, timeout_s=CALL_TIMEOUT_S)
        found = _read(place)
        if not found or not found["enabled"]:
            raise FaultFailed(f"proxy {self.proxy} of {self.edge} is left disabled: {failure}") from None
        return Undone(True, "proxy enabled without the library")


@dataclass(frozen=True, slots=True)
class Renewed:
    """What a renewal answered; `expired` names what ran out before it came."""

    held: tuple[str, ...]
    expired: tuple[str, ...]


def renew(lease: Lease) -> Renewed:
    """Renew every lease of a holder; FaultFailed when the proxy does not answer."""
    answer = http.post_json(f"{lease.api}/leases/{lease.holder}", {}, timeout_s=CALL_TIMEOUT_S)
    if not isinstance(answer, Response) or answer.status >= 300:
        raise FaultFailed(f"{lease.api}: the leases of {lease.holder} could not be renewed: {answer_text(answer)}")
    try:
        content = json.loads(answer.body)
        return Renewed(tuple(map(str, content["held"])), tuple(map(str, content["expired"])))
    except (ValueError, KeyError, TypeError):
        raise FaultFailed(f"{lease.api}: not the answer to a renewal: {answer_text(answer)}") from None


def proxy_of(edge: Edge, site: Site) -> tuple[str, str]:
    """API and name of the proxy on an edge: the one the realm names, else the one `up` put there."""
    named = site.realm.edges.get(str(edge))
    if named:
        return named.api, named.proxy
    state = site.state
    if state is None or state.proxy is None:
        mend = (
            f"start it: seatrial up --realm {site.realm.name}"
            if site.realm.runtime is RuntimeKind.PROCESS
            else f"name the one that stands there, `edges: {{{edge}: {{toxiproxy: ..., proxy: ...}}}}`, or leave the "
            "experiment out of the gate"
        )
        raise CannotRun(f"{site.realm.where}: realm '{site.realm.name}' has no proxy on {edge}; {mend}")
    if str(edge) not in state.edges:
        known = ", ".join(state.edges)
        raise CannotRun(
            f"no proxy on the edge {edge} of realm '{site.realm.name}'; there are proxies on {known}; "
            f"the `start` of '{edge.caller}' must use `via.{edge.callee}`"
        )
    return state.proxy.api, state.edges[str(edge)].proxy


def toxic_of(settings: EdgeSettings) -> tuple[Stream, dict[str, int]]:
    """Settings as Toxiproxy's stream and attributes: whole milliseconds, and KB (1000 bytes) per second."""
    match settings:
        case Latency():
            return settings.stream, {"latency": _ms(settings.latency_s), "jitter": _ms(settings.jitter_s)}
        case Timeout() | ResetPeer():
            return settings.stream, {"timeout": _ms(settings.timeout_s)}
        case Bandwidth():
            return settings.stream, {"rate": round(settings.rate_bytes_per_s / 1000)}
    raise ValueError(f"{settings} is not a toxic")


def _ms(seconds: float) -> int:
    return round(seconds * 1000)


def _edge_fault(fault: Fault) -> tuple[Edge, EdgeSettings]:
    if not isinstance(fault, EdgeFault):
        raise CannotRun(f"{fault.where}: a proxy has edges, '{fault.target}' is none; write it as cards->ledger")
    return fault.edge, fault.settings


def _lease_field(holder: str | None, lease_s: float) -> dict[str, Any]:
    return {"lease": {"holder": holder, "ttl_s": lease_s}} if holder else {}


def _leased(fault: Toxic | DisabledProxy) -> str:
    return f"lease {show_duration(fault.lease_s)}" if fault.holder else "no lease: a real Toxiproxy"


def _is_gone(place: str) -> bool:
    """Whether nothing is there that could hold a fault: proxies live in their server's memory alone."""
    answer = http.get(place, timeout_s=CALL_TIMEOUT_S)
    return answer.status == 404 if isinstance(answer, Response) else answer.cause is Cause.REFUSED


def _read(place: str) -> Any:
    answer = http.get(place, timeout_s=CALL_TIMEOUT_S)
    return json.loads(answer.body) if isinstance(answer, Response) and answer.status == 200 else None


def _text_of(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace").strip() if isinstance(said, bytes) else str(said)
