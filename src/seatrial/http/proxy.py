"""Which proxy an exchange goes through, and its address as httpx's engine wants it.

A request's own, else the environment's, which is never used for loopback: what is tested there is on this machine.
Reads the environment; must not connect.
"""

from __future__ import annotations

import importlib.util
import urllib.request

from seatrial.exchange import Tls
from seatrial.http.engine import httpcore, httpx
from seatrial.http.failure import Failed
from seatrial.http.names import is_loopback
from seatrial.http.tls import proxy_context
from seatrial.sample import Cause

_SCHEMES = ("http", "https", "socks5", "socks5h")


def proxy_for(scheme: str, host: str, chosen: str | None) -> str | None:
    """The URL of the proxy for this host; None without one. `chosen` is the request's: None environment, "" none."""
    if chosen is not None:
        return chosen or None
    return None if is_loopback(host) else _of_environment(scheme, host)


def proxy_of(url: str, tls: Tls) -> httpcore.Proxy:
    """As the engine wants it; Failed(CONNECT) for what no proxy can be, by name."""
    parts = httpx.URL(url)
    if parts.scheme not in _SCHEMES or not parts.host:
        shown = parts.copy_with(username=None, password=None)
        raise Failed(Cause.CONNECT, f"'{shown}' is no proxy; write http://HOST:PORT, https:// or socks5://")
    if parts.scheme.startswith("socks5") and importlib.util.find_spec("socksio") is None:
        raise Failed(Cause.CONNECT, "a socks5 proxy needs the package 'socksio', which is not installed")
    auth = (parts.username, parts.password) if parts.username else None
    secured = proxy_context(tls) if parts.scheme == "https" else None
    return httpcore.Proxy(_bare(parts), auth=auth, ssl_context=secured)


def is_http(proxy: httpcore.Proxy) -> bool:
    """Whether it is asked in HTTP, by CONNECT; not socks."""
    return proxy.url.scheme in (b"http", b"https")


def _bare(parts: httpx.URL) -> httpcore.URL:
    return httpcore.URL(scheme=parts.raw_scheme, host=parts.raw_host, port=parts.port, target=b"/")


def _of_environment(scheme: str, host: str) -> str | None:
    proxies = urllib.request.getproxies()
    if not proxies or urllib.request.proxy_bypass(host):
        return None
    proxy = proxies.get(scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"
