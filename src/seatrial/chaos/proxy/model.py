"""What clients ask for, parsed once from JSON: proxies, toxics, leases and changes to them."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from seatrial.chaos.proxy.address import Address, parse_address
from seatrial.chaos.proxy.fields import Fields, quoted
from seatrial.chaos.proxy.refusal import Refusal, bad_request
from seatrial.chaos.proxy.toxics import KINDS
from seatrial.chaos.proxy.toxics.toxic import Settings, Stream

if TYPE_CHECKING:
    from collections.abc import Container

TOXICS_LIMIT = 100
"""Each toxic of a proxy is a stage of every connection, and each byte goes through all of them."""
_LONGEST_TTL_S = 86_400.0


@dataclass(frozen=True)
class Terms:
    """A lease: without renewal by `holder` within `ttl_s` seconds, what it is on is undone."""

    holder: str
    ttl_s: float


@dataclass(frozen=True)
class ToxicSpec:
    """A toxic of a proxy; `stream_text` is the stream as the client typed it, which Toxiproxy echoes."""

    name: str
    stream: Stream
    stream_text: str
    toxicity: float
    settings: Settings


@dataclass(frozen=True)
class LeasedToxic:
    """A toxic as a create or an update wants it, and the lease to put on it, if any."""

    toxic: ToxicSpec
    terms: Terms | None


@dataclass(frozen=True)
class ProxySpec:
    """A proxy to create; `observe` None: as the process does unless told otherwise."""

    name: str
    listen: Address
    upstream: Address
    enabled: bool
    observe: bool | None
    toxics: tuple[LeasedToxic, ...]


@dataclass(frozen=True)
class ProxyChange:
    """What an update names of a proxy; None leaves it as it is."""

    listen: Address | None
    upstream: Address | None
    enabled: bool | None
    observe: bool | None
    terms: Terms | None


def parse_proxy(fields: Fields, *, host: str) -> ProxySpec:
    """Read a proxy; `host` is where to listen when it says only a port, or nothing."""
    if "lease" in fields:
        raise bad_request("a new proxy takes no lease; a toxic does, and an update with enabled=false")
    name, upstream, listen = (fields.text(key) or "" for key in ("name", "upstream", "listen"))
    enabled = fields.flag("enabled") is not False
    for key, value in (("name", name), ("upstream", upstream)):
        if not value:
            raise Refusal(HTTPStatus.BAD_REQUEST, f"missing required field: {key}")
    return ProxySpec(
        name=name,
        upstream=_upstream(upstream),
        listen=_listen(listen, host=host),
        enabled=enabled,
        observe=fields.flag("observe"),
        toxics=_toxics(fields.each("toxics") or []),
    )


def parse_proxy_list(entries: list[Fields], *, host: str) -> list[ProxySpec]:
    """Read the proxies of a `/populate` body; names what is missing by the number of the entry, from 1."""
    for number, fields in enumerate(entries, start=1):
        for name in ("name", "upstream"):
            if not fields.text(name):
                raise Refusal(HTTPStatus.BAD_REQUEST, f"missing required field: {name} at proxy {number}")
    return [parse_proxy(fields, host=host) for fields in entries]


def parse_proxy_change(fields: Fields, *, host: str) -> ProxyChange:
    """Read an update of a proxy. An empty `listen` asks for a free port, an empty `upstream` for nothing."""
    fields.text("name")  # cannot be changed and is ignored, but must be readable
    listen, upstream = fields.text("listen"), fields.text("upstream")
    change = ProxyChange(
        listen=None if listen is None else _new_listen(listen, host=host),
        upstream=_upstream(upstream) if upstream else None,
        enabled=fields.flag("enabled"),
        observe=fields.flag("observe"),
        terms=parse_terms(fields),
    )
    if change.terms is not None and change.enabled is not False:
        raise bad_request("a lease on a proxy needs enabled=false beside it")
    return change


def parse_toxic(fields: Fields, taken: Container[str]) -> LeasedToxic:
    """Read a toxic to create; `taken` are the names the proxy already uses.

    Checked in Toxiproxy's order: stream, type, name, attributes.
    """
    asked = fields.text("stream")
    stream_text = Stream.DOWNSTREAM.value if asked is None else asked
    stream = _stream(stream_text)
    kind = fields.text("type") or ""
    if kind not in KINDS:
        raise Refusal(HTTPStatus.BAD_REQUEST, "invalid toxic type")
    name = fields.text("name") or f"{kind}_{stream_text}"
    if name in taken:
        raise Refusal(HTTPStatus.CONFLICT, "toxic already exists")
    if stream not in KINDS[kind].streams:
        raise bad_request(f"{kind} acts on answers; stream downstream is needed")
    toxicity = _toxicity(fields)
    spec = ToxicSpec(
        name=name,
        stream=stream,
        stream_text=stream_text,
        toxicity=1.0 if toxicity is None else toxicity,
        settings=_settings(KINDS[kind](), fields.inner("attributes") or Fields({})),
    )
    return LeasedToxic(spec, parse_terms(fields))


def parse_toxic_change(fields: Fields, present: ToxicSpec) -> LeasedToxic:
    """Read an update: attributes are merged key by key; name, type and stream cannot change and are ignored."""
    toxicity = _toxicity(fields)
    changed = dataclasses.replace(
        present,
        toxicity=present.toxicity if toxicity is None else toxicity,
        settings=_settings(present.settings, fields.inner("attributes") or Fields({})),
    )
    return LeasedToxic(changed, parse_terms(fields))


def parse_terms(fields: Fields) -> Terms | None:
    """Read the lease of a body, if it has one."""
    lease = fields.inner("lease")
    if lease is None:
        return None
    holder, ttl_s = lease.text("holder"), parse_ttl_s(lease)
    if not holder or ttl_s is None:
        raise bad_request('a lease needs a holder and a ttl_s, like {"holder": "run-1", "ttl_s": 5}')
    return Terms(holder, ttl_s)


def parse_ttl_s(fields: Fields) -> float | None:
    """Read how long a lease lives without renewal."""
    ttl_s = fields.number("ttl_s")
    if ttl_s is not None and not 0 < ttl_s <= _LONGEST_TTL_S:
        raise bad_request(f"ttl_s is {ttl_s:g}; more than 0 and at most {_LONGEST_TTL_S:g} is needed")
    return ttl_s


def attributes_of(settings: Settings) -> dict[str, Any]:
    """The attributes as Toxiproxy writes them."""
    wires = [(field.name, field.metadata["wire"]) for field in dataclasses.fields(settings)]
    return {wire.name: wire.show(getattr(settings, name)) for name, wire in wires}


def _toxics(entries: list[Fields]) -> tuple[LeasedToxic, ...]:
    if len(entries) > TOXICS_LIMIT:
        raise bad_request(f"toxics has {len(entries)} entries; at most {TOXICS_LIMIT} may act on a proxy")
    found: dict[str, LeasedToxic] = {}
    for fields in entries:
        leased = parse_toxic(fields, found)
        found[leased.toxic.name] = leased
    return tuple(found.values())


def _settings(present: Settings, given: Fields) -> Settings:
    changes: dict[str, Any] = {}
    for field in dataclasses.fields(present):
        wire = field.metadata["wire"]
        asked = wire.read(given, wire.name)
        value = getattr(present, field.name) if asked is None else asked
        wanted = wire.wanted(value)
        if wanted:
            raise bad_request(f"{present.kind} has {wire.name} {quoted(wire.show(value))}; {wanted} is needed")
        changes[field.name] = value
    settings = dataclasses.replace(present, **changes)
    fault = settings.fault()
    if fault is not None:
        raise bad_request(f"{present.kind}: {fault}")
    return settings


def _toxicity(fields: Fields) -> float | None:
    toxicity = fields.number("toxicity")
    if toxicity is not None and not 0 <= toxicity <= 1:
        raise bad_request(f"toxicity is {toxicity:g}; a share of the connections from 0 to 1 is needed")
    return toxicity


def _stream(text: str) -> Stream:
    try:
        return Stream(text.lower())
    except ValueError:
        raise Refusal(HTTPStatus.BAD_REQUEST, "stream was invalid, can be either upstream or downstream") from None


def _listen(text: str, *, host: str) -> Address:
    try:
        return parse_address(text, default_host=host)
    except ValueError as error:
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, f"listen tcp: {error}") from None


def _new_listen(text: str, *, host: str) -> Address:
    """As `_listen`, in the words Toxiproxy has for an update."""
    try:
        return parse_address(text, default_host=host)
    except ValueError as error:
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, str(error)) from None


def _upstream(text: str) -> Address:
    try:
        found = parse_address(text, default_host="localhost")
    except ValueError as error:
        raise bad_request(f"upstream: {error}") from None
    if not found.port:
        raise bad_request(f"upstream: address {text}: nobody can be reached at port 0")
    return found
