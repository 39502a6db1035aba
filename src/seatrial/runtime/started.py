"""With what the services of a realm that is up were started, in words: a defect that was asked for days ago, or by a
command that was killed, is still in them.

Takes a realm and the variables of its state, gives a sentence. May import the floor and `resolve`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from seatrial import template
from seatrial.errors import SeatrialError
from seatrial.realm import Realm
from seatrial.redact import Secrets
from seatrial.runtime.resolve import resolve_secrets


def tell_started_with(realm: Realm, workspace: Path, running: Mapping[str, Any], overrides: Mapping[str, Any]) -> str:
    """Which variables its services have, `running`, that are neither as `overrides` ask for nor, where these say
    nothing, the realm's own; empty where there are none. Secrets are masked."""
    wanted = {**realm.variables, **overrides}
    others = {
        name: template.to_text(value)
        for name, value in running.items()
        if template.to_text(wanted.get(name)) != template.to_text(value)
    }
    if not others:
        return ""
    return (
        f"realm '{realm.name}' is up, and its services were started with {_shown(realm, workspace, others)}; "
        f"to start them otherwise: seatrial down --realm {realm.name}"
    )


def _shown(realm: Realm, workspace: Path, values: Mapping[str, str]) -> str:
    """By name alone where nobody can say what is secret."""
    secrets = Secrets()
    try:
        resolve_secrets(realm, workspace, secrets)
    except SeatrialError:
        return f"another {', '.join(values)}"
    return ", ".join(secrets.redact(f"{name}={value}") for name, value in values.items())
