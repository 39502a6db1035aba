"""`seatrial check` takes the options of `.hurl` files by the names Hurl gives them, from their one list.

`with_hurl_options` gives a command of typer's these options beside its own; what of them was given comes to it as one
mapping.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Annotated, Any

import typer

from seatrial.scenarios.hurl.option_names import HURL_OPTIONS, OptionSpec, Takes

HURL = "hurl"
_TYPES: dict[Takes, Any] = {Takes.NOTHING: bool, Takes.ONE: str | None, Takes.MANY: list[str] | None}
_DEFAULTS: dict[Takes, Any] = {Takes.NOTHING: False, Takes.ONE: None, Takes.MANY: None}


def with_hurl_options(command: Callable[..., None]) -> Callable[..., None]:
    """The command with Hurl's options; its parameter `hurl` is given those that were used, by name without dashes."""
    own = [
        parameter
        for parameter in inspect.signature(command, eval_str=True).parameters.values()
        if parameter.name != HURL
    ]
    added = {_parameter_name(spec): spec for spec in HURL_OPTIONS}

    @functools.wraps(command)
    def widened(**words: Any) -> None:
        given = {spec.name: words.pop(name) for name, spec in added.items()}
        command(**words, **{HURL: {name: value for name, value in given.items() if value}})

    parameters = [*own, *(_parameter(name, spec) for name, spec in added.items())]
    widened.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    widened.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return widened


def _parameter(name: str, spec: OptionSpec) -> inspect.Parameter:
    option = typer.Option(f"--{spec.name}", metavar=spec.metavar or None, help=f".hurl: {spec.help}.")
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=_DEFAULTS[spec.takes],
        annotation=Annotated[_TYPES[spec.takes], option],
    )


def _parameter_name(spec: OptionSpec) -> str:
    return "hurl_" + spec.name.replace("-", "_").replace(".", "_")
