"""Both ends of a connection through the proxy, played by the test byte by byte."""

from __future__ import annotations

import re

import pytest

GET = b"GET /cards/7 HTTP/1.1\r\nHost: x\r\n\r\n"
POST = b"POST /cards HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\n\r\nbody"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Wire:
    """A caller and a callee whose sockets the test plays, with the proxy between them."""

    def __init__(self, proxy, caller, upstream):
        self.proxy, self.caller, self.callee = proxy, caller, upstream.accept()
        self._unread = b""

    def add(self, kind, **attributes):
        fields = {each: attributes.pop(each) for each in ("name", "stream", "toxicity") if each in attributes}
        answer = self.proxy.ask("POST", "/toxics", {"type": kind, "attributes": attributes} | fields)
        assert answer.status_code == 200, answer.text
        return answer.json()["name"]

    def ask(self, request):
        self.caller.sendall(request)

    def arrives(self, expected):
        """The callee reads exactly this."""
        found = b""
        while len(found) < len(expected) and (more := self.callee.recv(len(expected) - len(found))):
            found += more
        assert found == expected

    def answered(self, *, to="GET"):
        """The next answer the caller gets: status, headers in lower case, body by its Content-Length."""
        while b"\r\n\r\n" not in self._unread:
            more = self.caller.recv(65_536)
            assert more, f"the connection ended after {self._unread!r}"
            self._unread += more
        head, _, self._unread = self._unread.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        size = 0 if to == "HEAD" else int(headers.get("content-length", 0))
        while len(self._unread) < size:
            self._unread += self.caller.recv(65_536)
        body, self._unread = self._unread[:size], self._unread[size:]
        return int(first.split()[1]), headers, body

    def nothing_arrives(self, for_s=0.2):
        self.callee.settimeout(for_s)
        with pytest.raises(TimeoutError):
            self.callee.recv(1)
        self.callee.settimeout(20)


def ends_of(wire):
    page = wire.proxy.server.ask("GET", "/exchanges?limit=10000").json()
    mine = [each for each in page["exchanges"] if each["edge"] == wire.proxy.name and each["event"] == "end"]
    return mine[-3:]


def line(method, path, *headers):
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: x", *headers, "", ""]).encode()


def is_whole(answer):
    head, end, body = answer.partition(b"\r\n\r\n")
    size = re.search(rb"Content-Length: (\d+)", head)
    return end and len(body) == (int(size[1]) if size else 0)


class Series:
    """Sends requests over fresh connections to an upstream that always answers, and tells which got an error."""

    def __init__(self, proxy, dial):
        self._proxy, self._dial = proxy, dial

    def statuses(self, requests, *, connections=1):
        found = []
        for part in range(connections):
            with self._dial(self._proxy) as caller:
                for request in requests[part::connections]:
                    caller.sendall(request)
                    answer = b""
                    while not is_whole(answer):
                        answer += caller.recv(65_536)
                    found.append(int(answer.split()[1]))
        return found
