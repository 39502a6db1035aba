"""A real HAProxy before replicas, and customers who come through it and count what they lose."""

from __future__ import annotations

import contextlib
import csv
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from containers import wait_for

from ports import free_port
from real_parts import find_server
from seatrial import http
from seatrial.exchange import Response

CUSTOMERS = 6
PATIENCE_S = 30.0
# A replica that goes says so first (readyz), so it is asked often, and left at its first refusal. What is tried
# again, at another replica, is only what was never sent: `conn-failure`. One that is merely late, on a busy machine,
# is not left: without `timeout check` it would have `inter` to answer.
CONFIGURATION = """\
defaults
  mode http
  timeout connect 2s
  timeout client 30s
  timeout server 30s
  timeout check 30s
  option http-server-close
  retries 3
  option redispatch 1
  retry-on conn-failure
frontend customers
  bind 127.0.0.1:{front}
  default_backend replicas
backend replicas
  balance leastconn
  option httpchk GET /readyz
  http-check expect status 200
  default-server check inter 100ms fall 1 rise 1
{servers}
frontend looks
  bind 127.0.0.1:{looks}
  stats enable
  stats uri /
"""


@dataclass(frozen=True)
class HAProxy:
    """A running one: where customers come in, and where it tells of its servers."""

    front: int
    looks: int
    log: Path

    def states(self) -> dict[str, str]:
        """How each replica is, in its words: UP, DOWN."""
        answer = http.get(f"http://127.0.0.1:{self.looks}/;csv", timeout_s=PATIENCE_S)
        if not isinstance(answer, Response):
            return {}
        rows = csv.DictReader(answer.body.decode().removeprefix("# ").splitlines())
        return {row["svname"]: row["status"] for row in rows if row["svname"].startswith("replica")}

    def wait_all_up(self) -> None:
        """Return as soon as it sends requests to every replica."""
        wait_for(lambda: set(self.states().values()) == {"UP"}, self.log.read_text)


@contextlib.contextmanager
def haproxy_before(replicas: Mapping[str, str], folder: Path) -> Iterator[HAProxy]:
    """HAProxy before replicas at those addresses (host:port), while they are all up."""
    proxy = HAProxy(free_port(), free_port(), folder / "haproxy.log")
    servers = "\n".join(f"  server replica-{name} {address}" for name, address in replicas.items())
    file = folder / "haproxy.cfg"
    file.write_text(CONFIGURATION.format(front=proxy.front, looks=proxy.looks, servers=servers))
    with (
        proxy.log.open("wb") as said,
        subprocess.Popen([str(find_server("haproxy")), "-db", "-f", str(file)], stdout=said, stderr=said) as running,
    ):
        try:
            proxy.wait_all_up()
            yield proxy
        finally:
            running.kill()


@dataclass
class Counted:
    """What customers were answered: so many whole answers with 200, and all else, each in words."""

    good: int = 0
    lost: list[str] = field(default_factory=list)


@contextlib.contextmanager
def customers(port: int) -> Iterator[Counted]:
    """Some customers who ask one thing after the other, each by a connection of its own; all ended at the end."""
    counted, over = Counted(), threading.Event()

    def ask() -> None:
        while not over.is_set():
            answer = http.get(f"http://127.0.0.1:{port}/merchants", timeout_s=PATIENCE_S)
            if isinstance(answer, Response) and answer.status == 200:
                counted.good += 1
            else:
                counted.lost.append(str(answer.status) if isinstance(answer, Response) else str(answer.cause))

    threads = [threading.Thread(target=ask) for _ in range(CUSTOMERS)]
    for thread in threads:
        thread.start()
    try:
        yield counted
    finally:
        over.set()
        for thread in threads:
            thread.join()
