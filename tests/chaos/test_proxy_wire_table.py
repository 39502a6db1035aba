"""The golden table of bytes on the wire, `proxy_wire_table.txt`: ours on both loops and the original play it."""

from __future__ import annotations

import re
import socket
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

TABLE = Path(__file__).with_name("proxy_wire_table.txt")
PATIENCE_S = 20.0
KINDS = {"latency", "bandwidth", "slow_close", "timeout", "reset_peer", "slicer", "limit_data"}
_FOR_ONE = re.compile(r"(ours|original): ")


@dataclass(frozen=True)
class Row:
    """A title and its steps as they are written."""

    title: str
    steps: tuple[str, ...]

    def steps_of(self, who):
        """The steps of one of the two, without the reasons."""
        for step in self.steps:
            found = _FOR_ONE.match(step)
            if found is None or found[1] == who:
                yield step[found.end() if found else 0 :].partition(" -- ")[0]


def read_table():
    """All rows; the words before the first section are for the reader."""
    blocks = TABLE.read_text(encoding="utf-8").split("\n# ", 1)[1].split("\n\n")[1:]
    rows = (block.strip("\n").split("\n") for block in blocks if not block.lstrip("\n").startswith("# "))
    return [Row(lines[0], tuple(line.strip() for line in lines[1:])) for lines in rows]


ROWS = read_table()


def text_of(words):
    """`x*60000`, or the words themselves."""
    word, star, times = words.partition("*")
    return (word * int(times) if star else words).encode()


def fields_of(words):
    """A toxic's fields from `rate=0 toxicity=1`."""
    given = {name: float(value) for name, value in (word.split("=") for word in words)}
    fields = {"toxicity": given.pop("toxicity")} if "toxicity" in given else {}
    return fields | {"attributes": {name: int(value) for name, value in given.items()}}


@dataclass
class Stage:
    """The proxy, the upstream and the two sockets a row plays with."""

    proxy: object
    upstream: object
    sockets: dict = field(default_factory=dict)
    opened: list = field(default_factory=list)
    acted_s: float = 0.0

    def play(self, step):
        """Do one step; an assertion fails where it does not come out as written."""
        subject, _, rest = step.partition(" ")
        if subject in ("caller", "callee"):
            verb, _, rest = rest.partition(" ")
            getattr(self, f"_{verb}")(subject, rest)
        elif subject == "dial":
            self._dial(rest)
        else:
            self.acted_s = time.monotonic()
            getattr(self, f"_do_{subject}")(*rest.split())

    def close(self):
        for each in self.opened:
            each.close()

    def _do_toxic(self, name, kind, stream, *fields):
        wanted = {"name": name, "type": kind, "stream": stream} | fields_of(fields)
        answer = self.proxy.ask("POST", "/toxics", wanted)
        assert answer.status_code == 200, answer.text

    def _do_update(self, name, *fields):
        assert self.proxy.ask("POST", f"/toxics/{name}", fields_of(fields)).status_code == 200

    def _do_remove(self, name):
        self.proxy.remove(name)

    def _do_reset(self):
        assert self.proxy.server.ask("POST", "/reset").status_code == 204

    def _do_disable(self):
        assert self.proxy.ask("POST", body={"enabled": False}).status_code == 200

    def _do_enable(self):
        assert self.proxy.ask("POST", body={"enabled": True}).status_code == 200

    def _do_upstream(self, what):
        if what == "dies":
            self.upstream.close()
            return
        host = "localhost" if self.proxy.ask("GET").json()["upstream"].startswith("127") else "127.0.0.1"
        assert self.proxy.ask("POST", body={"upstream": f"{host}:{self.upstream.port}"}).status_code == 200

    def _dial(self, how):
        if how == "is refused":
            with pytest.raises(ConnectionRefusedError):
                self._connect()
            return
        self.sockets = {"caller": self._connect()}
        if how != "alone":
            self.sockets["callee"] = self.upstream.accept()

    def _connect(self):
        caller = socket.create_connection(("127.0.0.1", self.proxy.port), timeout=PATIENCE_S)
        self.opened.append(caller)
        return caller

    def _sends(self, side, what):
        self.acted_s = time.monotonic()
        words, one_by_one, _ = what.partition(" one by one")
        for word in words.split() if one_by_one else [what]:
            self.sockets[side].sendall(text_of(word))
            time.sleep(0.005 if one_by_one else 0)

    def _ends(self, side, _):
        self.acted_s = time.monotonic()
        self.sockets[side].shutdown(socket.SHUT_WR)

    def _closes(self, side, _):
        self.acted_s = time.monotonic()
        self.sockets[side].close()

    def _gets(self, side, what):
        words, _, bound = what.partition(" not before ")
        wanted, found = text_of(words), b""
        while len(found) < len(wanted) and (more := self.sockets[side].recv(len(wanted) - len(found))):
            found += more
        assert found == wanted
        self._check_time(bound)

    def _hears(self, side, what):
        assert what == "nothing"
        self.sockets[side].settimeout(0.2)
        with pytest.raises(TimeoutError):
            self.sockets[side].recv(1)
        self.sockets[side].settimeout(PATIENCE_S)

    def _sees(self, side, what):
        wanted, _, bound = what.partition(" not before ")
        try:
            found = "end" if self.sockets[side].recv(1) == b"" else "bytes"
        except ConnectionResetError:
            found = "reset"
        assert found == wanted
        self._check_time(bound)

    def _check_time(self, bound):
        took_ms = (time.monotonic() - self.acted_s) * 1000
        assert took_ms >= float(bound.removesuffix(" ms") or 0)


@pytest.mark.parametrize("row", ROWS, ids=[row.title for row in ROWS])
def test_wire_behaves_as_the_table_says(toxiproxy_server, upstream, request, row):
    who = "original" if "original" in request.node.callspec.id.split("-") else "ours"
    stage = Stage(toxiproxy_server.proxy(upstream.port), upstream)
    try:
        for number, step in enumerate(row.steps_of(who), 1):
            try:
                stage.play(step)
            except (AssertionError, OSError) as problem:
                pytest.fail(f"{row.title}, step {number}, {step}: {type(problem).__name__} {problem}")
    finally:
        stage.close()


def test_table_gives_a_reason_wherever_ours_differs():
    for row in ROWS:
        own = [step for step in row.steps if _FOR_ONE.match(step)]
        assert not own or any(step.startswith("ours:") and " -- " in step for step in own), row.title


def test_table_has_every_toxic_from_the_beginning_and_on_live_connections():
    played = {step.split()[2] for row in ROWS for step in row.steps if step.startswith("toxic ")}
    live = {
        step.split()[2]
        for row in ROWS
        for number, step in enumerate(row.steps)
        if step.startswith("toxic ") and "dial" in row.steps[:number]
    }
    assert played == KINDS == live
