"""The embedded proxy: Toxiproxy's API in a process of our own, with leases and an observer.

Room: `chaos/proxy`, a process started by `python -m seatrial.chaos.proxy`; others talk to it by its HTTP API only.
Takes: JSON over HTTP/1.1 (Toxiproxy's routes, and `/leases`, `/exchanges`, `/counters`), TCP connections of callers.
Gives: the same connections to the upstream, changed by toxics; counts and a stream of HTTP/1 exchanges.
May import: the standard library and, where installed, uvloop. It must start fast and it must outlive a mistake in any
other room, so it never imports one.
"""
