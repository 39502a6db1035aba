"""``python -m seatrial.demo SERVICE``: one service of the demo bank, in the foreground."""

import os
import sys

from seatrial.demo import SERVICES


def main(arguments: list[str]) -> int:
    """Exit status: 0 stopped when told to, 2 for a wrong argument or environment."""
    if len(arguments) != 1 or arguments[0] not in SERVICES:
        sys.stderr.write(f"usage: python -m seatrial.demo {{{','.join(SERVICES)}}}\n")
        return 2
    from seatrial.demo.settings import read_settings

    try:
        settings = read_settings(arguments[0], os.environ)
    except ValueError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    from seatrial.demo.serve import serve  # loads uvicorn and httpx

    serve(settings)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
