"""Faults by a proxy, ours or the original Toxiproxy, driven by toxiproxy-python.

The library sends to whatever its class attributes say, waits for ever and takes some failures for successes. So
each server here has a consumer class of its own, every call has a deadline as a whole, what was changed is read back
and compared, nothing the library raises goes further, and a healing that fails goes on by another client
(`seatrial.http`). Only ours knows leases; it is asked. The only importer of toxiproxy, and only when a fault is at
hand.
"""

from __future__ import annotations

import json
import math
import secrets
import urllib.parse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from seatrial import http
from seatrial.chaos.faults.attributes import toxic_of
from seatrial.chaos.faults.edges import proxy_of
from seatrial.chaos.faults.injectable import AtOnce, Lease, Means, Reached, Site, Undone
from seatrial.chaos.in_time import in_time
from seatrial.chaos.model import EdgeFault, EdgeSettings, Fault, HttpSettings
from seatrial.errors import CannotRun, FaultFailed, Unsupported
from seatrial.exchange import Response
from seatrial.quantity import show_duration, show_ratio
from seatrial.runtime.proxies import answer_text
from seatrial.sample import Cause
from seatrial.service import Edge

CALL_TIMEOUT_S = 3.0
_NO_PROXY = {"http": "", "https": ""}  # an empty one keeps requests from taking the environment's
_QUOTED = 500
"""How many characters of a server's answer a sentence quotes."""
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@dataclass(frozen=True, slots=True)
class ToxicView:
    """A toxic as its server says it is."""

    type: str
    stream: str
    toxicity: float
    attributes: Mapping[str, Any]

    def is_like(self, wanted: Mapping[str, Any]) -> bool:
        """Claims that it is the one that was asked for; the server may know more attributes, and 32-bit floats."""
        attributes = wanted["attributes"]
        same = (self.type, self.stream) == (wanted["type"], wanted["stream"])
        found = {key: self.attributes.get(key) for key in attributes}
        return same and found == attributes and math.isclose(self.toxicity, wanted["toxicity"], abs_tol=1e-6)


@dataclass(frozen=True, slots=True)
class ProxyView:
    """A proxy as its server says it is; `toxics` by name."""

    name: str
    enabled: bool
    toxics: Mapping[str, ToxicView]


