"""``python -m seatrial.demo SERVICE``: one service of the demo bank, in the foreground.

``python -m seatrial.demo password`` prints what its customers log in with, so that no file has to hold it.
"""

import os
import sys

from seatrial.demo import SERVICES

PASSWORD = "password"  # noqa: S105 - a word of the command line


def main(arguments: list[str]) -> int:
    """Exit status: 0 stopped when told to, 2 for a wrong argument or environment."""
    if len(arguments) != 1 or arguments[0] not in (*SERVICES, PASSWORD):
        sys.stderr.write(f"usage: python -m seatrial.demo {{{','.join((*SERVICES, PASSWORD))}}}\n")
        return 2
    from seatrial.demo.settings import DEFAULT_PASSWORD, read_settings

    if arguments[0] == PASSWORD:
        sys.stdout.write(os.environ.get("DEMO_PASSWORD", DEFAULT_PASSWORD) + "\n")
        return 0

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
