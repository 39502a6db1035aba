"""What the start templates of a realm mention, and so which variables its services were started with.

Pure. Takes a `Realm` and variables of the command line. Only what a start template mentions by name is worth
remembering of these: the rest is for journeys, and may hold anything, a secret too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from seatrial import template
from seatrial.errors import UsageError, nearly
from seatrial.realm import Realm, Start

_NEAR = 0.75  # of difflib's ratio: one letter of four is another


def mentions(start: Start, holder: str) -> frozenset[str]:
    """The names X that its command or environment use as `holder.X`."""
    texts = (*start.command, *start.env.values())
    return frozenset(name for text in texts for name in template.references(text, holder))


def start_variables(realm: Realm, overrides: Mapping[str, Any]) -> dict[str, Any]:
    """The variables which a start template mentions, with the values of `overrides` before the realm's own."""
    names = _mentioned(realm)
    return {name: value for name, value in {**realm.variables, **overrides}.items() if name in names}


def nearly_meant(realm: Realm, overrides: Mapping[str, Any]) -> tuple[str, ...]:
    """A sentence for each variable of the command line that no service is started with, and whose name is nearly that
    of one that is: it may be a journey's, or a slip that would leave the services as they are."""
    known = _mentioned(realm)
    others = [name for name in overrides if name not in known and name not in realm.variables]
    return tuple(
        f"--var {name}: no service of realm '{realm.name}' is started with it; {hint}"
        for name in others
        if (hint := nearly(name, known, cutoff=_NEAR))
    )


def require_started_with(realm: Realm, running: Mapping[str, Any], overrides: Mapping[str, Any]) -> None:
    """UsageError when services were started with other values, `running`, than `overrides` ask for.

    Values are not shown: nobody has masked them yet.
    """
    for name, value in start_variables(realm, overrides).items():
        started = name in running and template.to_text(running[name]) == template.to_text(value)
        if name in overrides and not started:
            raise UsageError(
                f"realm '{realm.name}' is up, and its services were started with another '{name}' than is asked for "
                f"now; stop it first: seatrial down --realm {realm.name}"
            )


def _mentioned(realm: Realm) -> frozenset[str]:
    starts = [place.start for place in realm.places.values() if place.start]
    return frozenset[str]().union(*(mentions(start, "vars") for start in starts))
