"""The demo bank whose services wait longer for one another: what it does is the same, also on a machine that is slow.

A program, too: one service of that bank, with the arguments of `python -m seatrial.demo`.
"""

import sys
from dataclasses import replace

from seatrial.demo import edges

TIMES = 5
"""How many times longer than the bank as it is."""


def patient_edges():
    """The edges, with longer timeouts."""
    return tuple(replace(edge, timeout_s=TIMES * edge.timeout_s) for edge in edges.EDGES)


def patient_limits_s():
    """How long each service works on a request."""
    return {name: TIMES * limit_s for name, limit_s in edges.REQUEST_LIMIT_S.items()}


if __name__ == "__main__":
    from seatrial.demo.__main__ import main

    edges.EDGES = patient_edges()
    edges.REQUEST_LIMIT_S.update(patient_limits_s())
    sys.exit(main(sys.argv[1:]))
