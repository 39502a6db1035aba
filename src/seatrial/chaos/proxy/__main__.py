"""`python -m seatrial.chaos.proxy`: the command line of the proxy process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from seatrial.chaos.proxy.process import LoopKind, Options, run


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 5 and int(text) <= 65_535):
        raise argparse.ArgumentTypeError(f"{text!r} is no port; 0 to 65535 is needed")
    return int(text)


def _options(arguments: list[str]) -> Options:
    parser = argparse.ArgumentParser(
        prog="python -m seatrial.chaos.proxy",
        description="A TCP proxy that injects faults, with Toxiproxy's HTTP API, leases and an observer.",
    )
    parser.add_argument("--host", default="127.0.0.1", help="where the API and proxies listen (%(default)s)")
    parser.add_argument("--port", type=_port, default=0, help="the API's port; 0 takes a free one (%(default)s)")
    parser.add_argument("--config", type=Path, help="a JSON file of proxies to make, as for /populate")
    parser.add_argument("--seed", help="makes every chance the same in every run; a random one unless given")
    parser.add_argument(
        "--loop",
        type=LoopKind,
        choices=list(LoopKind),
        metavar="{auto,asyncio,uvloop}",
        default=LoopKind.AUTO,
        help="the event loop; auto takes uvloop where it is installed",
    )
    parser.add_argument(
        "--observe", action="store_true", help="proxies read HTTP/1 unless told otherwise: exchanges, counts by route"
    )
    return Options(**vars(parser.parse_args(arguments)))


if __name__ == "__main__":
    sys.exit(run(_options(sys.argv[1:])))
