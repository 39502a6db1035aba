"""Which httpx carries the exchanges: `httpx`, or `httpx2`, its continuation with the same API.

The door's only place that imports them. `SEATRIAL_HTTPX=httpx2` in the environment chooses the other; the engine
below comes along (`httpcore`, `httpcore2`). Takes nothing, gives the two modules.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
from collections.abc import Iterator
from types import ModuleType
from typing import TYPE_CHECKING

from seatrial.errors import ToolMissing, UsageError

CHOICE = "SEATRIAL_HTTPX"
_ENGINES = {"httpx": "httpcore", "httpx2": "httpcore2"}


def load(name: str) -> tuple[ModuleType, ModuleType]:
    """The httpx of that name and its httpcore; UsageError when it is neither, ToolMissing when not installed."""
    if name not in _ENGINES:
        raise UsageError(f"{CHOICE}={name}: there is no such httpx; write {' or '.join(_ENGINES)}")
    try:
        with _without(f"{name}._main", "h2"):
            return importlib.import_module(name), importlib.import_module(_ENGINES[name])
    except ModuleNotFoundError as error:
        raise ToolMissing(f"{CHOICE}={name}: '{error.name}' is not installed; pip install {name}") from None


@contextlib.contextmanager
def _without(*modules: str) -> Iterator[None]:
    """Let httpx be imported as where its extras `cli` and `http2` are not installed.

    `import httpx` imports its command line, and with it click, rich and pygments, wherever these happen to be there,
    and h2 likewise: half of its time, for a command nobody calls and a protocol few requests ask for. A None in
    `sys.modules` is Python's own way of saying that a module cannot be imported; httpx then does without, and imports
    h2 with the first HTTP/2 connection. The Nones are taken away again at once.
    """
    hidden = [module for module in modules if module not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # what the import system documents
    try:
        yield
    finally:
        for module in hidden:
            del sys.modules[module]


if TYPE_CHECKING:
    import httpcore as httpcore  # told to mypy as ours to give
    import httpx as httpx
else:
    httpx, httpcore = load(os.environ.get(CHOICE) or "httpx")
