"""Which faults of an experiment struck nothing: as their proxy counted, or as far as the calls seen there prove it.

Takes calls, the faults as they were, and the method they were injected by; gives a sentence. Where the proxy did not
count, headers of requests are not known, and a fault that looks for some is only said to have missed where its route
and method did. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatrial.chaos.model import Down, EdgeFault, Fault, HttpSettings, Injection, Selection
from seatrial.chaos.proxy.toxics.http_toxic import is_on
from seatrial.chaos.seen import traffic
from seatrial.quantity import counted, show_ratio
from seatrial.sample import EdgeCall, FaultWindow

_SWITCHES = 101


def struck_nothing(calls: Sequence[EdgeCall], windows: Sequence[FaultWindow], method: Sequence[Injection]) -> str:
    """Which faults cannot have struck anything, why, and what to do; empty where each may have.

    Of a fault that was not counted nothing is said without calls: then nobody watched the proxies.
    """
    return "; ".join(filter(None, (_said(fault, window, calls) for fault, window in _acted(windows, method))))


def _acted(windows: Sequence[FaultWindow], method: Sequence[Injection]) -> Iterator[tuple[EdgeFault, FaultWindow]]:
    """Faults on edges with when they were on: those of one kind and target began in the order of the method."""
    left = sorted(windows, key=lambda window: window.started_at)
    for injection in sorted(method, key=lambda injection: injection.at_s):
        own = next((window for window in left if _is_of(window, injection.fault)), None)
        if own is None:
            continue
        left.remove(own)
        if isinstance(injection.fault, EdgeFault):
            yield injection.fault, own


def _is_of(window: FaultWindow, fault: Fault) -> bool:
    return (window.kind, window.target) == (fault.kind, fault.target)


def _said(fault: EdgeFault, window: FaultWindow, calls: Sequence[EdgeCall]) -> str:
    on_edge = traffic.on_edge(calls, fault.edge)
    begun = [call for call in on_edge if _is_before_end(call, window) and window.started_at <= call.started_at]
    if window.matched is not None and window.hit is not None:
        return "" if window.hit else _said_as_counted(fault, window.matched, len(begun))
    if not calls:
        return ""
    if not isinstance(fault.settings, HttpSettings):
        return _said_of_connections(fault, window, on_edge)
    return _said_of_exchanges(fault, fault.settings.selection, begun)


def _said_as_counted(fault: EdgeFault, matched: int, begun: int) -> str:
    """Of a fault that hit nothing; `matched` as its proxy counted, `begun` the calls that were recorded under it."""
    if not isinstance(fault.settings, HttpSettings):
        return _unconnected(fault, matched)
    selection, story = fault.settings.selection, _struck_none(fault, max(begun, matched), "call")
    if matched:
        return story + _unlucky(selection, f"{matched} that matched")
    if begun and selection.looks_for:
        return story + _mismatched(selection)
    if begun and fault.toxicity < 1:
        return f"{story}its toxicity of {show_ratio(fault.toxicity)} chose no connection; raise it"
    if begun:
        return f"{story}no request came that its proxy could read as HTTP/1; send some while it is on"
    return _uncalled(fault)


def _unconnected(fault: EdgeFault, matched: int) -> str:
    if not matched:
        story = f"no connection was open on {fault.edge} while the {fault.kind} was on, so it struck nothing"
        return f"{story}; send requests that lead there"
    chosen = f"its toxicity of {show_ratio(fault.toxicity)} chose none, or " if fault.toxicity < 1 else ""
    story = _struck_none(fault, matched, "connection")
    return f"{story}{chosen}nothing was said there that it acts on; send requests that lead there"


def _struck_none(fault: EdgeFault, among: int, of: str) -> str:
    return f"the {fault.kind} struck none of {counted(among, of)} on {fault.edge}: "


def _said_of_connections(fault: EdgeFault, window: FaultWindow, on_edge: Sequence[EdgeCall]) -> str:
    """Calls prove it only where the edge speaks HTTP/1 alone, and where the proxy still listened."""
    if isinstance(fault.settings, Down) or not on_edge or any(call.status == _SWITCHES for call in on_edge):
        return ""
    if any(_is_before_end(call, window) and traffic.ended_at(call) > window.started_at for call in on_edge):
        return ""
    return _uncalled(fault)


def _said_of_exchanges(fault: EdgeFault, selection: Selection, begun: Sequence[EdgeCall]) -> str:
    if not begun:
        return _uncalled(fault)
    matched = sum(is_on(call.method, call.path, route=selection.route, only=selection.method) for call in begun)
    if _most_struck(selection, matched):
        return ""
    told = _unlucky(selection, f"{matched} that may match") if matched else _mismatched(selection)
    return _struck_none(fault, len(begun), "call") + told


def _unlucky(selection: Selection, matched: str) -> str:
    return f"with {selection.text} it was the turn of none of the {matched}; correct that, or send more"


def _mismatched(selection: Selection) -> str:
    said = " and ".join(f"{key} {value}" for key, value in selection.looks_for.items())
    return f"its {said} matched none; correct the {' and '.join(selection.looks_for)}, or send such requests"


def _uncalled(fault: EdgeFault) -> str:
    story = f"no call was seen on {fault.edge} while the {fault.kind} was on, so it struck nothing"
    return f"{story}; send requests that lead there"


def _most_struck(selection: Selection, matched: int) -> int:
    """How many of the requests that match may have been hit at the most."""
    if not selection.probability:
        return 0
    first = matched if selection.first is None else min(matched, selection.first)
    return first // (selection.every or 1)


def _is_before_end(call: EdgeCall, window: FaultWindow) -> bool:
    return window.ended_at is None or call.started_at < window.ended_at
