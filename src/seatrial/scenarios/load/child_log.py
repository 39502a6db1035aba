"""What a process of the load says: its log on stderr, masked, and the few lines its parent tells the user.

May import the floor. Must never let a secret through, nor a line of its own between journal lines.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping

from seatrial.errors import SeatrialError
from seatrial.redact import Secrets

log = logging.getLogger("seatrial.load")


class _Masked(logging.Formatter):
    """Log lines without secrets."""

    def __init__(self, who: str, secrets: Secrets) -> None:
        super().__init__(f"%(asctime)s {who}%(levelname)s %(name)s: %(message)s")
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        """The line, tracebacks included, with every secret masked."""
        return self._secrets.redact(super().format(record))


def log_to_stderr(who: str = "") -> Secrets:
    """Log through a mask, each line naming who says it where there are several; the secrets it masks."""
    secrets = Secrets()
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Masked(who and f"{who} ", secrets))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    logging.getLogger("locust.runners").setLevel(logging.WARNING)  # what its news mean, we say ourselves
    return secrets


def keep_secret(secrets: Secrets, values: Mapping[str, str]) -> None:
    """Mask these values from now on."""
    for name, value in values.items():
        secrets.add(name, value)


def tell_defect(defect: BaseException) -> None:
    """What ended the load: a sentence where the user can do something about it, else the traceback."""
    if isinstance(defect, SeatrialError):
        log.error("%s", defect)
    else:
        log.error("a defect of the generator", exc_info=defect)
