"""Fetches the values of a realm's secrets from where the realm says: environment, file or command.

The values go into a `Secrets` at once, so that nothing can be shown before it can be masked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from seatrial import template
from seatrial.errors import CannotRun
from seatrial.realm import Realm, SecretKind, SecretSource
from seatrial.redact import MIN_LENGTH, Secrets

COMMAND_TIMEOUT_S = 30.0


def resolve_secrets(realm: Realm, workspace: Path, secrets: Secrets) -> Mapping[str, str]:
    """Every secret's value by name; CannotRun names the first that cannot be had, and where it is asked for."""
    values = {name: _value(source, workspace) for name, source in realm.secrets.items()}
    for name, value in values.items():
        if not secrets.add(name, value):
            where = realm.secrets[name].where
            raise CannotRun(
                f"{where}: the secret '{name}' is shorter than {MIN_LENGTH} characters and cannot be masked; "
                "choose a longer one, or make it a variable"
            )
    return values


def visible_environment(realm: Realm) -> Mapping[str, str]:
    """What templates may read of the environment with `env()`: the names the realm allows, where they are set."""
    return {name: os.environ[name] for name in sorted(realm.allows.environment) if name in os.environ}


def _value(source: SecretSource, workspace: Path) -> str:
    match source.kind:
        case SecretKind.ENV:
            return _from_environment(source)
        case SecretKind.FILE:
            return _from_file(source, workspace)
        case SecretKind.COMMAND:
            return _from_command(source, workspace)


def _from_environment(source: SecretSource) -> str:
    value = os.environ.get(source.source[0])
    if not value:
        raise CannotRun(f"{source.where}: secret '{source.name}': set the environment variable {source.source[0]}")
    return value


def _from_file(source: SecretSource, workspace: Path) -> str:
    path = workspace / source.source[0]
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRun(f"{source.where}: secret '{source.name}': {path} cannot be read: {error}") from None


def _from_command(source: SecretSource, workspace: Path) -> str:
    words = [template.render_text(word, {"python": sys.executable}) for word in source.source]
    try:
        done = subprocess.run(
            words, cwd=workspace, capture_output=True, text=True, timeout=COMMAND_TIMEOUT_S, check=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        # Neither the command's output nor its arguments are shown: they may hold the secret.
        raise CannotRun(
            f"{source.where}: secret '{source.name}': its command failed ({type(error).__name__})"
        ) from None
    return done.stdout.strip()
