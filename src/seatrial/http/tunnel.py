"""A way through a proxy without TLS inside, as a WebSocket wants one (RFC 6455, section 4.1).

httpx's engine tunnels for https alone and has a proxy repeat the requests of plain HTTP, upgrades included, which few
proxies do. Not for socks, which tunnels everything.
"""

from __future__ import annotations

from seatrial.http.engine import httpcore
from seatrial.http.line import Line


class PlainTunnel(httpcore.ConnectionInterface):
    """One connection for one exchange: after a WebSocket nothing else goes over it."""

    def __init__(self, proxy: httpcore.Proxy, origin: httpcore.Origin, line: Line) -> None:
        self._proxy = proxy
        self._origin = origin
        self._line = line

    def handle_request(self, request: httpcore.Request) -> httpcore.Response:
        """Have the proxy connect, then send the request; ProxyError when it does not."""
        outer = httpcore.HTTPConnection(
            self._proxy.url.origin, ssl_context=self._proxy.ssl_context, network_backend=self._line
        )
        answer = outer.handle_request(self._asking())
        if not 200 <= answer.status <= 299:
            reason = answer.extensions["reason_phrase"].decode("latin-1")
            raise httpcore.ProxyError(f"{answer.status} {reason}".strip())
        self._line.progress.note_tunnelled()
        inner = httpcore.HTTP11Connection(self._origin, stream=answer.extensions["network_stream"])
        return inner.handle_request(request)

    def close(self) -> None:
        """Close the line."""
        self._line.close()

    def has_expired(self) -> bool:
        """It is never kept."""
        return True

    def is_idle(self) -> bool:
        """It is never kept."""
        return False

    def _asking(self) -> httpcore.Request:
        authority = b"%b:%d" % (self._origin.host, self._origin.port)
        proxy = self._proxy.url
        url = httpcore.URL(scheme=proxy.scheme, host=proxy.host, port=proxy.port, target=authority)
        return httpcore.Request("CONNECT", url, headers=[(b"Host", authority), *self._proxy.headers])