class ToxiproxyServer:
    """One Toxiproxy API, ours or the original. Every failure is FaultFailed and names the server."""

    def __init__(self, api: str, *, timeout_s: float = CALL_TIMEOUT_S) -> None:
        from toxiproxy.api import APIConsumer

        host, port = _host_and_port(api)
        self.api = api.rstrip("/")
        # Host and port are class attributes of the library: a class for each server keeps servers apart.
        place = {"host": f"[{host}]" if ":" in host else host, "port": port}
        self._consumer = type("Consumer", (APIConsumer,), place)
        self._timeout_s = timeout_s
        self._options: dict[str, Any] = {"timeout": timeout_s, "allow_redirects": False}
        if host in _LOOPBACK:
            self._options["proxies"] = _NO_PROXY

    def has_leases(self) -> bool:
        """Whether it is ours; the original knows no leases, and answers 404."""
        answer = http.get(f"{self.api}/leases", timeout_s=self._timeout_s)
        if not isinstance(answer, Response) or answer.status not in (200, 404):
            raise FaultFailed(f"{self.api}: no Toxiproxy answers there: {answer_text(answer)}")
        return answer.status == 200

    def proxy(self, name: str) -> ProxyView:
        """How a proxy is now."""
        from toxiproxy import Proxy
        from toxiproxy.toxic import Toxic as FoundToxic

        content = self._call("get", _path(name))
        try:
            found = Proxy(**content)
            toxics = {toxic.name: _view(toxic) for toxic in (FoundToxic(**item) for item in content["toxics"])}
            return ProxyView(str(found.name), bool(found.enabled), toxics)
        except (TypeError, KeyError, ValueError) as error:
            raise FaultFailed(f"{self.api}: what it tells of proxy {name} makes no sense: {error!r}") from None

    def add_toxic(self, proxy: str, toxic: Mapping[str, Any]) -> None:
        """Put a toxic on a proxy, and see that it is there as it was wanted."""
        self._call("post", _path(proxy, "toxics"), json=dict(toxic))
        found = self.proxy(proxy).toxics.get(toxic["name"])
        said = f"{self.api}: said it took the toxic '{toxic['name']}' on {proxy}"
        if found is None:
            raise FaultFailed(f"{said}, and does not have it")
        if not found.is_like(toxic):
            raise FaultFailed(f"{said}, and has another: {found}, where {dict(toxic)} was wanted")

    def remove_toxic(self, proxy: str, name: str) -> bool:
        """Take a toxic off a proxy, and see that it is gone; False when it was not there."""
        if name not in self.proxy(proxy).toxics:
            return False
        self._call("delete", _path(proxy, "toxics", name))
        if name in self.proxy(proxy).toxics:
            raise FaultFailed(f"{self.api}: said it removed the toxic '{name}' from {proxy}, and still has it")
        return True

    def set_enabled(self, proxy: str, update: Mapping[str, Any]) -> None:
        """Enable or disable a proxy by an update that says `enabled`, and see that it is so."""
        self._call("post", _path(proxy), json=dict(update))
        if self.proxy(proxy).enabled is not update["enabled"]:
            raise FaultFailed(f"{self.api}: proxy {proxy} did not become enabled={update['enabled']}")

    def _call(self, verb: str, path: str, **body: Any) -> Any:
        """One call by the library; the JSON of its answer, None when it has none."""
        from toxiproxy.exceptions import InvalidToxic, NotFound, ProxyExists

        def call() -> Any:
            answer = getattr(self._consumer, verb)(path, **body, **self._options)
            if answer.status_code >= 300:
                raise FaultFailed(f"{self.api}{path}: {answer.status_code} {answer.text.strip()[:_QUOTED]}")
            return answer.json() if answer.content else None

        try:
            # The library's own timeout is one of each read, which an answer that drips outlives.
            late = f"Timeout: no whole answer within {show_duration(self._timeout_s)}"
            return in_time(call, self._timeout_s, late=late)
        except FaultFailed:
            raise
        except (InvalidToxic, NotFound, ProxyExists) as error:
            raise FaultFailed(f"{self.api}{path}: {_text_of(error)[:_QUOTED]}") from None
        except Exception as error:  # noqa: BLE001 - of requests, urllib3, json or the library: none is told apart
            raise FaultFailed(f"{self.api}{path}: {type(error).__name__}: {error}") from None


