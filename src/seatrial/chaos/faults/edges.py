"""Which proxy stands on an edge: the one the realm names, at whatever server, or the one `up` put there."""

from __future__ import annotations

from seatrial.chaos.faults.injectable import Site
from seatrial.errors import CannotRun
from seatrial.realm import RuntimeKind
from seatrial.service import Edge


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
