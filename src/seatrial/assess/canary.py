"""Reads `--canary URL --share 10%`: a second version of a service, which part of the load's plays goes to.

Takes a plan and the words, gives the plan with its canary, and refuses an address the realm does not permit: what a
realm allows is allowed where its services live, and nowhere else that it does not name.
"""

from __future__ import annotations

import dataclasses
import math
import urllib.parse
from collections.abc import Iterable, Iterator, Mapping

from seatrial import quantity
from seatrial.assess.plan import Plan, beside, rates_per_s
from seatrial.errors import Unreachable, UsageError, did_you_mean
from seatrial.realm import Realm, refuse
from seatrial.runtime.up import reachable
from seatrial.sample import BASE, CANARY
from seatrial.scenarios.load.order import Canary
from seatrial.scenarios.load.profile import StopWhen
from seatrial.scenarios.model import every_step
from seatrial.slo.comparison import NOT_CONTRADICTED_MIN_REQUESTS
from seatrial.slo.forecast import blocks_s

DEFAULT_SHARE = "10%"
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def with_canary(plan: Plan, words: Iterable[str], share: str | None) -> Plan:
    """The plan with the canary of the command line; as it is where there is none.

    UsageError for what is not one, Refused for an address the realm does not permit.
    """
    listed = tuple(words)
    if not listed:
        if share is not None:
            raise UsageError("--share says how much a canary gets; add --canary URL, or leave it out")
        return plan
    if plan.profile is None:
        raise UsageError(f"{plan.gate.where}: a canary is compared under load, and gate '{plan.gate.name}' has none")
    if plan.experiments:
        hint = "take a gate without `chaos` (--gate NAME)"
        raise UsageError(f"{plan.gate.where}: a canary is compared without faults, and this gate has some; {hint}")
    if plan.profile.probes:
        problem = f"profile '{plan.profile.name}' is a breakpoint search, which ends in overload"
        raise UsageError(f"{plan.gate.where}: a canary is compared under a load that holds, and {problem}")
    addresses = dict(_address(word, plan) for word in listed)
    for service, address in addresses.items():
        permit_canary(plan.realm, service, address)
    # Its other objectives may be decided long before the canary has had enough requests.
    profile = dataclasses.replace(plan.profile, stop_when=StopWhen.NEVER)
    canary = Canary(addresses, _share_ratio(share or DEFAULT_SHARE))
    return beside(dataclasses.replace(plan, profile=profile), canary)


def permit_canary(realm: Realm, service: str, address: str) -> None:
    """Raise Refused unless the address is on the host of that service in the realm, or under `allows: canaries`."""
    url = realm.places[service].url
    home = _host(url) if url else "127.0.0.1"
    if _host(address) == home or _origin(address) in map(_origin, realm.allows.canaries):
        return
    raise refuse(realm, f"a canary of '{service}' at {address}", f"canaries: [{_shown_origin(address)}]")


def require_canary(canary: Canary) -> None:
    """Unreachable when nothing accepts a connection there: it would only show that a canary is not there."""
    for service, address in canary.addresses.items():
        if not reachable(address):
            raise Unreachable(f"--canary: nothing accepts a connection at {address}, the canary of '{service}'")


def _address(word: str, plan: Plan) -> tuple[str, str]:
    """Of `SERVICE=URL`, or of a URL alone where the load asks a single service."""
    service, sign, address = word.partition("=")
    if not sign or "://" in service:
        service, address = _only_service(plan), word
    if service not in plan.realm.places:
        hint = did_you_mean(service, plan.realm.places)
        raise UsageError(f"--canary: unknown service '{service}' in realm '{plan.realm.name}'; {hint}")
    if service not in _asked(plan):
        raise UsageError(f"--canary: the journeys of profile '{_profile(plan)}' ask nothing of '{service}'")
    if plan.judges_a_part and service not in plan.services:
        hint = f"add --service {service}" if service in plan.documented else "leave --service out"
        raise UsageError(f"--canary: --service leaves '{service}' out, so its canary would not be judged; {hint}")
    return service, _checked(address)


def _checked(address: str) -> str:
    """The address, if it is one; what stands before an `@` may be a password, and is never shown."""
    try:
        parts = urllib.parse.urlsplit(address)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and not (parts.query or parts.fragment)
        fine = fine and parts.port != 0
        names_user = "@" in parts.netloc
    except ValueError:
        fine = names_user = False
    shown = address.rpartition("@")[2]
    if not fine:
        raise UsageError(f"--canary: '{shown}' is not an address; write it as https://canary.example.com")
    if names_user:
        hint = "run.json would keep it in clear; let the journeys send what it takes, from the realm's secrets"
        raise UsageError(f"--canary: the address of {shown} holds a user or password; {hint}")
    return address.rstrip("/")


def _only_service(plan: Plan) -> str:
    asked = sorted(_asked(plan) & plan.realm.places.keys())
    if len(asked) != 1:
        raise UsageError(f"--canary: which of {', '.join(asked)} is it? write SERVICE=URL")
    return asked[0]


def _asked(plan: Plan) -> set[str]:
    scenarios = plan.mix.scenarios if plan.mix else ()
    return {step.service for scenario in scenarios for step in every_step(scenario)}


def _profile(plan: Plan) -> str:
    return plan.profile.name if plan.profile else ""


def _share_ratio(share: str) -> float:
    try:
        ratio = quantity.ratio(share)
    except ValueError as error:
        raise UsageError(f"--share: {error}") from None
    if not 0.0 < ratio < 1.0:
        raise UsageError(f"--share: of {share} nothing is left to compare; write more than 0% and less than 100%")
    return ratio


def _host(address: str) -> str:
    host = urllib.parse.urlsplit(address).hostname or ""
    return "127.0.0.1" if host in _LOOPBACK else host


def _origin(address: str) -> tuple[str, str, int | None]:
    parts = urllib.parse.urlsplit(address)
    return parts.scheme, _host(address), parts.port or {"http": 80, "https": 443}.get(parts.scheme)


def _shown_origin(address: str) -> str:
    parts = urllib.parse.urlsplit(address)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def outlook(canary: Canary, plan: Plan, *, hold_s: float) -> Iterator[str]:
    """For each service whether its smaller side will have enough requests in such a hold, and what would do."""
    share, rates = min(canary.share_ratio, 1 - canary.share_ratio), rates_per_s(plan)
    side = CANARY if canary.share_ratio <= 0.5 else BASE
    yield "objectives, above, count the requests of base and canary together; a canary's comparison each side's own"
    for service in canary.addresses:
        per_s = share * sum(rate for (name, _, _), rate in rates.items() if name == service)
        if not per_s:  # a closed model's rate shows under way
            continue
        needs = f"canary of {service}: MET needs {NOT_CONTRADICTED_MIN_REQUESTS:,} requests or more of each side"
        wanted_s = max(blocks_s(per_s), math.ceil(round(NOT_CONTRADICTED_MIN_REQUESTS / per_s, 6)))
        takes = (
            f"{needs}; for the {side} side {quantity.show_duration(wanted_s)} of hold at {quantity.show_rate(per_s)}"
        )
        within = quantity.show_duration(hold_s)
        yield takes if wanted_s <= hold_s else f"{takes}: not within {within}; hold longer, or change its share"


def canary_facts(canary: Canary) -> Mapping[str, str]:
    """What a report says of it: by service, its address and share."""
    return {
        service: f"{address}, {quantity.show_ratio(canary.share_ratio)} of the plays"
        for service, address in canary.addresses.items()
    }