@dataclass(frozen=True, slots=True)
class Toxic(AtOnce):
    """A toxic on the proxy of an edge. `attributes` are Toxiproxy's own, in its units."""

    means: ClassVar[Means] = Means.PROXY
    heal_deadline_s: ClassVar[float] = 15.0

    api: str
    proxy: str
    edge: str
    toxic: str
    type: str
    stream: str
    attributes: Mapping[str, Any]
    holder: str | None
    lease_s: float
    toxicity: float = 1.0

    @classmethod
    def resolve(cls, fault: Fault, site: Site) -> Self:
        """The toxic for a fault on an edge; Unsupported when the server there does not know such a one."""
        edge, settings, toxicity = _edge_fault(fault)
        api, proxy = proxy_of(edge, site)
        is_ours = ToxiproxyServer(api).has_leases()
        if isinstance(settings, HttpSettings) and not is_ours:
            raise Unsupported(
                f"{fault.where}: '{fault.kind}' on {edge}: {api} is a real Toxiproxy, which knows no HTTP; use the "
                "embedded proxy (no `toxiproxy:` in the realm), or one of `seatrial.chaos.proxy` at that address"
            )
        stream, attributes = toxic_of(settings)
        return cls(
            api=api,
            proxy=proxy,
            edge=str(edge),
            toxic=f"seatrial_{fault.kind}_{stream}_{secrets.token_hex(3)}",
            type=fault.kind.value,
            stream=stream.value,
            attributes=attributes,
            toxicity=toxicity,
            holder=site.holder if is_ours else None,
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
        share = f"{show_ratio(self.toxicity)} of the connections of " if self.toxicity < 1 else ""
        place = f"{share}proxy {self.proxy} of {self.api}"
        return f"toxic {self.type} ({shown}) {self.stream} on {place}, {_leased(self)}"

    def inject(self) -> None:
        """Add the toxic."""
        toxic = {
            "name": self.toxic,
            "type": self.type,
            "stream": self.stream,
            "toxicity": self.toxicity,
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
        if not removed:
            return Undone(False, "nothing to do: the toxic is gone")
        return Undone(True, "toxic removed", self._reached())

    def _reached(self) -> Reached | None:
        """What our proxy has counted of it until it was removed; None where it does not tell."""
        counters: Any = _read(f"{self.api}/counters") if self.holder else None
        try:
            counted = counters[self.proxy]["removed"][self.toxic]
            return Reached(int(counted["matched"]), int(counted["hit"]))
        except (KeyError, TypeError, ValueError):
            return None

    def _heal_without_library(self, failure: FaultFailed) -> Undone:
        place = f"{self.api}{_path(self.proxy, 'toxics')}"
        if _is_gone(place):
            return Undone(False, f"nothing to do: proxy {self.proxy} is gone")
        http.request("DELETE", f"{place}/{self.toxic}", timeout_s=CALL_TIMEOUT_S)
        left = _read(place)
        if not isinstance(left, list) or any(self.toxic in (str(item), _name_of(item)) for item in left):
            raise FaultFailed(f"toxic {self.toxic} is left on {self.edge}: {failure}") from None
        return Undone(True, "toxic removed without the library")


@dataclass(frozen=True, slots=True)
class DisabledProxy(AtOnce):
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
        edge, _, _ = _edge_fault(fault)
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
        place = f"{self.api}{_path(self.proxy)}"
        if _is_gone(place):
            return Undone(False, f"nothing to do: proxy {self.proxy} is gone")
        http.post_json(place, {"enabled": True}, timeout_s=CALL_TIMEOUT_S)
        found = _read(place)
        if not isinstance(found, dict) or found.get("enabled") is not True:
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
    except (ValueError, KeyError, TypeError, RecursionError):
        raise FaultFailed(f"{lease.api}: not the answer to a renewal: {answer_text(answer)}") from None


def proxy_is_gone(api: str) -> bool:
    """Whether nobody listens at the API of a proxy any more."""
    answer = http.get(f"{api}/version", timeout_s=CALL_TIMEOUT_S)
    return not isinstance(answer, Response) and answer.cause is Cause.REFUSED


def _edge_fault(fault: Fault) -> tuple[Edge, EdgeSettings, float]:
    if not isinstance(fault, EdgeFault):
        raise CannotRun(f"{fault.where}: a proxy has edges, '{fault.target}' is none; write it as cards->ledger")
    return fault.edge, fault.settings, fault.toxicity


def _lease_field(holder: str | None, lease_s: float) -> dict[str, Any]:
    return {"lease": {"holder": holder, "ttl_s": lease_s}} if holder else {}


def _leased(fault: Toxic | DisabledProxy) -> str:
    return f"lease {show_duration(fault.lease_s)}" if fault.holder else "no lease: a real Toxiproxy"


def _is_gone(place: str) -> bool:
    """Whether nothing is there that could hold a fault: proxies live in their server's memory alone."""
    answer = http.get(place, timeout_s=CALL_TIMEOUT_S)
    return answer.status == 404 if isinstance(answer, Response) else answer.cause is Cause.REFUSED


def _read(place: str) -> Any:
    """The JSON there; None when there is none."""
    answer = http.get(place, timeout_s=CALL_TIMEOUT_S)
    if not isinstance(answer, Response) or answer.status != 200:
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError):
        return None


def _name_of(item: Any) -> Any:
    return item.get("name") if isinstance(item, dict) else None


def _host_and_port(api: str) -> tuple[str, int]:
    try:
        parts = urllib.parse.urlsplit(api)
        if parts.scheme == "http" and parts.hostname:
            return parts.hostname, parts.port or 80
    except ValueError:
        pass  # a port or brackets that cannot be
    raise CannotRun(f"'{api}' is not the address of a Toxiproxy; write it as http://127.0.0.1:8474")


def _path(proxy: str, *names: str) -> str:
    return "/".join(["/proxies", *(urllib.parse.quote(name, safe="") for name in (proxy, *names))])


def _view(found: Any) -> ToxicView:
    return ToxicView(str(found.type), str(found.stream), float(found.toxicity), dict(found.attributes))


def _text_of(error: Exception) -> str:
    said = error.args[0] if error.args else ""
    return said.decode(errors="replace").strip() if isinstance(said, bytes) else str(said)
