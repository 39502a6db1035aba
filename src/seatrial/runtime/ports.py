"""Ports of the loopback for what is started here, chosen so that they are still free when it binds them."""

from __future__ import annotations

import errno
import itertools
import random
import socket

# Below those a system gives to whoever asks for any, an outgoing connection for one (Linux: 32768 to 60999; macOS,
# Windows and IANA: from 49152): nobody is given one of them in between.
_CANDIDATES = range(20_000, 32_000)
_turns = itertools.count(random.SystemRandom().randrange(len(_CANDIDATES)))


def free_ports(count: int) -> list[int]:
    """So many ports that nobody listens on now, others at every call; OSError when there are not as many."""
    candidates = (_CANDIDATES[turn % len(_CANDIDATES)] for turn in itertools.islice(_turns, len(_CANDIDATES)))
    found = list(itertools.islice(filter(is_free, candidates), count))
    if len(found) < count:
        raise OSError(f"only {len(found)} of {count} ports of 127.0.0.1 are free from {_CANDIDATES[0]} on")
    return found


def is_free(port: int) -> bool:
    """Whether nobody listens on that port of 127.0.0.1."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        return error.errno != errno.EADDRINUSE  # one we may not bind may be the service's to bind, which then says so
    return True
